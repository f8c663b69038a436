"""Keeps feeds current: the stored copy is given at once, and a publisher is asked once however many readers ask.

    current ── stored copy? ──> reader
                  │ due
                  v
    one flight a URL ──> turn (`lanes.py`) ──> lease ──> still due? ──> Upstream.fetch ──> after ──> Recall.save

When a copy is due is counted on the monotonic clock from the moment its state is first seen, so that a wall clock that
is set makes nothing due and keeps nothing waiting.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Protocol
from urllib.parse import urlsplit

from feedclean.errors import ForbiddenError
from feedclean.proxy.hops import same_origin
from feedclean.proxy.lanes import Lanes
from feedclean.proxy.nouns import Answer, Body, FeedState, Outcome, Validators
from feedclean.proxy.recall import Clock, FeedStore, Recall, SystemClock
from feedclean.proxy.schedule import DAY, Rules, after, pause, read_hints, resumed, wait

__all__ = ["Clock", "FeedStore", "Fetcher", "Manners", "Refresher", "SystemClock"]

LEASE = 8.0  # seconds; renewed while a fetch takes its time, so this is how long that of a proxy that was killed lasts
LEASE_STUCK = 35.0  # seconds after which a lease is no longer believed in
LEASE_POLL = 0.5  # seconds between two looks at what another proxy is fetching
LEASE_DENIED = 5.0  # seconds until a copy that another proxy is refreshing is looked at again
MAX_COLD = 512  # feeds that readers may wait for at once because there is no copy yet; half as many of one host
MAX_PLANS = 100_000

Known = tuple[FeedState, Body | None]


class Fetcher(Protocol):
    """Asks publishers: `Upstream`."""

    async def fetch(self, url: str, validators: Validators, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer; never raises for what a publisher does."""
        ...


@dataclass(frozen=True, slots=True)
class Manners:
    """How one feed is fetched."""

    rules: Rules = field(default_factory=Rules)
    headers: Mapping[str, str] = field(default_factory=dict)  # sent along, to the feed's own origin only
    patience: float = 0.0  # seconds a reader is kept waiting for news when there is a copy but it is due


class Refresher:
    """Gives the current copy of a feed and sees to it that there is one.

    Args:
        upstream: asks publishers.
        store: remembers.
        clock: tells the time.
        per_host: requests to one host at once.
        total: requests in the background at once.
        manners: of a feed, by its URL.
        judge: why an answer is no feed, in a clause, or `None` if it is one: an error page that says 200 must not
            take the place of the last good copy. Called in a thread.
        on_event: told what is worth counting: `fetch`, `fetch-<outcome>`, `coalesced`, `paused`, `crowded`,
            `lease-denied`, `lease-stuck`, `store-failed`, `crashed`.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        upstream: Fetcher,
        store: FeedStore,
        clock: Clock,
        *,
        per_host: int = 2,
        total: int = 16,
        manners: Callable[[str], Manners] = lambda _: Manners(),
        judge: Callable[[Answer], str | None] | None = None,
        on_event: Callable[[str], None] = lambda _: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._manners = manners
        self._judge = judge
        self._event = on_event
        self._jitter = jitter
        self._recall = Recall(store, clock, on_event)
        self._lanes = Lanes(per_host, total)
        self._flights: dict[str, asyncio.Task[Known]] = {}
        self._cold: dict[str, str] = {}  # URL: host, of flights for feeds of which there is no copy
        self._plans: dict[str, tuple[object, float]] = {}  # URL: what the plan was made for, when it is due (monotonic)
        self._regained: dict[str, float] = {}  # URL: when a copy that was lost was last asked for (monotonic)
        self._pauses: dict[str, float] = {}  # host: when it may be asked again (monotonic)

    async def current(self, url: str, *, wait: bool, more: bool = True) -> Known:
        """What is known of a feed and its last good copy; refreshes it if that is due. Never raises.

        Args:
            url: of the feed.
            wait: for the publisher, if there is no copy yet.
            more: fetch it, even if there is no copy yet: there is somebody who has time to clean it.
        """
        state, body = await self._recall.known(url)
        if url not in self._flights and self._is_due(state, body):
            if body is not None:
                if excuse := await self._left_alone(state):  # who waits for the flight is told so by it
                    return excuse, body
            elif not (more and self._has_room(_host(state))):
                self._event("crowded")
                return self._excuse(state, "too many feeds are fetched for the first time just now"), body
            if url not in self._flights:  # nobody else began meanwhile
                mine = asyncio.create_task(self._fly(state, body, urgent=body is None and wait))
                self._flights[url] = mine
                mine.add_done_callback(lambda _: self._landed(url))
                if body is None:
                    self._cold[url] = _host(state)
            else:
                self._event("coalesced")
        elif url in self._flights:
            self._event("coalesced")
        flight = self._flights.get(url)
        patience = self._manners(url).patience if body is not None else None if wait else 0.0
        if flight is None or patience == 0.0:
            return state, body
        await asyncio.wait([flight], timeout=patience)  # a reader that goes away does not end it
        return flight.result() if flight.done() and not flight.cancelled() else (state, body)

    async def state(self, url: str) -> FeedState:
        """What is remembered of a feed; nobody is asked."""
        return (await self._recall.known(url))[0]

    async def resume(self, url: str) -> None:
        """Ask for a feed again at the next occasion, though it is gone or backing off: somebody wants it.

        A pause that its host asked for holds nevertheless.
        """
        state, body = await self._recall.known(url)
        if url in self._flights:  # it is being asked for, and what comes of that must not be written over
            return
        self._plans.pop(url, None)
        await self._recall.save(resumed(state, self._clock.now()), None, body)

    async def close(self) -> None:
        """Stop all flights. What they were fetching is fetched again when next asked for."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        await self._recall.close()

    async def _fly(self, state: FeedState, body: Body | None, *, urgent: bool) -> Known:
        """Fetch a feed if nobody else has meanwhile. Never raises."""
        url, host = state.url, _host(state)
        try:
            if excuse := await self._left_alone(state):
                return excuse, body
            async with self._lanes.turn(host, urgent=urgent):
                try:
                    state, body, ours = await self._turn(url, body is not None)
                    if not ours:
                        return state, body
                    async with self._renewed(url):
                        return await self._fetch(state, body, host)
                finally:
                    await self._recall.release(url)
        except TimeoutError:
            self._event("crowded")
            return self._excuse(state, "too many requests to its host are under way"), body
        except Exception:  # noqa: BLE001 - a fault of ours must not take away the copy there is
            self._event("crashed")
            self._plan(state, body, self._manners(url).rules.retry)
            return self._excuse(state, "an error of the proxy"), body

    async def _turn(self, url: str, kept: bool) -> tuple[FeedState, Body | None, bool]:
        """Get the lease of a feed, or what another proxy has fetched meanwhile; and whether it is ours to fetch."""
        began = self._clock.monotonic()
        while not await self._recall.lease(url, LEASE):
            self._event("lease-denied")
            if self._clock.monotonic() - began > LEASE_STUCK:
                self._event("lease-stuck")  # who has it died, or its clock is wrong
                break
            state, body = await self._recall.known(url)
            due = self._is_due(state, body)
            if due and kept:
                self._plan(state, body, LEASE_DENIED)
            if kept or not due:
                return state, body, False
            await self._clock.sleep(LEASE_POLL)
        state, body = await self._recall.known(url)
        return state, body, self._is_due(state, body)

    @asynccontextmanager
    async def _renewed(self, url: str) -> AsyncIterator[None]:
        """Keep the lease of a feed from running out."""
        over = asyncio.Event()

        async def renew() -> None:
            while not over.is_set():
                try:
                    await asyncio.wait_for(over.wait(), LEASE / 4)
                except TimeoutError:
                    await self._recall.lease(url, LEASE)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            over.set()
            await renewing  # or it might take the lease once more after it was given back

    async def _fetch(self, state: FeedState, body: Body | None, host: str) -> Known:
        """Ask the publisher, and remember what it says."""
        if _is_lost(state, body):
            if len(self._regained) >= MAX_PLANS:
                self._regained.clear()
            self._regained[state.url] = self._clock.monotonic()
        answer = await self._ask(state, body)
        self._event(f"fetch-{answer.outcome}")
        now = self._clock.now()
        if left := pause(answer, now):
            self._pause(host, self._clock.monotonic() + left)
            await self._recall.pause(host, left)
        new = await asyncio.to_thread(_body, state.url, answer, now)
        best = new or body
        hints = await asyncio.to_thread(read_hints, best.content if best else b"")
        state = after(state, answer, now, hints, rules=self._manners(state.url).rules, jitter=self._jitter())
        await self._recall.save(state, new, best)
        self._plans.pop(state.url, None)
        self._is_due(state, best)  # makes the plan now, before somebody sets the clock
        return state, best

    async def _ask(self, state: FeedState, body: Body | None) -> Answer:
        """The answer of the publisher, if it is a feed."""
        self._event("fetch")
        try:
            headers = self._manners(state.url).headers
            if headers and not same_origin(state.url, state.fetch_url):
                headers = {}
            validators = state.validators if body else Validators()  # without a copy, "unchanged" would be no answer
            answer = await self._upstream.fetch(state.fetch_url, validators, headers)
            reason = None
            if answer.outcome is Outcome.FRESH and self._judge is not None:
                reason = await asyncio.to_thread(self._judge, answer)
            return answer if reason is None else replace(answer, outcome=Outcome.BROKEN, body=None, reason=reason)
        except ForbiddenError as error:
            return Answer(Outcome.FORBIDDEN, reason=error.what)
        except Exception as error:  # noqa: BLE001 - whatever it is, it counts as a failure, or it would be tried without end
            self._event("crashed")
            return Answer(Outcome.BROKEN, reason=f"an error of the proxy ({type(error).__name__})")

    def _landed(self, url: str) -> None:
        self._flights.pop(url, None)
        self._cold.pop(url, None)

    def _has_room(self, host: str) -> bool:
        """Whether another feed can be fetched from a host for the first time: readers wait for those."""
        return len(self._cold) < MAX_COLD and sum(one == host for one in self._cold.values()) < MAX_COLD // 2

    async def _left_alone(self, state: FeedState) -> FeedState | None:
        """What a reader is told if the host of a feed wants a pause."""
        left = await self._paused(_host(state))
        if left <= 0:
            return None
        self._event("paused")
        return self._excuse(state, "its host asked for a pause", left)

    def _pause(self, host: str, until: float) -> None:
        if len(self._pauses) >= MAX_PLANS:
            self._pauses.clear()  # the store has them
        self._pauses[host] = until

    async def _paused(self, host: str) -> float:
        """Seconds for which a host wants to be left alone, whoever of the proxies on one store was told, and when."""
        now = self._clock.monotonic()
        until = self._pauses.get(host, 0.0)
        if until <= now:
            until = now + min(await self._recall.paused(host), DAY)
            if until > now:
                self._pause(host, until)
            else:
                self._pauses.pop(host, None)
        return until - now

    def _is_due(self, state: FeedState, body: Body | None) -> bool:
        """Whether a feed may be asked for now."""
        rules = self._manners(state.url).rules
        left = wait(state, self._clock.now(), rules, kept=body is not None)
        if left is None:
            return False
        if _is_lost(state, body):  # whatever was planned, at once; but not at each request, if it is lost each time
            last = self._regained.get(state.url)
            return last is None or self._clock.monotonic() >= last + rules.retry
        made_for, due = self._plans.get(state.url, (None, 0.0))
        if made_for != _plan_key(state, body):
            due = self._plan(state, body, left)
        return self._clock.monotonic() >= due

    def _plan(self, state: FeedState, body: Body | None, seconds: float) -> float:
        """Make a feed due in so many seconds, unless its state changes before."""
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()  # they are made anew from the states
        due = self._clock.monotonic() + seconds
        self._plans[state.url] = (_plan_key(state, body), due)
        return due

    def _excuse(self, state: FeedState, reason: str, seconds: float = 0.0) -> FeedState:
        """A state that says why nobody was asked; for the reader, not for the store."""
        until = max(state.next_fetch, self._clock.now() + seconds)
        return replace(state, last_outcome=Outcome.BUSY, last_reason=reason, next_fetch=until)


def _host(state: FeedState) -> str:
    """Whom a feed is asked of; without the user that may stand before it."""
    return urlsplit(state.fetch_url).netloc.rpartition("@")[2].lower()


def _is_lost(state: FeedState, body: Body | None) -> bool:
    """Whether there was a copy, and the publisher would give it again."""
    return body is None and state.last_success is not None and state.failures == 0


def _plan_key(state: FeedState, body: Body | None) -> object:
    return state.next_fetch, state.last_fetch, state.stopped, body is None


def _body(url: str, answer: Answer, now: float) -> Body | None:
    """The copy that an answer brings."""
    if answer.outcome is not Outcome.FRESH or answer.body is None:
        return None
    kind = answer.headers.get("content-type", "")
    return Body(url, answer.body, kind, now, sha256(answer.body).hexdigest())
