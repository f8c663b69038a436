"""The bytes of a source: bounded, and every refusal of the operating system as one of our errors."""

from __future__ import annotations

import os
import stat
import sys
from typing import BinaryIO

from ..errors import LimitError, SourceError
from ..formats.limits import Limits
from .nouns import Source

__all__ = ["bounded", "printable", "read", "too_large", "unreadable"]

_PIECE = 1 << 16


def read(source: Source, limits: Limits | None = None) -> bytes:
    """The bytes of a source, at most as many as the limits allow.

    Raises:
        SourceError: it is missing, a folder, a device, may not be read, or was written to while it was read.
        LimitError: it is too large; a file is not opened for that.
    """
    limit = (limits or Limits()).bytes
    if source.fault is not None:
        raise source.fault
    if source.data is not None:
        if len(source.data) > limit:
            raise too_large(f"{len(source.data):,} bytes", limit, source.name)
        return source.data
    if source.address is not None:
        from .remote import read_remote

        return read_remote(source.address, source.name, limits)
    try:
        if source.path is None:
            if sys.stdin is None:
                raise SourceError("standard input is closed", where=source.name)
            return bounded(sys.stdin.buffer, limit, source.name)
        found = source.path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise SourceError("a folder", where=source.name, hint="a file is wanted here")
        # A pipe is what `<(curl …)` is; anything else may have no end, or an effect of its own when it is read.
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISFIFO(found.st_mode):
            raise SourceError("a device or socket", where=source.name, hint="give a file, a folder or -")
        if found.st_size > limit:
            raise too_large(f"{found.st_size:,} bytes", limit, source.name)
        with source.path.open("rb") as stream:
            before = os.fstat(stream.fileno())
            data = bounded(stream, limit, source.name)
            after = os.fstat(stream.fileno())
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if stat.S_ISREG(before.st_mode) and not same:
            raise SourceError("changed while it was read", where=source.name, hint="clean it again")
        return data
    except (OSError, ValueError) as fault:  # ValueError: a path with a NUL in it
        raise unreadable(fault, source.name) from fault


def unreadable(fault: OSError | ValueError, name: str) -> SourceError:
    """What the operating system says about a source, as an error of ours."""
    if isinstance(fault, FileNotFoundError):
        return SourceError("no such file or folder", where=name, hint="check the path")
    if isinstance(fault, PermissionError):
        return SourceError("no permission to read it", where=name, hint="check who may read it")
    told = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
    return SourceError(f"cannot be read: {told.lower()}", where=name)


def printable(name: str) -> str:
    r"""A file name that may be shown: bytes that are not UTF-8 and control characters are escaped.

    >>> printable("a\udcff\x1b[31m.xml")
    'a\\xff\\x1b[31m.xml'
    """
    decoded = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in decoded)


def bounded(stream: BinaryIO, limit: int, name: str) -> bytes:
    """All bytes of a stream.

    Raises:
        LimitError: there are more than `limit`.
    """
    parts: list[bytes] = []
    left = limit + 1
    while left and (part := stream.read(min(left, _PIECE))):  # asked for all at once, that much would be set aside
        parts.append(part)
        left -= len(part)
    if not left:
        raise too_large(f"more than {limit:,} bytes", limit, name)
    return b"".join(parts)


def too_large(what: str, limit: int, name: str) -> LimitError:
    """The error for a document of `what` bytes."""
    return LimitError(f"too large: {what}", where=name, hint=f"up to {limit:,} bytes are read")
