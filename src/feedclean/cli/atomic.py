"""Files that are written as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import weakref
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from ..bulk import printable
from ..errors import OutputError
from .leftovers import hold, sweep, temporary_name

__all__ = ["Replacement", "part_of", "unwritable"]


class Replacement:
    """New content for a file: collected beside it, put in its place at the end.

    As a context manager it commits when its block ends well and leaves no trace when it does not, Ctrl-C included.
    What is no regular file (`/dev/stdout`, a pipe) cannot be replaced and is written to directly.

    Args:
        path: the file. Its folder must exist.
        follow: whether a link is followed, or itself replaced.
        part: where the content is collected, if another run may have to go on with it.
        kept: bytes that an earlier run has collected there, or put in the file's place already.

    Raises:
        OutputError: from every method, if the file cannot be written.
    """

    def __init__(self, path: Path, *, follow: bool = True, part: Path | None = None, kept: int = 0) -> None:
        self._name = printable(str(path))
        self._part, self._kept = part, kept
        self._temporary: Path | None = None
        self._left: weakref.finalize[[Path], Replacement] | None = None
        try:
            self._mode = _mode(path, follow=follow)
            regular = self._mode is None or stat.S_ISREG(self._mode)
            # Where a pipe's link leads is no path (/dev/stdout: "pipe:[123]"); it is opened by the name it was given.
            self._target = path.resolve() if follow and regular and path.is_symlink() else path
            self._stream = self._open()
        except (OSError, RuntimeError, ValueError) as fault:  # RuntimeError: links in a circle
            raise unwritable(fault, self._name) from fault

    def write(self, data: bytes) -> None:
        """Add to the content."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._stream.write(left) :]
        except OSError as fault:
            if self._part is None:
                self.discard()
            raise unwritable(fault, self._name) from fault

    def position(self) -> int:
        """How much content there is; 0 for what is written to directly."""
        return self._stream.tell() if self._temporary is not None else 0

    def rewind(self, position: int) -> None:
        """Take back what came after a position, where that is still possible."""
        if self._temporary is not None and not self._stream.closed:
            with contextlib.suppress(OSError):
                self._stream.seek(position)
                self._stream.truncate()

    def flush(self) -> None:
        """Have all content in the hands of the system, which outlives this process."""
        try:
            self._stream.flush()
        except OSError as fault:
            raise unwritable(fault, self._name) from fault

    def suspend(self) -> None:
        """Leave the content where it is collected, for the next run."""
        self.flush()
        self._stream.close()
        self._temporary = None
        self._forget()

    def commit(self) -> None:
        """Put the content in the file's place, safe from a power cut."""
        try:
            self._stream.flush()
            if self._temporary is not None:
                if self._mode is not None and stat.S_ISREG(self._mode):
                    os.fchmod(self._stream.fileno(), stat.S_IMODE(self._mode))
                os.fsync(self._stream.fileno())
            self._stream.close()
            if self._temporary is not None:
                self._temporary.replace(self._target)
                self._temporary = None
                self._forget()
                _settle(self._target.parent)
        except OSError as fault:
            self.discard()
            raise unwritable(fault, self._name) from fault

    def discard(self) -> None:
        """Forget the content; the file stays what it was."""
        with contextlib.suppress(OSError):
            self._stream.close()
        if self._left is not None:
            self._left()  # which does it only once
        self._temporary = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()

    def _open(self) -> BinaryIO:
        if self._mode is not None and stat.S_ISDIR(self._mode):
            raise IsADirectoryError(errno.EISDIR, "a folder")
        if self._mode is not None and not stat.S_ISREG(self._mode) and not stat.S_ISLNK(self._mode):
            self._part = None
            return self._target.open("wb")
        if self._part is not None:
            return self._continued(self._part)
        sweep(self._target.parent.absolute())
        temporary = self._target.with_name(temporary_name())
        # An interrupt may fall anywhere, also before there is a `with` to tell of it.
        self._left = weakref.finalize(self, _remove, temporary)
        # 0o666 leaves it to the umask.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        hold(handle)
        self._temporary = temporary
        return os.fdopen(handle, "wb")

    def _continued(self, part: Path) -> BinaryIO:
        """What an earlier run has collected, up to what it is known to have finished."""
        if self._kept and not (part.is_file() and part.stat().st_size >= self._kept):
            if not self._target.is_file() or self._target.stat().st_size < self._kept:
                told = "what the earlier run wrote is gone or was changed"
                raise OutputError(told, where=self._name, hint="leave out --resume to do everything again")
            shutil.copyfile(self._target, part)
        if not self._kept:
            self._left = weakref.finalize(self, _remove, part)
        handle = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        self._temporary = part
        # Unbuffered, so that what a full disk did not take is not kept for later.
        stream = cast("BinaryIO", os.fdopen(handle, "r+b", buffering=0))
        stream.truncate(self._kept)
        stream.seek(self._kept)
        return stream

    def _forget(self) -> None:
        if self._left is not None:
            self._left.detach()


def part_of(path: Path) -> Path:
    """Where the content of a file is collected if another run may have to go on with it; hidden, as all such files."""
    return path.with_name(f".{path.name}.feedclean-part")


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def unwritable(fault: OSError | RuntimeError | ValueError, name: str) -> OutputError:
    """What the operating system says about an output, as an error of ours."""
    code = fault.errno if isinstance(fault, OSError) else None
    what, hint = _TOLD.get(code or 0, ("", None))
    if not what:
        told = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        what = f"cannot be written: {told.lower()}"
    return OutputError(what, where=name, hint=hint)


_TOLD: dict[int, tuple[str, str | None]] = {
    errno.ENOSPC: ("no space left to write it", "free some space, or write elsewhere"),
    errno.EDQUOT: ("your quota is used up", "free some space, or write elsewhere"),
    errno.EACCES: ("no permission to write it", "choose another place with -o"),
    errno.EPERM: ("no permission to write it", "choose another place with -o"),
    errno.EROFS: ("this place is read-only", "choose another place with -o"),
    errno.ENOENT: ("its folder does not exist", "create it first"),
    errno.EISDIR: ("a folder", "give a file name"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "choose another place with -o"),
    errno.EEXIST: ("a file stands where a folder is needed", "choose another place with -o"),
    errno.ENAMETOOLONG: ("the name is too long", None),
}


def _mode(path: Path, *, follow: bool) -> int | None:
    try:
        return path.stat(follow_symlinks=follow).st_mode
    except FileNotFoundError:
        return None


def _settle(folder: Path) -> None:
    """Have the folder itself on disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
