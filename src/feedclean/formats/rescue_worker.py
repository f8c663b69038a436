"""The process in which feedparser runs, because it can be made to take minutes and gigabytes.

    parent ── length, feed ──> stdin      stdout ── length, "=" + feed or "!" + why not ──> parent

Lengths are four bytes, big-endian. It ends when its parent closes the pipe, or dies; a feed that takes too long ends it
by the alarm clock, so that a forgotten worker never burns a core.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import BinaryIO

__all__ = ["FAILED", "LENGTH", "REQUEST", "WRITTEN", "serve"]

LENGTH = struct.Struct(">I")
REQUEST = struct.Struct(">dI")  # seconds, length
WRITTEN = b"="
FAILED = b"!"
MEMORY = 768 << 20  # bytes of address space


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until `source` ends."""
    from feedclean.formats.feed_reader import regenerate

    _limit_memory()
    while len(head := source.read(REQUEST.size)) == REQUEST.size:
        seconds, length = REQUEST.unpack(head)
        data = source.read(length)
        if len(data) != length:
            return
        _set_alarm(seconds)
        try:
            answer = WRITTEN + regenerate(data)
        except MemoryError:
            answer = FAILED + b"it takes too much memory"
        except Exception as fault:  # noqa: BLE001 - whatever feedparser raises: this process is the border
            answer = FAILED + f"{type(fault).__name__}: {fault}".encode("utf-8", "replace")[:500]
        _set_alarm(0)
        sink.write(LENGTH.pack(len(answer)) + answer)
        sink.flush()


def _set_alarm(seconds: float) -> None:
    try:
        import signal

        signal.setitimer(signal.ITIMER_REAL, seconds)  # nobody handles it: it ends the process
    except (ImportError, AttributeError):  # Windows: the parent's own clock must do
        pass


def _limit_memory() -> None:
    """Allow `MEMORY` beyond what the libraries have taken, which differs from machine to machine."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        ceiling = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    except (ImportError, ValueError, OSError):
        pass


if __name__ == "__main__":
    # Whatever prints something must not print it between the frames.
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, sink)
