"""Copies that are ready to be sent, as many as fit."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from .negotiation import LEAST, pack

__all__ = ["Served", "Shelf"]

_OVERHEAD = 1000  # bytes that a copy takes beside its content


@dataclass(slots=True, eq=False)
class Served:
    """A feed as readers get it."""

    content: bytes
    content_type: str
    etag: str  # digest of the content; `negotiation.tag` makes a tag of it
    note: str  # what the `Feedclean` header says
    modified: float  # since when it has been what it is
    bypassed: str = ""  # why it was not cleaned
    packed: dict[str, bytes] = field(default_factory=dict)  # by coding

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return _OVERHEAD + len(self.content) + sum(map(len, self.packed.values()))

    async def in_coding(self, coding: str) -> tuple[str, bytes]:
        """The content in a coding, and the coding: none where that would not make it smaller."""
        if not coding or len(self.content) < LEAST:
            return "", self.content
        found = self.packed.get(coding)
        if found is None:
            found = self.packed[coding] = await asyncio.to_thread(pack, coding, self.content)
        return (coding, found) if len(found) < len(self.content) else ("", self.content)


class Shelf:
    """A cache that forgets what was not asked for longest, for use in one event loop.

    Args:
        most: bytes of all copies together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._copies: OrderedDict[Hashable, tuple[Served, int]] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._copies)

    def get(self, key: Hashable) -> Served | None:
        """The copy for a key."""
        found = self._copies.get(key)
        if found is None:
            return None
        self._copies.move_to_end(key)
        if found[0].size != found[1]:  # it was packed meanwhile
            self.put(key, found[0])
        return found[0]

    def put(self, key: Hashable, served: Served) -> None:
        """Keep a copy; one that is larger than all may be together is not kept."""
        self._drop(key)
        if served.size > self._most:
            return
        self._copies[key] = (served, served.size)
        self.size += served.size
        while self.size > self._most:
            self._drop(next(iter(self._copies)))

    def clear(self) -> None:
        """Forget everything."""
        self._copies.clear()
        self.size = 0

    def _drop(self, key: Hashable) -> None:
        found = self._copies.pop(key, None)
        if found is not None:
            self.size -= found[1]
