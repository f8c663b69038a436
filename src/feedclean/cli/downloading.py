"""Files of public repositories, downloaded once through the proxy's guarded client and kept.

One request at a time. A file at a commit never changes, so what is kept is never asked for again, and a run that was
broken off goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import OutputError, SettingsError, SourceError
from ..learning.sources import File, Table
from .atomic import Replacement, unwritable

if TYPE_CHECKING:
    from ..proxy.nouns import Answer
    from ..settings.shape import ProxySettings

__all__ = ["Kept"]

_TRIES = 3  # requests without an answer, one after the other, before nothing more is asked for


class Kept:
    """The files that are kept in a folder.

    Args:
        folder: where; the platform's folder for caches by default.

    Raises:
        SettingsError: there is no such folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        from ..places import cache_folder

        found = folder or cache_folder()
        if found is None:
            raise SettingsError("no home, so no folder to keep downloads in", hint="give one with --cache DIR")
        self._folder = found if folder else found / "corpus"

    def read(self, file: File) -> bytes | None:
        """A file's bytes, or `None` if it is not here.

        Raises:
            SourceError: it is here and cannot be read.
        """
        path = self._path(file)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise SourceError(f"cannot be read: {(fault.strerror or str(fault)).lower()}", where=str(path)) from fault

    def missing(self, files: Sequence[File]) -> list[File]:
        """Those that are not here yet."""
        return [file for file in files if not self._path(file).is_file()]

    def download(self, files: Sequence[File], table: Table, step: Callable[[], None]) -> dict[File, str]:
        """Get files; for those that could not be had, why.

        Args:
            files: those that are not here.
            table: says where they are published.
            step: called after each.

        Raises:
            SourceError: nobody answers any more, or wants to be left alone. What has come is kept.
            OutputError: it cannot be.
            SettingsError: those of the proxy cannot be used.
        """
        from ..proxy.nouns import Outcome
        from ..settings import load

        settings = load(None, os.environ).proxy
        failed: dict[File, str] = {}
        silent = 0
        for file in files:
            answer = _ask(table.url(file), settings)
            silent = silent + 1 if answer.outcome is Outcome.UNREACHABLE else 0
            if silent == _TRIES or answer.outcome in {Outcome.BUSY, Outcome.FORBIDDEN}:
                raise self._given_up(table.url(file), answer, files)
            if answer.outcome is Outcome.FRESH and answer.body is not None:
                self._keep(file, answer.body)
            else:
                failed[file] = answer.reason
            step()
        return failed

    def forget(self, files: Iterable[File]) -> None:
        """Have files asked for again the next time: they are not what was annotated."""
        for file in files:
            with contextlib.suppress(OSError):
                self._path(file).unlink()

    def _given_up(self, url: str, answer: Answer, files: Sequence[File]) -> SourceError:
        parts = urlsplit(url)
        hint = (
            f"{len(self.missing(files))} files are still to come; what is here is kept, so run it again, "
            "or give a folder that has the documents (--from DIR)"
        )
        return SourceError(f"cannot be fetched: {answer.reason}", where=f"{parts.scheme}://{parts.netloc}", hint=hint)

    def _keep(self, file: File, data: bytes) -> None:
        path = self._path(file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            told = unwritable(fault, str(path.parent))
            raise OutputError(told.what, where=told.where, hint="choose another folder with --cache") from fault
        with Replacement(path) as replacement:
            replacement.write(data)

    def _path(self, file: File) -> Path:
        return self._folder / file.place


def _ask(url: str, settings: ProxySettings) -> Answer:
    from ..proxy.once import fetch_once

    return asyncio.run(fetch_once(url, settings))
