"""The nouns of the proxy: frozen, without logic. Times are seconds since the epoch (UTC) unless they say otherwise.

reader ──> app ──> refresh ──> upstream ──> publisher
            │         │
            └─────────┴──> store
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Validators:
    """What makes a request conditional, byte for byte as the publisher sent it."""

    etag: str | None = None
    last_modified: str | None = None


class Outcome(StrEnum):
    """How a request to a publisher ended."""

    FRESH = "fresh"  # 200 with a body
    UNCHANGED = "unchanged"  # 304
    GONE = "gone"  # 410
    REFUSED = "refused"  # another 4xx
    BUSY = "busy"  # 429 or 503
    BROKEN = "broken"  # another 5xx, or an answer that is no HTTP
    UNREACHABLE = "unreachable"  # no connection, no name, TLS, reset, truncated, deadline
    TOO_MUCH = "too-much"  # body or compressed body beyond the limit
    FORBIDDEN = "forbidden"  # by the guard: an address that must not be reached


@dataclass(frozen=True, slots=True)
class Answer:
    """What a publisher answered, redirects followed."""

    outcome: Outcome
    status: int | None = None
    body: bytes | None = None  # decompressed; only when `FRESH`
    headers: Mapping[str, str] = field(default_factory=dict)  # of the last hop, lower-case names
    url: str = ""  # where the last hop went
    moved_to: str | None = None  # where a chain of permanent redirects (301, 308) alone leads
    reason: str = ""  # one clause for people when it is no 200 or 304


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is remembered about a publisher's feed between requests."""

    url: str  # as subscribed to; the key
    fetch_url: str  # as asked for: differs after permanent redirects seen repeatedly
    validators: Validators = Validators()
    next_fetch: float = 0.0  # not before
    last_success: float | None = None  # of a 200 or 304
    last_fetch: float | None = None
    failures: int = 0  # in a row
    last_outcome: Outcome | None = None
    last_reason: str = ""
    moved_to: str | None = None  # a permanent redirect that was seen,
    moved_seen: int = 0  # so often in a row
    stopped: bool = False  # 410: not asked for again unless told to


@dataclass(frozen=True, slots=True)
class Body:
    """The last good copy of a feed."""

    url: str
    content: bytes  # as the publisher sent it, decompressed
    content_type: str
    fetched: float
    digest: str  # SHA-256 of `content`, hexadecimal; a body whose digest differs is never served


@dataclass(frozen=True, slots=True)
class Pin:
    """A verdict kept for a block in its context (D8)."""

    block: str  # hash of the block and its context
    model: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A block that was acted upon in a feed, with all that is needed to show and restore it."""

    feed: str  # url of the feed
    item: str
    field: str
    action: str
    label: str
    probability: float
    clues: tuple[str, ...]
    text: str
    source: str
    block: str  # hash of the block, so that it is noted once however often it is met
    model: str
    first_seen: float


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What a person said a block is. Beats every model (D8)."""

    block: str  # `block_key`, or `title_key` if the label is one of titles
    label: str
    text: str
    source: str
    feed: str
    given: float
    item: str = ""
    title: str = ""  # of the item
    language: str = ""  # ISO 639-1, if the item declares it
