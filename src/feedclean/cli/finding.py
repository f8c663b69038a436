"""Which documents the arguments of a command mean."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..bulk import Source, printable, unreadable
from ..errors import SettingsError, SourceError

__all__ = ["STDIN", "Found", "find", "is_folder"]

STDIN = "-"
# What lies beside documents in a folder and is none, told by its name; anything else is opened.
_OTHER = frozenset(
    ".7z .avi .avif .bin .bmp .bz2 .class .css .db .dll .doc .docx .eot .epub .exe .flac .gif .gz .ico .jar .jpeg .jpg"
    " .js .lock .m4a .m4v .map .mjs .mkv .mov .mp3 .mp4 .npy .npz .o .odt .ogg .otf .pdf .pickle .pkl .png .ppt .pptx"
    " .pyc .rar .so .sqlite .sqlite3 .svg .swf .tar .tgz .tif .tiff .ttf .wasm .wav .webm .webp .woff .woff2 .xls .xlsx"
    " .xz .zip .zst".split()
)


@dataclass(frozen=True, slots=True)
class Found:
    """The documents that some arguments mean."""

    sources: tuple[Source, ...]  # each once, in the order of the arguments; folders by name
    skipped: int  # files and folders inside folders that were not looked at: hidden, or something else by their name
    folders: bool  # whether a folder was among the arguments


def find(arguments: Sequence[str], *, apart: Path | None = None) -> Found:
    """The documents that `arguments` mean: files, folders with all that is in them, `-` for standard input.

    Args:
        arguments: as they were typed.
        apart: a folder that is not searched although it may lie in one that is: where earlier results are.

    Raises:
        SettingsError: standard input is named twice.
    """
    if arguments.count(STDIN) > 1:
        raise SettingsError("standard input can be read only once", where=STDIN, hint="name - once")
    search = _Search(apart.resolve() if apart is not None else None)
    folders = False
    sources: dict[Path | None, Source] = {}
    for argument in arguments:
        if argument == STDIN:
            sources[None] = Source(STDIN, None)
            continue
        path = Path(argument)
        if is_folder(path):
            folders = True
            found = list(search.folder(path))
        else:
            found = [Source(printable(argument), path, PurePath(path.name))]
        for source in found:
            # Not resolved: two links to one file are two names for its result.
            sources.setdefault(source.path and source.path.absolute(), source)
    return Found(tuple(sources.values()), search.skipped, folders)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; a place that may not be looked at is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


class _Search:
    def __init__(self, apart: Path | None) -> None:
        self.skipped = 0
        self._apart = apart

    def folder(self, top: Path) -> Iterator[Source]:
        """Every document under `top`; one source with a fault for each place that cannot be searched."""
        faults: list[OSError] = []
        empty = True
        for parent, folders, files in os.walk(top, onerror=faults.append):
            here = Path(parent)
            wanted = [name for name in sorted(folders) if self._enter(here / name, top)]
            self.skipped += len(folders) - len(wanted)
            folders[:] = wanted
            for name in sorted(files):
                if name.startswith(".") or PurePath(name).suffix.lower() in _OTHER:
                    self.skipped += 1
                    continue
                empty = False
                yield _file(here / name, top)
        for fault in faults:
            empty = False
            name = printable(str(fault.filename or top))
            yield Source(name, Path(fault.filename or top), fault=unreadable(fault, name))
        if empty:
            name = printable(str(top))
            told = SourceError("no documents in this folder", where=name, hint="feeds, pages and texts are read")
            yield Source(name, top, fault=told)

    def _enter(self, folder: Path, top: Path) -> bool:
        # Links to folders are not followed: they may lead back, or out of the folder that was named.
        if folder.name.startswith(".") or folder.is_symlink():
            return False
        return self._apart is None or self._apart == top.resolve() or folder.resolve() != self._apart


def _file(path: Path, top: Path) -> Source:
    name = printable(str(path))
    fault = None
    try:
        # A pipe in a folder would be waited for without end.
        if not stat.S_ISREG(path.stat().st_mode):
            fault = SourceError("a pipe, device or socket", where=name, hint="only files are read from folders")
    except OSError as error:
        fault = unreadable(error, name)
    return Source(name, path, PurePath(path.relative_to(top)), fault)
