"""A house without network, disk and time, in which a test decides what is known of a feed."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog

from feedclean.cleaning import Judge
from feedclean.errors import StoreError
from feedclean.proxy.answer import Cleaner
from feedclean.proxy.app import create_app
from feedclean.proxy.house import House
from feedclean.proxy.logs import set_up
from feedclean.proxy.metrics import Metrics
from feedclean.proxy.nouns import Body, FeedState, LabelRow, LedgerRow, Outcome, Pin
from feedclean.proxy.pins import PinnedJudge
from feedclean.proxy.records import ledger_key
from feedclean.proxy.schedule import resumed
from feedclean.settings import FeedSettings, ProxySettings, Settings
from tests.fakes import KeywordJudge
from tests.proxy.origin import Clock

URL = "https://news.example/feed"
FEED = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>News</title>
<atom:link rel="self" href="https://news.example/feed"/><atom:link rel="hub" href="https://hub.example/"/>
<cloud domain="cloud.example" port="80" path="/" registerProcedure="" protocol="xml-rpc"/>
<item><guid>urn:1</guid><link>https://news.example/1</link><title>Acme earns more</title>
<pubDate>Wed, 04 Mar 2026 07:30:00 GMT</pubDate>
<description>&lt;p&gt;Acme earned 4 million euros in the third quarter, a tenth more.&lt;/p&gt;&lt;p&gt;PROMO buy it now&lt;/p&gt;&lt;p&gt;The shares rose.&lt;/p&gt;</description>
</item></channel></rss>"""


class FakeStore:
    """A store in a few dictionaries."""

    def __init__(self) -> None:
        self.rows: dict[str, LedgerRow] = {}
        self.said: dict[str, LabelRow] = {}
        self.kept: dict[str, Pin] = {}
        self.changes = 0
        self.broken = False

    def removal(self, key: str) -> LedgerRow | None:
        self.check()
        return self.rows.get(key)

    def label(self, row: LabelRow) -> None:
        self.check()
        self.said[row.block] = row
        self.changes += 1

    def unlabel(self, block: str) -> None:
        self.check()
        self.said.pop(block, None)
        self.changes += 1

    def labels(self, blocks: Sequence[str]) -> dict[str, LabelRow]:
        self.check()
        return {block: self.said[block] for block in blocks if block in self.said}

    def all_labels(self) -> list[LabelRow]:
        self.check()
        return list(self.said.values())

    def label_mark(self) -> int:
        self.check()
        return self.changes

    def pins(self, blocks: Sequence[str]) -> dict[str, Pin]:
        self.check()
        return {block: self.kept[block] for block in blocks if block in self.kept}

    def pin(self, pins: Sequence[Pin]) -> None:
        self.check()
        self.kept |= {pin.block: pin for pin in pins}

    def note(self, rows: Sequence[LedgerRow]) -> None:
        self.check()
        for row in rows:
            self.rows.setdefault(ledger_key(row), row)

    def ledger(self, feed: str, limit: int, before: float | str | None = None) -> list[LedgerRow]:
        self.check()
        found = [row for row in reversed(self.rows.values()) if row.feed == feed]
        if isinstance(before, str):
            keys = [ledger_key(row) for row in found]
            found = found[keys.index(before) + 1 :]
        return found[:limit]

    def check(self) -> None:
        if self.broken:
            raise StoreError("the disk is full")


class FakeRefresher:
    """Knows what it is told."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.known: dict[str, tuple[FeedState, Body | None]] = {}
        self.asked: list[str] = []
        self.crash: Exception | None = None

    def has(
        self, url: str = URL, content: bytes | None = FEED, kind: str = "application/rss+xml", **facts: Any
    ) -> None:
        now = self.clock.now()
        state = FeedState(url, url, next_fetch=now + 1800, last_success=now - 600, last_outcome=Outcome.FRESH)
        body = Body(url, content, kind, now - 600, hashlib.sha256(content).hexdigest()) if content is not None else None
        self.known[url] = (replace(state, **facts), body)

    async def current(self, url: str, *, wait: bool, more: bool = True) -> tuple[FeedState, Body | None]:
        assert wait
        self.asked.append(url)
        if self.crash:
            raise self.crash
        return self.known.get(url, (FeedState(url, url), None))

    async def state(self, url: str) -> FeedState:
        return self.known.get(url, (FeedState(url, url), None))[0]

    async def resume(self, url: str) -> None:
        state, body = self.known[url]
        self.known[url] = (resumed(state, self.clock.now()), body)


class Home:
    """A house, its parts, and the application in it."""

    def __init__(self, *, judge: Judge | None = None, feeds: dict[str, Any] | None = None, **proxy: Any) -> None:
        self.clock = Clock()
        self.refresher = FakeRefresher(self.clock)
        self.refresher.has()
        self.store = FakeStore()
        self.metrics = Metrics()
        self.output = io.StringIO()
        log = set_up(proxy.pop("log_level", "debug"), self.output)
        cleaner: dict[str, Any] = proxy.pop("cleaner", {})
        self.cleaner = Cleaner(
            PinnedJudge(judge or KeywordJudge(), self.store) if proxy.pop("pinned", False) else judge or KeywordJudge(),
            self.store,
            self.clock,
            on_event=self.metrics.event,
            on_cuts=self.metrics.cuts,
            **cleaner,
        )
        named = {"news": FeedSettings(url=URL, title="News & <b>more</b>")} if feeds is None else feeds
        most: int = proxy.pop("most", 512)
        loop: Callable[[Any], bool] = proxy.pop("is_own_request", lambda _: False)
        self.house = House(
            Settings(proxy=ProxySettings(**proxy), feeds=named),
            refresher=self.refresher,
            store=self.store,
            cleaner=self.cleaner,
            clock=self.clock,
            metrics=self.metrics,
            log=log,
            is_own_request=loop,
        )
        self.app = create_app(self.house, most)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.output.getvalue().splitlines()]


def reset_logs() -> None:
    """Have structlog as it was."""
    structlog.reset_defaults()
