"""What the tests of the store share: things to keep, and a database on either side."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache

import psycopg
import pytest

from feedclean.proxy.nouns import Body, FeedState, LabelRow, LedgerRow, Outcome, Pin, Validators


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def postgres() -> str:
    """A URL of a database that holds nothing of ours; the test is skipped where there is no PostgreSQL."""
    base = os.environ.get("TEST_POSTGRES_URL")
    if not base:
        told = "needs PostgreSQL: run it through tests/services/postgres.sh run …"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    url = _own_database(base, os.getpid())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS feedclean CASCADE")
    return url


@lru_cache
def _own_database(base: str, process: int) -> str:
    """A database for this process, so that tests can run side by side."""
    name = f"tests_{process}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{base.rpartition('/')[0]}/{name}"


def body(url: str, content: bytes = b"<rss/>", fetched: float = 1.0) -> Body:
    return Body(url, content, "application/rss+xml", fetched, hashlib.sha256(content).hexdigest())


def state(url: str, etag: str | None = None, **values: object) -> FeedState:
    return FeedState(url, url, Validators(etag), last_outcome=Outcome.FRESH, **values)  # type: ignore[arg-type]


def row(feed: str, item: str = "1", block: str = "b", seen: float = 1.0) -> LedgerRow:
    return LedgerRow(
        feed, item, "description", "cut", "promo", 0.9, ("free", "report"), "Free report", "<p>…</p>", block, "m", seen
    )


def label(block: str, name: str = "promo") -> LabelRow:
    return LabelRow(block, name, "Free report", "<p>Free report</p>", "https://x.example/", 1.0)


def pin(block: str, *probabilities: float) -> Pin:
    return Pin(block, "m", probabilities or (0.9, 0.1))
