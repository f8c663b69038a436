"""WARC files: the pages and feeds among the answers that a crawler kept. fastwarc reads the records.

A record that is damaged or cut off is a fault of its own; reading goes on at the next place that looks like a record.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

from ...errors import FeedcleanError, FormatError, LimitError
from ...formats.encodings import sent_charset
from ...formats.limits import Limits
from ..nouns import Source
from ..reading import printable, too_large
from .packed import FREE, RATIO, unpack
from .places import of_url

if TYPE_CHECKING:
    from fastwarc.warc import HeaderMap, WarcRecord

__all__ = ["warc_sources"]

_TYPES = re.compile(
    r"text/html|application/xhtml\+xml|(?:text|application)/xml|application/(?:rss|atom|rdf|feed)\+(?:xml|json)",
    re.IGNORECASE,
)
_START = re.compile(rb"\x1f\x8b\x08|WARC/1\.")
_PIECE = 1 << 20
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r?\n")


def warc_sources(raw: BinaryIO, name: str, folder: PurePath, skip: Callable[[], None]) -> Iterator[Source]:
    """The pages and feeds of a WARC file, packed with gzip or not.

    Args:
        raw: the file.
        name: what messages call it.
        folder: where its results stand.
        skip: called for each record that is something else, or no good answer (404).

    Raises:
        LimitError: it unpacks to too much.
    """
    size = raw.seek(0, io.SEEK_END)
    start: int | None = 0
    while start is not None:
        reader = _Reader(raw, start, name, folder, most=max(FREE, RATIO * size))
        yield from reader.sources(skip)
        start = _next_record(raw, reader.at + 1) if reader.damaged else None


class _Reader:
    """The records from one place of a file up to the next damage."""

    def __init__(self, raw: BinaryIO, start: int, name: str, folder: PurePath, *, most: int) -> None:
        self.at = start  # where the record begins that is being read
        self.damaged = False
        self._raw, self._start, self._name, self._folder, self._most = raw, start, name, folder, most

    def sources(self, skip: Callable[[], None]) -> Iterator[Source]:
        from fastwarc.warc import ArchiveIterator, WarcRecordType

        self._raw.seek(self._start)
        begun = told = False  # whether a record was read; whether something is wrong with the last one
        try:
            for record in ArchiveIterator(
                self._raw,
                record_types=WarcRecordType.any_type,
                parse_http=True,
                auto_decode="none",
                fsspec_args=False,
            ):
                self.at = record.stream_pos
                begun, told = True, False
                self._most -= record.content_length
                if self._most < 0:
                    raise LimitError(f"it unpacks to more than {RATIO} times its size", hint="do not trust it")
                if record.record_type != WarcRecordType.response or not _is_wanted(record):
                    if record.record_type == WarcRecordType.response:
                        skip()
                    continue
                source = self._source(record)
                told = source.fault is not None
                yield source
            if begun and not told and not self._complete():
                yield self._fault(f"the last record is cut off, after byte {self.at:,}")
        except (OSError, UnicodeError, ValueError) as fault:
            self.damaged = True
            # At once, after an earlier damage: it is the same one.
            if self._start == 0 or begun:
                yield self._fault(f"a damaged record after byte {self.at:,} ({' '.join(str(fault).split())[:100]})")

    def _source(self, record: WarcRecord) -> Source:
        url = (record.headers.get("WARC-Target-URI") or "").strip("<> ")
        name = f"{self._name}!{printable(url) or self.at}"
        place = self._folder / of_url(url or str(self.at))
        limit = Limits().bytes
        try:
            if told := record.headers.get("WARC-Truncated"):
                raise FormatError(f"cut off by the crawler ({printable(told)[:40]})")
            length = record.content_length
            if length > 2 * limit:
                raise too_large(f"{length:,} bytes", limit, name)
            if length == 0:
                raise FormatError("an empty record, or one that is cut off")
            data = record.reader.read(length)
            if len(data) < length:
                raise FormatError(f"cut off: {len(data):,} of {length:,} bytes")
            headers, charset = _http(record), None
            if headers is not None:
                charset = sent_charset(headers.get("Content-Type") or "")
                if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
                    data = _joined(data)
                data = unpack(data, headers.get("Content-Encoding") or "", limit)
            return Source(name, None, place, data=data, url=url or None, charset=charset)
        except FeedcleanError as fault:
            return Source(name, None, place, fault.at(name), url=url or None)

    def _fault(self, what: str) -> Source:
        told = FormatError(what, where=self._name, hint="the other records are read")
        return Source(self._name, None, self._folder / str(self.at), told)

    def _complete(self) -> bool:
        """Whether the last record is all there: a file that ends inside of it looks like one that ends after it."""
        self._raw.seek(self.at)
        head = self._raw.read(3)
        self._raw.seek(self.at)
        if head[:2] != b"\x1f\x8b":
            return self._plain_complete()
        machine, left = zlib.decompressobj(31), b""
        while data := left or self._raw.read(1 << 16):
            if machine.eof:
                machine = zlib.decompressobj(31)
            try:
                machine.decompress(data, _PIECE)
            except zlib.error:
                return not data.strip(b"\0")  # padding
            left = machine.unused_data if machine.eof else machine.unconsumed_tail
        return machine.eof

    def _plain_complete(self) -> bool:
        head = self._raw.read(_PIECE)
        end = re.search(rb"\r?\n\r?\n", head)
        length = re.search(rb"\ncontent-length:[ \t]*(\d{1,18})", head[: end.start()] if end else head, re.IGNORECASE)
        if end is None or length is None:
            return not head.strip()
        self._raw.seek(0, io.SEEK_END)
        rest = self._raw.tell() - (self.at + end.end() + int(length[1]))
        if rest <= 0:
            return rest == 0
        self._raw.seek(-min(rest, 1 << 16), io.SEEK_END)
        return not self._raw.read().strip()


def _is_wanted(record: WarcRecord) -> bool:
    """Whether an answer is a page or a feed, as far as its headers tell."""
    headers = _http(record)
    if headers is None:
        return True
    status = headers.status_code
    if status is not None and not 200 <= status < 300:
        return False
    kind = headers.get("Content-Type")
    return not kind or _TYPES.match(kind.strip()) is not None


def _http(record: WarcRecord) -> HeaderMap | None:
    """The headers of an answer; there are none if the record ends before them, whatever fastwarc's types say."""
    return record.http_headers


def _next_record(raw: BinaryIO, start: int) -> int | None:
    """Where something that may be a record begins, from `start` on."""
    raw.seek(start)
    kept, at = b"", start
    while data := raw.read(_PIECE):
        window = kept + data
        for found in _START.finditer(window):
            place = at + found.start()
            if found[0].startswith(b"WARC") or _unpacks_to_record(raw, place):
                return place
        raw.seek(at + len(window))
        kept = window[-8:]
        at += len(window) - len(kept)
        if len(window) <= 8:
            break
    return None


def _unpacks_to_record(raw: BinaryIO, place: int) -> bool:
    raw.seek(place)
    try:
        return zlib.decompressobj(31).decompress(raw.read(1 << 12), 8).startswith(b"WARC/1.")
    except zlib.error:
        return False


def _joined(data: bytes) -> bytes:
    """A body without its chunks; as it is, if there are none: crawlers often keep the header of a body they joined."""
    parts: list[bytes] = []
    at = 0
    while found := _CHUNK.match(data, at):
        size = int(found[1], 16)
        if size == 0:
            return b"".join(parts)
        part = data[found.end() : found.end() + size]
        parts.append(part)
        at = found.end() + size
        at += 2 if data.startswith(b"\r\n", at) else data.startswith(b"\n", at)
    if not parts:
        return data
    raise FormatError("its last chunk is cut off")
