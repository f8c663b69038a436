"""What the proxy remembers (D10): feeds, bodies, pinned verdicts, the ledger of removals, and what people said.

    state, save, body          of a publisher's feed
    lease, release             of several proxies on one store, who fetches
    pause, paused              hosts that want to be left alone
    pins, pin                  verdicts that stay (D8)
    note, ledger               what was removed, so that it can be seen and restored
    label, unlabel, labels     what a person said a block is

Every method is one transaction, may be called from any thread, and raises `StoreError` within bounded time when it
cannot be done; the next call may succeed again. What `save`, `pin`, `note` and `label` have returned from survives
`kill -9`, and the ledger and the labels a power failure too. Bodies are dropped when there are too many, and pins that
nobody asks for; labels and ledger never are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress

from sqlalchemy import BigInteger, Connection, case, cast, delete, func, select, tuple_, update

from ..errors import StoreError
from . import records, schema
from .database import Database
from .engines import Tenant
from .nouns import Body, FeedState, LabelRow, LedgerRow, Pin
from .records import ledger_key
from .schema import digest

__all__ = ["Store", "ledger_key"]

_LAST = 1e11  # seconds since the epoch: no label is given later
_CHECK = 0.8  # seconds that a check waits for a busy database
_NOBODY, _HOST = "", "host"  # owner and kind of a lease that lets a host alone
_TOUCH = 7 * 86_400.0  # seconds after which a pin that is used is marked as used again
_PINS_AT_ONCE, _PINS_DROPPED = 1000, 20_000  # pins dropped in one transaction, and in one go
_DROPPED_AT_ONCE = 50  # bodies of one transaction, so that nobody waits long for it


class Store:
    """A store in a SQLite file or a PostgreSQL database.

    Args:
        url: `sqlite:///PATH`, `postgresql://…`, or the path of a SQLite file, which is made if it is not there.
        clock: seconds since the epoch.
        patience: seconds to wait for a busy database.
        tell: is told in a sentence what whoever runs the proxy should know, as that a broken file was moved aside.

    Raises:
        SettingsError: the URL names no database that can be used.
        StoreError: the database was written by a newer feedclean.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        patience: float = 2.0,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._clock = clock
        tell = tell or logging.getLogger(__name__).warning
        self._database = Database(url, clock=clock, patience=patience, shed=_shed, tell=tell)
        self._tenant = Tenant(self._database.path) if self._database.path else None
        self.taken = 0  # bytes of bodies that were saved here since the last eviction
        self._inheriting = threading.Lock()
        self._inherits = self._tenant is not None  # until the first lease

    # ── Feeds ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def state(self, url: str) -> FeedState | None:
        """What is remembered about a feed, if anything."""
        query = select(schema.feeds).where(schema.feeds.c.key == digest(url))
        row = self._database.read(lambda connection: connection.execute(query).one_or_none())
        return records.state(row) if row is not None and row.url == url else None

    def feeds(self) -> list[FeedState]:
        """What is remembered about all feeds, by URL."""
        found = self._database.read(lambda connection: connection.execute(select(schema.feeds)).all())
        return sorted(filter(None, map(records.state, found)), key=lambda state: state.url)

    def save(self, state: FeedState, body: Body | None) -> None:
        """Remember the state of a feed and, if there is a new one, its body."""

        def work(connection: Connection) -> None:
            records.upsert(connection, schema.feeds, [records.of_state(state)])
            if body is not None:
                records.upsert(connection, schema.bodies, [records.of_body(body)])

        self._database.write(work)
        self.taken += records.whole_pages(len(body.content)) if body is not None else 0

    def body(self, url: str) -> Body | None:
        """The last good copy of a feed, if there is one whose content is what its digest says.

        A bad one is kept for whoever wants to look at it, but never given out; the validators that belong to it are
        forgotten, as when bodies are dropped, so that the next request gets a new copy and no "304 Not Modified".
        """
        bodies, key = schema.bodies, digest(url)
        query = select(bodies).where(bodies.c.key == key, bodies.c.bad == 0)
        row = self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        body = records.body(row)
        if body is not None and body.url == url:
            return body

        def work(connection: Connection) -> None:
            # Only the very one that was read: by now a new one may have come.
            bad = update(bodies).where(bodies.c.key == key, bodies.c.fetched == row.fetched).values(bad=1)
            if connection.execute(bad).rowcount:
                records.forget_validators(connection, [key])

        with suppress(StoreError):  # it is found bad again next time
            self._database.write(work)
        return None

    def evict(self, max_bytes: int, max_age: float) -> int:
        """Drop the oldest bodies, and nothing else.

        Args:
            max_bytes: what the others may take together.
            max_age: seconds since they were fetched that they may have.

        Returns:
            How many were dropped.
        """
        bodies, self.taken = schema.bodies, 0
        query = select(bodies.c.key, bodies.c.fetched, bodies.c.size).order_by(bodies.c.fetched.desc())
        since, taken = self._clock() - max_age, 0
        old: list[tuple[float, str]] = []
        for key, fetched, size in self._database.read(lambda connection: connection.execute(query).all()):
            taken += records.whole_pages(size)
            if taken > max_bytes or fetched < since:
                old.append((fetched, key))
        old.reverse()
        dropped = 0
        for start in range(0, len(old), _DROPPED_AT_ONCE):
            some = old[start : start + _DROPPED_AT_ONCE]
            keys, newest = [key for _, key in some], some[-1][0]
            dropped += self._database.write(
                lambda connection, keys=keys, newest=newest: records.drop_bodies(connection, keys, newest)  # type: ignore[misc]
            )
        over = delete(schema.leases).where(schema.leases.c.until < self._clock())
        self._database.write(lambda connection: connection.execute(over))
        self._database.tidy()
        return dropped

    def lease(self, url: str, owner: str, until: float) -> bool:
        """Take the right to fetch a feed until a moment; whether `owner` has it now."""
        now = self._clock()
        taken = {"key": digest(url), "owner": owner, "until": until}

        with self._inheriting:  # or a thread would drop what another has just been given
            if self._inherits:
                self._bury()
                self._inherits = False
        return self._database.write(lambda connection: records.take_lease(connection, taken, now))

    def _bury(self) -> None:
        """Drop the leases of the dead: of all, if nobody else is there and this process has taken none yet."""
        assert self._tenant is not None  # noqa: S101 - as the caller has made sure
        with self._tenant.alone() as alone:
            if alone:
                dead = delete(schema.leases).where(schema.leases.c.owner != _NOBODY)
                self._database.write(lambda connection: connection.execute(dead))

    def release(self, url: str, owner: str) -> None:
        """Give back what `lease` gave, if `owner` still has it."""
        leases = schema.leases
        statement = delete(leases).where(leases.c.key == digest(url), leases.c.owner == owner)
        self._database.write(lambda connection: connection.execute(statement))

    def pause(self, host: str, until: float) -> None:
        """Let nobody ask a host until a moment: its lease is given to nobody. The last to be told is right."""
        taken = {"key": digest(_HOST, host), "owner": _NOBODY, "until": until}
        self._database.write(lambda connection: records.upsert(connection, schema.leases, [taken]))

    def paused(self, host: str) -> float:
        """The moment until which a host wants to be left alone; 0 if there is none."""
        leases = schema.leases
        query = select(leases.c.until).where(leases.c.key == digest(_HOST, host), leases.c.owner == _NOBODY)
        return float(self._database.read(lambda connection: connection.execute(query).scalar_one_or_none()) or 0.0)

    # ── Verdicts, removals, labels ───────────────────────────────────────────────────────────────────────────────────

    def pins(self, blocks: Sequence[str]) -> dict[str, Pin]:
        """The pinned verdicts of those of `blocks` that have one."""
        table = schema.pins
        found = self._database.read(lambda connection: records.some(connection, table, table.c.block, blocks))
        sound = [(row.pinned, pin) for row in found if (pin := records.pin(row)) is not None]
        unused_since = self._clock() - _TOUCH
        wanted = set(blocks)
        touched = [pin for pinned, pin in sound if pinned < unused_since and pin.block in wanted]
        if touched:
            with suppress(StoreError):  # next time, then
                self.pin(touched)
        return {pin.block: pin for _, pin in sound}

    def pin(self, pins: Sequence[Pin]) -> None:
        """Keep verdicts, in the place of earlier ones about the same blocks."""
        now = self._clock()
        values = [records.of_pin(pin, now) for pin in {pin.block: pin for pin in pins}.values()]
        if values:
            self._database.write(lambda connection: records.upsert(connection, schema.pins, values))

    def drop_pins(self, max_age: float) -> int:
        """Drop verdicts that nobody has asked for in so many seconds (give or take a week), some thousands at a time.

        Returns:
            How many were dropped.
        """
        pins, dropped = schema.pins, 0
        old = select(pins.c.block).where(pins.c.pinned < self._clock() - max_age).limit(_PINS_AT_ONCE)
        for _ in range(_PINS_DROPPED // _PINS_AT_ONCE):
            statement = delete(pins).where(pins.c.block.in_(old))
            count = self._database.write(lambda connection: connection.execute(statement).rowcount)  # noqa: B023
            dropped += count
            if count < _PINS_AT_ONCE:
                break
        return dropped

    def note(self, rows: Sequence[LedgerRow]) -> None:
        """Write down what was removed; what is noted already stays as it is."""
        values = [records.of_ledger(row) for row in rows]
        if values:
            self._database.write(
                lambda connection: records.insert_new(connection, schema.ledger, schema.ledger.c.key, values),
                durable=True,
            )

    def removal(self, key: str) -> LedgerRow | None:
        """The row of the ledger with this `ledger_key`."""
        query = select(schema.ledger).where(schema.ledger.c.key == key)
        row = self._database.read(lambda connection: connection.execute(query).one_or_none())
        return records.ledger(row) if row is not None else None

    def ledger(self, feed: str, limit: int, before: float | str | None = None) -> list[LedgerRow]:
        """What was removed from a feed, newest first.

        Args:
            feed: its URL.
            limit: how many rows at most.
            before: only what was noted before this: a moment, or the `ledger_key` of the last row of the page before,
                which is exact where several rows are of one moment.
        """
        columns = schema.ledger.c
        query = select(schema.ledger).where(columns.feed_key == digest(feed))
        if isinstance(before, str):
            last = select(columns.first_seen, columns.number).where(columns.key == before).subquery()
            query = query.join(last, tuple_(columns.first_seen, columns.number) < tuple_(*last.c))
        elif before is not None:
            query = query.where(columns.first_seen < before)
        query = query.order_by(columns.first_seen.desc(), columns.number.desc()).limit(max(limit, 0))
        found = self._database.read(lambda connection: connection.execute(query).all())
        return [row for row in map(records.ledger, found) if row is not None]

    def label(self, row: LabelRow) -> None:
        """Remember what a person said a block is, in the place of what was said of it before."""
        self._database.write(
            lambda connection: records.upsert(connection, schema.labels, [records.of_label(row)]), durable=True
        )

    def unlabel(self, block: str) -> None:
        """Forget what a person said of a block: they took it back."""
        statement = delete(schema.labels).where(schema.labels.c.block == block)
        self._database.write(lambda connection: connection.execute(statement), durable=True)

    def labels(self, blocks: Sequence[str]) -> dict[str, LabelRow]:
        """What people said of those of `blocks` that they said something of."""
        table = schema.labels
        found = self._database.read(lambda connection: records.some(connection, table, table.c.block, blocks))
        wanted = set(blocks)
        return {row.block: records.label(row) for row in found if row.block in wanted}

    def all_labels(self) -> list[LabelRow]:
        """All that people said, in the order it was said."""
        query = select(schema.labels).order_by(schema.labels.c.given, schema.labels.c.block)
        return list(map(records.label, self._database.read(lambda connection: connection.execute(query).all())))

    def label_mark(self) -> Hashable:
        """What changes when labels do, so that they need not be read again and again."""
        given = schema.labels.c.given
        # In whole milliseconds, since the sum of fractions depends on their order; a damaged moment counts for nothing.
        moment = case((given.between(0, _LAST), cast(given * 1000, BigInteger)), else_=0)
        query = select(func.count(), func.max(given), func.sum(moment))
        return tuple(self._database.read(lambda connection: connection.execute(query).one()))

    # ── The store itself ─────────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        """Change nothing, if the store can be read and written.

        Raises:
            StoreError: it cannot.
        """
        same = update(schema.version).values(version=schema.version.c.version)
        self._database.probe(lambda connection: connection.execute(same), _CHECK)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
        if self._tenant is not None:
            self._tenant.leave()


def _shed(connection: Connection, wanted: int) -> None:
    """Drop the oldest bodies to make room for so many bytes on a full disk."""
    bodies = schema.bodies
    query = select(bodies.c.key, bodies.c.fetched, bodies.c.size).order_by(bodies.c.fetched)
    keys: list[str] = []
    freed, newest = 0, 0.0
    for key, newest, size in connection.execute(query):  # noqa: B007 - the last one's is needed below
        keys.append(key)
        freed += records.whole_pages(size)
        if freed >= wanted:
            break
    records.drop_bodies(connection, keys, newest)
