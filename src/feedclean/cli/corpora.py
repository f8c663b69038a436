"""`feedclean corpus add`, `merge` and `export-labels`: documents of one's own, in files that are written as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OutputError
from .faults import Ending, ExitCode, say

if TYPE_CHECKING:
    from ..learning.exporting import Said

__all__ = ["add", "export_labels", "merge"]

_Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file of labelled documents.")]


def add(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="Saved articles or feeds, folders of them, or - for standard input."),
    ],
    output: _Output,
    style: Annotated[
        str | None,
        typer.Option(help="What folds group it by; the host it was published at if not given.", show_default=False),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="ISO 639-1, such as en; what it declares if not given.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model that guesses, instead of the shipped one.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where the document was published.", show_default=False)] = None,
) -> None:
    """Add documents to a file of your own, each block with the model's guess.

    A guess is no label: training learns nothing from it until you have said what the block is, with `feedclean label
    FILE`.
    What the file holds already is not added again.
    """
    from ..bulk import Options, clean_many
    from ..learning.documents import holds_documents, read_good
    from ..learning.prelabel import prelabelled
    from .finding import find

    own = output.resolve()

    def taken(path: Path) -> bool:
        if path.resolve() == own:
            return True
        documents = holds_documents(path)
        if documents:
            say(f"{path}: labelled documents already, so not added; `feedclean corpus merge` puts such files together")
        return documents

    before = _content(output)
    faults: list[str] = []
    known = {line.document["id"] for line in read_good(output, faults) if line.document} if before else set[str]()
    _tell(faults, "not a labelled document")
    new: dict[str, Mapping[str, Any]] = {}
    failed = 0
    for outcome in clean_many(find(sources, taken=taken), options=Options(model=model, url=url)):
        if outcome.fault is not None or outcome.cleaned is None:
            failed += 1
            say(outcome.fault or "not cleaned")
            continue
        origin = outcome.source.url or url or str(outcome.source.place)
        for document in prelabelled(outcome.cleaned, origin, style=style, language=language):
            if document["id"] not in known:
                new.setdefault(document["id"], document)
    if new:
        # Half a line at its end stays what it is, and does not spoil the first new one.
        apart = b"" if not before or before.endswith(b"\n") else b"\n"
        _write(output, before + apart + _lines(new.values()))
    blocks = sum(len(document["blocks"]) for document in new.values())
    told = "; the model's guesses are no labels yet" if new else ""
    say(f"{_several(len(new), 'document')}, {_several(blocks, 'block')} added to {output}{told}")
    raise Ending(ExitCode.FAILED if failed or faults else ExitCode.OK)


def merge(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of labelled documents; later ones win.")],
    output: _Output,
) -> None:
    """Put files of labelled documents together.

    An id stands once: a label beats a guess, and the later label an earlier one. Lines that hold no labelled document
    are named and left out; the others are kept, and the exit code is then 1.
    """
    from ..learning.corpus import files
    from ..learning.merging import merge as merged

    result = merged(files(paths))
    _tell(result.faults, "left out")
    for conflict in result.conflicts:
        say(conflict)
    _write(output, _lines(result.documents))
    say(
        f"{_several(len(result.documents), 'document')} written to {output}; {result.repeated} stood in two places, "
        f"{len(result.conflicts)} differed, {_several(len(result.faults), 'fault')} left out"
    )
    raise Ending(ExitCode.FAILED if result.faults else ExitCode.OK)


def export_labels(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Files made by `corpus add`, whose guesses become what you said."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings of the proxy, which name its store.", show_default=False),
    ] = None,
) -> None:
    """Write what you said, in the proxy or with `feedclean label`, as labelled documents to train with.

    Every document of a FILE is written with the labels that you gave its blocks; labels for other blocks follow in
    documents of their own.
    """
    from ..learning.corpus import files
    from ..learning.documents import read_good
    from ..learning.exporting import export

    faults: list[str] = []
    documents = [line.document for path in (files(paths) if paths else ()) for line in read_good(path, faults)]
    _tell(faults, "left out")
    result = export(_said(config), [document for document in documents if document is not None])
    content = _lines(result.documents)
    if output is None:
        typer.echo(content, nl=False)
    else:
        _write(output, content)
    told = f"{_several(result.labels, 'label')} in {_several(len(result.documents), 'document')}"
    if paths:
        told += f", {result.filled} of them in FILEs"
    if result.left:
        told += f"; {_several(result.left, 'title')} left, since nothing was said of the text below"
    say(told)
    raise Ending(ExitCode.FAILED if faults else ExitCode.OK)


def _said(config: Path | None) -> list[Said]:
    """All labels of the store, in the order they were given.

    Raises:
        FeedcleanError: it cannot be read.
    """
    from ..learning.exporting import Said
    from .own_store import open_store

    with open_store(config) as store:
        rows = store.all_labels()
    return [Said(row.label, row.text, row.source, row.feed, row.item, row.title, row.language) for row in rows]


def _lines(documents: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(
        json.dumps(document, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for document in documents
    )


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as fault:
        raise OutputError(f"cannot be read: {(fault.strerror or str(fault)).lower()}", where=str(path)) from fault


def _write(path: Path, content: bytes) -> None:
    from .atomic import Replacement

    with Replacement(path) as file:
        file.write(content)


def _tell(faults: Sequence[str], what: str) -> None:
    for fault in faults:
        say(f"{fault}; {what}")
