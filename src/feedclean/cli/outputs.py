"""Where results go: standard output, one file, or a folder. `output` tells which."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from types import TracebackType
from typing import Protocol, Self

from ..bulk import Outcome, Source, Target, printable
from ..errors import OutputError, SettingsError
from ..types import Format
from .atomic import Replacement, unwritable
from .faults import ReaderGone, give_up_stdout
from .finding import is_folder

__all__ = ["Folder", "OneFile", "Output", "StandardOutput", "holds_several", "output", "write_out"]

_SUFFIX = {
    Target.RSS: ".rss",
    Target.ATOM: ".atom",
    Target.JSONFEED: ".json",
    Target.JSONL: ".jsonl",
    Target.HTML: ".html",
    Target.MARKDOWN: ".md",
    Target.TEXT: ".txt",
}
_NATIVE = {
    Format.RSS: ".rss",
    Format.ATOM: ".atom",
    Format.JSONFEED: ".json",
    Format.HTML: ".html",
    Format.TEXT: ".txt",
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


class Output(Protocol):
    """Takes results. As a context manager it puts them in place at the end, or none if the block fails."""

    @property
    def kept(self) -> bool:
        """Whether results stay although the work is broken off."""
        ...

    def put(self, outcome: Outcome) -> str | None:
        """Take one result; what a reader should know about where it went, or `None`.

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

    JSON lines of several documents may share one file, if its name says so.
    """
    if is_folder(Path(path)) or path.endswith(("/", os.sep)):
        return True
    lines = PurePath(path).suffix.lower() in {".jsonl", ".ndjson"} or _is_other(Path(path))
    return several and not (to is Target.JSONL and lines)


def output(path: str | None, sources: Sequence[Source], *, several: bool, to: Target | None) -> Output:
    """Where results go.

    Args:
        path: what `-o` names; `None` or `"-"` is standard output.
        sources: what is going to be cleaned.
        several: whether there may be more than one result.
        to: the format of the results, if it is the same for all.

    Raises:
        SettingsError: several results cannot stand there.
    """
    if path is None or path == "-":
        if several and to is not Target.JSONL:
            raise SettingsError(
                f"{len(sources)} documents cannot stand one after another on standard output",
                hint="use -o DIR, or --to jsonl",
            )
        return StandardOutput()
    if not holds_several(path, several=several, to=to):
        return OneFile(Path(path))
    if _is_other(Path(path)):
        raise SettingsError(
            f"{len(sources)} documents cannot stand in one file", where=printable(path), hint="-o has to name a folder"
        )
    return Folder(Path(path), sources)


def _is_other(path: Path) -> bool:
    """Whether something stands there that is no folder."""
    try:
        return path.exists() and not path.is_dir()
    except OSError:
        return False


class StandardOutput:
    """Results one after another on standard output."""

    kept = True

    def put(self, outcome: Outcome) -> None:
        """Write it out."""
        write_out(outcome.content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to do."""


class OneFile:
    """One result, or JSON lines of several, in a file that appears when all are there."""

    kept = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Replacement | None = None

    def put(self, outcome: Outcome) -> None:
        """Add it. The file is begun with the first, so that a document that fails leaves the file as it was."""
        if self._file is None:
            self._file = Replacement(self._path)
        self._file.write(outcome.content)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.__exit__(kind, fault, trace)


class Folder:
    """Each result in a file of its own, named as its source."""

    kept = True

    def __init__(self, path: Path, sources: Sequence[Source]) -> None:
        self._path = path
        self._taken: dict[Path, str] = {}
        self._written: set[tuple[int, int]] = set()
        self._sources = {_real(source.path): source.name for source in sources if source.path is not None}

    def put(self, outcome: Outcome) -> str | None:
        """Write it to its own name, or to the next best one if that belongs to another source."""
        source = outcome.source
        own = _real(source.path) if source.path is not None else None
        in_the_way = ""
        for place in _places(outcome):
            target = self._path / place
            owner = self._owner(target, own)
            if owner:
                in_the_way = in_the_way or f"{printable(str(target))} belongs to {owner}"
                continue
            self._write(target, outcome.content)
            self._taken[_real(target)] = source.name
            return f"{source.name}: written to {printable(str(target))}; {in_the_way}" if in_the_way else None
        raise AssertionError  # pragma: no cover  the places never end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Every file is in place already."""

    def _owner(self, target: Path, own: Path | None) -> str:
        """The source that `target` belongs to, if that is another one than `own`."""
        real = _real(target)
        if real in self._taken:
            return self._taken[real]
        if real != own and real in self._sources:
            return self._sources[real]
        try:
            found = target.lstat()
        except OSError:
            return ""
        # On a disk that does not tell A from a, another name may be the same file.
        return "another source" if (found.st_dev, found.st_ino) in self._written else ""

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
        with contextlib.suppress(OSError):
            found = target.lstat()
            self._written.add((found.st_dev, found.st_ino))


def _real(path: Path) -> Path:
    """Where a name leads: its folder's links are followed, its own is not, since writing would replace it."""
    try:
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError):
        return path


def _places(outcome: Outcome) -> Iterator[PurePath]:
    """Where a result may stand in a folder, best first, without end."""
    source = outcome.source
    path = source.path or source.place
    given = PurePath(*(part for part in path.relative_to(path.anchor).parts if part != ".."))
    suffix = _suffix(outcome)
    for place in (source.place, given):
        if suffix is None:
            yield place
        else:
            yield place.with_suffix(suffix)
            yield place.with_name(place.name + suffix)
    number = 2
    while True:
        yield source.place.with_name(f"{source.place.stem}-{number}{suffix or source.place.suffix}")
        number += 1


def _suffix(outcome: Outcome) -> str | None:
    """The ending that tells the new format; `None` if the source's own name still does."""
    if outcome.target is not None:
        return _SUFFIX[outcome.target]
    if outcome.source.path is None and outcome.cleaned is not None:
        return _NATIVE[outcome.cleaned.format]
    return None
