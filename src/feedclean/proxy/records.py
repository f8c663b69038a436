"""Between the nouns of the proxy and the rows of its store, and the statements that both databases know.

What comes from a row is checked against its seal: a row that a failing disk has changed counts as none. What people
said and what was removed has no seal, since a part of it is better than nothing, and no byte of it can do harm.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from . import schema
from .nouns import Body, FeedState, LabelRow, LedgerRow, Outcome, Pin, Validators
from .schema import digest

_AT_ONCE = 500  # keys of one query
_LONGEST_LEASE = 86400.0  # seconds; a longer one is damage, and would keep a feed from being fetched
_PAGE = 4096  # bytes; a body takes whole ones

Values = Mapping[str, Any]


def ledger_key(row: LedgerRow) -> str:
    """What names a row of the ledger; `Store.ledger` goes on from there."""
    return digest(row.feed, row.item, row.block)


def of_state(state: FeedState) -> Values:
    """A feed as a row."""
    plain = ("url", "fetch_url", "next_fetch", "last_success", "last_fetch", "failures", "last_reason")
    return _sealed(
        schema.feeds,
        {
            **{name: getattr(state, name) for name in (*plain, "moved_to", "moved_seen")},
            "key": digest(state.url),
            "etag": state.validators.etag,
            "last_modified": state.validators.last_modified,
            "last_outcome": state.last_outcome.value if state.last_outcome else None,
            "stopped": int(state.stopped),
        },
    )


def state(row: Row[Any]) -> FeedState | None:
    """A row as a feed."""
    if not _sound(schema.feeds, row):
        return None
    try:
        return FeedState(
            url=row.url,
            fetch_url=row.fetch_url,
            validators=Validators(row.etag, row.last_modified),
            next_fetch=float(row.next_fetch),
            last_success=row.last_success,
            last_fetch=row.last_fetch,
            failures=int(row.failures),
            last_outcome=Outcome(row.last_outcome) if row.last_outcome else None,
            last_reason=row.last_reason,
            moved_to=row.moved_to,
            moved_seen=int(row.moved_seen),
            stopped=bool(row.stopped),
        )
    except (TypeError, ValueError):
        return None


def of_body(body: Body) -> Values:
    """A body as a row."""
    plain = ("url", "content_type", "fetched", "digest", "content")
    values = {name: getattr(body, name) for name in plain}
    return _sealed(schema.bodies, {**values, "key": digest(body.url), "size": len(body.content), "bad": 0})


def body(row: Row[Any]) -> Body | None:
    """A row as a body, if the content is what its digest says."""
    if not _sound(schema.bodies, row):
        return None
    try:
        found = Body(row.url, bytes(row.content), row.content_type, float(row.fetched), row.digest)
    except (TypeError, ValueError):
        return None
    return found if hashlib.sha256(found.content).hexdigest() == found.digest else None


def of_pin(pin: Pin, now: float) -> Values:
    """A pin as a row."""
    values = {"block": pin.block, "model": pin.model, "probabilities": json.dumps(pin.probabilities), "pinned": now}
    return _sealed(schema.pins, values)


def pin(row: Row[Any]) -> Pin | None:
    """A row as a pin."""
    if not _sound(schema.pins, row):
        return None
    try:
        probabilities = tuple(map(float, json.loads(row.probabilities)))
    except (TypeError, ValueError):
        return None
    return Pin(row.block, row.model, probabilities) if all(map(math.isfinite, probabilities)) else None


def of_ledger(row: LedgerRow) -> Values:
    """A line of the ledger as a row."""
    return {
        **{name: getattr(row, name) for name in LedgerRow.__slots__},
        "key": ledger_key(row),
        "feed_key": digest(row.feed),
        "clues": json.dumps(row.clues),
    }


def ledger(row: Row[Any]) -> LedgerRow | None:
    """A row as a line of the ledger."""
    try:
        clues = tuple(map(str, json.loads(row.clues)))
        values = {name: getattr(row, name) for name in LedgerRow.__slots__}
        return LedgerRow(**{**values, "clues": clues, "probability": float(row.probability)})
    except (TypeError, ValueError):
        return None


def of_label(row: LabelRow) -> Values:
    """A label as a row."""
    return {name: getattr(row, name) for name in LabelRow.__slots__}


def label(row: Row[Any]) -> LabelRow:
    """A row as a label."""
    return LabelRow(**{name: getattr(row, name) for name in LabelRow.__slots__})


def _sealed(table: Table, values: Values) -> Values:
    return {**values, "seal": schema.seal(table, values)}


def _sound(table: Table, row: Row[Any]) -> bool:
    """Whether a row is what was written."""
    try:
        return bool(schema.seal(table, row._mapping) == row.seal)  # noqa: SLF001 - SQLAlchemy's public name for it
    except (TypeError, ValueError):
        return False


def whole_pages(size: int) -> int:
    """What a body of `size` bytes takes on the disk."""
    return -(-size // _PAGE) * _PAGE


# ── Statements ───────────────────────────────────────────────────────────────────────────────────────────────────────


def upsert(connection: Connection, table: Table, values: Sequence[Values]) -> None:
    """Insert rows, or replace those that are there."""
    insert = _insert(connection, table)
    keys = list(table.primary_key.columns)
    replaced = {column.name: insert.excluded[column.name] for column in table.columns if column not in set(keys)}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=replaced), list(values))


def insert_new(connection: Connection, table: Table, key: Column[str], values: Sequence[Values]) -> None:
    """Insert rows, but those that are there."""
    connection.execute(_insert(connection, table).on_conflict_do_nothing(index_elements=[key]), list(values))


def take_lease(connection: Connection, values: Values, now: float) -> bool:
    """Take a lease that is free, over, or the owner's already; whether it was taken."""
    leases = schema.leases
    insert = _insert(connection, leases).values(**values)
    over = (leases.c.until <= now) | (leases.c.until > now + _LONGEST_LEASE)
    free = over | (leases.c.owner == insert.excluded.owner)
    kept = {"owner": insert.excluded.owner, "until": insert.excluded.until}
    taken = insert.on_conflict_do_update(index_elements=[leases.c.key], set_=kept, where=free)
    return connection.execute(taken, execution_options={"preserve_rowcount": True}).rowcount == 1


def some(connection: Connection, table: Table, column: Column[str], keys: Sequence[str]) -> list[Row[Any]]:
    """The rows of a table that have one of `keys`; all of them, where the table is small."""
    few = select(func.count()).select_from(select(column).limit(len(keys) + 1).subquery())
    if connection.execute(few).scalar_one() <= len(keys):
        return list(connection.execute(select(table)).all())
    found: list[Row[Any]] = []
    for start in range(0, len(keys), _AT_ONCE):
        found.extend(connection.execute(select(table).where(column.in_(keys[start : start + _AT_ONCE]))).all())
    return found


def drop_bodies(connection: Connection, keys: Sequence[str], newest: float) -> int:
    """Drop bodies that are not newer than `newest`, with the validators that belong to them."""
    bodies = schema.bodies
    old = list(
        connection.execute(select(bodies.c.key).where(bodies.c.key.in_(keys), bodies.c.fetched <= newest)).scalars()
    )
    connection.execute(delete(bodies).where(bodies.c.key.in_(old)))
    forget_validators(connection, old)
    return len(old)


def forget_validators(connection: Connection, keys: Sequence[str]) -> None:
    """Forget the validators of feeds whose body is gone."""
    feeds = schema.feeds
    query = select(feeds).where(feeds.c.key.in_(keys), feeds.c.etag.is_not(None) | feeds.c.last_modified.is_not(None))
    found = [one for row in connection.execute(query).all() if (one := state(row))]
    if found:
        upsert(connection, feeds, [of_state(replace(one, validators=Validators())) for one in found])


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
