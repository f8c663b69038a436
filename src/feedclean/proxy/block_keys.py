"""What a block is remembered by: two digests.

| digest | of | for |
|---|---|---|
| `block_key` | what a reader sees of the block | the ledger, and a person's label |
| `Place.key` | block, numbers masked, links' hosts, and its item | a pinned verdict |

That a label holds for everything of its template, too, is `judging/likeness.py`.

A pinned verdict belongs to a block *of an item*, known by its title and the path of its address (queries carry tracking
tokens that change). Neighbours are not part of the digest: they are what rotates. The verdict itself is made as if the
advertisements beside the block were gone (see `pins.py`), so it does not depend on them either.
"""

from __future__ import annotations

import hashlib
import re

from ..types import Block, Passage

_NUMBER = re.compile(r"\d[\d.,:/'-]*")
_QUERY = re.compile(r"[?#][^\"'\s>]*")
_HOST = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)")


def _digest(*parts: str) -> str:
    told = "\0".join(parts)
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def block_key(text: str, source: str) -> str:
    """What a block is in the ledger and among the labels: what a reader sees, or its source if it has no words."""
    return _digest("block", " ".join((text or source).split()))


def title_key(title: str) -> str:
    """What a title is among the labels."""
    return _digest("title", " ".join(title.split()))


class Place:
    """Where blocks stand: an item, as far as it stays the same from one fetch to the next."""

    def __init__(self, passage: Passage) -> None:
        path = _QUERY.sub("", passage.url or "")
        told = f"{' '.join(passage.title.split())}\0{path}\0"
        self._begun = hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16)

    def key(self, block: Block) -> str:
        """What the pinned verdict about a block is found by."""
        text = block.text or _QUERY.sub("", block.source)
        hosts = sorted({match[1].lower() for link in block.links if (match := _HOST.match(link.href))})
        return self._finish("\0".join((_NUMBER.sub("0", text), *hosts)))

    def title_key(self) -> str:
        """What the pinned verdict about the item's title is found by."""
        return self._finish("\0title")

    def _finish(self, told: str) -> str:
        hasher = self._begun.copy()
        hasher.update(told.encode("utf-8", "surrogatepass"))
        return hasher.hexdigest()
