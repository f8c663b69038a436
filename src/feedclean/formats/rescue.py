"""Feeds that no XML parser takes: feedparser makes sense of them, and they are written anew as Atom 1.0 or RSS 2.0.

What feedparser does not know is lost, so this is the last resort after `xml_repair.py`. It can be made to burn minutes
and gigabytes, so limits stand before it, and it runs in a process of its own with a deadline. That process is started
at the first broken feed and kept; on a time-out it is killed, and the next feed gets a new one.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import sys
import threading
import time
from itertools import accumulate
from operator import sub
from pathlib import Path

from feedclean.errors import FormatError, LimitError
from feedclean.formats.limits import Limits, crowded
from feedclean.formats.rescue_worker import FAILED, LENGTH, REQUEST, WRITTEN

__all__ = ["rescue"]

# Comments, CDATA, tags that close themselves, and those of HTML that nobody closes; in the group, how another begins.
_PASSED = re.compile(
    rb"<!--(?:.*?-->|.*\Z)|<!\[CDATA\[(?:.*?\]\]>|.*\Z)|<[A-Za-z][^<>]*?/>|<(?:br|hr|img|input|wbr)\b[^<>]*>"
    rb"|<(/?[A-Za-z])[^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_STEPS = (0, 1, -1)  # deeper, by the length of that beginning: "", "a", "/a"
_HINT = "mend the feed, or ask its publisher to"


def rescue(data: bytes, complaint: FormatError, limits: Limits) -> bytes:
    """`data` as a well-formed feed with the same entries; `complaint` is what the XML parser had to say.

    Raises:
        LimitError: it is too large, too deep or takes too long.
        FormatError: nothing that could be called a feed is left of it.
    """
    _check(data, complaint, limits)
    answer = _worker.ask(data, limits.seconds)
    if answer is None:
        raise LimitError(f"{complaint.what}; mending it took more than {limits.seconds:g} s", hint=_HINT)
    status, body = answer[:1], answer[1:]
    if status == WRITTEN and body:
        return body
    why = f" ({body.decode('utf-8', 'replace')})" if status == FAILED else ""
    raise FormatError(f"{complaint.what}; nothing could be saved of it{why}", hint=_HINT)


def _check(data: bytes, complaint: FormatError, limits: Limits) -> None:
    if len(data) > limits.rescue_bytes:
        size = f"{len(data):,} bytes are more than the {limits.rescue_bytes:,}"
        raise LimitError(f"{complaint.what}; {size} up to which such a feed is mended", hint=_HINT)
    if crowded(data, limits):
        raise LimitError(f"{complaint.what}; more than {limits.attributes:,} attributes on one tag", hint=_HINT)
    # Tags that are never closed count as open, so there is room for a few thousand of them.
    if _depth(data) > (deepest := 10 * limits.depth):
        raise LimitError(f"{complaint.what}; more than {deepest:,} tags that are not closed", hint=_HINT)


def _depth(data: bytes) -> int:
    """How many tags are open where most are; what is closed without having been opened counts for nothing."""
    steps = map(_STEPS.__getitem__, map(len, _PASSED.findall(data)))
    depths = list(accumulate(steps, initial=0))
    deepest: int = max(map(sub, depths, accumulate(depths, min)))
    return deepest


class _Worker:
    """The one worker of this process, for all its threads in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, data: bytes, seconds: float) -> bytes | None:
        """The worker's answer, or `None` if there is none in time. Waits up to as long again for its turn."""
        if not self._lock.acquire(timeout=seconds):
            return None
        try:
            # One new start, because the last worker may have been ended by whoever ends processes.
            for _ in range(2):
                fresh = self._process is None
                process = self._process or self._start()
                try:
                    return self._exchange(process, data, seconds)
                except (OSError, EOFError):
                    self._stop()
                    if fresh:
                        return None
            return None
        finally:
            self._lock.release()

    def forget(self) -> None:
        """After a fork: the parent's worker is the parent's; only let go of the pipes to it."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            process.returncode = 0  # not ours to wait for

    def _start(self) -> subprocess.Popen[bytes]:
        source = str(Path(__file__).resolve().parents[2])
        inherited = os.environ.get("PYTHONPATH")
        paths = [source, inherited] if inherited else [source]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "feedclean.formats.rescue_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], data: bytes, seconds: float) -> bytes | None:
        if process.stdin is None or process.stdout is None:
            raise EOFError
        # Its own clock is only the second one: it ends a worker whose parent is gone.
        deadline = time.monotonic() + seconds
        _write(process.stdin.fileno(), REQUEST.pack(2 * seconds + 1, len(data)) + data)
        try:
            (length,) = LENGTH.unpack(_read(process.stdout.fileno(), LENGTH.size, deadline))
            return _read(process.stdout.fileno(), length, deadline)
        except TimeoutError:
            self._stop()
            return None

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _write(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


def _read(pipe: int, length: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < length:
        ready, _, _ = select.select([pipe], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            raise TimeoutError
        piece = os.read(pipe, min(length - len(data), 1 << 20))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


_worker = _Worker()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_worker.forget)
