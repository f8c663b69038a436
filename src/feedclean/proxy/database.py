"""One door to SQLite and PostgreSQL: a piece of work runs in a transaction, and every fault ends in bounded time.

    work ──> run ──> done
              ├── busy:   again, until patience ends; then, until it is well again, everybody tries just once
              ├── full:   the reserve is given up, old bodies make room, again once
              ├── broken: moved aside, rebuilt, what can be read is carried over, again once
              ├── lost:   again once, then not tried for a moment
              └── else:   StoreError

All work can be done twice without harm, so that it can be tried again after any of these.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine, exc

from ..errors import StoreError
from .engines import held, identity, make_engine, parse
from .faults import Trouble, diagnose, told
from .migrations import NewerSchemaError, WrongSchemaError, migrate
from .reserve import Reserve
from .salvage import quarantine, salvage

T = TypeVar("T")
Work = Callable[[Connection], T]

_READ, _WRITE = "BEGIN", "BEGIN IMMEDIATE"
_PAUSE = 0.003  # seconds, between two tries to get hold of a busy database
_STEP = 256  # pages that are cut off a file at once
_SHUT = 1.0  # seconds, in which a server that could not be reached is not tried again
_HASTE = 5.0  # seconds after a time-out, in which nobody waits for a busy database: a request makes many calls
_HASTY_TURN = 0.2  # seconds that a writer then waits for others of this process
_NO_RELIEF = 5.0  # seconds, in which nothing more is given up after that did not help
_FAULTS = (exc.SQLAlchemyError, sqlite3.Error, OSError, WrongSchemaError)


class Database:
    """A database that may be busy, full, broken or away.

    Args:
        url: `sqlite:///…`, `postgresql://…`, or the path of a SQLite file.
        clock: seconds since the epoch.
        patience: seconds after which a busy database is an error.
        shed: drops the oldest bodies, so many bytes of them, when the disk is full.
        tell: is told in a sentence what whoever runs the proxy should know.

    Raises:
        SettingsError: the URL names no database that can be used.
        StoreError: the database was written by a newer feedclean. Anything else that is wrong with it is told when it
            is used, since it may pass.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        patience: float,
        shed: Callable[[Connection, int], object],
        tell: Callable[[str], None],
    ) -> None:
        self._url = parse(url)
        self.where = self._url.render_as_string(hide_password=True)
        self.path = Path(str(self._url.database)) if self._url.drivername.startswith("sqlite") else None
        self._clock, self._patience, self._shed, self._tell = clock, patience, shed, tell
        self._reserve = Reserve(self.path.with_name(f"{self.path.name}-reserve")) if self.path else None
        self._engine: Engine | None = None
        self._identity: tuple[int, int] | None = None  # of the file that is open
        self._opening = threading.Lock()
        self._writing = threading.Lock()
        self._shut_until = self._no_relief_until = 0.0
        self._haste_until = {_READ: 0.0, _WRITE: 0.0}
        self._newer: StoreError | None = None
        with suppress(StoreError):
            self._open_engine()
        if self._newer:
            raise self._newer

    def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that changes nothing."""
        return self._run(work, _READ)

    def write(self, work: Work[T], *, durable: bool = False) -> T:
        """Run `work` in a transaction; when this returns, its changes survive the end of the process.

        Args:
            work: what to do; it may be run more than once.
            durable: whether they have to survive a power failure too.
        """
        with self._turn(2 * self._patience):
            return self._run(work, _WRITE, durable=durable)

    def probe(self, work: Work[object], patience: float) -> None:
        """Find out whether there can be written just now; no old body is given up for that.

        Args:
            work: writes a little.
            patience: seconds after which a busy database is an error.
        """
        with self._turn(patience):
            self._run(work, _WRITE, patience=patience, relieve=False)
        if self._reserve is not None and not self._reserve.has_room():
            raise StoreError("no room is left on the store's disk", where=self.where)

    def tidy(self) -> None:
        """Give the disk back what is no longer used, in small steps, and keep the reserve."""
        if self.path is None or self._reserve is None:
            return
        for _ in range(64):  # at most 64 MiB a call
            with self._turn(2 * self._patience):
                if self._shrink() < _STEP:
                    break
        self._plainly("PRAGMA wal_checkpoint(TRUNCATE)")
        self._reserve.keep()

    def close(self) -> None:
        """Let go of all connections."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None

    # ── Running ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _turn(self, patience: float) -> Iterator[None]:
        """One writer of this process at a time, so that its threads do not wait for each other by polling."""
        if self.path is None:
            yield
            return
        if not self._writing.acquire(timeout=min(patience, _HASTY_TURN) if self._in_haste(_WRITE) else patience):
            raise StoreError("the store is busy", where=self.where)
        try:
            yield
        finally:
            self._writing.release()

    def _in_haste(self, begin: str) -> bool:
        """Whether somebody has just waited in vain."""
        return time.monotonic() < self._haste_until[begin]

    def _hurry(self, begin: str) -> None:
        """Let nobody else wait for a while; who cannot read cannot write either, but not the other way round."""
        for each in (_READ, _WRITE) if begin == _READ else (_WRITE,):
            self._haste_until[each] = time.monotonic() + _HASTE

    def _run(
        self, work: Work[T], begin: str, *, durable: bool = False, patience: float | None = None, relieve: bool = True
    ) -> T:
        hasty = self._in_haste(begin)
        if hasty and self.path is None:  # there it is the server that waits, for as long as it was told
            raise StoreError("the store is locked by somebody else", where=self.where)
        until = time.monotonic() + (self._patience if patience is None else patience)
        tried: set[Trouble] = set()
        while True:
            engine = self._open_engine()
            try:
                with engine.connect() as plain:
                    connection = plain.execution_options(feedclean_begin=begin, feedclean_durable=durable)
                    with connection.begin():
                        result = work(connection)
                self._haste_until[begin] = 0.0
                return result
            except _FAULTS as error:
                trouble = diagnose(error)
                if trouble is Trouble.BUSY and not hasty and time.monotonic() < until:
                    time.sleep(_PAUSE * (0.5 + random.random()))  # noqa: S311 - who comes next is no secret
                    continue
                helps = relieve or trouble is not Trouble.FULL
                if trouble not in tried and helps and time.monotonic() < until and self._remedy(trouble, engine):
                    tried.add(trouble)
                    continue
                if trouble is Trouble.BUSY:
                    self._hurry(begin)
                raise self._error(trouble, error) from error

    def _remedy(self, trouble: Trouble, engine: Engine) -> bool:
        """Do what can be done about a fault; whether it is worth another try."""
        if trouble is Trouble.LOST:
            return True  # the pool has dropped what was lost
        if trouble is Trouble.FULL and self.path:
            return self._relieve(engine)
        if trouble is Trouble.BROKEN and self.path:
            with self._opening:
                if engine is self._engine:
                    self._rebuild("it is damaged")
            return True
        return False

    def _error(self, trouble: Trouble, error: BaseException) -> StoreError:
        if trouble is Trouble.LOST:
            self._shut_until = time.monotonic() + _SHUT
        what = {
            Trouble.BUSY: "the store is locked by somebody else",
            Trouble.FULL: "no room is left on the store's disk",
            Trouble.BROKEN: "the store is damaged",
            Trouble.LOST: "the store cannot be reached",
            Trouble.OTHER: "the store failed",
        }[trouble]
        return StoreError(f"{what} ({told(error)})", where=self.where)

    def _relieve(self, engine: Engine) -> bool:
        """Make room on a full disk: the oldest bodies go, and the reserve lends the room to drop them with."""
        if time.monotonic() < self._no_relief_until or self._reserve is None:
            return False
        wanted = self._reserve.size
        self._reserve.give_up()
        with suppress(*_FAULTS):
            with engine.connect() as plain:
                connection = plain.execution_options(feedclean_begin=_WRITE, feedclean_durable=False)
                with connection.begin():
                    self._shed(connection, 2 * wanted)
            # Half of it is for the reserve, half for what is to be written. The log's own room is used again.
            self._plainly("PRAGMA wal_checkpoint(RESTART)")
            for _ in range(wanted // (_STEP * 4096) + 1):
                if not self._shrink():
                    break
                self._plainly("PRAGMA wal_checkpoint(RESTART)")
        if not self._reserve.keep(greedy=True):
            self._no_relief_until = time.monotonic() + _NO_RELIEF
        return True

    def _shrink(self) -> int:
        """Cut some unused pages off the file; how many are left."""
        self._plainly(f"PRAGMA incremental_vacuum({_STEP})")
        return self._plainly("PRAGMA freelist_count") or 0

    def _plainly(self, statement: str) -> int | None:
        """Run a statement of SQLite outside of any transaction; the first value that it gives, if it succeeds."""
        engine = self._open_engine()
        with suppress(*_FAULTS):
            raw = engine.raw_connection()
            try:
                connection = cast("sqlite3.Connection", raw.driver_connection)
                if "vacuum" in statement:  # `execute` would stop after the first page
                    connection.executescript(statement)
                    return None
                row = connection.execute(statement).fetchone()
                return int(row[0]) if row else None
            finally:
                raw.close()
        return None

    # ── Opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _open_engine(self) -> Engine:
        """The engine, opened if it is not, or anew if its file is no longer the one in place."""
        engine = self._engine
        if engine is not None and (self.path is None or identity(self.path) == self._identity):
            return engine
        with self._opening:
            if self._engine is not None and self.path and identity(self.path) != self._identity:
                self._engine.dispose()  # somebody has moved the file aside
                self._engine = None
            if self._engine is None:
                self._engine = self._opened()
            return self._engine

    def _opened(self) -> Engine:
        if self._newer:
            raise self._newer
        if time.monotonic() < self._shut_until:
            raise StoreError("the store cannot be reached", where=self.where)
        try:
            if self.path is None:
                return self._prepared()
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # URLs of feeds can be secrets
            with held(self.path.with_name(f"{self.path.name}.lock"), self._patience):
                return self._prepared_file()
        except StoreError as error:
            if isinstance(error, NewerSchemaError):
                self._newer = error
            raise error.at(self.where) from None
        except WrongSchemaError as error:
            raise StoreError(f"the database is in use for something else: {error}", where=self.where) from error
        except _FAULTS as error:
            trouble = diagnose(error)
            if trouble is Trouble.BUSY:
                self._shut_until = time.monotonic() + _SHUT
            raise self._error(trouble, error) from error

    def _prepared_file(self) -> Engine:
        try:
            return self._prepared()
        except WrongSchemaError as error:
            return self._replaced(str(error))
        except _FAULTS as error:
            if diagnose(error) is not Trouble.BROKEN:
                raise
            return self._replaced("it is damaged")

    def _prepared(self) -> Engine:
        """An engine whose tables are there."""
        engine = make_engine(self._url, self._patience)
        until = time.monotonic() + self._patience
        try:
            while True:
                try:
                    with engine.connect() as plain:
                        connection = plain.execution_options(feedclean_begin=_WRITE, feedclean_durable=True)
                        with connection.begin():
                            migrate(connection)
                    break
                except exc.SQLAlchemyError as error:
                    if diagnose(error) is not Trouble.BUSY or time.monotonic() > until:
                        raise
                    time.sleep(_PAUSE)
        except BaseException:
            engine.dispose()
            raise
        if self.path and self._reserve:
            self._identity = identity(self.path)
            self._reserve.keep()
        return engine

    def _rebuild(self, why: str) -> None:
        """Put a new database in the place of a broken one, unless somebody else just did."""
        assert self.path is not None  # noqa: S101 - only files break
        try:
            with held(self.path.with_name(f"{self.path.name}.lock"), self._patience):
                if self._engine is not None:
                    self._engine.dispose()
                    self._engine = None
                if identity(self.path) == self._identity:
                    self._engine = self._replaced(why)
        except _FAULTS as error:
            raise self._error(diagnose(error), error) from error

    def _replaced(self, why: str) -> Engine:
        assert self.path is not None  # noqa: S101 - only files break
        broken = quarantine(self.path, self._clock())
        engine = self._prepared()
        saved = salvage(broken, self.path)
        kept = ", ".join(f"{count} {name}" for name, count in saved.items())
        self._tell(f"{self.path.name} was moved aside to {broken.name} ({why}); carried over: {kept}")
        return engine
