"""From a publisher's copy to what readers get: cleaned, converted, linked to the proxy, and kept for the next reader.

    Body + Order ── shelf? ──> Served
                 ── being made? ──> wait for that
                 ── else, in a thread: open, relink, clean, drop, note in the ledger, convert ──> shelf

What goes wrong is raised, and remembered for a while so that a poisonous feed does not cost its time again for every
reader; what is served instead is decided in `app.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from ..cleaning import Judge
from ..errors import FormatError, LimitError, ModelError, StoreError
from ..formats.encodings import sent_charset
from ..judging.policy import Policy
from ..types import Action, Cleaned, Format
from .making import Made, feed_kind, look, make
from .nouns import Body, LedgerRow
from .reading import readable
from .recall import Clock
from .shelf import Served, Shelf

__all__ = ["TYPES", "Cleaner", "CrowdedError", "FailedBeforeError", "Order", "reason_of"]

TYPES = {
    Format.RSS: "application/rss+xml",
    Format.ATOM: "application/atom+xml",
    Format.JSONFEED: "application/feed+json",
}
_REMEMBERED = 10_000  # feeds whose last change is remembered
_REASONS: tuple[tuple[type[Exception], str, float], ...] = (  # name, and seconds for which it is remembered
    (LimitError, "limit", 600.0),
    (FormatError, "format", 600.0),
    (ModelError, "model", 60.0),
    (StoreError, "store", 5.0),
    (TimeoutError, "time", 0.0),  # it may still come
)


class CrowdedError(Exception):
    """More is waiting to be cleaned than can be in good time."""


class FailedBeforeError(Exception):
    """It went wrong a moment ago, and would again; without the trace of then, which holds on to the whole feed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Ledger(Protocol):
    """What is needed of the store."""

    def note(self, rows: Sequence[LedgerRow]) -> None:
        """As `Store.note`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What a reader wants of a feed."""

    url: str  # of the publisher's feed
    policy: Policy
    drop: bool = False  # items whose title is clickbait
    to: Format | None = None  # as published if `None`
    own: str | None = None  # where the reader finds it

    def key(self, body: Body, model: str) -> Hashable:
        """Copies with the same key have the same bytes."""
        policy = self.policy
        acts = tuple(sorted((label.value, action.value) for label, action in policy.actions.items()))
        how = (acts, policy.threshold, policy.title_action, policy.max_share, self.drop, self.to)
        return self.url, body.digest, model, how, self.own


class Cleaner:
    """Makes and keeps copies.

    Args:
        judge: of blocks and titles.
        ledger: takes down what is removed; what cannot be taken down is not removed.
        clock: tells the time.
        on_event: told of `cleaned`, `cleaned-late` and `clean-failed`.
        on_cuts: told how many blocks were acted upon, by action and label.
        budget: seconds that a reader waits from when the making of a copy begins; twice as many for its turn.
        threads: that clean at once.
        queue: feeds that may wait to be cleaned; a subscription list that was just imported has hundreds.
        most: bytes of copies that are kept.
    """

    def __init__(
        self,
        judge: Judge,
        ledger: Ledger,
        clock: Clock,
        *,
        on_event: Callable[[str], None] = lambda _: None,
        on_cuts: Callable[[Counter[tuple[Action, str]]], None] = lambda _: None,
        budget: float = 5.0,
        threads: int = 2,
        queue: int = 256,
        most: int = 64 << 20,
    ) -> None:
        self._judge, self._ledger, self._clock = judge, ledger, clock
        self._event, self._cuts = on_event, on_cuts
        self.on_made: Callable[[Body, Order, Made], None] = lambda *_: None  # told of every copy that was made
        self._budget, self._queue = budget, queue
        self._threads, self._count = ThreadPoolExecutor(threads, thread_name_prefix="clean"), threads
        self._pace = 0.05  # seconds that a thread takes for a copy, lately
        self._making: dict[Hashable, tuple[asyncio.Task[Served], asyncio.Future[None]]] = {}  # and when it begins
        self._failed: OrderedDict[Hashable, tuple[float, str]] = OrderedDict()  # until when, and why
        self._changed: OrderedDict[Hashable, tuple[str, float]] = OrderedDict()
        self._epoch = 0  # what is still being made of an earlier one is for nobody any more
        self.shelf = Shelf(most)

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._judge.name

    @property
    def crowded(self) -> bool:
        """Whether so much is waiting that nothing more should be fetched to be cleaned."""
        return len(self._making) >= self._room(self._budget)

    def _room(self, seconds: float) -> float:
        """How many can be waiting if the last of them is to begin within so many seconds."""
        return max(self._count, min(self._queue, seconds * self._count / self._pace))

    async def cleaned(self, body: Body, order: Order) -> Served:
        """The copy for an order.

        Raises:
            TimeoutError: it takes longer than a reader should wait; it is still made, for the next one.
            CrowdedError: too many are waiting, or it has waited for too long.
            FailedBeforeError: it went wrong a moment ago.
            Exception: whatever went wrong in cleaning.
        """
        key = (self._epoch, order.key(body, self.model))
        if (found := self.shelf.get(key)) is not None:
            return found
        self._raise_known(key)
        making = self._making.get(key)
        if making is None:
            if len(self._making) >= self._room(2 * self._budget):
                raise CrowdedError
            begun = asyncio.get_running_loop().create_future()
            making = asyncio.create_task(self._make(key, body, order, self._judge, begun)), begun
            self._making[key] = making
            making[0].add_done_callback(lambda done: self._done(key, done))
        task, begun = making
        begins, _ = await asyncio.wait(making, timeout=2 * self._budget, return_when=asyncio.FIRST_COMPLETED)
        if not begins:
            self._event("cleaned-late")
            raise CrowdedError
        done, _ = await asyncio.wait([task], timeout=self._budget)
        if not done:
            self._event("cleaned-late")
            raise TimeoutError
        return task.result()

    async def looked(self, body: Body, order: Order) -> Cleaned:
        """The blocks of a feed and what is decided about each, without a copy for readers.

        Raises:
            TimeoutError: it takes longer than somebody should wait.
            FeedcleanError: it cannot be cleaned.
        """
        loop = asyncio.get_running_loop()
        judge = self._judge
        looking = loop.run_in_executor(self._threads, lambda: look(readable(body), order, judge))
        return await asyncio.wait_for(looking, self._budget)

    def take(self, judge: Judge) -> None:
        """Judge by another model from now on; what is being made is finished by the old one."""
        self._judge = judge

    def untouched(self, body: Body, order: Order, reason: str) -> Served:
        """The publisher's own bytes, and why."""
        key = (order.url, body.digest, reason)
        if (found := self.shelf.get(key)) is not None:
            return found
        charset = sent_charset(body.content_type)
        kind = _type_of(body.content) + (f"; charset={charset}" if charset else "")
        served = self._served(body.content, kind, f"bypassed; reason={reason}", order, body, reason)
        self.shelf.put(key, served)
        return served

    def forget(self) -> None:
        """Make all copies anew; for when labels or pins were changed."""
        self._epoch += 1
        self.shelf.clear()
        self._failed.clear()

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _make(self, key: Hashable, body: Body, order: Order, judge: Judge, begun: asyncio.Future[None]) -> Served:
        loop, now = asyncio.get_running_loop(), self._clock.now()

        def work() -> tuple[Made, float]:
            loop.call_soon_threadsafe(begun.set_result, None)
            began = time.perf_counter()
            made = make(readable(body), order, judge, now)
            if made.rows:  # in the same turn: a second one would come after those of all who wait
                self._ledger.note(made.rows)
            return made, time.perf_counter() - began

        made, took = await loop.run_in_executor(self._threads, work)
        self._pace += (min(took, 3 * self._pace) - self._pace) / 8  # the first one takes long and says little
        self._event("cleaned")
        self._cuts(made.counts)
        served = self._served(
            made.content, f"{TYPES[made.format]}; charset=utf-8", self._note(made, judge.name), order, body
        )
        self.shelf.put(key, served)
        self.on_made(body, order, made)
        return served

    def _done(self, key: Hashable, task: asyncio.Task[Served]) -> None:
        self._making.pop(key, None)
        if task.cancelled():
            return
        fault = task.exception()
        if isinstance(fault, Exception):
            self._event("clean-failed")
            kept = next((seconds for kind, _, seconds in _REASONS if isinstance(fault, kind)), 60.0)
            self._failed[key] = (self._clock.monotonic() + kept, reason_of(fault))
            while len(self._failed) > _REMEMBERED:
                self._failed.popitem(last=False)

    def _raise_known(self, key: Hashable) -> None:
        known = self._failed.get(key)
        if known is not None and self._clock.monotonic() < known[0]:
            raise FailedBeforeError(known[1])

    def _served(self, content: bytes, kind: str, note: str, order: Order, body: Body, reason: str = "") -> Served:
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        place = (order.url, order.own, order.to)
        before = self._changed.pop(place, None)
        modified = body.fetched  # not the time of making it, which is another after each restart
        if before is not None:  # other bytes of the same body (labels, settings, a bypass) have another date, too
            modified = before[1] if before[0] == digest else max(modified, before[1] + 1.0)
        self._changed[place] = (digest, modified)
        while len(self._changed) > _REMEMBERED:
            self._changed.popitem(last=False)
        return Served(content, kind, digest, note, modified, reason)

    def _note(self, made: Made, model: str) -> str:
        by_action: Counter[Action] = Counter()
        for (action, _), count in made.counts.items():
            by_action[action] += count
        others = [f"{action.value}={count}" for action, count in sorted(by_action.items()) if action is not Action.CUT]
        told = ["cleaned", f"cut={by_action[Action.CUT]}", *others, f"model={model}"]
        return "; ".join([*told, *(["conversion=failed"] if made.unconverted else [])])


def reason_of(fault: BaseException) -> str:
    """A word for why something was not cleaned."""
    if isinstance(fault, FailedBeforeError):
        return fault.reason
    return next((name for kind, name, _ in _REASONS if isinstance(fault, kind)), "error")


def _type_of(content: bytes) -> str:
    """The media type of what is handed on as it came; never one that a browser shows as a page."""
    kind = feed_kind(content)
    return TYPES[kind] if kind else "application/octet-stream"
