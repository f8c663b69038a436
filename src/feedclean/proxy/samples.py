"""Feeds from a folder of this machine, to try the proxy without any publisher.

They have addresses of their own under a name that no resolver knows, and are read where the proxy would otherwise go
out: no socket is opened, and nothing about the guard is relaxed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from ..errors import SettingsError
from ..settings import FeedSettings, Settings
from ..settings.shape import NAME
from .nouns import Answer, Outcome, Validators
from .refresh import Fetcher

__all__ = ["Samples"]

_HOST = "https://samples.invalid"
_ENDINGS = {".xml", ".rss", ".atom", ".json"}


class Samples:
    """A folder of feeds.

    Args:
        folder: whose `*.xml`, `*.rss`, `*.atom` and `*.json` are served.

    Raises:
        SettingsError: there are none.
    """

    def __init__(self, folder: Path) -> None:
        found = sorted(path for path in folder.glob("*") if path.suffix in _ENDINGS and path.is_file())
        self._files = {f"{_HOST}/{quote(path.name)}": path for path in found}
        if not found:
            raise SettingsError("no feeds in this folder", where=str(folder), hint="give one with XML or JSON files")

    def over(self, settings: Settings) -> Settings:
        """The settings, with a named feed for each file."""
        feeds: dict[str, FeedSettings] = {}
        for url, path in self._files.items():
            name = path.name.removesuffix(".xml").replace(".", "-").lower()
            if NAME.fullmatch(name) and name not in settings.feeds:
                feeds[name] = FeedSettings(url=url, title=f"Sample {path.name}")
        return replace(settings, feeds={**settings.feeds, **feeds})

    def around(self, fetcher: Fetcher) -> Fetcher:
        """A way out that has the files, and goes out for everything else."""
        return _Fetcher(self._files, fetcher)


class _Fetcher:
    def __init__(self, files: Mapping[str, Path], fetcher: Fetcher) -> None:
        self._files, self._fetcher = files, fetcher

    async def fetch(self, url: str, validators: Validators, headers: Mapping[str, str] | None = None) -> Answer:
        path = self._files.get(url)
        if path is None:
            return await self._fetcher.fetch(url, validators, headers)
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError as fault:
            return Answer(Outcome.BROKEN, 500, url=url, reason=f"the file cannot be read: {fault.strerror}")
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if validators.etag == etag:
            return Answer(Outcome.UNCHANGED, 304, headers={"etag": etag}, url=url)
        kind = "application/json" if path.suffix == ".json" else "application/xml"
        return Answer(Outcome.FRESH, 200, content, {"etag": etag, "content-type": kind}, url)
