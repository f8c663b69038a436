"""Room kept free on the disk, since SQLite cannot even delete where there is none (measured)."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

_LEAST, _MOST = 64 << 10, 4 << 20  # bytes
_SHARE = 16  # at most this part of a small disk


class Reserve:
    """A file of no use but to be given up when the disk is full.

    Args:
        path: where it lies, on the disk whose room it keeps.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Take the room, if it is not taken yet and there is plenty."""
        with suppress(OSError):
            disk = shutil.disk_usage(self._path.parent)
            size = min(max(disk.total // _SHARE, _LEAST), _MOST)
            if (self._path.stat().st_size if self._path.exists() else 0) >= size or disk.free < 4 * size:
                return
            try:
                with self._path.open("wb") as file:
                    file.write(os.urandom(size))  # of what no file system leaves holes for
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                self.give_up()

    def give_up(self) -> None:
        """Free the room."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
