"""Room kept free on the disk, since SQLite cannot even delete where there is none (measured)."""

from __future__ import annotations

import os
import shutil
import threading
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

    @property
    def size(self) -> int:
        """How many bytes it keeps free."""
        try:
            return min(max(shutil.disk_usage(self._path.parent).total // _SHARE, _LEAST), _MOST)
        except OSError:
            return _LEAST

    def keep(self, *, greedy: bool = False) -> bool:
        """Take the room, if it is not taken yet and there is plenty, or at least enough if `greedy`."""
        with suppress(OSError):
            size = self.size
            if self._path.exists() and self._path.stat().st_size >= size:
                return True
            if shutil.disk_usage(self._path.parent).free < (size if greedy else 4 * size):
                return False
            try:
                with self._path.open("wb") as file:
                    file.write(os.urandom(size))  # of what no file system leaves holes for
                    file.flush()
                    os.fsync(file.fileno())
                return True
            except OSError:
                self.give_up()
        return False

    def give_up(self) -> None:
        """Free the room."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def has_room(self) -> bool:
        """Whether something small can be written beside it."""
        probe = self._path.with_name(f"{self._path.name}-probe-{os.getpid()}-{threading.get_ident()}")
        try:
            probe.write_bytes(os.urandom(_LEAST))
        except OSError:
            return False
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
        return True
