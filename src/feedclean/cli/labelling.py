"""`feedclean label`: joins what is asked (`learning`), where it is asked (`proxy`, or a terminal), and the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import FeedcleanError, SettingsError
from ..types import Label, Question
from .faults import Ending, ExitCode, say

if TYPE_CHECKING:
    from ..cleaning import Judge
    from ..learning.labelling import Session
    from ..proxy.store import Store

__all__ = ["label"]

_PORT = 8421


def label(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE", help="Saved articles or feeds, files made by `corpus add`, folders of both, or -."
        ),
    ] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Ask about what the proxy was unsure of in the feeds that it keeps.")
    ] = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", "-t", help="Ask here instead of in a browser: for SSH.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes any.")] = _PORT,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model that guesses, instead of the shipped one.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings of the proxy, which name its store.", show_default=False),
    ] = None,
) -> None:
    """Say what blocks are, the most informative first.

    Answers go to the store of your proxy, each before the next question, so you can end at any moment and go on later.
    They hold at once, in the proxy and in `feedclean clean`; `feedclean corpus export-labels` makes documents of them
    to train with.
    """
    if not sources and not queue:
        raise SettingsError("nothing to label", where="label", hint="name a SOURCE, or --queue")
    if terminal and "-" in (sources or ()):
        raise SettingsError("standard input is where the answers come from", where="--terminal", hint="name a file")
    from ..learning.labelling import Session
    from ..model_files import load_model
    from .own_store import open_store

    with open_store(config) as store:
        judge = load_model(model)
        questions, known = _of_sources(sources or [], judge)
        if queue:
            questions += _of_queue(store, judge)
        known += [row.text or row.source for row in store.all_labels()]
        session = Session(questions, known, keep=partial(_keep, store), take_back=partial(_take_back, store))
        if session.question is None:
            say("nothing to ask: all of it is labelled, or like what is")
            raise Ending(ExitCode.OK)
        say(f"{len(questions)} block{'' if len(questions) == 1 else 's'}, {session.progress.left} of them unlabelled")
        _ask(session, terminal=terminal, port=port, open_page=open_page)
        done = session.progress.answered
    say(
        f"{done} label{'' if done == 1 else 's'} given; `feedclean corpus export-labels` makes documents of all of them"
    )


def _ask(session: Session, *, terminal: bool, port: int, open_page: bool) -> None:
    if terminal:
        from .label_terminal import ask

        ask(session)
        return
    from ..proxy.label_server import serve_labelling

    def tell(address: str) -> None:
        say(f"open {address} and end with Ctrl-C")
        if open_page:
            import webbrowser

            webbrowser.open(address)

    serve_labelling(session, port, tell)


def _of_sources(arguments: list[str], judge: Judge) -> tuple[list[Question], list[str]]:
    """Questions about files, and texts that have a label there; what is wrong with one is told, and the others read."""
    from ..bulk import Options, clean_many
    from ..learning.documents import holds_documents, read_good
    from ..learning.labelling import labelled_in, questions_of, questions_of_document
    from .finding import find

    labelled: list[Path] = []

    def taken(path: Path) -> bool:
        ours = holds_documents(path)
        labelled.extend([path] * ours)
        return ours

    questions: list[Question] = []
    known: list[str] = []
    for outcome in clean_many(find(arguments, taken=taken), options=Options(model=judge)):
        if outcome.fault is not None or outcome.cleaned is None:
            say(outcome.fault or "not cleaned")
            continue
        origin = outcome.source.url or str(outcome.source.place)
        questions += questions_of(outcome.cleaned, origin, judge.thresholds)
    faults: list[str] = []
    for line in (line for path in labelled for line in read_good(path, faults)):
        if line.document is not None:
            questions += questions_of_document(line.document)
            known += labelled_in(line.document)
    for fault in faults:
        say(f"{fault}; left out")
    return questions, known


def _of_queue(store: Store, judge: Judge) -> Iterator[Question]:
    """Questions about what the model is unsure of in the feeds that the proxy keeps."""
    from ..cleaning import clean
    from ..learning.labelling import questions_of
    from ..proxy.reading import readable

    for state in store.feeds():
        body = store.body(state.url)
        if body is None:
            continue
        try:
            cleaned = clean(readable(body).content, model=judge, url=state.url, where=state.url)
        except FeedcleanError as fault:
            say(f"{fault}; left out")
            continue
        yield from (question for question in questions_of(cleaned, state.url, judge.thresholds) if question.unsure)


def _keep(store: Store, question: Question, given: Label) -> None:
    from ..proxy.block_keys import block_key
    from ..proxy.nouns import LabelRow

    store.label(
        LabelRow(
            block_key(question.text, question.source),
            given.value,
            question.text,
            question.source,
            question.origin,
            time.time(),
            question.item,
            question.title,
            question.language,
        )
    )


def _take_back(store: Store, question: Question) -> None:
    from ..proxy.block_keys import block_key

    store.unlabel(block_key(question.text, question.source))
