"""One door to SQLite and PostgreSQL: a piece of work runs in a transaction, and every fault ends in bounded time.

    work ──> run ──> done
              ├── busy:   again, until patience ends
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
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
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

_PAUSE = 0.003  # seconds, between two tries to get hold of a busy database
_STEP = 256  # pages that are cut off a file at once
_SHUT = 1.0  # seconds, in which a server that could not be reached is not tried again
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
        self._writing: AbstractContextManager[object] = _Turn(patience) if self.path else nullcontext()
        self._shut_until = self._no_relief_until = 0.0
        self._newer: StoreError | None = None
        with suppress(StoreError):
            self._open_engine()
        if self._newer:
            raise self._newer

    def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that changes nothing."""
        return self._run(work, "BEGIN")

    def write(self, work: Work[T], *, durable: bool = False) -> T:
        """Run `work` in a transaction; when this returns, its changes survive the end of the process.

        Args:
            work: what to do; it may be run more than once.
            durable: whether they have to survive a power failure too.
        """
        with self._writing:
            return self._run(work, "BEGIN IMMEDIATE", durable=durable)

    def tidy(self) -> None:
        """Give the disk back what is no longer used, in small steps, and keep the reserve."""
        if self.path is None or self._reserve is None:
            return
        for _ in range(64):  # at most 64 MiB a call
            with self._writing:
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

    def _run(self, work: Work[T], begin: str, *, durable: bool = False) -> T:
        until = time.monotonic() + self._patience
        tried: set[Trouble] = set()
        while True:
            engine = self._open_engine()
            try:
                with engine.connect() as plain:
                    connection = plain.execution_options(feedclean_begin=begin, feedclean_durable=durable)
                    with connection.begin():
                        result = work(connection)
                return result
            except _FAULTS as error:
                trouble = diagnose(error)
                if trouble is Trouble.BUSY and time.monotonic() < until:
                    time.sleep(_PAUSE * (0.5 + random.random()))  # noqa: S311 - who comes next is no secret
                    continue
                if trouble not in tried and time.monotonic() < until and self._remedy(trouble, engine):
                    tried.add(trouble)
                    continue
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
                connection = plain.execution_options(feedclean_begin="BEGIN IMMEDIATE", feedclean_durable=False)
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
            raise self._error(diagnose(error), error) from error

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
                        connection = plain.execution_options(feedclean_begin="BEGIN IMMEDIATE", feedclean_durable=True)
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


class _Turn:
    """One writer of this process at a time, so that its threads do not wait for each other by polling."""

    def __init__(self, patience: float) -> None:
        self._lock = threading.Lock()
        self._patience = patience

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=2 * self._patience):
            raise StoreError("the store is busy")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
