"""Annotated documents in files of their publishers that have been downloaded.

    File ── read ──> bytes ──> unpacked ──> Pieces

Nothing here opens a connection: whoever can hands the bytes over.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

from ..errors import CorpusError, FeedcleanError
from ..formats.limits import Limits
from .articles import articles_in
from .pieces import Page, Pieces
from .sources import File, Source, Table

__all__ = ["Downloads"]


class Downloads:
    """Annotated documents in files that have been downloaded.

    Args:
        table: says which file a document is in.
        read: the bytes of a file, or `None` if it is not there.
    """

    def __init__(self, table: Table, read: Callable[[File], bytes | None]) -> None:
        self._table = table
        self._read = read
        self._articles: dict[File, Mapping[str, Pieces]] = {}
        self.faults: dict[File, str] = {}  # what is wrong with files that are there and cannot be read

    def find(self, name: str, document: str) -> Pieces | None:
        """A document of a set; `None` if its file is not there or does not hold it.

        Raises:
            CorpusError: the document's name is no path.
        """
        source = self._table.sources.get(name)
        if source is None:
            return None
        for file in source.of(document):
            try:
                found = self._held(file, source, document)
            except FeedcleanError as fault:
                self.faults[file] = fault.what
                continue
            if found is not None:
                return found
        return None

    def _held(self, file: File, source: Source, document: str) -> Pieces | None:
        if source.files and file in self._articles:
            return self._articles[file].get(document)
        if source.files:
            self._articles[file] = {}  # what cannot be read is read once
        data = self._read(file)
        if data is None:
            return None
        data = _unpacked(data)
        if not source.files:
            return Page(data)
        self._articles[file] = articles_in(data, source)
        return self._articles[file].get(document)


def _unpacked(data: bytes) -> bytes:
    """What a file holds that may be packed with gzip.

    Raises:
        CorpusError: it cannot be unpacked, or is too large.
    """
    most = Limits().bytes
    if data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data, most + 1)
        except zlib.error as fault:
            raise CorpusError(f"cannot be unpacked: {fault}") from fault
        if not unpacker.eof and len(data) <= most:
            raise CorpusError("cannot be unpacked: it ends too early")
    if len(data) > most:
        raise CorpusError(f"more than {most:,} bytes")
    return data
