"""Many documents: the sentence of `cleaning.py` for each of them, results in the order of the sources.

    Source ── read ──> bytes ── clean ──> Cleaned ── convert ──> Outcome

One process by default; with `jobs`, joblib spreads the documents over processes, or over whatever backend
`joblib.parallel_config` names (a Dask cluster, say). What goes wrong with one document is told in its outcome and
does not touch the others.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePath
from typing import BinaryIO

from .cleaning import Judge, clean
from .errors import FeedcleanError, LimitError, SourceError
from .formats.limits import Limits
from .judging.policy import Policy
from .model_files import load_model
from .types import Cleaned

__all__ = ["Options", "Outcome", "Source", "Target", "clean_many", "clean_one", "printable", "read"]

_STDIN_PLACE = PurePath("stdin")
_WINDOW = 32  # documents of each process whose results may wait in memory for their turn


class Target(StrEnum):
    """What a result can be written as."""

    RSS = "rss"
    ATOM = "atom"
    JSONFEED = "jsonfeed"
    JSONL = "jsonl"
    HTML = "html"
    MARKDOWN = "markdown"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Source:
    """Where one document comes from."""

    name: str  # what messages call it: printable
    path: Path | None  # `None` is standard input
    place: PurePath = _STDIN_PLACE  # where its result stands inside an output folder
    fault: FeedcleanError | None = None  # why there is nothing to read, if that is known already


@dataclass(frozen=True, slots=True)
class Options:
    """What is done with every document."""

    model: Judge | Path | str | None = None  # a loaded model, or what `load_model` takes
    policy: Policy = field(default_factory=Policy)
    to: Target | None = None  # `None`: the format it came in
    url: str | None = None
    explain: bool = False  # clues for every block
    blocks: bool = True  # hand back all blocks (`Cleaned.items`); between processes they are what costs most


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source: either `cleaned` or `fault`."""

    source: Source
    cleaned: Cleaned | None = None
    content: bytes = b""  # as asked for; `cleaned.content` is in the format of the source
    target: Target | None = None  # the format of `content`, if it is another one than the source's
    fault: FeedcleanError | None = None
    traceback: str = ""  # of a fault that is ours


def clean_many(sources: Iterable[Source], *, options: Options, jobs: int = 1) -> Iterator[Outcome]:
    """Clean documents one after another, or several at once.

    Args:
        sources: read lazily, so there may be any number of them.
        options: the same for all.
        jobs: processes; results are in the order of the sources however many there are, and at most 32 for each
            process wait in memory.

    Yields:
        One outcome for each source.

    Raises:
        ModelError: the model cannot be used; nothing was cleaned.
        FeedcleanError: a process died.
    """
    # Loaded here in either case: a model that cannot be used is one error, not one for every document.
    judge = _judge(options.model)
    if jobs == 1:
        return (clean_one(source, replace(options, model=judge)) for source in sources)
    return _in_parallel(sources, options, jobs)


def clean_one(source: Source, options: Options, data: bytes | None = None) -> Outcome:
    """Clean one document.

    Args:
        source: where it comes from.
        options: what to do with it.
        data: the document, if it has been read already.

    Raises:
        ModelError: the model cannot be used. Every other fault is told in the outcome.
    """
    judge = _judge(options.model)
    try:
        data = read(source) if data is None else data
        cleaned = clean(
            data, model=judge, policy=options.policy, url=options.url, where=source.name, explain=options.explain
        )
        content, target = cleaned.content, None
        if options.to is not None:
            from .formats.convert import convert

            content = convert(cleaned.content, cleaned.format, options.to.value, url=options.url)
            target = options.to if options.to.value != cleaned.format.value else None
    except FeedcleanError as fault:
        return Outcome(source, fault=fault.at(source.name))
    except Exception as fault:  # noqa: BLE001  the other documents are still to be cleaned
        told = FeedcleanError(
            f"unexpected {type(fault).__name__}: {fault}",
            where=source.name,
            hint="please report it; --traceback shows where it happened",
        )
        return Outcome(source, fault=told, traceback=traceback.format_exc())
    if not options.blocks:
        cleaned = replace(cleaned, items=())
    return Outcome(source, cleaned, content, target)


def read(source: Source, limits: Limits | None = None) -> bytes:
    """The bytes of a source, at most as many as the limits allow.

    Raises:
        SourceError: it is missing, a folder, a device, or may not be read.
        LimitError: it is too large; a file is not opened for that.
    """
    limit = (limits or Limits()).bytes
    if source.fault is not None:
        raise source.fault
    try:
        if source.path is None:
            if sys.stdin is None:
                raise SourceError("standard input is closed", where=source.name)
            return _bounded(sys.stdin.buffer, limit, source.name)
        found = source.path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise SourceError("a folder", where=source.name, hint="a file is wanted here")
        # A pipe is what `<(curl …)` is; anything else may have no end, or an effect of its own when it is read.
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISFIFO(found.st_mode):
            raise SourceError("a device or socket", where=source.name, hint="give a file, a folder or -")
        if found.st_size > limit:
            raise _too_large(f"{found.st_size:,} bytes", limit, source.name)
        with source.path.open("rb") as stream:
            return _bounded(stream, limit, source.name)
    except (OSError, ValueError) as fault:  # ValueError: a path with a NUL in it
        raise unreadable(fault, source.name) from fault


def unreadable(fault: OSError | ValueError, name: str) -> SourceError:
    """What the operating system says about a source, as an error of ours."""
    if isinstance(fault, FileNotFoundError):
        return SourceError("no such file or folder", where=name, hint="check the path")
    if isinstance(fault, PermissionError):
        return SourceError("no permission to read it", where=name, hint="check who may read it")
    told = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
    return SourceError(f"cannot be read: {told.lower()}", where=name)


def printable(name: str) -> str:
    r"""A file name that may be shown: bytes that are not UTF-8 and control characters are escaped.

    >>> printable("a\udcff\x1b[31m.xml")
    'a\\xff\\x1b[31m.xml'
    """
    decoded = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in decoded)


def _bounded(stream: BinaryIO, limit: int, name: str) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise _too_large(f"more than {limit:,} bytes", limit, name)
    return data


def _too_large(what: str, limit: int, name: str) -> LimitError:
    return LimitError(f"too large: {what}", where=name, hint=f"up to {limit:,} bytes are read")


def _judge(model: Judge | Path | str | None) -> Judge:
    return load_model(model) if model is None or isinstance(model, (str, Path)) else model


# A process cleans many documents, and a model takes longer to load than a document to clean.
_judge_of_process = lru_cache(maxsize=1)(_judge)


def _in_parallel(sources: Iterable[Source], options: Options, jobs: int) -> Iterator[Outcome]:
    from joblib import Parallel, delayed

    parent = os.getpid()
    waiting = iter(sources)
    # In windows, because joblib goes on computing however slowly the results are taken.
    with Parallel(n_jobs=jobs, return_as="generator") as pool, _survivor():
        while window := list(islice(waiting, _WINDOW * jobs)):
            yield from pool(delayed(_in_process)(*_task(source), options, parent) for source in window)


def _task(source: Source) -> tuple[Source, bytes | None]:
    """Standard input belongs to this process, so it is read here."""
    if source.path is not None or source.fault is not None:
        return source, None
    try:
        return source, read(source)
    except FeedcleanError as fault:
        return replace(source, fault=fault), None


def _in_process(source: Source, data: bytes | None, options: Options, parent: int) -> Outcome:
    if os.getpid() != parent:
        # Ctrl-C goes to all processes of a terminal; this one is ended by its parent, without a traceback.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    model = options.model
    if model is None or isinstance(model, (str, Path)):
        options = replace(options, model=_judge_of_process(model))
    return clean_one(source, options, data)


@contextlib.contextmanager
def _survivor() -> Iterator[None]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        yield
    except TerminatedWorkerError as fault:
        raise FeedcleanError("a process died while it cleaned", hint="if memory ran out, use fewer --jobs") from fault
