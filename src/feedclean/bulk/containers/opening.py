"""Which container a file is, told by its first bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from ...errors import FeedcleanError, FormatError
from ...formats.limits import Limits
from ..nouns import Source
from ..reading import bounded, unreadable
from .archives import tar_sources, zip_sources
from .lines import line_sources
from .packed import PACKED, Unpacked, members
from .warc import warc_sources

__all__ = ["Container", "open_container"]

_HEAD = 512  # a tar header is as long
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE = (b"[Content_Types].xml", b"mimetypeapplication/")  # a document in zip's clothes, and none that is read
_LINES = {".jsonl", ".ndjson"}


class _Kind(Enum):
    ZIP = "zip"
    TAR = "tar"
    WARC = "warc"
    LINES = "lines"
    SINGLE = "single"  # a packed document


@dataclass(frozen=True, slots=True)
class Container:
    """A file that holds documents.

    Args:
        path: the file.
        name: what messages call it.
        place: where it would stand inside an output folder.
        kind: what it is.
        magic: of its packing; `b""` if it is not packed, or packs itself.
    """

    path: Path
    name: str
    place: PurePath
    kind: _Kind
    magic: bytes = b""

    @property
    def holds_several(self) -> bool:
        """Whether there may be any number of documents in it."""
        return self.kind is not _Kind.SINGLE

    def sources(self, skip: Callable[[], None]) -> Iterator[Source]:
        """Its documents, in its own order; what is lost is a source with a fault.

        Args:
            skip: called for each entry that is no document by its name or type.
        """
        known, given = 0, 0
        unpacked: Unpacked | None = None
        try:
            with self.path.open("rb") as raw:
                if self.magic and self.kind is not _Kind.WARC:
                    unpacked = Unpacked(raw, self.magic)
                stream = cast("BinaryIO", io.BufferedReader(unpacked, 1 << 16)) if unpacked is not None else raw
                for number, source in enumerate(self._entries(stream, raw, skip)):
                    if self.kind is _Kind.SINGLE and unpacked is not None and unpacked.fault is not None:
                        break  # a document is whole, or none
                    here = raw.tell()
                    key = f"{self.path.absolute()}!{number}"
                    given += 1
                    yield replace(source, size=max(0, here - known), key=source.key or key)
                    known = max(known, here)
                if unpacked is not None and unpacked.fault is not None:
                    raise unpacked.fault
        except FeedcleanError as fault:
            yield self._lost((unpacked and unpacked.fault) or fault, given)
        except (OSError, ValueError) as fault:
            yield self._lost(unreadable(fault, self.name), given)
        except Exception as fault:  # noqa: BLE001  the documents of the others are still to be cleaned
            yield self._lost(FormatError(f"damaged: unexpected {type(fault).__name__}: {fault}"), given)

    def _lost(self, fault: FeedcleanError, given: int) -> Source:
        fault.hint = fault.hint or ("what came before it was read" if given else None)
        return Source(self.name, self.path, self.place, fault.at(self.name), key=f"{self.path.absolute()}!lost")

    def _entries(self, stream: BinaryIO, raw: BinaryIO, skip: Callable[[], None]) -> Iterator[Source]:
        folder = _stem(self.place)
        if self.kind is _Kind.ZIP:
            return members(zip_sources(stream, self.name, folder, skip), raw)
        if self.kind is _Kind.WARC:
            return warc_sources(stream, self.name, folder, skip)
        if self.kind is _Kind.TAR:
            return members(tar_sources(stream, self.name, folder, skip), raw)
        if self.kind is _Kind.LINES:
            return line_sources(stream, self.name, folder)
        return self._single(stream)

    def _single(self, stream: BinaryIO) -> Iterator[Source]:
        yield Source(self.name, None, self.place.with_suffix(""), data=bounded(stream, Limits().bytes, self.name))


def open_container(path: Path, name: str, place: PurePath) -> Container | None:
    """The container that a file is, or `None` if it is a document by itself.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    with path.open("rb") as raw:
        head = raw.read(_HEAD)
        if head.startswith(_ZIP) and not any(mark in head for mark in _OFFICE):
            return Container(path, name, place, _Kind.ZIP)
        magic = next((one for one in PACKED if head.startswith(one)), b"")
        unpacked = None
        if magic:
            raw.seek(0)
            unpacked = Unpacked(raw, magic)
        stream = cast("BinaryIO", io.BufferedReader(unpacked)) if unpacked is not None else raw
        head = stream.read(_HEAD) if unpacked is not None else head
        kind = _kind(head, path, stream)
    if kind is None:
        return Container(path, name, place, _Kind.SINGLE, magic) if magic else None
    return Container(path, name, place, kind, magic)


def _kind(head: bytes, path: Path, stream: BinaryIO) -> _Kind | None:
    if head[257:262] == b"ustar":
        return _Kind.TAR
    if head.startswith(b"WARC/"):
        return _Kind.WARC
    if head.lstrip()[:1] != b"{":
        return None
    if {suffix.lower() for suffix in path.suffixes[-2:]} & _LINES:
        return _Kind.LINES
    # A line that is an object with a page in it; a JSON Feed, or any other file of JSON, has none.
    first, feed, _ = (head + stream.readline(Limits().bytes)).lstrip().partition(b"\n")
    try:
        value = json.loads(first) if feed or first.rstrip().endswith(b"}") else None
    except ValueError:
        return None
    return _Kind.LINES if isinstance(value, dict) and isinstance(value.get("html"), str) else None


def _stem(place: PurePath) -> PurePath:
    """The folder that the documents of a container stand in: `crawl.warc.gz` is `crawl`."""
    while place.suffix.lower() in _ENDINGS and place.stem:
        place = place.with_suffix("")
    return place


_ENDINGS = frozenset(".zip .tar .gz .tgz .bz2 .tbz .tbz2 .xz .txz .zst .tzst .warc .jsonl .ndjson .json".split())
