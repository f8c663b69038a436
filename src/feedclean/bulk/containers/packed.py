"""What gzip, bzip2, xz and zstd pack, unpacked under a limit.

A stream is measured against what was read for it: pages shrink to a tenth, many alike to a fiftieth, a bomb to a
thousandth. Foreign errors become ours here.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, Protocol, cast

import brotli

from ...errors import FeedcleanError, FormatError, LimitError
from ...formats.limits import Limits
from ..nouns import Source
from ..reading import bounded

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["PACKED", "Unpacked", "members", "unpack"]

FREE = 256 << 20  # unpacked bytes before anybody asks where they come from
RATIO = 250  # bytes that one packed byte may become, beyond those
_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 27}  # 128 MiB: what `zstd --long` packs with


class _Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...


PACKED: dict[bytes, tuple[str, Callable[[BinaryIO], _Stream]]] = {
    b"\x1f\x8b": ("gzip", lambda raw: gzip.GzipFile(fileobj=raw)),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
    b"\x28\xb5\x2f\xfd": ("zstd", lambda raw: zstd.ZstdFile(raw, options=_WINDOW)),
}
_BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zstd.ZstdError, brotli.error)


class Unpacked(io.RawIOBase):
    """What a packed file holds, as a stream.

    It ends where the packing is cut off or damaged, or unpacks to too much, and has a `fault` then: an exception would
    cost what had been unpacked before it.

    Args:
        raw: the file, at its start; its position is what the unpacked bytes are measured against.
        magic: one of `PACKED`.
    """

    def __init__(self, raw: BinaryIO, magic: bytes) -> None:
        self._raw = raw
        self._name, opener = PACKED[magic]
        self._stream = opener(raw)
        self._given = 0
        self.fault: FormatError | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Unpack some bytes."""
        if self.fault is not None:
            return 0
        try:
            data = self._stream.read1(min(len(buffer), 1 << 16))
        except _BROKEN as fault:
            told = "cut off" if isinstance(fault, EOFError) else f"damaged ({' '.join(str(fault).split())})"
            self.fault = FormatError(f"its {self._name} packing is {told}")
            return 0
        self._given += len(data)
        if self._given > FREE and self._given > RATIO * self._raw.tell():
            hint = "if you trust it, unpack it and clean the files"
            self.fault = LimitError(f"it unpacks to more than {RATIO} times its size", hint=hint)
            return 0
        buffer[: len(data)] = data
        return len(data)


def members(sources: Iterator[Source], raw: BinaryIO) -> Iterator[Source]:
    """The files of an archive; each that is one packed document (`page.html.gz`) as what it holds.

    Args:
        sources: the files.
        raw: the archive; its position is what the unpacked bytes are measured against.

    Raises:
        LimitError: they unpack to too much.
    """
    given = 0
    for found in sources:
        source = _member(found)
        given += len(source.data or b"")
        if given > FREE and given > RATIO * raw.tell():
            raise LimitError(f"it unpacks to more than {RATIO} times its size", hint="do not trust it")
        yield source


def _member(source: Source) -> Source:
    data = source.data or b""
    magic = next((one for one in PACKED if data.startswith(one)), None)
    if magic is None:
        return source
    unpacked = Unpacked(io.BytesIO(data), magic)
    try:
        held = bounded(cast("BinaryIO", unpacked), Limits().bytes, source.name)
    except FeedcleanError as fault:
        return replace(source, data=None, fault=fault)
    if unpacked.fault is not None:
        return replace(source, data=None, fault=unpacked.fault.at(source.name))
    if held[257:262] == b"ustar" or held.startswith(b"WARC/"):
        return source  # an archive in an archive, which stays shut
    packed = source.place.suffix.lower() in (".gz", ".bz2", ".xz", ".zst")
    return replace(source, data=held, place=source.place.with_suffix("") if packed else source.place)


class _Machine(Protocol):
    def __call__(self, data: bytes, limit: int) -> tuple[bytes, bool]: ...


def _zlib(window: int) -> _Machine:
    def run(data: bytes, limit: int) -> tuple[bytes, bool]:
        machine = zlib.decompressobj(window)
        return machine.decompress(data, limit), machine.eof

    return run


def _deflate(data: bytes, limit: int) -> tuple[bytes, bool]:
    """With or without the header that it should have."""
    try:
        return _zlib(15)(data, limit)
    except zlib.error:
        return _zlib(-15)(data, limit)


def _brotli(data: bytes, limit: int) -> tuple[bytes, bool]:
    machine = brotli.Decompressor()
    found = machine.process(data, output_buffer_limit=limit)
    return found, machine.is_finished()


def _zstd(data: bytes, limit: int) -> tuple[bytes, bool]:
    machine = zstd.ZstdDecompressor(options=_WINDOW)
    return machine.decompress(data, limit), machine.eof


_MACHINES: dict[str, _Machine] = {
    "gzip": _zlib(31),
    "x-gzip": _zlib(31),
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}


def unpack(data: bytes, encoding: str, limit: int) -> bytes:
    """A body packed by an HTTP `Content-Encoding`.

    Crawlers often keep the header of a body that they have unpacked, so what is not packed at all is given back.

    Args:
        data: the body.
        encoding: the header.
        limit: bytes that may come out.

    Raises:
        LimitError: more would come out.
        FormatError: it is cut off, or damaged after a good beginning.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",")][:4]):
        if (machine := _MACHINES.get(name)) is None:
            continue
        try:
            found, complete = machine(data, limit + 1)
        except _BROKEN:
            if name in {"gzip", "x-gzip"} and data.startswith(b"\x1f\x8b"):
                raise FormatError(f"its {name} packing is damaged") from None
            continue
        if len(found) > limit:
            raise LimitError(f"too large: more than {limit:,} bytes", hint=f"up to {limit:,} bytes are read")
        if not complete:
            raise FormatError(f"its {name} packing is cut off")
        data = found
    return data
