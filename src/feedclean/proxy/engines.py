"""Engines of SQLAlchemy, set up for what the store promises; and locks between processes."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from ..errors import SettingsError, StoreError

if sys.platform != "win32":
    import fcntl

_NAME_ONE = "set store.url to sqlite:///PATH (FEEDCLEAN_STORE_URL), or XDG_DATA_HOME to a folder"
BEGIN, DURABLE = "feedclean_begin", "feedclean_durable"  # options of a connection: how its transactions begin


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another that takes its place; `None` if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def parse(url: str) -> URL:
    """A store's URL, or the path of a file, as SQLAlchemy's.

    Raises:
        SettingsError: it names no database that can be used.
    """
    if not url:
        raise SettingsError("no store is named, and this user has no home folder to keep one in", hint=_NAME_ONE)
    try:
        parsed = make_url(url if "://" in url else f"sqlite:///{url}")
    except exc.ArgumentError:
        raise SettingsError("the store's URL cannot be read", hint="sqlite:///PATH or postgresql://HOST/NAME") from None
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise SettingsError(f"no store can be kept in {parsed.drivername!r}", hint="take sqlite or postgresql")
    if parsed.drivername == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise SettingsError("the store needs a file", hint="sqlite:///PATH")
    return parsed


def make_engine(url: URL, patience: float) -> Engine:
    """An engine whose every wait ends after some `patience` (seconds)."""
    if url.drivername != "sqlite":
        wait = int(patience * 1000)
        options = f"-c search_path=feedclean -c statement_timeout={2 * wait} -c lock_timeout={wait}"
        given = {"connect_timeout": 2, "options": options, "keepalives_idle": 5, "tcp_user_timeout": 2 * wait}
        given |= {"application_name": "feedclean"}
        try:
            engine = create_engine(
                url, pool_size=4, max_overflow=12, pool_timeout=patience, pool_pre_ping=True, connect_args=given
            )
        except ModuleNotFoundError:
            raise SettingsError("PostgreSQL needs a driver", hint="pip install 'feedclean[postgres]'") from None
        event.listen(engine, "first_connect", _make_room_in_server)
        return engine
    engine = create_engine(
        url, pool_size=8, max_overflow=32, pool_timeout=patience, connect_args={"check_same_thread": False}
    )
    event.listen(engine, "connect", _set_up_file)
    event.listen(engine, "begin", _begin)
    return engine


def _make_room_in_server(dbapi: object, _: ConnectionPoolEntry) -> None:
    """Our tables have a namespace of their own."""
    cursor = dbapi.cursor()  # type: ignore[attr-defined]
    cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'feedclean'")
    if not cursor.fetchone():
        cursor.execute("CREATE SCHEMA IF NOT EXISTS feedclean")
    dbapi.commit()  # type: ignore[attr-defined]
    cursor.close()


def _set_up_file(dbapi: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    dbapi.isolation_level = None  # transactions begin where we say, not where the driver guesses
    for pragma in (
        "busy_timeout = 50",  # the rest of our patience is spent in `_run`, whose turns are shorter and fairer
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "wal_autocheckpoint = 500",  # 2 MiB, half of the reserve: on a full disk the log still fits into the file
        "journal_size_limit = 4194304",
        "cell_size_check = ON",
        "secure_delete = OFF",  # with it, deleting needs as much room as what is deleted
        "trusted_schema = OFF",
        "mmap_size = 0",
    ):
        dbapi.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    begin = options.get("feedclean_begin", "BEGIN")
    if begin != "BEGIN":
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options.get('feedclean_durable') else 'NORMAL'}")
    connection.exec_driver_sql(begin)


@contextmanager
def held(path: Path, patience: float) -> Iterator[None]:
    """Hold a lock that other processes see."""
    if sys.platform == "win32":  # two proxies must not share a file there
        yield
        return
    with path.open("a") as file:
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise StoreError("another process is opening the store") from None
                time.sleep(0.01)
        yield


class Tenant:
    """A process that has a SQLite file in use, as others can see until it ends, however it ends.

    Args:
        path: of the database.
    """

    def __init__(self, path: Path) -> None:
        self._file: IO[str] | None = None
        if sys.platform == "win32":  # two proxies must not share a file there
            return
        with suppress(OSError):  # there may be no room for it
            self._file = path.with_name(f"{path.name}.users").open("a")
            fcntl.flock(self._file, fcntl.LOCK_SH)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else has it in use just now; who comes meanwhile waits until this is over."""
        if self._file is None:
            yield sys.platform == "win32"
            return
        try:
            yield _locked(self._file)
        finally:
            with suppress(OSError, ValueError):
                fcntl.flock(self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Have it in use no longer."""
        if self._file is not None:
            self._file.close()


def _locked(file: IO[str]) -> bool:
    """Whether nobody else has a lock on a file, which is then locked for them all; false if it has been closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, ValueError):
        return False
    return True
