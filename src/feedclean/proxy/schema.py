"""Tables of the store, and how values are kept in them so that SQLite and PostgreSQL give back what they were given.

A row is found by a digest of what names it, since a URL or an item's id can be longer than an index allows.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

from .escapes import escape, unescape

VERSION = 2  # of the tables below; `migrations.py` leads to it from every earlier one


class Exact(TypeDecorator[str]):
    """Text that comes back as it was, even what a database cannot hold: NUL, and halves of surrogate pairs.

    Both stand in JSON feeds as escapes.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - as inherited
        """Escape what cannot be stored."""
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - as inherited
        """Undo the escapes."""
        return None if value is None else unescape(value)


def digest(*parts: str) -> str:
    """What a row that `parts` name together is found by."""
    told = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def seal(table: Table, values: Mapping[Any, Any]) -> int:
    """A checksum of a row, so that one that a failing disk has changed is not believed."""
    told = [
        float(value) if value is not None and isinstance(table.columns[name].type, Double) else value
        for name in _sealed(table)
        for value in (values[name],)
    ]
    return zlib.crc32(repr(told).encode("utf-8", "surrogatepass"))


@lru_cache
def _sealed(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name != "seal" and column.info != UNSEALED)


UNSEALED = {"sealed": False}  # of columns that change without a new seal, or that have a digest of their own

metadata = MetaData()

version = Table("version", metadata, Column("version", Integer, nullable=False))

feeds = Table(
    "feeds",
    metadata,
    Column("key", Text, primary_key=True),  # digest(url)
    Column("url", Exact, nullable=False),
    Column("fetch_url", Exact, nullable=False),
    Column("etag", Exact),
    Column("last_modified", Exact),
    Column("next_fetch", Double, nullable=False),
    Column("last_success", Double),
    Column("last_fetch", Double),
    Column("failures", Integer, nullable=False),
    Column("last_outcome", Text),
    Column("last_reason", Exact, nullable=False),
    Column("moved_to", Exact),
    Column("moved_seen", Integer, nullable=False),
    Column("stopped", Integer, nullable=False),
    Column("seal", BigInteger, nullable=False),
)

bodies = Table(
    "bodies",
    metadata,
    Column("key", Text, primary_key=True),  # digest(url)
    Column("url", Exact, nullable=False),
    Column("content_type", Exact, nullable=False),
    Column("fetched", Double, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("seal", BigInteger, nullable=False),
    Column("bad", Integer, nullable=False, info=UNSEALED),  # 1: not what digest and seal say; kept, but never served
    Column("content", LargeBinary, nullable=False, info=UNSEALED),  # last, so that the rest is read without it
    Index("bodies_by_age", "fetched", "key", "size"),
)

leases = Table(
    "leases",
    metadata,
    Column("key", Text, primary_key=True),  # digest(url) of a feed; digest("host", …) of a host that is to be let alone
    Column("owner", Exact, nullable=False),  # nobody ("") of a host
    Column("until", Double, nullable=False),
)

# Most rows are here, and each is small: without a row number of its own it takes half the space.
pins = Table(
    "pins",
    metadata,
    Column("block", Exact, primary_key=True),
    Column("model", Exact, nullable=False),
    Column("probabilities", Text, nullable=False),  # JSON
    Column("pinned", Double, nullable=False),
    Column("seal", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

ledger = Table(
    "ledger",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),  # digest(feed, item, block)
    Column("feed_key", Text, nullable=False),  # digest(feed)
    Column("feed", Exact, nullable=False),
    Column("item", Exact, nullable=False),
    Column("field", Exact, nullable=False),
    Column("action", Exact, nullable=False),
    Column("label", Exact, nullable=False),
    Column("probability", Double, nullable=False),
    Column("clues", Text, nullable=False),  # JSON
    Column("text", Exact, nullable=False),
    Column("source", Exact, nullable=False),
    Column("block", Exact, nullable=False),
    Column("model", Exact, nullable=False),
    Column("first_seen", Double, nullable=False),
    Index("ledger_by_feed", "feed_key", "first_seen", "number"),
)

labels = Table(
    "labels",
    metadata,
    Column("block", Exact, primary_key=True),
    Column("label", Exact, nullable=False),
    Column("text", Exact, nullable=False),
    Column("source", Exact, nullable=False),
    Column("feed", Exact, nullable=False),
    Column("given", Double, nullable=False),
    # Since version 2; with a default, so that rows of version 1 can be carried over.
    Column("item", Exact, nullable=False, server_default=""),
    Column("title", Exact, nullable=False, server_default=""),
    Column("language", Exact, nullable=False, server_default=""),
)

# What is saved first from a broken file: what cannot be had again.
PRECIOUS_FIRST = (labels, ledger, feeds, pins, bodies)
