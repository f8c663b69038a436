"""Making copies: once for everybody, in bounded time and memory, and remembered when it fails."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Sequence, Sized
from contextlib import suppress
from itertools import groupby

import pytest

from feedclean.errors import FeedcleanError, FormatError, LimitError, StoreError
from feedclean.judging.policy import Policy
from feedclean.proxy import answer
from feedclean.proxy.answer import Cleaner, CrowdedError, FailedBeforeError, Order, reason_of
from feedclean.proxy.making import feed_fault, open_feed
from feedclean.proxy.nouns import Body, LedgerRow
from feedclean.proxy.shelf import Served, Shelf
from feedclean.types import Format, Passage, Verdict
from tests.fakes import KeywordJudge
from tests.proxy.client import go
from tests.proxy.houses import FEED, URL, FakeStore
from tests.proxy.origin import Clock


class SlowJudge(KeywordJudge):
    """Waits until it is told to go on, and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        self.gate.wait(5)
        return super().judge(passages)


def body(content: bytes = FEED) -> Body:
    return Body(URL, content, "application/rss+xml", 0.0, hashlib.sha256(content).hexdigest())


ORDER = Order(URL, Policy())


def test_the_longer_a_copy_takes_the_fewer_may_wait_for_theirs() -> None:
    """Who could not be served in good time is told at once (R9)."""

    async def run(pace: float) -> tuple[int, int]:
        judge = SlowJudge()
        cleaner = Cleaner(judge, FakeStore(), Clock(), threads=2, queue=64, budget=5.0)
        cleaner._pace = pace
        tasks, crowded_from = [], 0
        for number in range(80):
            crowded_from += not cleaner.crowded
            tasks.append(asyncio.create_task(cleaner.cleaned(body(FEED + b" " * number), ORDER)))
            await asyncio.sleep(0)
        judge.gate.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        cleaner.close()
        return crowded_from, sum(not isinstance(one, CrowdedError) for one in found)

    assert go(run(0.001)) == (64, 64)
    assert go(run(0.4)) == (25, 50)  # 10 s of waiting at most, and half of that before more is fetched
    assert go(run(60.0)) == (2, 2)  # as many as there are threads


def test_many_readers_cost_one_cleaning() -> None:
    async def herd() -> None:
        judge, store = SlowJudge(), FakeStore()
        cleaner = Cleaner(judge, store, Clock())
        tasks = [asyncio.create_task(cleaner.cleaned(body(), Order(URL, Policy()))) for _ in range(50)]
        await asyncio.sleep(0.05)
        judge.gate.set()
        copies = await asyncio.gather(*tasks)
        assert len({id(copy) for copy in copies}) == 1
        asked = len(judge.batches)
        assert await cleaner.cleaned(body(), ORDER) is copies[0]
        assert len(judge.batches) == asked and len(store.rows) == 1
        cleaner.close()

    go(herd())


def test_what_takes_too_long_is_still_made_for_the_next_reader() -> None:
    async def late() -> None:
        events: list[str] = []
        judge = SlowJudge()
        cleaner = Cleaner(judge, FakeStore(), Clock(), on_event=events.append, budget=0.05)
        with pytest.raises(TimeoutError):
            await cleaner.cleaned(body(), ORDER)
        judge.gate.set()
        for _ in range(100):
            await asyncio.sleep(0.02)
            if "cleaned" in events:
                break
        assert (await cleaner.cleaned(body(), ORDER)).note.startswith("cleaned; cut=1")
        assert events == ["cleaned-late", "cleaned"]
        cleaner.close()

    go(late())


def test_a_poisonous_feed_costs_its_time_once() -> None:
    async def poison() -> None:
        clock, events = Clock(), list[str]()
        cleaner = Cleaner(KeywordJudge(), FakeStore(), clock, on_event=events.append)
        with pytest.raises(FormatError):
            await cleaner.cleaned(body(b"\x00\x01\x02" * 99), ORDER)
        for _ in range(3):
            with pytest.raises(FailedBeforeError, match="format"):
                await cleaner.cleaned(body(b"\x00\x01\x02" * 99), ORDER)
        assert events == ["clean-failed"]
        clock.turn(3600)
        with pytest.raises(FormatError):
            await cleaner.cleaned(body(b"\x00\x01\x02" * 99), ORDER)
        assert events == ["clean-failed"] * 2
        cleaner.close()

    go(poison())


def test_more_than_can_wait_is_refused() -> None:
    async def crowd() -> None:
        judge = SlowJudge()
        cleaner = Cleaner(judge, FakeStore(), Clock(), queue=2, budget=5)
        feeds = [FEED.replace(b"urn:1", f"urn:{number}".encode()) for number in range(5)]
        tasks = [asyncio.create_task(cleaner.cleaned(body(feed), ORDER)) for feed in feeds]
        await asyncio.sleep(0.05)
        judge.gate.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(one, CrowdedError) for one in found] == [False, False, True, True, True]
        cleaner.close()

    go(crowd())


def test_a_reader_that_goes_away_does_not_end_the_work() -> None:
    async def leave() -> None:
        judge = SlowJudge()
        cleaner = Cleaner(judge, FakeStore(), Clock())
        first = asyncio.create_task(cleaner.cleaned(body(), ORDER))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(cleaner.cleaned(body(), ORDER))
        await asyncio.sleep(0)
        first.cancel()
        judge.gate.set()
        assert (await second).note.startswith("cleaned")
        cleaner.close()

    go(leave())


def test_copies_differ_where_their_bytes_do() -> None:
    one = body()
    keys = {
        order.key(one, "model")
        for order in (
            ORDER,
            Order(URL, Policy(threshold=0.5)),
            Order(URL, Policy(), drop=True),
            Order(URL, Policy(), to=Format.ATOM),
            Order(URL, Policy(), own="http://proxy/"),
        )
    } | {ORDER.key(body(b"x"), "model"), ORDER.key(one, "another")}
    assert len(keys) == 7
    assert ORDER.key(one, "model") == Order(URL, Policy()).key(body(), "model")


def test_ads_that_rotate_leave_the_copy_as_it_was() -> None:
    """The bytes after cleaning are the same, so no reader shows the item as unread again."""

    async def rotate() -> None:
        cleaner = Cleaner(KeywordJudge(), FakeStore(), Clock())
        copies = [
            await cleaner.cleaned(body(FEED.replace(b"PROMO buy it now", f"PROMO number {number}".encode())), ORDER)
            for number in range(3)
        ]
        assert len({copy.content for copy in copies}) == len({copy.etag for copy in copies}) == 1
        cleaner.close()

    go(rotate())


def test_a_copy_that_waits_for_its_turn_is_promised_and_one_that_takes_long_is_given_as_published() -> None:
    """What was never begun says nothing about its feed, and an item that is clean a moment later looks new."""

    async def run() -> list[object]:
        judge = SlowJudge()
        cleaner = Cleaner(judge, FakeStore(), Clock(), threads=1, budget=0.2)
        found = await asyncio.gather(
            *(cleaner.cleaned(body(FEED + b" " * number), ORDER) for number in range(2)), return_exceptions=True
        )
        judge.gate.set()
        copies = [await cleaner.cleaned(body(FEED + b" " * number), ORDER) for number in range(2)]
        cleaner.close()
        assert all(copy.note.startswith("cleaned") for copy in copies)
        return [type(one) for one in found]

    assert go(run()) == [TimeoutError, CrowdedError]


def test_a_copy_is_ready_before_the_next_one_is_begun() -> None:
    """What it removes is taken down in the same turn, not after everybody else's."""

    async def run() -> list[str]:
        steps: list[str] = []

        class Judge(KeywordJudge):
            def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
                steps.append("judged")
                return super().judge(passages)

        class Ledger(FakeStore):
            def note(self, rows: Sequence[LedgerRow]) -> None:
                steps.append("noted")
                super().note(rows)

        cleaner = Cleaner(Judge(), Ledger(), Clock(), threads=1)
        await asyncio.gather(*(cleaner.cleaned(body(FEED + b" " * number), ORDER) for number in range(3)))
        cleaner.close()
        return steps

    assert [step for step, _ in groupby(go(run()))] == ["judged", "noted"] * 3


def test_what_many_feeds_leave_behind_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses are asked for, no table of the cleaner grows beyond what it may hold (R8)."""
    monkeypatch.setattr(answer, "_REMEMBERED", 20)

    async def run() -> dict[str, int]:
        cleaner = Cleaner(KeywordJudge(), FakeStore(), Clock(), most=50_000)
        for number in range(200):
            content = FEED if number % 2 else b"<rss"
            with suppress(FormatError):
                await cleaner.cleaned(body(content), Order(f"{URL}/{number}", Policy()))
        sizes = {name: len(kept) for name, kept in vars(cleaner).items() if isinstance(kept, Sized)}
        cleaner.close()
        return sizes

    sizes = go(run())
    assert {"shelf", "_changed", "_failed", "_making"} <= sizes.keys()
    assert max(sizes.values()) <= 50_000 // 1000 and sizes["_making"] == 0


def test_reasons_are_words_that_stay() -> None:
    faults = [LimitError("x"), FormatError("x"), StoreError("x"), TimeoutError(), ValueError("x"), RecursionError()]
    assert [reason_of(fault) for fault in faults] == ["limit", "format", "store", "time", "error", "error"]


@pytest.mark.parametrize(
    ("content", "is_feed"),
    [
        (FEED, True),
        (b'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": []}', True),
        (b"<rss version='2.0'><channel><item><title>cut off", True),
        (b"<!doctype html><html><title>Just a moment</title><script>x</script></html>", False),
        (b'{"error": "rate limited"}', False),
        (b"Service unavailable", False),
        (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'></urlset>", False),
        (b"\x89PNG\r\n\x1a\n\x00\x00", False),
    ],
)
def test_an_error_page_is_no_feed(content: bytes, is_feed: bool) -> None:
    assert (feed_fault(content, URL) is None) is is_feed


DOUBLED = "".join(f"<!ENTITY a{n} '&a{n - 1};&a{n - 1};'>" for n in range(1, 31))
BOMB = f"<!DOCTYPE rss [<!ENTITY a0 'ha'>{DOUBLED}]><rss><channel><title>&a30;</title></channel></rss>"


@pytest.mark.parametrize(
    ("content", "takes_it"),
    [
        (b"<rss><channel>" + b"<x/>" * 500_000 + b"</channel></rss>", True),  # we do not, others do
        (b"<rss><channel>" + b"<x>" * 1000 + b"</x>" * 1000 + b"</channel></rss>", False),
        (BOMB.encode(), False),
        (b"<rss", False),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": ' + b"[" * 100_000, False),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": 3', False),
    ],
)
def test_what_no_parser_takes_does_not_take_the_place_of_the_last_good_copy(content: bytes, takes_it: bool) -> None:
    with pytest.raises(FeedcleanError):
        open_feed(content, URL)
    assert (feed_fault(content, URL) is None) is takes_it


def served(size: int) -> Served:
    return Served(b"x" * size, "application/rss+xml", "e", "", 0.0)


def test_the_shelf_holds_as_much_as_it_may_and_forgets_what_nobody_asked_for() -> None:
    shelf = Shelf(10_000)
    for number in range(5):
        shelf.put(number, served(1000))
    assert len(shelf) == 5 and shelf.size == 10_000
    assert shelf.get(0) is not None
    shelf.put(5, served(1000))
    assert shelf.get(1) is None and shelf.get(0) is not None and shelf.size <= 10_000
    shelf.put(6, served(20_000))
    assert shelf.get(6) is None
    shelf.clear()
    assert (len(shelf), shelf.size) == (0, 0)


def test_packed_copies_count() -> None:
    async def packed() -> None:
        shelf, copy = Shelf(10_000), Served(bytes(range(256)) * 20, "t", "e", "", 0.0)
        shelf.put(1, copy)
        before = shelf.size
        began = time.perf_counter()
        await copy.in_coding("gzip")
        assert time.perf_counter() - began < 5
        assert shelf.get(1) is copy and shelf.size > before
        assert await copy.in_coding("gzip") == ("gzip", copy.packed["gzip"])
        assert await served(10).in_coding("gzip") == ("", b"x" * 10)

    go(packed())
