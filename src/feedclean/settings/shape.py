"""What can be set: one frozen class a table, each setting with its kind, its default and what it is for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..judging.policy import Policy
from ..places import default_store
from ..types import Action, Label, TitleAction
from .kinds import Address, Choice, Headers, Kind, Network, Networks, Number, Several, Text, seconds, size

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")  # of a feed: it stands in addresses and in variables
_DAY = 86400.0


class Open(StrEnum):
    """Who may have any feed cleaned by its address (`/feed?url=…`)."""

    LOOPBACK = "loopback"  # whoever is on this machine; nobody where the proxy listens elsewhere too
    TOKEN = "token"  # noqa: S105 - whoever knows the token
    SIGNED = "signed"  # whoever has an address that we signed
    OFF = "off"


class TitleRule(StrEnum):
    """What becomes of an item whose title is clickbait."""

    KEEP = "keep"
    MARK = "mark"
    PREFIX = "prefix"
    DROP_ITEM = "drop-item"


class LogLevel(StrEnum):
    """From which weight on something is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def default_store_url() -> str:
    """The store of a proxy that is told nothing else: a file in the platform's data folder; empty if there is none."""
    store = default_store()
    return f"sqlite:///{store}" if store else ""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def kinds(table: type) -> dict[str, Kind]:
    """The settings of a table and their kinds."""
    return {one.name: one.metadata["kind"] for one in fields(table)}


def _key(kind: Kind, default: Any, told: str, left: Any = None) -> Any:
    """A setting; one without a value of its own (`None`) may say what it is `left` to."""
    given: dict[str, Any] = {"default_factory": default} if callable(default) else {"default": default}
    return field(**given, repr=not kind.secret, metadata={"kind": kind, "told": told, "left": left})


def _acted(action: Action) -> tuple[Label, ...]:
    return tuple(label for label, found in Policy().actions.items() if found is action)


def _first(rules: Sequence[Any], name: str) -> Any:
    return next((value for one in rules if (value := getattr(one, name)) is not None), None)


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Table `[proxy]`."""

    host: str = _key(Text(1, 255), "127.0.0.1", "address to listen on")
    port: int = _key(Number(0, 65535), 8420, "port to listen on; 0 takes any")
    public_url: str | None = _key(Address(bare=True), None, "how readers reach the proxy, if not by host and port")
    open: Open = _key(Choice(Open), Open.LOOPBACK, "who may have any address cleaned")
    token: str | None = _key(
        Text(16, 500, secret=True, pattern=r"[!-~]+", told="ASCII without spaces"), None, "a token"
    )
    secret: str | None = _key(Text(16, 500, secret=True), None, "what addresses are signed with")
    per_minute: int = _key(
        Number(0, 1_000_000),
        600,
        "requests for any address that one client may make in a minute; 0 for no limit",
    )
    trusted_proxies: tuple[Network, ...] = _key(
        Networks(), (), "web servers in front whose X-Forwarded-For says which client asks"
    )
    allow_networks: tuple[Network, ...] = _key(Networks(), (), "networks of one's own that may be fetched from")
    user_agent_contact: str = _key(Text(0, 200, pattern="[ -~]*", told="ASCII"), "", "for publishers: URL or mail")
    max_body: int = _key(size(1 << 10, 1 << 30), 15 << 20, "bytes that a feed may have")
    deadline: float = _key(seconds(0.1, 600), 20.0, "seconds in which a publisher must have answered")
    stale_limit: float = _key(seconds(0, 3650 * _DAY), 30 * _DAY, "seconds that an old copy is served in an outage")
    log_level: LogLevel = _key(Choice(LogLevel), LogLevel.INFO, "from which weight on something is logged")

    @property
    def access(self) -> Open:
        """`open`, where it holds: a proxy that others can reach is not open to everybody by default."""
        return Open.OFF if self.open is Open.LOOPBACK and not is_loopback(self.host) else self.open


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Table `[store]`."""

    url: str = _key(
        Address(("sqlite", "postgresql", "postgresql+psycopg"), hosted=False), default_store_url, "the database"
    )
    max_body_bytes: int = _key(size(0, 1 << 44), 200 << 20, "bytes of old copies that are kept")
    max_body_age: float = _key(seconds(0, 3650 * _DAY), 30 * _DAY, "seconds that an old copy is kept")
    max_pin_age: float = _key(
        seconds(14 * _DAY, 3650 * _DAY), 90 * _DAY, "seconds that a verdict is kept after it was last used"
    )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Table `[model]`."""

    use: str | None = _key(Text(1, 1000), None, "name or folder of the model; that of `feedclean model use` if not set")
    shadow: str | None = _key(Text(1, 1000), None, "name or folder of one that only says what it would have done")


_CUTTABLE = Several(Label, refused=(Label.EDITORIAL,))


@dataclass(frozen=True, slots=True)
class Rules:
    """Table `[defaults]`: what holds for every feed that does not say otherwise; `None` leaves it to the policy."""

    cut: tuple[Label, ...] | None = _key(_CUTTABLE, None, "labels of blocks to cut", _acted(Action.CUT))
    collapse: tuple[Label, ...] | None = _key(
        _CUTTABLE, None, "labels of blocks to put behind one line", _acted(Action.COLLAPSE)
    )
    mark: tuple[Label, ...] | None = _key(_CUTTABLE, None, "labels of blocks to mark", _acted(Action.MARK))
    keep: tuple[Label, ...] | None = _key(Several(Label), None, "labels of blocks to leave alone", _acted(Action.KEEP))
    threshold: float | None = _key(
        Number(0.01, 1, whole=False), None, "probability from which to act; the model's own if not set"
    )
    title_action: TitleRule | None = _key(
        Choice(TitleRule), None, "what becomes of clickbait titles", TitleRule(Policy().title_action.value)
    )
    refresh_floor: float | None = _key(seconds(0, 30 * _DAY), None, "seconds between two requests at least", 3600.0)


@dataclass(frozen=True, slots=True)
class FeedSettings(Rules):
    """Table `[feeds.NAME]`."""

    url: str = _key(Address(), "", "the publisher's address")
    title: str | None = _key(Text(1, 200), None, "what to call it")
    headers: Mapping[str, str] = _key(Headers(), dict, "sent to the publisher")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, and where each comes from (`origins`, by dotted name; what is not there is a default)."""

    proxy: ProxySettings = field(default_factory=ProxySettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    defaults: Rules = field(default_factory=Rules)
    feeds: Mapping[str, FeedSettings] = field(default_factory=dict)
    path: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)

    def rules(self, feed: str | None = None) -> Rules:
        """What holds for a feed by name, or for one that has none: its own rules over the defaults, filled in."""
        rules = [self.defaults] if feed is None else [self.feeds[feed], self.defaults]
        return Rules(**{one.name: _first(rules, one.name) for one in fields(Rules)})

    def policy(self, feed: str | None = None) -> Policy:
        """What becomes of verdicts in a feed.

        An item with a clickbait title that is to be dropped is marked by the policy; `rules(feed).title_action` says
        that it goes.
        """
        actions = dict(Policy().actions)
        for rules in (self.defaults, *([self.feeds[feed]] if feed is not None else [])):
            for action in Action:
                actions |= dict.fromkeys(getattr(rules, action.value) or (), action)
        found = self.rules(feed)
        rule = found.title_action or TitleRule(Policy().title_action.value)
        title = TitleAction.MARK if rule is TitleRule.DROP_ITEM else TitleAction(rule.value)
        return Policy(actions, found.threshold, title)


TABLES: Mapping[str, type] = {
    "proxy": ProxySettings,
    "store": StoreSettings,
    "model": ModelSettings,
    "defaults": Rules,
}
