"""A publisher is asked once, a reader is answered always; with a clock that the test turns."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sized
from dataclasses import replace
from hashlib import sha256
from typing import Any
from unittest.mock import patch

import pytest

from feedclean.errors import ForbiddenError, StoreError
from feedclean.proxy import refresh
from feedclean.proxy.lanes import Lanes
from feedclean.proxy.nouns import Answer, Body, FeedState, Outcome, Validators
from feedclean.proxy.recall import Held
from feedclean.proxy.refresh import MAX_COLD, Manners, Refresher, SystemClock
from feedclean.proxy.resuming import resume_stored
from feedclean.proxy.schedule import DAY, Rules
from tests.proxy.origin import FEED, Clock, Publisher, Request

URL = "https://publisher.example/feed"
HOUR = 3600.0


class Shelf:
    """A store in memory, which can be made to fail."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.states: dict[str, FeedState] = {}
        self.bodies: dict[str, Body] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.pauses: dict[str, float] = {}
        self.broken: set[str] = set()
        self.calls = Counter[str]()

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        if name in self.broken:
            raise StoreError("the disk is full")

    def state(self, url: str) -> FeedState | None:
        self._called("state")
        return self.states.get(url)

    def save(self, state: FeedState, body: Body | None) -> None:
        self._called("save")
        self.states[state.url] = state
        if body is not None:
            self.bodies[body.url] = body

    def body(self, url: str) -> Body | None:
        self._called("body")
        return self.bodies.get(url)

    def lease(self, url: str, owner: str, until: float) -> bool:
        self._called("lease")
        holder, end = self.leases.get(url, (owner, 0.0))
        if holder != owner and end > self.clock.now():
            return False
        self.leases[url] = (owner, until)
        return True

    def release(self, url: str, owner: str) -> None:
        self._called("release")
        if self.leases.get(url, ("", 0.0))[0] == owner:
            del self.leases[url]

    def pause(self, host: str, until: float) -> None:
        self._called("pause")
        self.pauses[host] = until

    def paused(self, host: str) -> float:
        self._called("paused")
        return self.pauses.get(host, 0.0)


def polite(request: Request) -> Answer:
    """A publisher that keeps to the book."""
    headers = {"etag": '"1"', "cache-control": "max-age=3600", "content-type": "application/rss+xml"}
    if request.headers.get("if-none-match") == '"1"':
        return Answer(Outcome.UNCHANGED, 304, None, headers, request.url)
    return Answer(Outcome.FRESH, 200, FEED, headers, request.url)


def failing(outcome: Outcome, headers: dict[str, str] | None = None) -> Callable[[Request], Answer]:
    return lambda request: Answer(outcome, None, None, headers or {}, request.url, reason="because")


class World:
    """A clock, a publisher, a store and a proxy."""

    def __init__(self, script: Callable[[Request], Answer] = polite, *, delay: float = 0.0, **options: Any) -> None:
        self.clock = Clock()
        self.publisher = Publisher(self.clock, script, delay=delay)
        self.shelf = Shelf(self.clock)
        self.events = Counter[str]()
        self.options = {"jitter": lambda: 0.5, "on_event": lambda name: self.events.update([name])} | options
        self.proxies = [self.another()]

    def another(self) -> Refresher:
        return Refresher(self.publisher, self.shelf, self.clock, **self.options)

    @property
    def proxy(self) -> Refresher:
        return self.proxies[-1]

    @property
    def requests(self) -> list[Request]:
        return self.publisher.requests

    async def read(self, url: str = URL) -> tuple[FeedState, Body | None]:
        """What a reader gets; whatever goes on in the background is over when it returns."""
        got = await self.proxy.current(url, wait=True)
        await self.rest()
        return got

    async def rest(self) -> None:
        tasks = [*self.proxy._flights.values(), *self.proxy._recall._tasks]
        await asyncio.gather(*tasks)

    async def restart(self) -> None:
        await self.proxy.close()
        self.proxies.append(self.another())


def test(law: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a law on an event loop."""

    def run() -> None:
        asyncio.run(law())

    run.__name__, run.__doc__ = law.__name__, law.__doc__
    return run


test.__test__ = False  # type: ignore[attr-defined]


# ── Bars ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@test
async def test_day_of_polls_costs_24_requests_and_one_of_them_is_unconditional() -> None:
    """A reader comes every ten minutes, the proxy is restarted at noon."""
    world = World()
    for poll in range(144):
        state, body = await world.read()
        assert body is not None and body.content == FEED and state.failures == 0
        if poll == 72:
            await world.restart()
        world.clock.turn(600)
    assert len(world.requests) <= 24
    assert [request.conditional for request in world.requests].count(False) == 1
    assert world.requests[1].headers["if-none-match"] == '"1"'


@test
async def test_two_hours_of_429_cost_one_request_and_no_reader_sees_an_error() -> None:
    world = World()
    await world.read()
    world.clock.turn(HOUR)
    world.publisher.script = failing(Outcome.BUSY, {"retry-after": "7200"})
    start = len(world.requests)
    for poll in range(12):
        state, body = await world.read()
        assert body is not None and body.content == FEED
        assert state.validators == Validators('"1"')
        if poll == 5:
            await world.restart()
        world.clock.turn(600)
    assert len(world.requests) == start + 1
    world.publisher.script = polite
    world.clock.turn(60)
    await world.read()
    assert (await world.read())[0].last_outcome is Outcome.UNCHANGED


@test
async def test_herd_of_200_costs_one_request() -> None:
    world = World(delay=0.3)
    start = time.monotonic()
    got = await asyncio.gather(*[world.proxy.current(URL, wait=True) for _ in range(200)])
    assert time.monotonic() - start < 0.9
    assert len(world.requests) == 1
    assert all(body is not None and body.content == FEED for _, body in got)


@pytest.mark.parametrize(
    "outcome", [Outcome.UNREACHABLE, Outcome.REFUSED, Outcome.BROKEN, Outcome.GONE, Outcome.FORBIDDEN]
)
def test_herd_of_50_on_a_failing_feed_costs_one_request(outcome: Outcome) -> None:
    async def law() -> None:
        world = World(failing(outcome), delay=0.3)
        start = time.monotonic()
        got = await asyncio.gather(*[world.proxy.current(URL, wait=True) for _ in range(50)])
        assert time.monotonic() - start < 1
        assert all((state.last_outcome, state.last_reason, body) == (outcome, "because", None) for state, body in got)
        for _ in range(3):
            world.clock.turn(10)
            assert (await world.read())[0].failures == 1
        assert len(world.requests) == 1

    asyncio.run(law())


# ── Copies ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@test
async def test_copy_is_given_at_once_and_refreshed_behind_the_readers_back() -> None:
    world = World()
    _, first = await world.read()
    world.clock.turn(HOUR)
    world.publisher.delay = 0.2
    world.publisher.script = lambda request: replace(polite(Request(request.url)), body=b"<rss>new</rss>")
    start = time.monotonic()
    _, stale = await world.proxy.current(URL, wait=True)
    assert stale == first and time.monotonic() - start < 0.1
    await world.rest()
    _, new = await world.read()
    assert new is not None and new.content == b"<rss>new</rss>" and len(world.requests) == 2
    assert new.digest == sha256(new.content).hexdigest() and new.content_type == "application/rss+xml"


@test
async def test_reader_waits_for_news_as_long_as_the_settings_say() -> None:
    world = World(manners=lambda _: Manners(patience=0.3))
    _, first = await world.read()
    world.clock.turn(HOUR)
    world.publisher.script = lambda request: replace(polite(Request(request.url)), body=b"<rss>new</rss>")
    _, body = await world.proxy.current(URL, wait=True)
    assert body is not None and body.content == b"<rss>new</rss>"
    world.clock.turn(HOUR)
    world.publisher.delay = 1.0
    start = time.monotonic()
    assert (await world.proxy.current(URL, wait=True))[1] == body != first
    assert time.monotonic() - start < 0.9
    await world.proxy.close()


@test
async def test_reader_who_does_not_wait_gets_nothing_the_first_time() -> None:
    world = World()
    state, body = await world.proxy.current(URL, wait=False)
    assert (state, body) == (FeedState(URL, URL), None)
    await world.rest()
    assert (await world.proxy.current(URL, wait=False))[1] is not None
    assert len(world.requests) == 1


@test
async def test_reader_who_goes_away_does_not_end_the_request() -> None:
    world = World(delay=0.1)
    reader = asyncio.create_task(world.proxy.current(URL, wait=True))
    await asyncio.sleep(0.05)
    reader.cancel()
    assert (await world.read())[1] is not None and len(world.requests) == 1


@test
async def test_outage_of_a_week_is_seen_by_no_reader() -> None:
    world = World()
    await world.read()
    world.publisher.script = failing(Outcome.UNREACHABLE)
    for _ in range(7 * 24):
        world.clock.turn(HOUR)
        assert (await world.read())[1] is not None
    assert len(world.requests) < 25
    world.publisher.script = polite
    world.clock.turn(DAY)
    await world.read()
    assert (await world.read())[0].failures == 0
    assert world.requests[-1].headers["if-none-match"] == '"1"'


@test
async def test_dropped_copy_is_fetched_again_without_conditions() -> None:
    world = World()
    await world.read()
    await world.restart()  # memory does not have it either
    del world.shelf.bodies[URL]
    assert (await world.read())[1] is not None
    assert [request.conditional for request in world.requests] == [False, False]


@test
async def test_dropped_copy_is_given_from_memory() -> None:
    """Fetched by this proxy or only read by it: the disk that had no room for it costs nobody anything."""
    for restarted in (False, True):
        world = World()
        await world.read()
        if restarted:
            await world.restart()
            await world.read()
        del world.shelf.bodies[URL]
        world.shelf.states[URL] = replace(world.shelf.states[URL], validators=Validators())  # as `drop_bodies` does
        assert (await world.read())[1] is not None and len(world.requests) == 1
        world.clock.turn(HOUR)
        await world.read()
        assert URL in world.shelf.bodies and not world.requests[-1].conditional


@test
async def test_store_that_drops_each_body_and_one_that_saves_none_serve_all_feeds() -> None:
    urls = [f"{URL}/{i}" for i in range(20)]
    world = World()
    for broken in (set[str](), {"save"}, {"save", "lease", "release"}, set[str]()):
        world.shelf.broken = broken
        for url in urls:
            assert (await world.read(url))[1] is not None
            world.shelf.bodies.clear()
    assert len(world.requests) == len(urls)
    await world.restart()
    for url in urls:
        assert (await world.read(url))[1] is not None
    assert len(world.requests) == 2 * len(urls)


@test
async def test_copy_that_is_lost_each_time_is_not_asked_for_each_time() -> None:
    world = World()
    await world.read()
    await world.restart()
    for _ in range(30):
        world.shelf.bodies.clear()
        world.proxy._recall._recent.drop(URL)
        await world.read()
        world.clock.turn(10)
    assert len(world.requests) <= 7


@test
async def test_dropped_copy_of_a_publisher_that_asked_for_a_pause_has_to_wait() -> None:
    world = World()
    await world.read()
    world.clock.turn(HOUR)
    world.publisher.script = failing(Outcome.BUSY, {"retry-after": "600"})
    await world.read()
    await world.restart()
    world.shelf.bodies.clear()
    assert (await world.read())[1] is None and len(world.requests) == 2


@test
async def test_error_page_that_says_200_does_not_take_the_place_of_the_feed() -> None:
    world = World(judge=lambda answer: None if answer.body == FEED else "a page for people, no feed")
    _, first = await world.read()
    world.clock.turn(HOUR)
    world.publisher.script = lambda request: replace(polite(Request(request.url)), body=b"<html>")
    await world.read()
    state, body = await world.read()
    assert body == first and (state.last_outcome, state.last_reason) == (Outcome.BROKEN, "a page for people, no feed")
    assert state.validators == Validators('"1"')


@test
async def test_feed_that_is_gone_is_asked_for_again_only_when_somebody_says_so() -> None:
    world = World(failing(Outcome.GONE))
    await world.read()
    world.publisher.script = polite
    world.clock.turn(90 * DAY)
    assert (await world.read())[0].stopped and len(world.requests) == 1
    await world.proxy.resume(URL)
    assert not (await world.proxy.state(URL)).stopped and len(world.requests) == 1
    assert (await world.read())[1] is not None and len(world.requests) == 2


@test
async def test_a_running_proxy_asks_again_for_a_feed_that_was_resumed_in_its_store() -> None:
    world = World(failing(Outcome.GONE))
    await world.read()
    world.publisher.script = polite
    world.clock.turn(90 * DAY)
    before = resume_stored(world.shelf, URL, world.clock.now())
    assert before is not None and before.stopped
    assert (await world.read())[1] is not None and len(world.requests) == 2


@test
async def test_what_comes_of_a_request_under_way_is_not_written_over_by_resuming() -> None:
    world = World()
    await world.read()
    world.clock.turn(HOUR)
    assert world.shelf.lease(URL, "another proxy", world.clock.now() + 60)
    known = await world.proxy.state(URL)
    world.shelf.save(replace(known, failures=3), None)
    before = resume_stored(world.shelf, URL, world.clock.now())
    assert before is not None and world.shelf.state(URL) == before
    assert not world.shelf.lease(URL, "a third", world.clock.now() + 60), "the lease of the other is still held"


@test
async def test_hints_of_the_stored_copy_hold_after_a_304_and_a_restart() -> None:
    feed = b'<rss version="2.0"><channel><ttl>240</ttl></channel></rss>'

    def script(request: Request) -> Answer:
        answer = polite(request)
        return answer if answer.body is None else replace(answer, body=feed)

    world = World(script)
    for _ in range(49):
        await world.read()
        await world.restart()
        world.clock.turn(1800)
    assert len(world.requests) == 7  # 0:00, 4:00, …, 24:00


# ── Manners ────────────────────────────────────────────────────────────────────────────────────────────────────────


@test
async def test_secrets_of_a_feed_do_not_follow_it_to_another_origin() -> None:
    moved = "https://elsewhere.example/feed"
    world = World(
        lambda request: replace(polite(request), moved_to=moved), manners=lambda _: Manners(headers={"x-key": "k"})
    )
    for _ in range(4):
        await world.read()
        world.clock.turn(HOUR)
    assert [(request.url, "x-key" in request.headers) for request in world.requests] == [(URL, True)] * 3 + [
        (moved, False)
    ]


@test
async def test_floor_of_a_feed_is_a_setting() -> None:
    world = World(manners=lambda _: Manners(Rules(floor=4 * HOUR)))
    for _ in range(24):
        await world.read()
        world.clock.turn(HOUR)
    assert len(world.requests) == 6


@test
async def test_publisher_that_is_busy_is_left_alone_for_all_its_feeds() -> None:
    world = World()
    await world.read(URL + "/warm")
    world.clock.turn(HOUR)
    world.publisher.script = failing(Outcome.BUSY, {"retry-after": "600"})
    await world.read(URL)
    asked = len(world.requests)
    world.clock.turn(300)
    state, body = await world.read(URL + "/cold")
    assert (state.last_outcome, body) == (Outcome.BUSY, None) and "pause" in state.last_reason
    assert (await world.read(URL + "/warm"))[1] is not None
    assert len(world.requests) == asked and URL + "/cold" not in world.shelf.states
    await world.read("https://other.example/feed")
    assert len(world.requests) == asked + 1
    world.clock.turn(301)
    await world.read(URL + "/cold")
    assert len(world.requests) == asked + 2


@test
async def test_nothing_new_is_fetched_for_those_who_could_not_clean_it() -> None:
    world = World()
    await world.read()
    world.clock.turn(2 * HOUR)
    state, body = await world.proxy.current(URL + "/new", wait=True, more=False)
    assert (state.last_outcome, body, world.events["crowded"]) == (Outcome.BUSY, None, 1)
    assert (await world.proxy.current(URL, wait=True, more=False))[1] is not None
    await world.rest()
    assert len(world.requests) == 2, "what there is a copy of is kept current"


@test
async def test_a_reader_with_hundreds_of_new_feeds_gets_all_of_them_and_more_than_that_is_refused_at_once() -> None:
    world, half = World(delay=0.02, per_host=8), MAX_COLD // 2
    assert half > 200
    hosts = ["https://a.example"] * (half + 6) + ["https://b.example"] * (half + 6)
    found = await asyncio.gather(*(world.proxy.current(f"{host}/{n}", wait=True) for n, host in enumerate(hosts)))
    got = [body is not None for _, body in found]
    assert [sum(got[: half + 6]), sum(got[half + 6 :])] == [half, half]
    refused = [state for state, body in found if body is None]
    assert all("first time" in state.last_reason for state in refused)
    assert (await world.proxy.current(f"https://a.example/{half + 5}", wait=True))[1] is not None


@test
async def test_what_many_feeds_leave_behind_is_bounded() -> None:
    """However many addresses are asked for, no table of the refresher grows beyond what it may hold (R8)."""
    with patch.object(refresh, "MAX_PLANS", 20):
        world = World()
        for number in range(100):
            assert (await world.read(f"https://host{number}.example/feed"))[1] is not None
        world.publisher.script = failing(Outcome.BUSY, {"retry-after": "3600"})
        for number in range(100):
            await world.read(f"https://busy{number}.example/feed")
    sizes = {name: len(kept) for name, kept in vars(world.proxy).items() if isinstance(kept, Sized)}
    assert {"_flights", "_cold", "_plans", "_regained", "_pauses"} <= sizes.keys()
    assert max(sizes.values()) <= 20 and not world.proxy._lanes._hosts and not sizes["_flights"]


@test
async def test_pause_outlives_a_restart_and_holds_for_other_proxies() -> None:
    world = World()
    await world.read(URL + "/warm")
    world.clock.turn(HOUR)
    world.publisher.script = failing(Outcome.BUSY, {"retry-after": "600"})
    await world.read(URL)
    asked, until = len(world.requests), world.clock.now() + 600
    for broken in (set[str](), {"paused"}, {"state", "body", "paused", "save", "lease"}):
        world.proxies.append(world.another())
        world.shelf.broken = set()
        state, body = await world.read(URL + "/warm")
        assert (state.last_outcome, state.next_fetch, body is None) == (Outcome.BUSY, until, False)
        world.shelf.broken = broken  # once it is known, the store need not be well
        assert (await world.read(URL + "/cold"))[0].next_fetch == until
    assert len(world.requests) == asked and world.events["paused"] == 6
    world.shelf.broken = set()
    world.clock.turn(601)
    world.publisher.script = polite
    assert (await world.read(URL + "/cold"))[1] is not None


@test
async def test_pause_that_a_broken_clock_wrote_ends_within_a_day() -> None:
    world = World()
    world.shelf.pauses["publisher.example"] = world.clock.now() + 1000 * DAY
    await world.read()
    world.clock.turn(DAY + 1)
    world.shelf.pauses.clear()
    assert (await world.read())[1] is not None


@test
async def test_one_hanging_host_holds_up_nobody() -> None:
    world = World(delay=5.0)
    hanging = [asyncio.create_task(world.proxy.current(f"{URL}/{i}", wait=True)) for i in range(50)]
    await asyncio.sleep(0.1)
    assert world.publisher.most_open == 2
    world.publisher.delay = 0.0
    start = time.monotonic()
    assert (await world.proxy.current("https://good.example/feed", wait=True))[1] is not None
    assert time.monotonic() - start < 1
    for task in hanging:
        task.cancel()
    await world.proxy.close()


@test
async def test_fifty_hanging_hosts_in_the_background_hold_up_no_reader() -> None:
    world = World()
    for i in range(50):
        await world.read(f"https://host{i}.example/feed")
    world.clock.turn(HOUR)
    world.publisher.delay = 5.0
    for i in range(50):
        assert (await world.proxy.current(f"https://host{i}.example/feed", wait=True))[1] is not None
    await asyncio.sleep(0.1)
    assert world.publisher.open == 16
    world.publisher.delay = 0.0
    start = time.monotonic()
    assert (await world.proxy.current("https://good.example/feed", wait=True))[1] is not None
    assert time.monotonic() - start < 1
    await world.proxy.close()


@test
async def test_reader_is_not_kept_waiting_for_a_turn_without_end() -> None:
    world = World(delay=5.0, per_host=1)
    world.proxy._lanes = Lanes(1, 1, longest_wait=0.05)
    first = asyncio.create_task(world.proxy.current(URL, wait=True))
    await asyncio.sleep(0.02)
    state, body = await world.proxy.current(URL + "/2", wait=True)
    assert (state.last_outcome, body) == (Outcome.BUSY, None) and world.events["crowded"] == 1
    assert len(world.requests) == 1
    first.cancel()
    await world.proxy.close()
    assert not world.proxy._lanes._hosts and not world.shelf.leases


# ── Several proxies, failing stores, jumping clocks ────────────────────────────────────────────────────────────────


@test
async def test_proxies_on_one_store_fetch_once() -> None:
    world = World(delay=0.2)
    world.clock.real_nap = 0.02
    proxies = [world.proxy, world.another(), world.another()]
    got = await asyncio.gather(*[proxy.current(URL, wait=True) for proxy in proxies for _ in range(20)])
    assert len(world.requests) == 1 and all(body is not None for _, body in got)
    world.clock.turn(HOUR)
    got = await asyncio.gather(*[proxy.current(URL, wait=True) for proxy in proxies for _ in range(20)])
    await asyncio.sleep(0.4)
    assert len(world.requests) == 2 and all(body is not None for _, body in got)
    for proxy in proxies:
        await proxy.close()
    assert not world.shelf.leases


@test
async def test_a_lease_is_short_and_renewed_while_a_fetch_takes_its_time() -> None:
    world = World(delay=0.5)
    with patch.object(refresh, "LEASE", 0.2):
        reading = asyncio.create_task(world.read())
        for _ in range(4):
            await asyncio.sleep(0.1)
            world.clock.turn(0.1)
            assert not world.shelf.lease(URL, "other", world.clock.now() + 1)
        assert (await reading)[1] is not None
    assert not world.shelf.leases and len(world.requests) == 1


@test
async def test_lease_of_a_proxy_that_died_runs_out() -> None:
    world = World()
    world.shelf.leases[URL] = ("dead", world.clock.now() + 30)
    start = world.clock.now()
    assert (await world.read())[1] is not None
    assert 29 <= world.clock.now() - start <= 32 and len(world.requests) == 1


@test
async def test_lease_that_never_ends_is_disregarded() -> None:
    world = World()
    world.shelf.leases[URL] = ("from the future", world.clock.now() + 1e9)
    assert (await world.read())[1] is not None and world.events["lease-stuck"] == 1


@test
async def test_copy_that_another_proxy_refreshes_is_not_looked_at_all_the_time() -> None:
    world = World()
    await world.read()
    world.clock.turn(HOUR)
    world.shelf.leases[URL] = ("other", world.clock.now() + 30)
    for _ in range(20):
        assert (await world.read())[1] is not None
    assert world.events["lease-denied"] == 1
    world.clock.turn(31)
    await world.read()
    assert len(world.requests) == 2


@pytest.mark.parametrize(
    "broken", [{"state"}, {"body"}, {"save"}, {"lease"}, {"release"}, {"state", "body", "save", "lease", "release"}]
)
def test_store_that_fails_stops_nobody_and_costs_publishers_nothing(broken: set[str]) -> None:
    async def law() -> None:
        world = World()
        world.shelf.broken = broken
        for _ in range(18):
            state, body = await world.read()
            assert body is not None and body.content == FEED and state.failures == 0
            world.clock.turn(600)
        assert len(world.requests) == 3
        assert world.events["store-failed"] > 0 and world.events["crashed"] == 0

    asyncio.run(law())


@test
async def test_what_a_full_disk_could_not_take_is_saved_when_it_can() -> None:
    world = World()
    world.shelf.broken = {"save"}
    await world.read()
    for _ in range(10):
        await world.read()
    assert world.shelf.calls["save"] <= 2  # a store in trouble is not pressed
    world.shelf.broken = set()
    world.clock.turn(61)
    await world.read()
    assert world.shelf.states[URL].validators == Validators('"1"') and world.shelf.bodies[URL].content == FEED
    await world.restart()
    await world.read()
    assert len(world.requests) == 1


def test_memory_for_what_is_not_saved_is_bounded() -> None:
    held = Held(max_entries=3, max_bytes=100)

    def body(url: str, size: int) -> Body:
        return Body(url, b"x" * size, "", 0.0, "")

    for i in range(9):
        held.keep(FeedState(str(i), ""), body(str(i), 10))
    assert [held.get(str(i)) is not None for i in range(9)] == [False] * 6 + [True] * 3
    held.keep(FeedState("8", "new"), None)
    entry = held.get("8")
    assert entry is not None and entry[0].fetch_url == "new" and entry[1] is not None
    held.keep(FeedState("9", ""), body("9", 99))
    assert held.get("8") is None and held.get("9") is not None
    held.drop("9")
    assert held._bytes == 0 and held.drop("9") is None


@pytest.mark.parametrize("jump", [365 * DAY, -365 * DAY, -HOUR, HOUR, 80 * 365 * DAY, -56 * 365 * DAY])
@pytest.mark.parametrize("restarted", [False, True])
def test_wall_clock_that_jumps_makes_no_loop_and_no_end(jump: float, restarted: bool) -> None:
    async def law() -> None:
        world = World()
        await world.read()
        world.clock.wall += jump
        if restarted:
            await world.restart()
        for _ in range(24):
            assert (await world.read())[1] is not None
            world.clock.turn(600)
        assert 3 <= len(world.requests) <= 6
        if not restarted:
            assert len(world.requests) == 4

    asyncio.run(law())


@test
async def test_error_of_our_own_counts_as_a_failure_and_takes_no_copy_away() -> None:
    def crash(request: Request) -> Answer:
        raise ZeroDivisionError

    def forbid(request: Request) -> Answer:
        raise ForbiddenError("not there")

    world = World()
    await world.read()
    world.clock.turn(HOUR)
    world.publisher.script = crash
    for _ in range(5):
        assert (await world.read())[1] is not None
    assert len(world.requests) == 2 and world.events["crashed"] == 1
    world.publisher.script = forbid
    assert (await world.read(URL + "/2"))[0].last_outcome is Outcome.FORBIDDEN


@test
async def test_fault_in_the_settings_is_no_loop_either() -> None:
    world = World(jitter=lambda: 1 / 0)
    for _ in range(5):
        assert (await world.read())[1] is None
    assert len(world.requests) == 1 and world.events["crashed"] == 1


@test
async def test_closing_stops_what_is_under_way_and_gives_the_lease_back() -> None:
    world = World(delay=5.0)
    reader = asyncio.create_task(world.proxy.current(URL, wait=True))
    await asyncio.sleep(0.05)
    assert world.shelf.leases
    start = time.monotonic()
    await world.proxy.close()
    assert (await reader)[1] is None and time.monotonic() - start < 0.5
    assert not world.shelf.leases and not world.shelf.states


@test
async def test_system_clock_goes_on() -> None:
    clock = SystemClock()
    wall, mono = clock.now(), clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - mono >= 0.009 and abs(clock.now() - wall) < 10
