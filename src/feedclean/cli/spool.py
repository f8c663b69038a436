"""Lists that may be longer than the memory: in a temporary file of SQLite's that is gone when nobody uses it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..bulk import printable, unreadable
from ..errors import SourceError

__all__ = ["Spool", "listed"]

_PIECE = 1 << 16
_LONGEST = 1 << 16  # bytes of a name; no system takes longer ones


class Spool:
    """Arguments, each once, in their order."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE arguments (place INTEGER PRIMARY KEY, argument BLOB, path BLOB UNIQUE, literal)"
        )

    def add(self, argument: str, *, literal: bool = False) -> None:
        """Take an argument, unless it leads where another one does.

        Args:
            argument: as it was given.
            literal: whether it is the name of a file or folder and nothing else.
        """
        # Not resolved: two links to one file are two names for its result.
        path = argument if argument == "-" or "://" in argument else os.path.abspath(argument)  # noqa: PTH100
        self._database.execute(
            "INSERT OR IGNORE INTO arguments (argument, path, literal) VALUES (?, ?, ?)",
            (os.fsencode(argument), os.fsencode(path), literal),
        )

    def __iter__(self) -> Iterator[str]:
        for (argument,) in self._database.execute("SELECT argument FROM arguments ORDER BY place"):
            yield os.fsdecode(argument)

    def __contains__(self, path: Path) -> bool:
        """Whether an argument is this file."""
        query = "SELECT 1 FROM arguments WHERE path = ?"
        return self._database.execute(query, (os.fsencode(path.absolute()),)).fetchone() is not None

    def literal(self, argument: str) -> bool:
        """Whether an argument is a name and nothing else."""
        query = "SELECT literal FROM arguments WHERE argument = ?"
        return bool(self._database.execute(query, (os.fsencode(argument),)).fetchone()[0])

    @staticmethod
    def sorted(names: Iterable[str]) -> Iterator[str]:
        """Names in order."""
        database = sqlite3.connect("", isolation_level=None)
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("CREATE TABLE names (name BLOB PRIMARY KEY) WITHOUT ROWID")
        database.executemany("INSERT OR IGNORE INTO names VALUES (?)", ((os.fsencode(name),) for name in names))
        for (name,) in database.execute("SELECT name FROM names ORDER BY name"):
            yield os.fsdecode(name)


def listed(file: str) -> Iterator[str]:
    """Names that a file lists, one a line, or with NULs between them if there is one at the beginning.

    Args:
        file: its path; `-` is standard input.

    Raises:
        SourceError: it cannot be read, or is no list.
    """
    name = "--files-from " + printable(file)
    try:
        if file == "-":
            if sys.stdin is None:
                raise SourceError("standard input is closed", where=name)
            yield from _split(sys.stdin.buffer, name)
            return
        with Path(file).open("rb") as stream:
            yield from _split(stream, name)
    except (OSError, ValueError) as fault:
        raise unreadable(fault, name) from fault


def _split(stream: BinaryIO, name: str) -> Iterator[str]:
    rest, between = b"", b""
    while data := stream.read(_PIECE):
        between = between or (b"\0" if b"\0" in data else b"\n")
        *parts, rest = (rest + data).split(between)
        if len(rest) > _LONGEST:
            raise SourceError("a name of more than 64 KiB", where=name, hint="one name a line, or NULs between them")
        yield from (os.fsdecode(part) for part in parts if part.strip())
    if rest.strip():
        yield os.fsdecode(rest)
