"""A house with a real store and a real way out, put together from the settings, and closed again.

settings ──> Guard ──> Upstream ──> Refresher ──┐
──> Store ──────────────────┘          ├──> House ──> app
──> PinnedJudge(model) ──> Cleaner ────┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from ..cleaning import Judge
from ..errors import StoreError
from ..settings import Settings
from .answer import Cleaner, Order
from .guard import Guard
from .house import House
from .logs import Log
from .making import Made, feed_fault
from .metrics import Metrics
from .nouns import Answer, Body, Validators
from .pins import PinnedJudge
from .reading import sent_as
from .recall import SystemClock
from .refresh import Fetcher, Manners, Refresher
from .shadow import Shadow
from .store import Store
from .upstream import Upstream, user_agent

__all__ = ["OpenHouse", "open_house"]

_TIDY, _GLANCE = 600, 5  # seconds between two evictions, and between two looks whether one is needed before
_HEED = 2.0  # seconds between two looks at what people said elsewhere


class _Outside:
    """The way out by the settings of the moment; `Refresher` keeps its plans when they change."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def fetch(self, url: str, validators: Validators, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.upstream.fetch(url, validators, headers)

    def is_own_request(self, headers: Mapping[str, str]) -> bool:
        return self.upstream.is_own_request(headers)


class OpenHouse(House):
    """A house with a real store and a real way out, which are to be closed."""

    outside: _Outside
    real_store: Store
    real_refresher: Refresher
    judge: PinnedJudge
    shadow: Shadow | None = None

    def take(self, model: Judge) -> None:
        """Judge by another model from now on; no answer waits for it, and what is pinned stays."""
        self.judge = self.judge.succeeded_by(model)
        self.cleaner.take(self.judge)

    def take_shadow(self, model: Judge | None) -> None:
        """Have another model, or none, look at what is served."""
        old, self.shadow = self.shadow, None
        if old is not None:
            old.close()
        if model is not None:
            judge = PinnedJudge(model, self.real_store, keeps=False, tell=lambda _: self.metrics.event("store-failed"))
            self.shadow = Shadow(judge, self.clock, self.metrics, self.log)

    def made(self, body: Body, order: Order, made: Made) -> None:
        """A copy was made."""
        if self.shadow is not None:
            self.shadow.look(body, order, made)

    def apply(self, settings: Settings) -> None:
        """Serve by other settings from now on, and fetch by them."""
        upstream = _upstream(settings)
        super().apply(settings)
        old, self.outside.upstream = self.outside.upstream, upstream
        task = asyncio.get_running_loop().create_task(_close_later(old, settings.proxy.deadline))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def begin(self) -> None:
        """Start what runs beside serving."""
        self._closing: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        self._beside = [loop.create_task(self._tidy()), loop.create_task(self._heed())]

    async def close(self) -> None:
        """Let go of everything."""
        for task in self._beside:
            task.cancel()
        await self.real_refresher.close()
        for task in self._closing:
            task.cancel()
        await self.outside.upstream.close()
        self.cleaner.close()
        self.take_shadow(None)
        await asyncio.to_thread(self.real_store.close)

    async def _heed(self) -> None:
        """Take over what was said in another proxy, or with `feedclean label`, while this one runs."""
        while True:
            with suppress(StoreError):  # everything else that asks the store tells of it
                await self.heed_labels()
            await asyncio.sleep(_HEED)

    async def _tidy(self) -> None:
        while True:
            for _ in range(_TIDY // _GLANCE):
                await asyncio.sleep(_GLANCE)
                if self.real_store.taken > self.settings.store.max_body_bytes / 10:  # that much above the limit at most
                    break
            kept = self.settings.store
            try:
                dropped = await asyncio.to_thread(self.real_store.evict, kept.max_body_bytes, kept.max_body_age)
                pins = await asyncio.to_thread(self.real_store.drop_pins, kept.max_pin_age)
                self.log.debug("tidied", dropped=dropped, pins=pins)
            except StoreError as fault:
                self.metrics.event("store-failed")
                self.log.warning("cannot tidy the store", reason=str(fault))


def open_house(
    settings: Settings,
    model: Judge,
    log: Log,
    *,
    fetcher: Callable[[Fetcher], Fetcher] = lambda fetcher: fetcher,
) -> OpenHouse:
    """A house for some settings; to be called in the event loop, and closed.

    Args:
        settings: the effective ones.
        model: judges.
        log: is told.
        fetcher: put around the way out.

    Raises:
        SettingsError: they cannot be used.
        StoreError: the store was written by a newer feedclean.
    """
    clock, metrics = SystemClock(), Metrics()
    house: OpenHouse

    def event(name: str) -> None:
        metrics.event(name)
        if name in {"store-failed", "crashed", "lease-stuck"}:
            house.seldom.warning(name, "refreshing", happened=name)

    def store_failed(fault: StoreError) -> None:
        metrics.event("store-failed")
        house.seldom.warning(fault.what, "the store failed", reason=str(fault))

    def manners(url: str) -> Manners:
        return house.manners(url)

    outside = _Outside(_upstream(settings))
    store = Store(settings.store.url, clock=clock.now, tell=lambda told: log.warning("store", told=told))
    judge = PinnedJudge(model, store, tell=store_failed)
    cleaner = Cleaner(judge, store, clock, on_event=metrics.event, on_cuts=metrics.cuts)
    refresher = Refresher(
        fetcher(outside),
        store,
        clock,
        manners=manners,
        judge=_feed_fault,
        on_event=event,
    )
    house = OpenHouse(
        settings,
        refresher=refresher,
        store=store,
        cleaner=cleaner,
        clock=clock,
        metrics=metrics,
        log=log,
        is_own_request=outside.is_own_request,
    )
    house.judge, cleaner.on_made = judge, house.made
    house.outside, house.real_store, house.real_refresher = outside, store, refresher
    metrics.gauge("cache_bytes", "Bytes of copies that are ready", lambda: cleaner.shelf.size)
    metrics.gauge("cache_copies", "Copies that are ready", lambda: len(cleaner.shelf))
    house.begin()
    return house


def _feed_fault(answer: Answer) -> str | None:
    """Why an answer is no feed, read as it was sent."""
    return feed_fault(sent_as(answer.body or b"", answer.headers.get("content-type", "")), answer.url)


def _upstream(settings: Settings) -> Upstream:
    proxy = settings.proxy
    own = [(proxy.host.strip("[]"), proxy.port)]
    if proxy.public_url:
        parts = urlsplit(proxy.public_url)
        own.append((parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)))
    return Upstream(
        Guard(proxy.allow_networks, own),
        user_agent=user_agent(proxy.user_agent_contact or proxy.public_url or ""),
        max_body=proxy.max_body,
        deadline=proxy.deadline,
    )


async def _close_later(upstream: Upstream, seconds: float) -> None:
    """Close a way out when nobody can be using it any more."""
    try:
        await asyncio.sleep(seconds + 1)
    finally:
        await upstream.close()
