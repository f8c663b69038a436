"""A model in the shadow of the one that serves: what it would have done, counted and logged, and never served.

It looks at each new copy of a feed once, after readers have theirs, in a thread of its own. What comes while it is busy
with as many as may wait is skipped and counted: the shadow costs one thread and no reader's time. It obeys people's
labels, and pins its own verdicts in memory only.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore

from ..cleaning import Judge
from .answer import Order
from .logs import Log
from .making import Made, make
from .metrics import Metrics
from .nouns import Body, LedgerRow
from .reading import readable
from .recall import Clock

__all__ = ["Shadow"]

_WAITING = 8  # feeds
_REMEMBERED = 10_000  # copies that were looked at
_TOLD, _LENGTH = 5, 80  # blocks of a line of the log, and characters of each


class Shadow:
    """Compares what was made with what another model would have made of it.

    Args:
        judge: the other model, which obeys labels.
        clock: tells the time.
        metrics: are told.
        log: is told of every copy about which the two differ.
    """

    def __init__(self, judge: Judge, clock: Clock, metrics: Metrics, log: Log) -> None:
        self.judge = judge
        self._clock, self._metrics, self._log = clock, metrics, log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._room = BoundedSemaphore(_WAITING)

    def look(self, body: Body, order: Order, made: Made) -> None:
        """Take note of a copy; to be called in the event loop. It returns at once."""
        key = (order.url, body.digest)
        if key in self._seen or order.to is not None:
            return
        if not self._room.acquire(blocking=False):
            self._metrics.event("shadow-skipped")
            return
        self._seen[key] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        self._thread.submit(self._compare, body, order, made).add_done_callback(self._done)

    def close(self) -> None:
        """Look at nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self, ended: Future[None]) -> None:
        self._room.release()
        if not ended.cancelled() and (fault := ended.exception()) is not None:
            self._metrics.event("shadow-failed")
            self._log.warning("shadow", reason=f"{type(fault).__name__}: {fault}", model=self.judge.name)

    def _compare(self, body: Body, order: Order, made: Made) -> None:
        other = make(readable(body), order, self.judge, self._clock.now())
        was, would = _acts(made.rows), _acts(other.rows)
        more = [would[key] for key in would.keys() - was.keys()]
        less = [was[key] for key in was.keys() - would.keys()]
        otherwise = [would[key] for key in was.keys() & would.keys() if was[key].action != would[key].action]
        counts = Counter({"more": len(more), "less": len(less), "otherwise": len(otherwise)})
        self._metrics.event("shadow")
        self._metrics.shadow(counts)
        if counts.total():
            told = {name: _told(rows) for name, rows in (("act", more), ("spare", less)) if rows}
            self._log.info("shadow", feed=order.url, model=self.judge.name, **counts, **told)


def _acts(rows: tuple[LedgerRow, ...]) -> dict[tuple[str, str], LedgerRow]:
    return {(row.item, row.block): row for row in rows}


def _told(rows: list[LedgerRow]) -> str:
    """Some of the blocks, so that whoever reads the log can see what kind they are; as text, which the log redacts."""
    return " | ".join(sorted(row.text[:_LENGTH] for row in rows)[:_TOLD])
