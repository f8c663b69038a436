"""The commands of `feedclean`: each parses its arguments, calls one function, and ends with an exit code."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from ..errors import SettingsError
from ..types import Action, Label, TitleAction
from .corpora import add, export_labels, merge
from .evaluating import evaluate, learning_curve
from .faults import MEANINGS, Ending, ExitCode, Group
from .labelling import label as label_command
from .materialising import FETCH, fetch
from .models import model_app
from .serving import config, opml, serve
from .serving import resume as resume_command
from .threads import one_thread
from .training import corpus_app, train

__all__ = ["app", "main"]

_CODES = "\n".join(["\b", "Exit codes:", *(f"{code.value:>5}  {meaning}" for code, meaning in MEANINGS.items())])

app = typer.Typer(
    cls=Group,
    name="feedclean",
    help="Takes advertising and clickbait out of financial feeds and articles, and says why.",
    epilog=_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawn with rich, the help takes twice as long
    context_settings={"help_option_names": ["-h", "--help"]},
)

_CLEAN = (
    "Clean feeds, pages and texts of their advertising.\n\n"
    "Feeds (RSS, Atom, JSON Feed), HTML pages, MHTML, mails, Markdown and plain text are told apart by their content. "
    "Of whole pages and mails the article is written, as a page to read (see --in-place). The result goes to "
    "standard output, everything else to standard error. --explain and --diff take the place of the result there, "
    "unless -o says where that goes.\n\n"
    "\b\n"
    "  feedclean clean page.html --diff --explain           what would go, and why\n"
    "  feedclean clean articles/ crawl.warc.gz -o cleaned/  any number, each result under a name of its own\n"
    "  feedclean clean articles/ -o cleaned/ --resume       after an interrupt: what is left, new or changed\n"
    "  find saved -name '*.html' -print0 | feedclean clean --files-from - -o cleaned/\n"
    "  feedclean clean https://news.example/acme            fetched from public addresses only"
)


class To(StrEnum):
    """Values of `--to`; `bulk.Target`, without the import that would make `--help` wait."""

    RSS = "rss"
    ATOM = "atom"
    JSONFEED = "jsonfeed"
    JSONL = "jsonl"
    JSON = "json"
    HTML = "html"
    MARKDOWN = "markdown"
    TEXT = "text"


class Engine(StrEnum):
    """Values of `--engine`."""

    PROCESSES = "processes"
    DASK = "dask"


def main() -> None:
    """Run the command line; what `feedclean` and `python -m feedclean` start."""
    # Ended politely, it cleans up behind itself just as after Ctrl-C.
    with contextlib.suppress(ValueError, AttributeError):
        signal.signal(signal.SIGTERM, _terminated)
    app()


def _terminated(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"feedclean {version('feedclean')}")
        except PackageNotFoundError:
            typer.echo("feedclean (not installed)")
        raise Ending(ExitCode.OK)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What holds for all commands; an empty text here would replace the help."""


@app.command(no_args_is_help=True, help=_CLEAN, epilog=_CODES)
def clean(  # noqa: PLR0913, PLR0917  one parameter for each option
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Files, folders with all that is in them, 'quoted/**/*.html' patterns, archives (zip, tar), WARC, "
            "JSON lines of {url, html}, https://… addresses, or - for standard input.",
        ),
    ] = None,
    to: Annotated[
        To | None, typer.Option(help="Write this format instead of the one it came in.", show_default=False)
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE|DIR", help="Write there. In DIR, each result is named as its source."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each block with its label, probability, and the words that decided.")
    ] = False,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Show what was cut. With --explain: the whole text, cuts struck out, and why."),
    ] = False,
    removed: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write all that was cut, collapsed or marked there, as JSON lines."),
    ] = None,
    cut: Annotated[list[Label] | None, typer.Option(metavar="LABEL", help="Cut such blocks.")] = None,
    collapse: Annotated[list[Label] | None, typer.Option(metavar="LABEL", help="Fold such blocks away.")] = None,
    mark: Annotated[list[Label] | None, typer.Option(metavar="LABEL", help="Mark such blocks.")] = None,
    keep: Annotated[
        list[Label] | None,
        typer.Option(
            metavar="LABEL",
            help="Keep such blocks. LABEL: editorial, promo, teaser, boilerplate, disclosure. "
            "Promo and teaser are cut unless told otherwise.",
        ),
    ] = None,
    title_action: Annotated[
        TitleAction, typer.Option(help="What to do with a clickbait title: note it beside it, or before it.")
    ] = TitleAction.MARK,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Probability from which a block is acted upon; the model's own if not given."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model to judge with, instead of the one in use.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What people said of blocks: a proxy's store, or labelled documents. Your own proxy's if not given.",
            show_default=False,
        ),
    ] = None,
    no_labels: Annotated[
        bool, typer.Option("--no-labels", help="Heed the model alone, whatever you labelled.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Where the document was published: its links are read against it.")
    ] = None,
    files_from: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Clean what FILE (- is standard input) lists, too: a name a line, or NULs between."
        ),
    ] = None,
    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="Cut inside whole pages and mails, instead of writing their article alone."),
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Clean in N processes.")] = 1,
    engine: Annotated[
        Engine, typer.Option(help="Who does the work: processes of this machine, or a Dask cluster.")
    ] = Engine.PROCESSES,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The scheduler of the Dask cluster: tcp://host:8786.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Do only what an earlier run has not done, or what has changed since.")
    ] = False,
    report: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write there, as JSON, what became of all documents, and each failure."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """`feedclean clean`; its help is `_CLEAN`, since here every line would end where it ends in the source."""
    actions = _actions({Action.CUT: cut, Action.COLLAPSE: collapse, Action.MARK: mark, Action.KEEP: keep})
    _check_url(url)
    if no_labels and labels is not None:
        raise SettingsError("--labels and --no-labels want different things", hint="give one of them")

    one_thread()
    from ..bulk import Options, Target
    from ..judging.policy import Policy
    from .batch import Request, run
    from .fetching import fetch
    from .own_labels import own_corrections

    policy = Policy(threshold=threshold, title_action=title_action)
    options = Options(
        model=model,
        policy=Policy({**policy.actions, **actions}, threshold, title_action),
        to=Target(to.value) if to is not None else None,
        url=url,
        explain=explain,
        corrections=() if no_labels else own_corrections(labels),
        in_place=in_place,
        blocks=explain or diff,
    )
    traced = bool((context.obj or {}).get("traceback"))
    if not sources and files_from is None:
        raise SettingsError("nothing to clean", where="clean", hint="name a SOURCE, or --files-from")
    if (engine is Engine.DASK) != (scheduler is not None):
        raise SettingsError("--engine dask and --scheduler ADDRESS belong together", hint="give both")
    request = Request(
        sources or [],
        options,
        output=output,
        removed=removed,
        diff=diff,
        explain=explain,
        jobs=jobs,
        quiet=quiet,
        traceback=traced,
        files_from=files_from,
        resume=resume,
        report=report,
        scheduler=scheduler,
        fetch=fetch,
    )
    raise Ending(run(request))


app.command("label", no_args_is_help=True)(label_command)
app.command()(serve)
app.command()(opml)
app.command("resume")(resume_command)
app.command()(config)
app.command()(train)
app.command()(evaluate)
app.command()(learning_curve)
corpus_app.command(no_args_is_help=True)(add)
corpus_app.command(no_args_is_help=True)(merge)
corpus_app.command()(export_labels)
corpus_app.command(help=FETCH)(fetch)
app.add_typer(corpus_app, name="corpus")
app.add_typer(model_app, name="model")


def _actions(asked: Mapping[Action, Sequence[Label] | None]) -> dict[Label, Action]:
    """What is to be done with each label that an option names.

    Raises:
        SettingsError: two options want different things of one label.
    """
    actions: dict[Label, Action] = {}
    for action, labels in asked.items():
        for label in labels or ():
            before = actions.setdefault(label, action)
            if before is not action:
                told = f"--{before.value} and --{action.value} both name {label.value}"
                raise SettingsError(told, hint="name each label once")
    return actions


def _check_url(url: str | None) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise SettingsError("a full http or https address is wanted", where="--url")
