"""What is known of feeds, whether or not the store can be asked just now.

    Recall ──> FeedStore    in a thread
       ├─────> Held         what the store could not take, until it can: a full disk costs publishers no requests
       └─────> Held         what was seen lately, for when the store cannot be read or has lost it

A store that fails is an event (`store-failed`) and never an error.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol, TypeVar

from feedclean.proxy.nouns import Body, FeedState, Validators

__all__ = ["Clock", "FeedStore", "Held", "Recall", "SystemClock"]

RESAVE = 60.0  # seconds between two tries to give the store what it could not take

T = TypeVar("T")


class FeedStore(Protocol):
    """Remembers feeds. Called from threads."""

    def state(self, url: str) -> FeedState | None:
        """What is remembered about a feed."""
        ...

    def save(self, state: FeedState, body: Body | None) -> None:
        """Remember a state and, if there is a new one, its body; both or neither."""
        ...

    def body(self, url: str) -> Body | None:
        """The last good copy, if it is undamaged."""
        ...

    def lease(self, url: str, owner: str, until: float) -> bool:
        """Take the right to fetch a feed until a moment; whether `owner` has it now."""
        ...

    def release(self, url: str, owner: str) -> None:
        """Give that right back."""
        ...

    def pause(self, host: str, until: float) -> None:
        """Remember that a host wants no request until a moment."""
        ...

    def paused(self, host: str) -> float:
        """That moment; 0 if there is none."""
        ...


class Clock(Protocol):
    """Time, in seconds."""

    def now(self) -> float:
        """Since the epoch."""
        ...

    def monotonic(self) -> float:
        """Since some moment; goes on while the machine sleeps, never back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Since the machine was started, its sleep included where the system can tell."""
        boot = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot is None else time.clock_gettime(boot)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


class Held:
    """States and bodies by URL; the oldest are forgotten when there are too many.

    Args:
        max_entries: states.
        max_bytes: of bodies.
    """

    def __init__(self, max_entries: int = 10_000, max_bytes: int = 64 << 20) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, tuple[FeedState, Body | None]] = OrderedDict()

    def get(self, url: str) -> tuple[FeedState, Body | None] | None:
        """What is held for a URL."""
        return self._entries.get(url)

    def keep(self, state: FeedState, body: Body | None) -> None:
        """Remember a state, and a body if there is a new one; else the one that is held already stays."""
        old = self.drop(state.url)
        body = body or (old[1] if old else None)
        self._entries[state.url] = (state, body)
        self._bytes += len(body.content) if body else 0
        while len(self._entries) > self._max_entries or (self._bytes > self._max_bytes and len(self._entries) > 1):
            self.drop(next(iter(self._entries)))

    def drop(self, url: str) -> tuple[FeedState, Body | None] | None:
        """Forget what is held, and say what it was."""
        entry = self._entries.pop(url, None)
        self._bytes -= len(entry[1].content) if entry and entry[1] else 0
        return entry


class Recall:
    """The store, for those who must not wait for it to be well.

    Args:
        store: remembers.
        clock: tells the time.
        on_event: told of each failure of the store.
    """

    def __init__(self, store: FeedStore, clock: Clock, on_event: Callable[[str], None]) -> None:
        self._store = store
        self._clock = clock
        self._event = on_event
        self._owner = secrets.token_hex(16)
        self._held = Held()
        self._recent = Held(1000, 16 << 20)
        self._resave_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(4, "store")  # of its own: nothing that takes long stands before it

    async def known(self, url: str) -> tuple[FeedState, Body | None]:
        """A feed's state and last good copy, the newer of what store and memory have."""
        loaded = await self._try(lambda: (self._store.state(url), self._store.body(url)))
        recent = self._recent.get(url)
        state, body = loaded or (None, None)
        if state is None:
            state, body = recent or (None, None)
        elif body is None and recent is not None and recent[1] is not None:  # dropped to make room
            body = recent[1]
            if state.validators != recent[0].validators:  # they may be of another body
                state = replace(state, validators=Validators())
        elif body is not None and (recent is None or _fetched(recent[0]) <= _fetched(state)):
            self._recent.keep(state, body)
        held = self._held.get(url)
        if held is not None:
            if loaded and self._clock.monotonic() >= self._resave_at:
                self._resave_at = self._clock.monotonic() + RESAVE
                task = asyncio.create_task(self._give(url))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            newer = state is not None and _fetched(held[0]) < _fetched(state) <= self._clock.now()
            if not newer:  # another proxy has not fetched it since (nor one whose clock was ahead)
                state, body = held[0], held[1] or body
        return state or FeedState(url, url), body

    async def save(self, state: FeedState, new: Body | None, body: Body | None) -> None:
        """Remember a state and, if there is a `new` one, its body; `body` is the last good one, new or not."""
        self._held.keep(state, new)
        self._recent.keep(state, body)
        await self._give(state.url)

    async def lease(self, url: str, seconds: float) -> bool:
        """Take the right to fetch a feed; whether one has it. A store that fails denies nobody."""
        got = await self._try(lambda: self._store.lease(url, self._owner, self._clock.now() + seconds))
        return got is not False

    async def release(self, url: str) -> None:
        """Give that right back."""
        await self._try(lambda: self._store.release(url, self._owner))

    async def pause(self, host: str, seconds: float) -> None:
        """Remember that a host wants to be left alone."""
        await self._try(lambda: self._store.pause(host, self._clock.now() + seconds))

    async def paused(self, host: str) -> float:
        """Seconds for which it still does; 0 if it does not, and while the store cannot tell."""
        until = await self._try(lambda: self._store.paused(host))
        return max(0.0, (until or 0.0) - self._clock.now())

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False)

    async def _give(self, url: str) -> None:
        """Give the store what is held; keep it if it cannot be taken."""
        held = self._held.get(url)
        if held is None:
            return

        def save() -> bool:
            self._store.save(*held)
            return True

        if await self._try(save) and self._held.get(url) is held:  # else a newer one has come meanwhile
            self._held.drop(url)

    async def _try(self, call: Callable[[], T]) -> T | None:
        """What the store says; `None`, and an event, if it fails."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, serving goes on
            self._event("store-failed")
            return None


def _fetched(state: FeedState) -> float:
    return state.last_fetch or 0.0
