"""The documents of `clean_many` on a Dask cluster, through joblib's backend for it.

    clean_many ── joblib ── Backend ── scheduler ── worker, worker, …     one dies: others take its documents
                               │
                               └── watches the scheduler: joblib would wait for ever for one that died

The only module that imports Dask.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from distributed import Client, KilledWorker
from joblib import parallel_config, register_parallel_backend
from joblib._dask import DaskDistributedBackend

from ..errors import FeedcleanError

# What Dask logs about a lost scheduler, `dask_engine` says in a line.
for _logger in ("distributed", "distributed.client", "tornado"):
    logging.getLogger(_logger).setLevel(logging.CRITICAL)

__all__ = ["dask_engine"]

_CONNECT = 5.0  # seconds for a scheduler to answer
_LOST = 10.0  # seconds without scheduler or workers, after which nobody waits any longer
_LOOK = 0.5
_NAME = "feedclean-dask"


@contextmanager
def dask_engine(scheduler: str) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """A cluster, for the time of a block.

    Args:
        scheduler: its address, `tcp://host:8786`.

    Yields:
        What makes a context in which joblib uses the cluster; each call of joblib needs one of its own.

    Raises:
        FeedcleanError: no scheduler answers, it has no workers, or they are lost.
    """
    try:
        client: Any = Client(scheduler, timeout=_CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError, TypeError) as fault:
        raise FeedcleanError(
            "no Dask scheduler answers there", where=scheduler, hint="start one with `dask scheduler`"
        ) from fault
    try:
        try:
            client.wait_for_workers(1, timeout=_LOST)
        except (TimeoutError, OSError) as fault:
            raise _no_workers(scheduler) from fault
        register_parallel_backend(_NAME, _Backend)
        yield lambda: parallel_config(_NAME, client=client)
    except KilledWorker as fault:
        raise FeedcleanError(
            "several workers died of the same documents",
            where=scheduler,
            hint="give them more memory; what is done stays done, and --resume does the rest",
        ) from fault
    except CancelledError as fault:
        raise _lost(scheduler) from fault
    finally:
        # A scheduler that died cannot be told that its client leaves.
        client.close(timeout=1)


def _lost(scheduler: str) -> FeedcleanError:
    return FeedcleanError(
        "the Dask scheduler was lost",
        where=scheduler,
        hint="what is done stays done; start it again, and the same command with --resume does the rest",
    )


def _no_workers(scheduler: str) -> FeedcleanError:
    return FeedcleanError(
        "the Dask scheduler has no workers", where=scheduler, hint=f"start some with `dask worker {scheduler}`"
    )


class _Failed:
    """Why the cluster cannot give a result."""

    def __init__(self, fault: BaseException) -> None:
        self.fault = fault


class _Backend(DaskDistributedBackend):  # type: ignore[misc]  # joblib has no types
    """Joblib's backend, which tells of tasks that the cluster has given up; joblib's own leaves them pending."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._pending: set[Future[Any]] = set()

    def effective_n_jobs(self, n_jobs: int) -> int:
        try:
            return int(super().effective_n_jobs(n_jobs))
        except (OSError, TimeoutError, ValueError) as fault:
            raise CancelledError from fault

    def submit(self, func: Any, callback: Any = None) -> Any:
        future = super().submit(func, callback)
        self._pending.add(future)

        def told(done: Future[Any]) -> None:
            self._pending.discard(done)
            if fault := done.exception():
                callback(_Failed(fault))

        future.add_done_callback(told)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        if isinstance(out, _Failed):
            raise out.fault
        if isinstance(out, BaseException):  # futures that were cancelled, because their scheduler is gone
            raise CancelledError
        return super().retrieve_result_callback(out)

    def start_call(self) -> None:
        super().start_call()
        self.client.loop.add_callback(self._watch)

    async def _watch(self) -> None:
        seen = time.monotonic()
        while self._continue:
            await asyncio.sleep(_LOOK)
            fault: FeedcleanError = _lost(self.client.scheduler.address if self.client.scheduler else "Dask")
            try:
                if self.client.status == "running":
                    if await asyncio.wait_for(self.client.scheduler.ncores(), _CONNECT):
                        seen = time.monotonic()
                    else:
                        fault = _no_workers(self.client.scheduler.address)
            except (OSError, TimeoutError, AttributeError):
                pass
            if time.monotonic() - seen > _LOST or self.client.status == "closed":
                for pending in tuple(self._pending):
                    if not pending.done():
                        pending.set_exception(fault)
                return
