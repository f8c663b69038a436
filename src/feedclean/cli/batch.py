"""`feedclean clean`: sources in, results out, everything that is to be told beside them."""

from __future__ import annotations

import errno
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from ..bulk import Options, Outcome, clean_many, printable
from ..errors import OutputError, SettingsError
from ..types import Action
from .faults import ExitCode, say, sayable
from .finding import Found, find
from .ledger import Ledger, counted, summary
from .outputs import Output, StandardOutput, output, write_out

__all__ = ["Request", "run"]

# After these, no other result can be written either.
_HOPELESS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO))


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asked `feedclean clean` for."""

    arguments: Sequence[str]
    options: Options
    output: str | None = None
    removed: str | None = None
    diff: bool = False
    explain: bool = False
    jobs: int = 1
    quiet: bool = False
    traceback: bool = False


@dataclass(slots=True)
class _Tally:
    """What a batch came to."""

    cleaned: int = 0
    failed: int = 0
    unwritten: int = 0
    acted: Counter[tuple[Action, str]] = field(default_factory=Counter)


def run(request: Request) -> ExitCode:
    """Clean what is asked for.

    Returns:
        How it went. Documents that fail are told on standard error and do not stop the others.

    Raises:
        SettingsError: what is asked for makes no sense.
        ModelError: the model cannot be used; nothing was cleaned.
        OutputError: nothing more can be written.
        ReaderGone: nobody reads standard output any more.
    """
    apart = Path(request.output) if request.output is not None else None
    found = find(request.arguments, apart=apart)
    several = len(found.sources) > 1
    _check(request, found)
    shown = request.diff or request.explain
    to_stdout = request.output in {None, "-"}
    tally = _Tally()
    with ExitStack() as stack:
        results: Output | None = None
        if not (shown and to_stdout):
            results = stack.enter_context(
                output(request.output, found.sources, several=several or found.folders, to=request.options.to)
                if not to_stdout
                else output(None, found.sources, several=several, to=request.options.to)
            )
        # Begun after the results and so finished before them: what is cut is on record before it is gone.
        ledger = None
        if request.removed is not None:
            ledger = stack.enter_context(Ledger(Path(request.removed), kept=results is None or results.kept))
        outcomes = clean_many(found.sources, options=request.options, jobs=request.jobs if several else 1)
        with _progress(request, len(found.sources), results) as (tell, advance):
            for outcome in outcomes:
                _take(outcome, request, results, ledger, tally, tell)
                advance()
    if several and not request.quiet:
        _summarise(tally, found.skipped)
    if tally.unwritten:
        return ExitCode.OUTPUT
    return ExitCode.FAILED if tally.failed else ExitCode.OK


def _check(request: Request, found: Found) -> None:
    """Refuse what cannot be meant.

    Raises:
        SettingsError: it cannot.
    """
    if request.options.url is not None and len(found.sources) > 1:
        raise SettingsError("one address cannot be that of several documents", where="--url", hint="clean them singly")
    if request.removed is None:
        return
    if request.removed == "-":
        raise SettingsError("a file is wanted", where="--removed", hint="standard output is for the result")
    ledger = Path(request.removed).resolve()
    taken = [source.path for source in found.sources if source.path is not None]
    if request.output not in {None, "-"}:
        taken.append(Path(request.output or ""))
    if any(path.resolve() == ledger for path in taken):
        raise SettingsError(
            f"{printable(request.removed)} is a source or the result", where="--removed", hint="name another file"
        )


def _take(
    outcome: Outcome,
    request: Request,
    results: Output | None,
    ledger: Ledger | None,
    tally: _Tally,
    tell: Callable[[str], None],
) -> None:
    """Put one outcome where it belongs."""
    if outcome.fault is not None:
        tally.failed += 1
        tell(str(outcome.fault))
        if request.traceback and outcome.traceback:
            sys.stderr.write(outcome.traceback)
        return
    try:
        with ledger.noting(outcome) if ledger is not None else nullcontext():
            note = results.put(outcome) if results is not None else None
            if request.diff or request.explain:
                from .show import View

                write_out(View(request.diff, request.explain).page(outcome))
    except OutputError as fault:
        cause = fault.__cause__
        if not isinstance(cause, OSError) or cause.errno in _HOPELESS or results is None or not results.kept:
            raise
        tally.unwritten += 1
        tell(str(fault))
        return
    tally.cleaned += 1
    tally.acted.update(counted(outcome))
    if outcome.cleaned is not None and outcome.cleaned.rescued:
        tell(f"{outcome.source.name}: {outcome.cleaned.rescued}; made anew from what could be read, the rest is lost")
    if note and not request.quiet:
        tell(note)


@contextmanager
def _progress(
    request: Request, total: int, results: Output | None
) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """A bar on standard error where somebody sees it; how to tell something beside it, and how to move it on."""
    watched = sys.stderr is not None and sys.stderr.isatty()
    # In the same terminal, results and a bar would write over each other.
    mixed = sys.stdout is not None and sys.stdout.isatty() and (results is None or isinstance(results, StandardOutput))
    if total < 2 or request.quiet or not watched or mixed or request.diff or request.explain:
        yield say, lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    console = Console(stderr=True)
    columns = (TextColumn("cleaning"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("cleaning", total=total)
        yield (
            lambda line: console.print(Text(sayable(line)), soft_wrap=True, highlight=False),
            lambda: bar.advance(task),
        )


def _summarise(tally: _Tally, skipped: int) -> None:
    parts = [f"{tally.cleaned} document{'' if tally.cleaned == 1 else 's'} cleaned", summary(tally.acted)]
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    if tally.unwritten:
        parts.append(f"{tally.unwritten} not written")
    if skipped:
        parts.append(f"{skipped} skipped")
    say("; ".join(parts))
