"""Which documents the arguments of a command mean: files, folders, patterns, containers, lists, addresses.

    argument ── spool ──> file, folder, pattern, address ──> container? ──> Source, Source, …

Everything is looked up when its turn comes, so that a million documents cost no more memory than one folder's names.
Only the list of arguments is read at once, into a temporary file of SQLite's: a result must not overwrite what is
still to be read.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

from ..bulk import Source, printable, unreadable
from ..bulk.containers import Container, is_other, open_container
from ..bulk.remote import is_remote, remote_sources
from ..errors import SettingsError, SourceError
from .spool import Spool, listed

__all__ = ["STDIN", "Fetch", "Found", "find", "is_folder", "local"]

STDIN = "-"
Fetch = Callable[[str], Source]
Taken = Callable[[Path], bool]
_WEB = ("http://", "https://")
# What browsers call the folder beside a page that they save.
_WITH_PAGES = ("_files", "-Dateien", "_fichiers", "_archivos", "_bestanden")


class Found:
    """The documents that some arguments mean, each once, in the order of the arguments; folders by name.

    Args:
        spool: the arguments.
        apart: a folder that is not searched.
        fetch: gets what is published at an address.
        taken: whether the caller takes a file itself, which then is no document here.
        fault: of the arguments themselves; it comes last, as a source of its own.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        apart: Path | None = None,
        fetch: Fetch | None = None,
        taken: Taken | None = None,
        fault: SourceError | None = None,
    ) -> None:
        self.skipped = 0  # entries that were not looked at: hidden, or something else by their name
        self.folders = False  # whether an argument may stand for any number of documents
        self._spool = spool
        self._apart = apart.resolve() if apart is not None else None
        self._fetch = fetch
        self._taken = taken
        self._fault = fault
        self._tops: list[Path] = []  # folders that are or have been searched
        self._named = Spool()  # single files that have been given out
        self._matched: list[Spool] = []  # what patterns stand for
        self._waiting = self._all()
        begun = list(islice(self._waiting, 2))
        self.several = len(begun) > 1
        self._waiting = chain(begun, self._waiting)

    def __iter__(self) -> Iterator[Source]:
        return self._waiting

    def is_source(self, path: Path) -> bool:
        """Whether an existing file is among what the arguments mean, so that no other's result may stand there."""
        if path in self._spool or any(path in names for names in self._matched):
            return True
        ours = self._apart is not None and path.is_relative_to(self._apart) and self._apart not in self._spool
        return not ours and any(parent in self._spool for parent in path.parents) and path.exists()

    def weight(self) -> int:
        """Bytes of all documents on the disk: what progress is measured against. Takes a look at every file."""
        total = 0
        for argument in self._spool:
            for path in self._files(argument):
                try:
                    total += path.stat().st_size
                except (OSError, ValueError):
                    continue
        return total

    def _files(self, argument: str) -> Iterator[Path]:
        path = Path(argument)
        if is_folder(path):
            for parent, folders, files in os.walk(path):
                folders[:] = [name for name in folders if self._enter(Path(parent) / name, path)]
                yield from (Path(parent, name) for name in files if not is_other(PurePath(name)))
        elif _is_pattern(argument):
            yield from map(Path, _matches(argument))
        else:
            yield path

    def _all(self) -> Iterator[Source]:
        for argument in self._spool:
            if argument == STDIN and not self._spool.literal(STDIN):
                yield Source(STDIN, None, key=STDIN)
            elif argument.lower().startswith(_WEB):
                yield self._fetched(argument)
            elif is_remote(argument):
                self.folders = True
                yield from remote_sources(argument)
            elif _is_pattern(argument) and not self._spool.literal(argument):
                self.folders = True
                yield from self._matching(argument)
            else:
                yield from self._path(Path(argument))
        if self._fault is not None:
            name = self._fault.where or ""
            yield Source(name, None, fault=self._fault, key=name)

    def _path(self, path: Path, place: PurePath | None = None) -> Iterator[Source]:
        if is_folder(path):
            self.folders = True
            if not self._searched(path):
                self._tops.append(path)
                yield from self._folder(path)
        elif path not in self._named and not self._searched(path):
            self._named.add(str(path))
            yield from self._document(path, place or PurePath(path.name))

    def _document(self, path: Path, place: PurePath, *, only_files: bool = False) -> Iterator[Source]:
        """A file, or what is in it."""
        name = printable(str(path))
        fault = None
        size, stamp = 0, ""
        container: Container | None = None
        try:
            found = path.stat()
            size, stamp = found.st_size, f"{found.st_size} {found.st_mtime_ns}"
            if stat.S_ISREG(found.st_mode):
                if self._taken is not None and self._taken(path):
                    return
                container = open_container(path, name, place)
            elif only_files:  # a pipe in a folder would be waited for without end
                fault = SourceError("a pipe, device or socket", where=name, hint="only files are read from folders")
        except (OSError, ValueError) as error:
            fault = unreadable(error, name)
        if container is not None:
            self.folders |= container.holds_several
            yield from container.sources(self._skip)
        else:
            yield Source(name, path, place, fault, size=size, key=str(path.absolute()), stamp=stamp)

    def _matching(self, pattern: str) -> Iterator[Source]:
        """Files that a pattern matches; a quoted one is ours to expand."""
        top = Path(*_fixed(pattern))
        empty = True
        names = Spool()
        self._matched.append(names)
        for name in _matches(pattern):
            names.add(name)
        for path in map(Path, names.in_order()):
            if is_folder(path) and "**" in pattern:
                continue  # what is in it matches, too
            empty = False
            yield from self._path(path, path.relative_to(top) if path.is_relative_to(top) else None)
        if empty:
            name = printable(pattern)
            told = SourceError("no file matches", where=name, hint="** stands for any folders, * for any name")
            yield Source(name, Path(pattern), fault=told, key=pattern)

    def _fetched(self, url: str) -> Source:
        if self._fetch is None:
            raise SettingsError("addresses are not fetched here", where=printable(url))
        return self._fetch(url)

    def _folder(self, top: Path) -> Iterator[Source]:
        """Every document under `top`; one source with a fault for each place that cannot be searched."""
        faults: list[OSError] = []
        empty = True
        for parent, folders, files in os.walk(top, onerror=faults.append):
            here = Path(parent)
            wanted = [name for name in sorted(folders) if self._enter(here / name, top)]
            self.skipped += len(folders) - len(wanted)
            folders[:] = [name for name in wanted if not self._is_top(here / name)]
            for name in sorted(files):
                if is_other(PurePath(name)):
                    self.skipped += 1
                    continue
                empty = False
                path = here / name
                if path not in self._named:
                    yield from self._document(path, path.relative_to(top), only_files=True)
        for fault in faults:
            empty = False
            name = printable(str(fault.filename or top))
            yield Source(name, Path(fault.filename or top), fault=unreadable(fault, name), key=name)
        if empty:
            name = printable(str(top))
            told = SourceError("no documents in this folder", where=name, hint="feeds, pages and texts are read")
            yield Source(name, top, fault=told, key=name)

    def _enter(self, folder: Path, top: Path) -> bool:
        if _is_passed_over(folder):
            return False
        return self._apart is None or self._apart == top.resolve() or folder.resolve() != self._apart

    def _is_top(self, folder: Path) -> bool:
        """Whether a folder has been searched by an earlier argument."""
        return any(folder.absolute() == top.absolute() for top in self._tops)

    def _searched(self, path: Path) -> bool:
        """Whether an earlier argument has led here."""
        here, file = path.absolute(), not is_folder(path)
        for top in (top.absolute() for top in self._tops):
            if not here.is_relative_to(top) or (file and is_other(PurePath(path.name))):
                continue
            inside = [top / way for way in here.relative_to(top).parents] if file else [here, *here.parents]
            ways = [way for way in inside if way != top and way.is_relative_to(top)]
            if not any(map(_is_passed_over, ways)):
                return True
        return False

    def _skip(self) -> None:
        self.skipped += 1


def _is_passed_over(folder: Path) -> bool:
    """Whether a folder inside a folder is not searched."""
    # Links to folders are not followed: they may lead back, or out of the folder that was named.
    return folder.name.startswith(".") or folder.is_symlink() or _is_of_a_page(folder)


def _is_of_a_page(folder: Path) -> bool:
    """Whether it holds what a browser has saved along with the page beside it: frames, scripts, pictures."""
    page = next((folder.name.removesuffix(end) for end in _WITH_PAGES if folder.name.endswith(end)), "")
    return bool(page) and any(folder.with_name(page + end).is_file() for end in (".html", ".htm"))


def find(
    arguments: Sequence[str],
    *,
    apart: Path | None = None,
    files_from: str | None = None,
    fetch: Fetch | None = None,
    taken: Taken | None = None,
) -> Found:
    """The documents that `arguments` mean.

    Args:
        arguments: as they were typed: files, folders with all that is in them, patterns, containers, addresses, `-`.
        apart: a folder that is not searched although it may lie in one that is: where earlier results are.
        files_from: a file that lists more of them, one a line or with NULs between; `-` is standard input.
        fetch: gets what is published at an address.
        taken: is asked about every file whether the caller takes it, which then is no document here.

    Raises:
        SettingsError: standard input is named twice, or a name is empty.
        SourceError: the list cannot be read.
    """
    if arguments.count(STDIN) + (files_from == STDIN) > 1:
        raise SettingsError("standard input can be read only once", where=STDIN, hint="name - once")
    if "" in arguments:  # an empty variable of a shell; as a path it would be the folder one is in
        raise SettingsError("an empty name among the sources", hint="name a file, or . for all that is in this folder")
    spool = Spool()
    for argument in arguments:
        spool.add(local(argument))
    fault = None
    if files_from is not None:
        empty = True
        for name in listed(files_from):
            spool.add(name, literal=True)
            empty = False
        if empty:
            where = f"--files-from {printable(files_from)}"
            fault = SourceError("no files named in it", where=where, hint="one name a line, or NULs between them")
    found = Found(spool, apart=apart, fetch=fetch, taken=taken, fault=fault)
    found.folders |= files_from is not None
    return found


def local(argument: str) -> str:
    """The path that a `file://` address means; anything else as it is."""
    return (
        unquote(urlsplit(argument).path, errors="surrogateescape")
        if argument.lower().startswith("file://")
        else argument
    )


def is_folder(path: Path) -> bool:
    """Whether there is a folder; a place that may not be looked at is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_pattern(argument: str) -> bool:
    return glob.has_magic(argument) and "\0" not in argument and not os.path.lexists(argument)


def _matches(pattern: str) -> Iterator[str]:
    return glob.iglob(pattern, recursive=True)  # noqa: PTH207  `Path.glob` takes no absolute pattern, and hidden files


def _fixed(pattern: str) -> list[str]:
    """The parts of a pattern before the first that is one."""
    parts: list[str] = []
    for part in PurePath(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return parts
