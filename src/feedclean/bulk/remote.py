"""Documents at fsspec addresses (`s3://bucket/pages/*.html`, `memory://x`, …), and results put there.

What is fetched from the web goes through the guard of the proxy, so no address that fsspec would open as a web client
is taken here, nor one that holds another (`zip://…::https://…`). The only module that imports fsspec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from ..errors import FeedcleanError, OutputError, SettingsError, SourceError
from ..formats.limits import Limits
from .nouns import Source
from .reading import bounded, printable

__all__ = ["RemoteFolder", "is_remote", "read_remote", "remote_sources"]

# Clients of the web, and wrappers around any other address.
_REFUSED = frozenset(
    "http https ftp ftps webdav webhdfs smb sftp ssh git github gist jupyter jlab dask generic reference dir zip tar"
    " libarchive blockcache filecache simplecache cached asyncwrapper dbfs box dropbox gdrive".split()
)


def is_remote(argument: str) -> bool:
    """Whether something is an address for fsspec, and not the name of a file or a page of the web.

    >>> is_remote("s3://bucket/a.html"), is_remote("https://news.example/"), is_remote("file:///a"), is_remote("a:b")
    (True, False, False, False)
    """
    scheme, found, _ = argument.partition("://")
    return bool(found) and scheme.replace("+", "").isalnum() and scheme.lower() not in {"http", "https", "file"}


def remote_sources(address: str) -> Iterator[Source]:
    """The documents at an address: a file, all below a folder, or what a pattern matches, in order of their names.

    Raises:
        SettingsError: no such address is taken here, or fsspec or what it needs for it is not installed.
    """
    system, path = _opened(address)
    name = printable(address)
    try:
        if any(character in path for character in "*?["):
            found, top = system.glob(path, detail=True), _fixed(path)
        elif system.isdir(path):
            found, top = system.find(path, detail=True), path
        else:
            found, top = {path: system.info(path)}, path.rpartition("/")[0]
    except FileNotFoundError:
        yield _faulty(name, address, SourceError("nothing is there", where=name, hint="check the address"))
        return
    except Exception as fault:  # noqa: BLE001  each store has errors of its own
        yield _faulty(name, address, _unreadable(fault, name))
        return
    files = [(file, info) for file, info in sorted(found.items()) if info.get("type") == "file"]
    if not files:
        yield _faulty(name, address, SourceError("no documents there", where=name, hint="check the address"))
    for file, info in files:
        full = system.unstrip_protocol(file)
        place = PurePosixPath(*[part for part in file.removeprefix(top).split("/") if part not in {"", ".", ".."}])
        size = int(info.get("size") or 0)
        yield Source(printable(full), None, place, address=full, size=size, key=full, stamp=_stamp(info))


def read_remote(address: str, name: str, limits: Limits | None = None) -> bytes:
    """The bytes at an address.

    Raises:
        SourceError: they cannot be read.
        LimitError: there are too many.
    """
    system, path = _opened(address)
    try:
        with system.open(path, "rb") as stream:
            return bounded(stream, (limits or Limits()).bytes, name)
    except FeedcleanError:
        raise
    except FileNotFoundError as fault:
        raise SourceError("it is not there any more", where=name) from fault
    except Exception as fault:
        raise _unreadable(fault, name) from fault


class RemoteFolder:
    """Where results are put.

    Args:
        address: of the folder.

    Raises:
        SettingsError: no such address is taken here, or fsspec or what it needs for it is not installed.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._system, path = _opened(address)
        self._path = path.rstrip("/")

    def has(self, place: str) -> bool:
        """Whether something stands there."""
        try:
            return bool(self._system.isfile(f"{self._path}/{place}"))
        except Exception:  # noqa: BLE001  then it is written anew, and that tells
            return False

    def write(self, place: str, content: bytes) -> None:
        """Put a result there; stores take it as a whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        path = f"{self._path}/{place}"
        try:
            self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._system.pipe_file(path, content)
        except Exception as fault:
            told = f"cannot be written ({' '.join(str(fault).split()) or type(fault).__name__})"
            raise OutputError(told, where=printable(f"{self.address}/{place}")) from fault


def _opened(address: str) -> tuple[Any, str]:
    name = printable(address)
    scheme = address.partition("://")[0].lower()
    if scheme in _REFUSED or "::" in address:
        raise SettingsError(f"{scheme}:// addresses are not taken", where=name, hint="give files, or https:// pages")
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(address)
    except ImportError as fault:
        told = f"needs a package that is not installed ({fault})"
        raise SettingsError(told, where=name, hint="pip install 'feedclean[dask]' and the package for it") from fault
    except Exception as fault:
        raise SettingsError(f"no such address ({' '.join(str(fault).split())})", where=name) from fault
    return system, str(path)


def _faulty(name: str, address: str, fault: FeedcleanError) -> Source:
    return Source(name, None, fault=fault, key=address)


def _unreadable(fault: Exception, name: str) -> SourceError:
    return SourceError(f"cannot be read ({' '.join(str(fault).split()) or type(fault).__name__})", where=name)


def _fixed(pattern: str) -> str:
    """What stands before the first part of a pattern that is one."""
    parts: list[str] = []
    for part in pattern.split("/"):
        if any(character in part for character in "*?["):
            break
        parts.append(part)
    return "/".join(parts)


def _stamp(info: Mapping[str, Any]) -> str:
    """What tells a change of a file."""
    times = [
        info.get(name) for name in ("ETag", "etag", "LastModified", "last_modified", "mtime", "updated", "created")
    ]
    return f"{info.get('size')} {next((time for time in times if time is not None), '')}"
