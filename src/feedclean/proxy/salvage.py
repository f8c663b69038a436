"""A store's SQLite file that cannot be used: moved aside, and what can still be read of it carried over.

    store.db ── quarantine ──> store.db.broken-20261126T101500Z ── salvage ──> store.db (new)

Nothing is deleted but the oldest of such files, so that a person can look for more than was found here.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from . import schema

_BESIDE = ("", "-wal", "-shm")
_KEPT = 3  # broken files
_PAGE = 4096
_BATCH = 200  # rows
_SECONDS = 20.0  # after which the rest is left where it is


def quarantine(path: Path, now: float) -> Path:
    """Move the database at `path` aside, with its log, and say where it is now."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    aside = path.with_name(f"{path.name}.broken-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.broken-{stamp}-{number}")
    for end in reversed(_BESIDE):  # the database last: as long as it is there, another try finds the rest gone
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    older = sorted(path.parent.glob(f"{path.name}.broken-*Z*"), key=lambda one: one.stat().st_mtime)
    for one in [one for one in older if not one.name.endswith(("-wal", "-shm")) and one != aside][: -(_KEPT - 1)]:
        for end in _BESIDE:
            with suppress(OSError):
                one.with_name(one.name + end).unlink()
    return aside


def salvage(broken: Path, into: Path) -> dict[str, int]:
    """Copy the rows of `broken` that can be read to the fresh database `into`, the precious ones first.

    Returns:
        How many rows of each table were carried over.
    """
    counts = dict.fromkeys((table.name for table in schema.PRECIOUS_FIRST), 0)
    until = time.monotonic() + _SECONDS
    with suppress(sqlite3.Error), closing(sqlite3.connect(into, isolation_level=None, timeout=5)) as new:
        new.execute("PRAGMA synchronous=FULL")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for source in _ways_in(broken, into):
            for table in schema.PRECIOUS_FIRST:
                with suppress(sqlite3.Error):
                    counts[table.name] += _copy(source, new, table, until)
            source.close()
            if any(counts.values()):
                break
    return counts


def _ways_in(broken: Path, fresh: Path) -> Iterator[sqlite3.Connection]:
    """Connections to a broken file: with its log, without, and with the first page of a new file of the same schema."""
    for attempt in ("mode=rw", "immutable=1", "page"):
        with suppress(sqlite3.Error, OSError):
            name = broken
            if attempt == "page":
                name = broken.with_name(f"{broken.name}.repaired")
                _with_first_page(broken, fresh, name)
                attempt = "immutable=1"  # noqa: PLW2901 - read like the one before
            connection = sqlite3.connect(f"{name.resolve().as_uri()}?{attempt}", uri=True, isolation_level=None)
            connection.text_factory = _text
            yield connection
            connection.close()
    with suppress(OSError):
        broken.with_name(f"{broken.name}.repaired").unlink(missing_ok=True)


def _with_first_page(broken: Path, fresh: Path, name: Path) -> None:
    """Write a copy of `broken` whose first page, which says where the tables are, is that of the fresh database.

    Tables are created in one order, so they begin at the same pages in every file of one schema version.
    """
    data = bytearray(broken.read_bytes())
    with fresh.open("rb") as file:
        first = bytearray(file.read(_PAGE))
    first[18:20] = b"\1\1"  # no log
    first[28:32] = (len(data) // _PAGE).to_bytes(4, "big")
    first[32:40] = bytes(8)  # no free pages
    data[: len(first)] = first
    name.write_bytes(data)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _copy(source: sqlite3.Connection, new: sqlite3.Connection, table: Table, until: float) -> int:
    """Copy what can be read of a table, from its beginning and, where that breaks off, from its end."""
    there = {row[1] for row in source.execute(f"PRAGMA table_info({table.name})")}
    names = [column.name for column in table.columns if column.name in there]
    if not names:
        return 0
    columns = ", ".join(f'"{name}"' for name in names)
    keyed = table.dialect_options["sqlite"].get("with_rowid") is False
    order, way = (table.primary_key.columns.keys()[0], "") if keyed else ("rowid", "NOT INDEXED")
    insert = f"INSERT OR IGNORE INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    copied = 0
    for direction in ("ASC", "DESC"):
        rows = source.execute(f"SELECT {columns} FROM {table.name} {way} ORDER BY {order} {direction}")  # noqa: S608
        whole = False
        while not whole and time.monotonic() < until:
            batch: list[tuple[Any, ...]] = []
            with suppress(sqlite3.Error):
                while len(batch) < _BATCH and not whole:
                    row = rows.fetchone()
                    whole = row is None
                    if row is not None and _sound(table, names, row):
                        batch.append(row)
            broke_off = not whole and len(batch) < _BATCH
            copied += _insert(new, insert, batch)
            if broke_off:
                break
        if whole:
            break
    return copied


def _insert(new: sqlite3.Connection, insert: str, batch: list[tuple[Any, ...]]) -> int:
    copied = 0
    new.execute("BEGIN IMMEDIATE")
    for row in batch:
        with suppress(sqlite3.IntegrityError):
            copied += new.execute(insert, row).rowcount
    new.execute("COMMIT")
    return copied


def _sound(table: Table, names: list[str], row: tuple[Any, ...]) -> bool:
    """Whether every value of a row is of its column's type: a torn page gives rows that are not."""
    for name, value in zip(names, row, strict=True):
        column = table.columns[name]
        if value is None:
            if not column.nullable:
                return False
        elif not isinstance(value, (float, int) if column.type.python_type is float else column.type.python_type):
            return False
    return True
