"""What has been done, so that work that was broken off can be taken up again.

    source, result in place ──> Journal ──> (the next run) done? the same source, the same options: nothing to do

The journal is a SQLite file beside the results. A document is entered once its result is in place, and reported once
it is entered, so whatever a run has reported survives Ctrl-C, `kill -9` and a full disk. It also knows which result
stands where, which no memory could hold for any number of documents.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from ..errors import FeedcleanError, OutputError, SettingsError
from .nouns import Options, Source
from .one import judge_of

__all__ = ["Journal", "described", "stamped"]

_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS results (
    number INTEGER PRIMARY KEY,
    key BLOB UNIQUE,
    stamp TEXT,
    name TEXT,
    place BLOB,
    node TEXT,
    position INTEGER,
    ledger INTEGER
);
CREATE INDEX IF NOT EXISTS by_place ON results (place);
CREATE INDEX IF NOT EXISTS by_node ON results (node);
CREATE TEMP TABLE failures (number INTEGER PRIMARY KEY, name TEXT, cause TEXT, told TEXT);
"""


# What options are called on the command line; the others have no better name.
_CALLED = {"to": "--to", "in_place": "--in-place", "url": "--url", "corrections": "labels", "version": "feedclean"}


def described(options: Options) -> dict[str, str]:
    """All that decides what a result is, by name: with other options, or another model, results are others."""
    told = {one.name: repr(getattr(options, one.name)) for one in fields(options)}
    said = hashlib.sha256(told["corrections"].encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return {**told, "model": judge_of(options.model).name, "corrections": said, "explain": "", "blocks": ""}


def stamped(source: Source) -> str:
    """What tells a change of a source: the size and time of a file, the digest of anything else."""
    if source.stamp or source.data is None:
        return source.stamp
    return hashlib.blake2b(source.data, digest_size=16).hexdigest()


class Row(NamedTuple):
    """A result that shares a file with others."""

    key: str
    stamp: str
    place: str
    position: int  # its end
    ledger: int  # end of what is on record about removed blocks


class Journal:
    """The results of a run, and of those before that it goes on with.

    Args:
        path: the file; `None` keeps it in a temporary one, and nothing can be taken up again.
        options: as `described` gives them.
        resume: whether to go on with what an earlier run has done.
        make: whether to make the folder of `path`, if there is none.

    Raises:
        SettingsError: there is nothing to go on with that was made with these options, or another run uses it.
        OutputError: from every method: it cannot be written.
    """

    def __init__(
        self, path: Path | None, options: Mapping[str, str], *, resume: bool = False, make: bool = False
    ) -> None:
        self.path = path
        self._made = make and path is not None and not path.parent.exists()
        self.left = 0  # results of an earlier run that was broken off, and that this one does not go on with
        with _told(path):
            if make and path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = _open(path)
            except sqlite3.OperationalError as fault:
                if path is None or "locked" not in str(fault):
                    raise
                if resume:
                    told = "another feedclean is writing there"
                    raise SettingsError(told, where=str(path.parent), hint="wait for it") from fault
                self.path, self._database = None, _open(None)  # this run cannot be taken up again
            self._begin(options, resume=resume)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        empty = True
        with suppress(sqlite3.Error, FeedcleanError):
            empty = not self.count()
        if empty:
            self.remove()
        self._database.close()

    def count(self) -> int:
        """How many results have been entered."""
        with _told(self.path):
            return int(self._database.execute("SELECT count(*) FROM results").fetchone()[0])

    def done(self, source: Source, stamp: str) -> str | None:
        """Where the result of a source stands, if it has been done and is the same as then."""
        if not stamp:  # nobody can tell whether it is the same
            return None
        with _told(self.path):
            query = "SELECT place FROM results WHERE key = ? AND stamp = ?"
            found = self._database.execute(query, (_blob(source.key), stamp)).fetchone()
        return _text(found[0]) if found else None

    def owners(self, place: str, node: str, key: str) -> list[tuple[str, str]]:
        """Names and places of other sources than `key` whose result stands at a place, or was that file."""
        with _told(self.path):
            query = "SELECT name, place FROM results WHERE (place = ? OR (node = ? AND node != '')) AND key != ?"
            found = self._database.execute(query, (_blob(place), node, _blob(key))).fetchall()
        return [(name, _text(where)) for name, where in found]

    def enter(self, source: Source, *, place: str, node: str = "", position: int = 0, ledger: int = 0) -> None:
        """Note that the result of a source is in place.

        Args:
            source: with its stamp.
            place: where in the output.
            node: of its file, whatever its name.
            position: end of the result, if several share a file.
            ledger: end of what is on record about removed blocks.
        """
        with _told(self.path):
            key = _blob(source.key)
            self._database.execute("DELETE FROM results WHERE key = ?", (key,))
            self._database.execute(
                "INSERT INTO results (key, stamp, name, place, node, position, ledger) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, source.stamp, _plain(source.name), _blob(place), node, position, ledger),
            )

    def failed(self, name: str, fault: FeedcleanError) -> None:
        """Note that a source could not be cleaned, or its result not be written."""
        with _told(self.path):
            row = (_plain(name), _plain(cause(fault)), _plain(str(fault)))
            self._database.execute("INSERT INTO failures (name, cause, told) VALUES (?, ?, ?)", row)

    def failures(self) -> Iterator[tuple[str, str]]:
        """Name and fault of all that failed in this run, in order."""
        with _told(self.path):
            yield from self._database.execute("SELECT name, told FROM failures ORDER BY number")

    def causes(self) -> dict[str, int]:
        """How many failed of what, the most frequent first."""
        query = "SELECT cause, count(*) FROM failures GROUP BY cause ORDER BY 2 DESC, 1"
        with _told(self.path):
            return dict(self._database.execute(query).fetchall())

    def rows(self) -> Iterator[Row]:
        """The results that share a file, in its order."""
        with _told(self.path):
            query = "SELECT key, stamp, place, position, ledger FROM results ORDER BY number"
            for key, stamp, place, position, ledger in self._database.execute(query):
                yield Row(_text(key), stamp, _text(place), position, ledger)

    def keep(self, count: int) -> None:
        """Forget all results but the first `count`."""
        with _told(self.path):
            query = "DELETE FROM results WHERE number NOT IN (SELECT number FROM results ORDER BY number LIMIT ?)"
            self._database.execute(query, (count,))

    def ledger(self) -> int:
        """End of what is on record about removed blocks."""
        with _told(self.path):
            return int(self._database.execute("SELECT coalesce(max(ledger), 0) FROM results").fetchone()[0])

    def remove(self) -> None:
        """Leave nothing behind: all is done."""
        self._database.close()
        if self.path is not None:
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self.path.with_name(self.path.name + suffix).unlink()
            if self._made:
                with suppress(OSError):  # there are results in it
                    self.path.parent.rmdir()

    def _begin(self, options: Mapping[str, str], *, resume: bool) -> None:
        self._database.executescript(_TABLES)
        told = {"version": str(_VERSION), **options}
        found = self._database.execute("SELECT value FROM facts WHERE name = 'options'").fetchone()
        before: dict[str, str] | None = json.loads(found[0]) if found else None
        if resume and before is not None and before != told:
            others = sorted(_CALLED.get(one, one) for one in {*told, *before} if told.get(one) != before.get(one))
            raise SettingsError(
                f"what is there was made with another {', '.join(others)}",
                where="--resume",
                hint="give the same options as then, or leave out --resume to do everything again",
            )
        if not resume:
            self.left = self.count() if before == told else 0
            self._database.execute("DELETE FROM results")
        self._database.execute("INSERT OR REPLACE INTO facts VALUES ('options', ?)", (json.dumps(told),))


def cause(fault: FeedcleanError) -> str:
    """What went wrong, without what is special to one document.

    >>> from feedclean.errors import FormatError
    >>> cause(FormatError("not well-formed at line 31: mismatched tag"))
    'not well-formed at line …'
    """
    return re.sub(r"\d[\d,.]*", "…", re.split(r":\s| \(", fault.what)[0])


def _blob(text: str) -> bytes:
    """Text that may hold what is no character: names of files are bytes."""
    return text.encode("utf-8", "surrogatepass")


def _text(blob: bytes) -> str:
    return blob.decode("utf-8", "surrogatepass")


def _plain(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _open(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(path or "", isolation_level=None, timeout=0.5)
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute(f"PRAGMA journal_mode = {'WAL' if path is not None else 'OFF'}")
        database.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last entries: these are done again
        database.execute("BEGIN EXCLUSIVE")
        database.execute("COMMIT")
    except sqlite3.Error:
        database.close()
        raise
    return database


@contextmanager
def _told(path: Path | None) -> Iterator[None]:
    """What SQLite and the disk say, as an error of ours."""
    where = str(path) if path is not None else "the journal"
    try:
        yield
    except sqlite3.DatabaseError as fault:
        if path is not None and not path.parent.is_dir():
            raise OutputError("its folder does not exist", where=where, hint="create it first") from fault
        for said, told, hint in _SAID:
            if said in str(fault):
                raise OutputError(told, where=where, hint=hint) from fault
        raise OutputError(f"cannot be used: {fault}", where=where, hint="remove it to begin anew") from fault
    except OSError as fault:
        told = f"cannot be written: {(fault.strerror or str(fault)).lower()}"
        raise OutputError(told, where=where, hint=_ELSEWHERE) from fault


_ELSEWHERE = "choose another place with -o"
_SAID = (
    ("full", "no space left to write it", "free some space, or write elsewhere"),
    ("unable to open", "no permission to write it", _ELSEWHERE),
    ("readonly", "no permission to write it", _ELSEWHERE),
)
