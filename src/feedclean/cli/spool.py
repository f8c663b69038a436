"""Lists that may be longer than the memory: in a temporary file of SQLite's that is gone when nobody uses it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from functools import lru_cache
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
        self._database.execute(
            "INSERT OR IGNORE INTO arguments (argument, path, literal) VALUES (?, ?, ?)",
            (os.fsencode(argument), _place(argument), literal),
        )

    def __iter__(self) -> Iterator[str]:
        for (argument,) in self._database.execute("SELECT argument FROM arguments ORDER BY place"):
            yield os.fsdecode(argument)

    def __contains__(self, path: Path) -> bool:
        """Whether an argument is this file."""
        query = "SELECT 1 FROM arguments WHERE path = ?"
        return self._database.execute(query, (_place(str(path)),)).fetchone() is not None

    def literal(self, argument: str) -> bool:
        """Whether an argument is a name and nothing else."""
        query = "SELECT literal FROM arguments WHERE argument = ?"
        return bool(self._database.execute(query, (os.fsencode(argument),)).fetchone()[0])

    def in_order(self) -> Iterator[str]:
        """The arguments by their names."""
        for (argument,) in self._database.execute("SELECT argument FROM arguments ORDER BY argument"):
            yield os.fsdecode(argument)


@lru_cache(maxsize=256)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _place(argument: str) -> bytes:
    """Where an argument leads. Links to folders are followed; two links to one file are two names for its result."""
    if argument == "-" or "://" in argument:
        return os.fsencode(argument)
    if os.path.isdir(argument) and os.path.islink(argument):  # noqa: PTH112, PTH114
        return os.fsencode(os.path.realpath(argument))
    folder, name = os.path.split(os.path.abspath(argument))  # noqa: PTH100  `Path.resolve` follows all links
    return os.fsencode(os.path.join(_real_folder(folder), name))  # noqa: PTH118  likewise


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
