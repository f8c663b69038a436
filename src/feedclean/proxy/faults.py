"""What databases complain of, told apart by what can be done about it."""

from __future__ import annotations

import sqlite3
from enum import Enum, auto

from sqlalchemy import exc

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BROKEN_WORDS = ("no such table", "no such column", "Could not decode to UTF-8", "malformed")


class Trouble(Enum):
    """Kinds of faults."""

    BUSY = auto()  # somebody else holds it: wait a little
    FULL = auto()  # the disk is full
    BROKEN = auto()  # the file is not what it should be
    LOST = auto()  # the server cannot be reached any more
    OTHER = auto()


def diagnose(error: BaseException) -> Trouble:
    """What kind of trouble an exception of SQLAlchemy, SQLite or psycopg tells of."""
    if isinstance(error, exc.TimeoutError):  # all connections of the pool are in use
        return Trouble.BUSY
    origin = (error.orig or error) if isinstance(error, exc.DBAPIError) else error
    if isinstance(origin, sqlite3.Error):
        return _of_sqlite(origin)
    state = getattr(origin, "sqlstate", None)
    if state is None:
        dropped = isinstance(error, exc.DBAPIError) and error.connection_invalidated
        return Trouble.LOST if dropped or isinstance(error, exc.OperationalError) else Trouble.OTHER
    if state.startswith(("08", "57P")):
        return Trouble.LOST
    if state in {"40001", "40P01", "55P03", "57014", "53300"}:
        return Trouble.BUSY
    return Trouble.FULL if state == "53100" else Trouble.OTHER


def _of_sqlite(error: sqlite3.Error) -> Trouble:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary in _BUSY:
        return Trouble.BUSY
    if primary == sqlite3.SQLITE_FULL:
        return Trouble.FULL
    if primary in _BROKEN or any(word in str(error) for word in _BROKEN_WORDS):
        return Trouble.BROKEN
    return Trouble.OTHER


def told(error: BaseException) -> str:
    """An exception as one clause, without the statement that SQLAlchemy adds."""
    origin = (error.orig or error) if isinstance(error, exc.DBAPIError) else error
    return " ".join(str(origin).split())[:200] or type(origin).__name__
