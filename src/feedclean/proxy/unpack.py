"""Bodies packed by `Content-Encoding`, unpacked piece by piece under a limit, so that a bomb costs no memory.

    chunk ── gzip, deflate, br, zstd (two of them at most) ──> pieces of at most 64 KiB

What is cut short is an error, never a shorter body. Foreign errors become `BadPackingError` here.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ACCEPT_ENCODING", "BadPackingError", "CutShortError", "TooLargeError", "Unpacker"]

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
PIECE = 1 << 16  # bytes unpacked in one go
MAX_LAYERS = 2  # packed twice is a server's mistake, packed oftener is an attack
MAX_MEMBERS = 1000  # of a gzip or zstd stream: parallel packers write a few, a million empty ones only cost time
ZSTD_WINDOW = 23  # 8 MiB, the most that zstd may use on the web (RFC 9659)
_PLAIN = ("", "identity", "none", "utf-8")  # "none" and "utf-8" are no encodings, but some servers say so


class BadPackingError(Exception):
    """A body that cannot be unpacked; says why in a clause."""


class CutShortError(BadPackingError):
    """A body that ends before its packing does."""


class TooLargeError(Exception):
    """A body that is larger than the limit, packed, unpacked or in between."""


class _Codec(Protocol):
    """One member of one layer."""

    @property
    def done(self) -> bool:
        """Whether the member is complete."""
        ...

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of what `data` holds."""
        ...

    @property
    def rest(self) -> bytes:
        """What followed the member."""
        ...


class _Zlib:
    """A member of a gzip stream, or a deflate stream with or without its header."""

    def __init__(self, *, gzip: bool) -> None:
        self._machine = zlib.decompressobj(31) if gzip else None
        self._start = b""

    @property
    def done(self) -> bool:
        return self._machine is not None and self._machine.eof

    @property
    def rest(self) -> bytes:
        return self._machine.unused_data if self._machine else b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._machine is None:  # the two bytes of a zlib header tell; browsers take both
            data, self._start = self._start + data, self._start + data
            if len(data) < 2:
                return
            self._machine = zlib.decompressobj(15 if data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0 else -15)
        while data or self._machine.unconsumed_tail:
            piece = self._machine.decompress(data, PIECE)
            data = self._machine.unconsumed_tail
            if piece:
                yield piece
            elif not data:
                return


class _Brotli:
    def __init__(self) -> None:
        self._machine = brotli.Decompressor()

    @property
    def done(self) -> bool:
        return bool(self._machine.is_finished())

    @property
    def rest(self) -> bytes:
        return b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = self._machine.process(data, output_buffer_limit=PIECE)
        while piece:
            yield piece
            if self._machine.is_finished():
                return
            piece = self._machine.process(b"", output_buffer_limit=PIECE)


class _Zstd:
    def __init__(self) -> None:
        self._machine = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW})

    @property
    def done(self) -> bool:
        return bool(self._machine.eof)

    @property
    def rest(self) -> bytes:
        return bytes(self._machine.unused_data) if self._machine.eof else b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = self._machine.decompress(data, PIECE)
        while piece:
            yield piece
            if self._machine.eof or self._machine.needs_input:
                return
            piece = self._machine.decompress(b"", PIECE)


# Name: how to read a member, and what each further member begins with (b"": there is none; the rest is ignored).
_CODECS: dict[str, tuple[Callable[[], _Codec], bytes]] = {
    "gzip": (lambda: _Zlib(gzip=True), b"\x1f\x8b"),
    "x-gzip": (lambda: _Zlib(gzip=True), b"\x1f\x8b"),
    "deflate": (lambda: _Zlib(gzip=False), b""),
    "br": (_Brotli, b""),
    "zstd": (_Zstd, b"\x28\xb5\x2f\xfd"),
}


class _Layer:
    """One packing of a body: its members one after the other."""

    def __init__(self, name: str, limit: int) -> None:
        self._open, self._magic = _CODECS[name]
        self._codec = self._open()
        self._limit = limit
        self._members = 1
        self._trailing = False
        self._between = b""  # after a member, fewer bytes than show whether another one follows
        self.begun = False

    @property
    def complete(self) -> bool:
        """Whether the body may end here."""
        return self._codec.done or not self.begun

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of what `data` holds.

        Raises:
            BadPackingError: not packed as announced.
            TooLargeError: more came out, all in all, than is allowed.
        """
        self.begun = self.begun or bool(data)
        while data and not self._trailing:
            if self._codec.done:
                data, self._between = self._between + data, b""
                if self._magic and len(data) < len(self._magic) and self._magic.startswith(data):
                    self._between = data
                    return
                if not self._magic or not data.startswith(self._magic):
                    self._trailing = True  # padding, which gzip(1) ignores too
                    return
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise BadPackingError(f"packed in more than {MAX_MEMBERS} members")
                self._codec = self._open()
            for piece in self._codec.feed(data):
                self._limit -= len(piece)
                if self._limit < 0:
                    raise TooLargeError
                yield piece
            data = self._codec.rest if self._codec.done else b""


class Unpacker:
    """Unpacks a body that comes in chunks.

    Args:
        encoding: the `Content-Encoding` header.
        limit: bytes that may come out of each layer, all in all.

    Raises:
        BadPackingError: an encoding nobody knows, or too many of them.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in _PLAIN]
        unknown = [name for name in names if name not in _CODECS]
        if unknown:
            raise BadPackingError(f"packed with {unknown[0][:40]!r}, which nobody knows")
        if len(names) > MAX_LAYERS:
            raise BadPackingError(f"packed {len(names)} times")
        self._layers = [_Layer(name, limit) for name in reversed(names)]

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Pieces of at most 64 KiB (without packing: the chunk itself) of what `chunk` holds.

        Raises:
            BadPackingError: the bytes are not packed as announced.
            TooLargeError: more than the limit came out of a layer.
        """
        try:
            yield from self._through(0, chunk)
        except (zlib.error, brotli.error, zstd.ZstdError, EOFError, MemoryError) as error:
            raise BadPackingError(f"not packed as announced ({error})") from None

    def finish(self) -> None:
        """Say that no more will come.

        Raises:
            CutShortError: the body ends before its packing does.
        """
        if not all(layer.complete for layer in self._layers):
            raise CutShortError("the answer was cut short")

    def _through(self, depth: int, chunk: bytes) -> Iterator[bytes]:
        if depth == len(self._layers):
            if chunk:
                yield chunk
            return
        for piece in self._layers[depth].feed(chunk):
            yield from self._through(depth + 1, piece)
