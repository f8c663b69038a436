"""Where results go: standard output, one file, or a folder. `output` tells which."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import TracebackType
from typing import Protocol, Self

from ..bulk import Journal, Outcome, Target, printable
from ..bulk.remote import RemoteFolder, is_remote
from ..errors import OutputError, SettingsError
from .atomic import Replacement, part_of, unwritable
from .faults import ReaderGone, give_up_stdout
from .finding import is_folder
from .naming import places

__all__ = [
    "Folder",
    "JoinedFeed",
    "OneFile",
    "Output",
    "Placed",
    "StandardOutput",
    "Store",
    "holds_several",
    "joins",
    "output",
    "write_out",
]

_FEEDS = (Target.RSS, Target.ATOM, Target.JSONFEED)
# Endings of a file that several results may share.
_SHARED: dict[Target | None, tuple[str, ...]] = {
    Target.JSONL: (".jsonl", ".ndjson"),
    Target.RSS: (".rss", ".xml"),
    Target.ATOM: (".atom", ".xml"),
    Target.JSONFEED: (".json",),
}


def write_out(data: bytes) -> None:
    """Write to standard output, at once.

    Raises:
        ReaderGone: nobody reads it any more.
        OutputError: it cannot be written.
    """
    if sys.stdout is None:
        raise OutputError("closed", where="standard output", hint="use -o FILE")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as fault:
        give_up_stdout()
        if isinstance(fault, BrokenPipeError):
            raise ReaderGone from fault
        raise unwritable(fault, "standard output") from fault


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a result stands."""

    place: str = ""  # in its folder
    node: str = ""  # of its file, whatever its name
    position: int = 0  # its end, if several share a file
    note: str | None = None  # what a reader should know about it


class Output(Protocol):
    """Takes results. As a context manager it puts them in place at the end, or none if the block fails."""

    @property
    def kept(self) -> bool:
        """Whether results stay although the work is broken off."""
        ...

    def put(self, outcome: Outcome) -> Placed:
        """Take one result.

        Raises:
            OutputError: it cannot be written.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def holds_several(path: str, *, several: bool, to: Target | None) -> bool:
    """Whether `-o path` names a folder: it is one, it is written as one, or it has to hold several results.

    JSON lines of several documents may share one file, and articles one feed, if its name says so.
    """
    if is_folder(Path(path)) or path.endswith(("/", os.sep)):
        return True
    named = PurePath(path).suffix.lower() in _SHARED.get(to, ()) or (to is Target.JSONL and _is_other(Path(path)))
    return several and not named


def joins(path: str | None, *, several: bool, to: Target | None) -> bool:
    """Whether the articles of several documents become one feed: in a file that is named so, or on standard output."""
    if to not in _FEEDS or not several:
        return False
    return path is None or path == "-" or not holds_several(path, several=True, to=to)


def output(
    path: str | None, journal: Journal, *, several: bool, to: Target | None, is_source: Callable[[Path], bool]
) -> Output:
    """Where results go.

    Args:
        path: what `-o` names; `None` or `"-"` is standard output.
        journal: knows which result stands where.
        several: whether there may be more than one result.
        to: the format of the results, if it is the same for all.
        is_source: whether a file is going to be cleaned, too.

    Raises:
        SettingsError: several results cannot stand there.
    """
    if path is not None and is_remote(path):
        return Store(RemoteFolder(path), journal)
    if joins(path, several=several, to=to):
        return JoinedFeed(None if path == "-" else path, to or Target.RSS)
    if path is None or path == "-":
        if several and to is not Target.JSONL:
            raise SettingsError(
                "several documents cannot stand one after another on standard output",
                hint="use -o DIR, --to jsonl, or --to rss for one feed of them",
            )
        return StandardOutput()
    if not holds_several(path, several=several, to=to):
        return OneFile(Path(path), lasting=journal.path is not None)
    if _is_other(Path(path)):
        raise SettingsError(
            "several documents cannot stand in one file", where=printable(path), hint="-o has to name a folder"
        )
    return Folder(Path(path), journal, is_source)


def _is_other(path: Path) -> bool:
    """Whether something stands there that is no folder."""
    try:
        return path.exists() and not path.is_dir()
    except OSError:
        return False


class StandardOutput:
    """Results one after another on standard output."""

    kept = True

    def put(self, outcome: Outcome) -> Placed:
        """Write it out."""
        write_out(outcome.content)
        return Placed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to do."""


class OneFile:
    """One result, or JSON lines of several, in a file that appears when all are there.

    Args:
        path: the file.
        lasting: whether what is broken off is left for the next run.
    """

    def __init__(self, path: Path, *, lasting: bool = False) -> None:
        self._path = path
        self._part = part_of(path) if lasting else None
        self._broken_off = False
        self._file: Replacement | None = None

    @property
    def kept(self) -> bool:
        """Whether results stay although the work is broken off."""
        return self._part is not None

    @property
    def position(self) -> int:
        """Bytes of all results."""
        return self._file.position() if self._file is not None else 0

    def begin(self, position: int) -> None:
        """Go on with the results of an earlier run, up to a position."""
        if position:
            self._file = Replacement(self._path, part=self._part, kept=position)

    def break_off(self) -> None:
        """Leave what there is for the next run."""
        self._broken_off = True

    def put(self, outcome: Outcome) -> Placed:
        """Add it. The file is begun with the first, so that a document that fails leaves the file as it was."""
        if self._file is None:
            self._file = Replacement(self._path, part=self._part)
        before = self._file.position()
        try:
            self._file.write(outcome.content)
            if self.kept:
                self._file.flush()
        except OutputError:
            self._file.rewind(before)
            raise
        return Placed(position=self._file.position())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        if (kind is not None or self._broken_off) and self.kept and self._file.position():
            self._file.suspend()
        else:
            self._file.__exit__(kind, fault, trace)


class JoinedFeed:
    """One feed of the articles of all documents, each given as JSON Feed."""

    kept = False

    def __init__(self, path: str | None, to: Target) -> None:
        from ..formats.one_feed import OneFeed

        self._path = path
        self._to = to
        self._feed = OneFeed()
        self._holds = False

    def put(self, outcome: Outcome) -> Placed:
        """Add its articles."""
        self._holds = True
        known = self._feed.add(outcome.content)
        told = "an article" if known == 1 else f"{known} articles"
        return Placed(note=f"{outcome.source.name}: left out {told} that the feed holds already" if known else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None or not self._holds:
            return
        written = self._feed.to_bytes(self._to.value)
        if self._path is None:
            write_out(written)
            return
        with Replacement(Path(self._path)) as file:
            file.write(written)


class Folder:
    """Each result in a file of its own, named as its source.

    Args:
        path: the folder.
        journal: knows which result stands where.
        is_source: whether a file is going to be cleaned, too; it is not overwritten by the result of another.
    """

    kept = True

    def __init__(self, path: Path, journal: Journal, is_source: Callable[[Path], bool]) -> None:
        self._path = path
        self._journal = journal
        self._is_source = is_source

    def has(self, place: str) -> bool:
        """Whether a result still stands where it was put."""
        return (self._path / place).is_file()

    def put(self, outcome: Outcome) -> Placed:
        """Write it to its own name, or to the next best one if that belongs to another source."""
        source = outcome.source
        own = _real(source.path) if source.path is not None else None
        in_the_way = ""
        for place in places(outcome):
            target = self._path / place
            owner = self._owner(target, place, own, source.key)
            if owner:
                in_the_way = in_the_way or f"{printable(str(target))} belongs to {owner}"
                continue
            self._write(target, outcome.content)
            told = f"{source.name}: written to {printable(str(target))}; {in_the_way}" if in_the_way else None
            return Placed(place.as_posix(), _node(target), note=told)
        raise AssertionError  # pragma: no cover  the places never end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Every file is in place already."""

    def _owner(self, target: Path, place: PurePath, own: Path | None, key: str) -> str:
        """The source that `target` belongs to, if that is another one than `own`."""
        for owner, where in self._journal.owners(place.as_posix(), _node(target), key):
            # On a disk that does not tell A from a, another name may be the same file.
            if where == place.as_posix() or _node(self._path / where) == _node(target):
                return owner
        real = _real(target)
        if target.is_dir() and not target.is_symlink():
            return "a folder"
        return printable(str(target)) if real != own and self._is_source(real) else ""

    def _write(self, target: Path, content: bytes) -> None:
        name = printable(str(target))
        try:
            root = self._path.resolve()
            # A link inside the folder may lead out of it.
            if not target.parent.resolve().is_relative_to(root):
                raise OutputError("a link leads out of the output folder", where=name, hint="remove the link")
            target.parent.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError) as fault:
            raise unwritable(fault, name) from fault
        with Replacement(target, follow=False) as file:
            file.write(content)


def _node(path: Path) -> str:
    """What is the same for all names of a file; `""` if there is none."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return ""
    return f"{found.st_dev} {found.st_ino}"


class Store:
    """Each result under a name of its own at an fsspec address.

    Args:
        folder: the address.
        journal: knows which result stands where.
    """

    kept = True

    def __init__(self, folder: RemoteFolder, journal: Journal) -> None:
        self._folder = folder
        self._journal = journal

    def has(self, place: str) -> bool:
        """Whether a result still stands where it was put."""
        return self._folder.has(place)

    def put(self, outcome: Outcome) -> Placed:
        """Write it to its own name, or to the next best one if that belongs to another source."""
        source = outcome.source
        for place in (one.as_posix() for one in places(outcome)):
            if not self._journal.owners(place, "", source.key):
                self._folder.write(place, outcome.content)
                return Placed(place)
        raise AssertionError  # pragma: no cover  the places never end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Every result is in place already."""


def _real(path: Path) -> Path:
    """Where a name leads: its folder's links are followed, its own is not, since writing would replace it."""
    try:
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError):
        return path
