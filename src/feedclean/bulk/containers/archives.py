"""Zip and tar archives: their files, one by one, none of them unpacked to a disk."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import BinaryIO

from ...errors import FeedcleanError, FormatError, LimitError, SourceError
from ...formats.limits import Limits
from ..nouns import Source
from ..reading import bounded, printable, too_large
from .packed import FREE, RATIO
from .places import is_other, of_member

__all__ = ["tar_sources", "zip_sources"]

_DIRECTORY = 64 << 20  # bytes of a zip's directory, which is read as a whole: half a million files
_REPACK = "unpack it with what packed it, and give the files"
_HEADER = 1 << 20  # bytes of a tar header that a long name or an attribute may have


def zip_sources(raw: BinaryIO, name: str, folder: PurePath, skip: Callable[[], None]) -> Iterator[Source]:
    """The files of a zip archive, in the order of its directory.

    Raises:
        FormatError: it is cut off or damaged, or of a newer kind than is known.
        LimitError: it has too many files, or they are too large for what it is.
    """
    if _directory_size(raw) > _DIRECTORY:
        raise LimitError(f"a zip directory of more than {_DIRECTORY >> 20} MiB", hint="pack it as tar, or unpack it")
    try:
        archive = zipfile.ZipFile(raw)
    except NotImplementedError as fault:  # not ours: Python's word for a zip of a newer kind
        raise FormatError("a zip file of a kind that is not known here", hint=_REPACK) from fault
    except (zipfile.BadZipFile, struct.error, UnicodeDecodeError) as fault:
        raise FormatError("a zip file that is cut off or damaged") from fault
    size = raw.seek(0, io.SEEK_END)
    given = 0
    with archive:
        for entry in archive.infolist():
            place = of_member(entry.filename)
            if entry.is_dir() or is_other(place):
                if not entry.is_dir():
                    skip()
                continue
            source = Source(f"{name}!{printable(entry.filename)}", None, folder / place)
            data, told = _of_zip(archive, entry, source.name)
            given += len(data)
            if given > FREE and given > RATIO * size:  # files may overlap, so that each is small enough
                raise LimitError(f"it unpacks to more than {RATIO} times its size", hint="do not trust it")
            raw.seek(min(size, entry.header_offset + entry.compress_size))
            yield _with(source, data, told)


def tar_sources(stream: BinaryIO, name: str, folder: PurePath, skip: Callable[[], None]) -> Iterator[Source]:
    """The files of a tar archive, packed or not, in its order.

    Raises:
        FormatError: it is cut off or damaged.
        LimitError: a header is too large.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header, errorlevel=2) as archive:
            while (entry := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would remember all of them
                place = of_member(entry.name)
                if not entry.isreg() or is_other(place):
                    if not entry.isdir():
                        skip()  # links, devices
                    continue
                source = Source(f"{name}!{printable(entry.name)}", None, folder / place)
                limit = Limits().bytes
                if entry.size > limit:
                    yield _with(source, b"", too_large(f"{entry.size:,} bytes", limit, source.name))
                    continue
                file = archive.extractfile(entry)
                data = bounded(file, limit, source.name) if file is not None else b""  # type: ignore[arg-type]
                yield _with(source, data, None)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as fault:
        raise FormatError(f"a tar file that is cut off or damaged ({' '.join(str(fault).split())})") from fault


class _Header(tarfile.TarInfo):
    """A header whose additions are refused before they are read into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        added = {
            tarfile.XHDTYPE,
            tarfile.XGLTYPE,
            tarfile.SOLARIS_XHDTYPE,
            tarfile.GNUTYPE_LONGNAME,
            tarfile.GNUTYPE_LONGLINK,
        }
        if self.type in added and self.size > _HEADER:
            raise LimitError(f"a tar header of {self.size:,} bytes", hint="do not trust it")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return found


def _of_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> tuple[bytes, FeedcleanError | None]:
    limit = Limits().bytes
    if entry.file_size > limit:
        return b"", too_large(f"{entry.file_size:,} bytes", limit, name)
    if entry.flag_bits & 1:
        return b"", SourceError("encrypted", where=name, hint="unpack it with its password")
    try:
        with archive.open(entry) as file:
            return bounded(file, limit, name), None  # type: ignore[arg-type]
    except FeedcleanError as fault:
        return b"", fault
    except NotImplementedError as fault:
        told = f"compressed in the archive in a way that is not known here ({fault})"
        return b"", FormatError(told, where=name, hint=_REPACK)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as fault:
        return b"", FormatError(f"cut off or damaged in the archive ({fault})", where=name)


def _with(source: Source, data: bytes, fault: FeedcleanError | None) -> Source:
    return Source(source.name, None, source.place, fault, data=data)


def _directory_size(raw: BinaryIO) -> int:
    """Bytes of a zip's directory as its end says; 0 if that cannot be found, which `zipfile` will tell."""
    end = raw.seek(0, io.SEEK_END)
    start = raw.seek(max(0, end - 65_557 - 20))
    tail = raw.read()
    raw.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return 0
    (size,) = struct.unpack_from("<I", tail, at + 12)
    locator = at - 20
    if size == 0xFFFFFFFF and locator >= 0 and tail.startswith(b"PK\x06\x07", locator):
        (offset,) = struct.unpack_from("<Q", tail, locator + 8)
        if offset < start + at:
            raw.seek(offset)
            record = raw.read(56)
            raw.seek(0)
            size = struct.unpack_from("<Q", record, 40)[0] if len(record) == 56 else size
    return int(size)
