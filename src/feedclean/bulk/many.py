"""Many documents, results in the order of the sources.

One process by default; with `jobs`, joblib spreads the documents over processes, or over whatever backend
`joblib.parallel_config` names (a Dask cluster, say).

    sources ── window ── window ── …        two windows are under way at a time, so that no process waits for the
               (cleaned)  (queued)          slowest document of the others; what they hold bounds the memory
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..errors import FeedcleanError
from ..interrupts import uninterrupted
from .nouns import Options, Outcome, Source
from .one import clean_one, judge_of
from .reading import read

__all__ = ["Engine", "clean_many"]

_WINDOW = 32  # documents of each process that are handed out together
_BYTES = 32 << 20  # of a window; a larger document is a window of its own
_AHEAD = 2  # windows under way
_TASK = 4  # documents of one task: handing one over costs a third of a millisecond


# Makes a context in which joblib uses another backend than its processes.
Engine = Callable[[], AbstractContextManager[object]]


def clean_many(
    sources: Iterable[Source], *, options: Options, jobs: int = 1, engine: Engine | None = None
) -> Generator[Outcome]:
    """Clean documents one after another, or several at once.

    Args:
        sources: read lazily, so there may be any number of them.
        options: the same for all.
        jobs: processes. Results are in the order of the sources however many there are, and those of at most 64
            documents for each process wait in memory.
        engine: another backend of joblib, with all the workers that it has (`dask_engine`).

    Yields:
        One outcome for each source.

    Raises:
        ModelError: the model cannot be used; nothing was cleaned.
        FeedcleanError: a process died, or a worker has another model.
    """
    # Loaded here in either case: a model that cannot be used is one error, not one for every document.
    judge = judge_of(options.model, options.corrections)
    if engine is not None:
        return _checked(_in_parallel(iter(sources), options, -1, engine), judge.name)
    if jobs == 1:
        return (clean_one(source, replace(options, model=judge, corrections=())) for source in sources)
    return _in_parallel(iter(sources), options, jobs, contextlib.nullcontext)


# A process cleans many documents, and a model takes longer to load than a document to clean.
_judge_of_process = lru_cache(maxsize=1)(judge_of)


def _checked(outcomes: Generator[Outcome], model: str) -> Generator[Outcome]:
    """Outcomes of workers that may be other machines with other files."""
    with contextlib.closing(outcomes):
        for outcome in outcomes:
            if outcome.cleaned is not None and outcome.cleaned.model != model:
                told = f"a worker cleaned with the model {outcome.cleaned.model}, not with {model}"
                raise FeedcleanError(told, hint="install the same feedclean, and the same model, on all workers")
            yield outcome


def _in_parallel(sources: Iterator[Source], options: Options, jobs: int, engine: Engine) -> Generator[Outcome]:
    with uninterrupted():
        from joblib import Parallel, delayed, effective_n_jobs

    parent = os.getpid()
    with engine():
        workers = effective_n_jobs(jobs)
    running: deque[Generator[Outcome]] = deque()
    _hush_the_manager()
    _hush_the_tracker()
    with _survivor():
        try:
            for window in _windows(sources, _WINDOW * workers):
                # Size of a task: the guess that joblib makes at it starves a process at the end of every window.
                size = max(1, min(_TASK, len(window) // (4 * workers)))
                with uninterrupted():
                    with engine():
                        pool = Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="all", batch_size=size)
                    running.append(pool(delayed(_in_process)(source, options, parent) for source in window))
                if len(running) == _AHEAD:
                    for outcome in running[0]:
                        yield outcome
                    running.popleft()
            while running:
                for outcome in running[0]:  # not `yield from`, which would close it before warnings are off
                    yield outcome
                running.popleft()
        finally:
            with uninterrupted():
                for generator in running:
                    with warnings.catch_warnings(action="ignore"):  # that results go unused: that is what is meant
                        generator.close()


@lru_cache(maxsize=1)
def _hush_the_manager() -> None:
    """Let nobody hear of loky's thread, which loses its way when a pool is given up that has tasks left to hand out.

    It has ended the processes by then, and looks for a task that it has dropped. What it loses otherwise is told.
    """
    told = threading.excepthook

    def hook(fault: threading.ExceptHookArgs) -> None:
        flags = getattr(fault.thread, "executor_flags", None)
        if not getattr(flags, "kill_workers", False):
            told(fault)

    threading.excepthook = hook


def _hush_the_tracker() -> None:
    """Start loky's process that clears up semaphores, if it does not run; what is gone already, it need not tell.

    When a pool is given up, some may be gone before it hears of it. How Python is to warn is handed to new processes.
    """
    from joblib.externals.loky.backend import resource_tracker

    with uninterrupted():
        sys.warnoptions.append("ignore:resource_tracker")
        try:
            resource_tracker.ensure_running()
        finally:
            sys.warnoptions.remove("ignore:resource_tracker")


def _windows(sources: Iterator[Source], most: int) -> Iterator[list[Source]]:
    """The sources in lists of at most `most` documents and some 32 MiB."""
    window: list[Source] = []
    size = 0
    for one in sources:
        source = _held(one)
        window.append(source)
        size += len(source.data) if source.data is not None else source.size
        if len(window) == most or size >= _BYTES:
            yield window
            window, size = [], 0
    if window:
        yield window


def _held(source: Source) -> Source:
    """Standard input belongs to this process, so it is read here."""
    if source.path or source.address or source.fault is not None or source.data is not None:
        return source
    try:
        return replace(source, data=read(source))
    except FeedcleanError as fault:
        return replace(source, fault=fault)


def _in_process(source: Source, options: Options, parent: int) -> Outcome:
    if os.getppid() == parent:  # a process of ours, and no worker of a cluster
        _end_with(parent)
    model = options.model
    if model is None or isinstance(model, (str, Path)):
        options = replace(options, model=_judge_of_process(model, options.corrections), corrections=())
    return clean_one(source, options)


@lru_cache(maxsize=1)
def _end_with(parent: int) -> None:
    """End this process soon after its parent is gone: one that is killed ends nobody, and joblib waits five minutes."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _survivor() -> Iterator[None]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        yield
    except TerminatedWorkerError as fault:
        raise FeedcleanError("a process died while it cleaned", hint="if memory ran out, use fewer --jobs") from fault
