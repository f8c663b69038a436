"""Many documents, results in the order of the sources.

One process by default; with `jobs`, joblib spreads the documents over processes, or over whatever backend
`joblib.parallel_config` names (a Dask cluster, say).
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

from ..errors import FeedcleanError
from .nouns import Options, Outcome, Source
from .one import clean_one, judge_of
from .reading import read

__all__ = ["clean_many"]

_WINDOW = 32  # documents of each process whose results may wait in memory for their turn


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
    judge = judge_of(options.model)
    if jobs == 1:
        return (clean_one(source, replace(options, model=judge)) for source in sources)
    return _in_parallel(sources, options, jobs)


# A process cleans many documents, and a model takes longer to load than a document to clean.
_judge_of_process = lru_cache(maxsize=1)(judge_of)


def _in_parallel(sources: Iterable[Source], options: Options, jobs: int) -> Iterator[Outcome]:
    from joblib import Parallel, delayed

    parent = os.getpid()
    waiting = iter(sources)
    # In windows, because joblib goes on computing however slowly the results are taken.
    with Parallel(n_jobs=jobs, return_as="generator") as pool, _survivor():
        while window := list(islice(waiting, _WINDOW * jobs)):
            yield from pool(delayed(_in_process)(_task(source), options, parent) for source in window)


def _task(source: Source) -> Source:
    """Standard input belongs to this process, so it is read here."""
    if source.path is not None or source.fault is not None or source.data is not None:
        return source
    try:
        return replace(source, data=read(source))
    except FeedcleanError as fault:
        return replace(source, fault=fault)


def _in_process(source: Source, options: Options, parent: int) -> Outcome:
    if os.getpid() != parent:
        # Ctrl-C goes to all processes of a terminal; this one is ended by its parent, without a traceback.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    model = options.model
    if model is None or isinstance(model, (str, Path)):
        options = replace(options, model=_judge_of_process(model))
    return clean_one(source, options)


@contextlib.contextmanager
def _survivor() -> Iterator[None]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        yield
    except TerminatedWorkerError as fault:
        raise FeedcleanError("a process died while it cleaned", hint="if memory ran out, use fewer --jobs") from fault
