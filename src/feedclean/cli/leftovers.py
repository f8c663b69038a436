"""What runs that were killed left beside the results they were writing, and how to tell it from what is being written.

A file that is being collected is locked by whoever writes it, and the system lets go of the lock when that process
ends, however it ends. A lock is not seen from every other machine, so what was written to within a day stays, too.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import time
from functools import lru_cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed anyhow
    fcntl = None  # type: ignore[assignment]

__all__ = ["hold", "sweep", "temporary_name"]

_OURS = re.compile(r"\.feedclean-[0-9a-f]{16}\.part")
_OLD = 86_400.0  # seconds since somebody wrote to it


def temporary_name() -> str:
    """A name for content that is being collected: hidden, so that no search of the folder takes it for a document."""
    return f".feedclean-{secrets.token_hex(8)}.part"


def hold(handle: int) -> None:
    """Show other runs that a file is being written, for as long as it is open."""
    with contextlib.suppress(OSError):
        _lock(handle)


@lru_cache(maxsize=1024)
def sweep(folder: Path) -> None:
    """Remove what killed runs left in a folder; a process does that once for each. What cannot be removed stays."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if _OURS.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                _remove(folder / name, time.time() - _OLD)


def _remove(path: Path, before: float) -> None:
    """Remove a file that nobody holds, and nobody has written to since a moment.

    Raises:
        OSError: it is held, or may not be removed.
    """
    handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode) and found.st_mtime < before:
            _lock(handle)
            path.unlink()
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
