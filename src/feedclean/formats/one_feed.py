"""Many documents as one feed: a folder of saved articles that a feed reader can subscribe to."""

from __future__ import annotations

import json

from feedclean.formats.convert import convert
from feedclean.types import Format

__all__ = ["OneFeed"]


class OneFeed:
    """The articles of many documents, each once, in the order in which they were added.

    They are held as JSON Feed has them, in a few kilobytes each.
    """

    def __init__(self) -> None:
        self._items: list[str] = []
        self._ids: set[str] = set()

    def add(self, document: bytes) -> int:
        """Add the items of a document, given as JSON Feed (as `convert` writes it); how many were there before."""
        known = 0
        for item in json.loads(document)["items"]:
            if item["id"] in self._ids:
                known += 1
                continue
            self._ids.add(item["id"])
            self._items.append(json.dumps(item, ensure_ascii=False))
        return known

    def to_bytes(self, to: str) -> bytes:
        """The feed as RSS, Atom or JSON Feed. Its name is the host that the first article is from."""
        feed = (
            '{"version": "https://jsonfeed.org/version/1.1", "title": "", "items": [' + ",\n".join(self._items) + "]}"
        )
        # Through its writer in any case: it gives the feed the name and the link that it lacks.
        return convert(feed.encode("utf-8", "replace"), Format.JSONFEED, to, afresh=True)
