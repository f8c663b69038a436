"""Everything that serving takes, put together from the settings, and put together anew when they change.

settings ──> Guard ──> Upstream ──> Refresher ──┐
         ──> Store ──────────────────┘  │        ├──> House ──> app
         ──> PinnedJudge(model) ──> Cleaner ─────┘
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Hashable, Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

from ..errors import ForbiddenError, SettingsError
from ..settings import Settings, TitleRule
from .access import Caller, check_any
from .addresses import Addresses
from .allowance import Allowance, client_of
from .answer import Cleaner
from .logs import Log, Seldom
from .metrics import Metrics
from .nouns import Body, FeedState, LabelRow, LedgerRow
from .recall import Clock
from .refresh import Manners
from .reply import Problem
from .schedule import Rules
from .spelling import canonical_url

__all__ = ["House", "KeptStore", "Known"]


class Known(Protocol):
    """What is needed of `Refresher`."""

    async def current(self, url: str, *, wait: bool, more: bool = True) -> tuple[FeedState, Body | None]:
        """As `Refresher.current`."""
        ...

    async def state(self, url: str) -> FeedState:
        """As `Refresher.state`."""
        ...

    async def resume(self, url: str) -> None:
        """As `Refresher.resume`."""
        ...


class KeptStore(Protocol):
    """What is needed of `Store`."""

    def ledger(self, feed: str, limit: int, before: float | str | None = None) -> list[LedgerRow]:
        """As `Store.ledger`."""
        ...

    def removal(self, key: str) -> LedgerRow | None:
        """As `Store.removal`."""
        ...

    def label(self, row: LabelRow) -> None:
        """As `Store.label`."""
        ...

    def unlabel(self, block: str) -> None:
        """As `Store.unlabel`."""
        ...

    def labels(self, blocks: Sequence[str]) -> dict[str, LabelRow]:
        """As `Store.labels`."""
        ...

    def label_mark(self) -> Hashable:
        """As `Store.label_mark`."""
        ...

    def check(self) -> None:
        """As `Store.check`."""
        ...


class House:
    """What the app serves from.

    Args:
        settings: the effective ones; `apply` replaces them.
        refresher: knows the feeds.
        store: knows what was removed, and what people said.
        cleaner: makes copies.
        clock: tells the time.
        metrics: are told.
        log: is told.
        is_own_request: whether a request, by its headers, was made by this proxy itself.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        refresher: Known,
        store: KeptStore,
        cleaner: Cleaner,
        clock: Clock,
        metrics: Metrics,
        log: Log,
        is_own_request: Callable[[Mapping[str, str]], bool] = lambda _: False,
    ) -> None:
        self.refresher, self.store, self.cleaner, self.clock = refresher, store, cleaner, clock
        self.metrics, self.log, self.is_own_request = metrics, log, is_own_request
        self.seldom = Seldom(log, clock.monotonic)
        self._allowance = Allowance()
        self.generation = 0  # of the settings and of what people said
        self._label_mark: Hashable = None
        self._form_secret = secrets.token_hex(32)
        self._apply(settings)

    def apply(self, settings: Settings) -> None:
        """Serve by other settings from now on.

        Raises:
            SettingsError: they cannot be used; the old ones still hold.
        """
        self._apply(settings)
        self.generation += 1

    def admit(self, caller: Caller, url: str, signature: str | None) -> None:
        """Let somebody have any address cleaned.

        Raises:
            Problem: they may not, or not now.
        """
        proxy = self.settings.proxy
        check_any(proxy, caller, url, signature)
        if caller.is_local:
            return
        client = client_of(caller, proxy.trusted_proxies)
        if (left := self._allowance.take(client, proxy.per_minute, self.clock.monotonic())) > 0:
            told = f"You have asked for more than {proxy.per_minute} addresses within a minute."
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", told, retry_after=left)

    async def heed_labels(self) -> None:
        """Make all copies anew if people have said something since the last time, here or anywhere else.

        Raises:
            StoreError: that cannot be told just now.
        """
        mark = await asyncio.to_thread(self.store.label_mark)
        if mark != self._label_mark:
            self._label_mark = mark
            self.cleaner.forget()
            self.generation += 1

    @property
    def form_secret(self) -> str:
        """What forms are signed with: the same in several proxies, where their settings hold a secret."""
        return self.settings.proxy.secret or self.settings.proxy.token or self._form_secret

    def manners(self, url: str) -> Manners:
        """How a feed is fetched."""
        name = self._names.get(url)
        floor = self.settings.rules(name).refresh_floor
        rules = Rules() if floor is None else Rules(floor=floor, longest=max(Rules().longest, floor))
        return Manners(rules, self.settings.feeds[name].headers if name else {})

    def drops(self, name: str | None) -> bool:
        """Whether items with a clickbait title go."""
        return self.settings.rules(name).title_action is TitleRule.DROP_ITEM

    def url_of(self, name: str) -> str | None:
        """The address of a named feed."""
        return self.urls.get(name)

    def _apply(self, settings: Settings) -> None:
        urls = {name: _canonical(feed.url, f"feeds.{name}.url") for name, feed in settings.feeds.items()}
        self.urls: dict[str, str] = urls
        self._names = {url: name for name, url in reversed(urls.items())}
        self.settings = settings
        self.addresses = Addresses(settings)
        self.policies = {name: settings.policy(name) for name in (None, *settings.feeds)}


def _canonical(url: str, where: str) -> str:
    try:
        return canonical_url(url)
    except ForbiddenError as fault:
        raise SettingsError(fault.what, where=where, hint=fault.hint) from None
