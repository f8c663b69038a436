"""`feedclean clean`: sources in, results out, everything that is to be told beside them.

find ──> Found ──> what is left to do ──> clean_many ──> Outcome ──> ledger, output ──> journal ──> told
                          ^                                                                │
                          └──────────────── the next run, with --resume <──────────────────┘
"""

from __future__ import annotations

import errno
import hashlib
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from time import monotonic

from ..bulk import Journal, Options, Outcome, Source, Target, clean_many, described, printable, stamped
from ..bulk.journal import Row
from ..bulk.many import Engine
from ..bulk.remote import is_remote
from ..errors import FeedcleanError, OutputError, SettingsError
from .faults import ExitCode, say
from .finding import Fetch, Found, find, local
from .ledger import Ledger, counted
from .outputs import Folder, JoinedFeed, OneFile, Output, StandardOutput, Store, holds_several, joins, output, write_out
from .progress import Progress
from .report import Tally, summarise, write_report

__all__ = ["Request", "run"]

# After these, no other result can be written either.
_HOPELESS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO))
_FAILED = "failed"  # in the place of a result
_NAMED = 5  # documents that were not reached and are named on standard error; a report has all


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
    files_from: str | None = None
    resume: bool = False
    report: str | None = None
    fetch: Fetch | None = None  # gets what is published at an address
    scheduler: str | None = None  # of a Dask cluster

    @property
    def shown(self) -> bool:
        """Whether it is shown what is done to a document."""
        return self.diff or self.explain

    @property
    def to_stdout(self) -> bool:
        """Whether results go to standard output."""
        return self.output in {None, "-"}


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
    if request.output is not None:
        request = replace(request, output=local(request.output))
    apart = Path(request.output) if request.output is not None and not request.to_stdout else None
    found = find(request.arguments, apart=apart, files_from=request.files_from, fetch=request.fetch)
    _check(request, found)
    return _Batch(request, found).run()


def _check(request: Request, found: Found) -> None:
    """Refuse what cannot be meant.

    Raises:
        SettingsError: it cannot.
    """
    if request.options.url is not None and found.several:
        raise SettingsError("one address cannot be that of several documents", where="--url", hint="clean them singly")
    if request.resume and request.to_stdout:
        raise SettingsError("what went to standard output is gone", where="--resume", hint="use -o")
    if request.resume and joins(request.output, several=found.several or found.folders, to=request.options.to):
        raise SettingsError("one feed is made of all articles at once", where="--resume", hint="leave it out")
    for option, path in (("--removed", request.removed), ("--report", request.report)):
        if path is None:
            continue
        if path == "-":
            raise SettingsError("a file is wanted", where=option, hint="standard output is for the result")
        real = Path(path).resolve()
        result = None if request.to_stdout else Path(request.output or "").resolve()
        if real == result or found.is_source(real) or found.is_source(Path(path).absolute()):
            raise SettingsError(f"{printable(path)} is a source or the result", where=option, hint="name another file")


def _state_of(address: str) -> Path:
    """Where the journal of results at an fsspec address is kept: SQLite needs a disk."""
    import platformdirs

    digest = hashlib.sha256(address.rstrip("/").encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Path(platformdirs.user_state_dir("feedclean", appauthor=False)) / "journals" / digest


def _engine(scheduler: str | None) -> AbstractContextManager[Engine | None]:
    """What hands documents to a cluster, or to nothing but processes."""
    if scheduler is None:
        return nullcontext()
    try:
        from ..bulk.dask_engine import dask_engine
    except ImportError as fault:
        told = f"needs a package that is not installed ({fault.name})"
        raise SettingsError(told, where="--engine dask", hint="pip install 'feedclean[dask]'") from fault
    return dask_engine(scheduler)


class _Batch:
    """One run."""

    def __init__(self, request: Request, found: Found) -> None:
        self._request = request
        self._found = found
        self._tally = Tally(began=monotonic())
        self._under_way: deque[str] = deque()  # handed out, and no outcome yet
        self._several = found.several or found.folders
        self._results: Output | None = None
        self._ledger: Ledger | None = None
        self._tell: Callable[[str], None] = say

    def run(self) -> ExitCode:
        request, tally = self._request, self._tally
        with ExitStack() as stack:
            self._journal = stack.enter_context(self._open_journal())
            if not (request.shown and request.to_stdout):
                several = self._found.several if request.to_stdout else self._several
                self._results = stack.enter_context(
                    output(
                        request.output,
                        self._journal,
                        several=several,
                        to=request.options.to,
                        is_source=self._found.is_source,
                    )
                )
            # Begun after the results and so finished before them: what is cut is on record before it is gone.
            if request.removed is not None:
                self._ledger = stack.enter_context(
                    Ledger(
                        Path(request.removed),
                        kept=self._results is None or self._results.kept,
                        lasting=self._lasting,
                        begun=self._journal.ledger(),
                    )
                )
            try:
                self._clean(request.jobs if self._found.several else 1)
                tally.complete = not tally.broken_off
            except (KeyboardInterrupt, SystemExit, FeedcleanError):
                self._say_how_to_go_on()
                raise
            finally:
                self._report()
            if self._found.several and not request.quiet:
                summarise(tally, self._journal.causes(), self._found.skipped)
        if tally.complete and not (request.resume or tally.failed or tally.unwritten):
            self._journal.remove()
        if tally.unwritten or tally.broken_off:
            return ExitCode.OUTPUT
        return ExitCode.FAILED if tally.failed else ExitCode.OK

    def _open_journal(self) -> Journal:
        request = self._request
        path: Path | None = None
        make = True
        if request.output is not None and is_remote(request.output):
            path = _state_of(request.output)
        elif joins(request.output, several=self._several, to=request.options.to):
            path = None  # a feed is made when all its articles are there
        elif not request.to_stdout and self._several:
            target = Path(request.output or "")
            if holds_several(request.output or "", several=True, to=request.options.to):
                path = target / ".feedclean-journal" if target.is_dir() or not target.exists() else None
            else:
                path, make = target.with_name(f".{target.name}.feedclean-journal"), False
        told = described(request.options)
        self._tally.model = told["model"]
        journal = Journal(path, told, resume=request.resume, make=make)
        if journal.left and not request.quiet:
            count = f"{journal.left} documents had been done when an earlier run was broken off"
            say(f"{count}; all are done again (--resume would have gone on from there)")
        return journal

    def _clean(self, jobs: int) -> None:
        request = self._request
        # In the same terminal, results and a bar would write over each other.
        mixed = self._results is None or isinstance(self._results, StandardOutput)
        wanted = self._several and not request.quiet and not request.shown
        weigh = self._found.weight if wanted else None
        with _engine(request.scheduler) as engine, Progress(weigh, mixed=mixed) as progress:
            options = request.options
            if isinstance(self._results, JoinedFeed):
                options = replace(options, to=Target.JSONFEED)
            self._tell = progress.tell
            with closing(clean_many(self._left(), options=options, jobs=jobs, engine=engine)) as outcomes:
                for outcome in outcomes:
                    self._under_way.popleft()
                    try:
                        self._take(outcome)
                    except OutputError as fault:
                        if not self._lasting:
                            raise
                        self._give_up(outcome, fault)
                        break
                    progress.advance(outcome.source.size)

    @property
    def _lasting(self) -> bool:
        """Whether what is done stays done although the rest is not."""
        return self._journal.path is not None

    def _left(self) -> Iterator[Source]:
        """What is still to be done."""
        resumed = self._request.resume
        rows = self._journal.rows() if resumed and isinstance(self._results, OneFile) else None
        kept, last = 0, None
        for found in self._found:
            source = replace(found, stamp=stamped(found)) if self._lasting else found
            if rows is not None:
                # Results that share a file stand in the order of the sources: it is good up to the first change.
                row = next(rows, None)
                failed = row is not None and row.place == _FAILED
                if row and (row.key, row.stamp) == (source.key, source.stamp) and (row.stamp or failed):
                    kept, last = kept + 1, row
                    self._done_before(failed=failed)
                    continue
                rows = None
                self._go_on(kept, last)
            elif resumed and isinstance(self._results, Folder | Store):
                place = self._journal.done(source, source.stamp)
                if place is not None and self._results.has(place):
                    self._done_before(failed=False)
                    continue
            self._under_way.append(source.name)
            yield source
        if rows is not None:
            self._go_on(kept, last)

    def _done_before(self, *, failed: bool) -> None:
        if failed:
            self._tally.failed += 1
        else:
            self._tally.before += 1

    def _go_on(self, kept: int, last: Row | None) -> None:
        """Begin after the `kept` first results in the file."""
        self._journal.keep(kept)
        if isinstance(self._results, OneFile):
            self._results.begin(last.position if last else 0)
        if self._ledger is not None:
            self._ledger.rewind(last.ledger if last else 0)

    def _take(self, outcome: Outcome) -> None:
        """Put one outcome where it belongs.

        Raises:
            OutputError: no other one can be written either.
        """
        request, tally = self._request, self._tally
        if outcome.fault is not None:
            self._fail(outcome.source, outcome.fault)
            if request.traceback and outcome.traceback:
                sys.stderr.write(outcome.traceback)
            return
        note = None
        try:
            with self._ledger.noting(outcome) if self._ledger is not None else nullcontext():
                if self._results is not None:
                    placed = self._results.put(outcome)
                    note = placed.note
                if request.shown:
                    from .show import View

                    write_out(View(request.diff, request.explain).page(outcome))
        except OutputError as fault:
            cause = fault.__cause__
            kept = self._results is not None and self._results.kept
            if not isinstance(cause, OSError) or cause.errno in _HOPELESS or not kept:
                raise
            tally.unwritten += 1
            self._journal.failed(outcome.source.name, fault)
            self._tell(str(fault))
            return
        if self._results is not None:
            ledger = self._ledger.position if self._ledger is not None else 0
            self._journal.enter(
                outcome.source, place=placed.place, node=placed.node, position=placed.position, ledger=ledger
            )
        tally.cleaned += 1
        tally.acted.update(counted(outcome))
        if outcome.cleaned is not None and outcome.cleaned.rescued:
            told = f"{outcome.cleaned.rescued}; made anew from what could be read, the rest is lost"
            self._tell(f"{outcome.source.name}: {told}")
        if note and not request.quiet:
            self._tell(note)

    def _fail(self, source: Source, fault: FeedcleanError) -> None:
        self._tally.failed += 1
        self._journal.failed(source.name, fault)
        if isinstance(self._results, OneFile) and self._results.kept:
            ledger = self._ledger.position if self._ledger is not None else 0
            self._journal.enter(source, place=_FAILED, position=self._results.position, ledger=ledger)
        self._tell(str(fault))

    def _give_up(self, outcome: Outcome, fault: OutputError) -> None:
        """Nothing more can be written: what is there stays, and the rest is listed."""
        self._tally.broken_off = True
        if isinstance(self._results, OneFile):
            self._results.break_off()
        self._tell(str(fault))
        rest = self._rest(outcome.source.name)
        named = list(islice(rest, _NAMED + 1))
        others = " and others (--report FILE lists them all)" if len(named) > _NAMED else ""
        self._tell(f"not done: {', '.join(named[:_NAMED])}{others}; the same command with --resume does the rest")
        self._tally.rest = chain(named, rest)

    def _rest(self, first: str) -> Iterator[str]:
        """Names of all that was not done."""
        yield first
        yield from tuple(self._under_way)
        yield from (source.name for source in self._found)

    def _say_how_to_go_on(self) -> None:
        count = self._tally.cleaned + self._tally.before
        if self._lasting and count and not self._request.quiet:
            say(f"{count} document{'' if count == 1 else 's'} done; the same command with --resume does the rest")

    def _report(self) -> None:
        if self._request.report is None:
            return
        try:
            write_report(Path(self._request.report), self._tally, self._journal, self._found.skipped)
        except OutputError as fault:
            self._tally.unwritten += 1
            say(fault)
