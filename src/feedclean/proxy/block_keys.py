"""What a block is remembered by: three digests, from strict to lenient.

| digest | of | for |
|---|---|---|
| `block_key` | what a reader sees of the block | the ledger, and a person's label for this very block |
| `near_key` | the same with names, numbers and dates masked | a person's label for everything of this template |
| `Place.key` | block, numbers masked, links' hosts, and its item | a pinned verdict |

A pinned verdict belongs to a block *of an item*, known by its title and the path of its address (queries carry tracking
tokens that change). Neighbours are not part of the digest: they are what rotates. The verdict itself is made as if the
advertisements beside the block were gone (see `pins.py`), so it does not depend on them either.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import lru_cache

from ..types import Block, Passage
from .nouns import LabelRow

_NUMBER = re.compile(r"\d[\d.,:/'-]*")
_QUERY = re.compile(r"[?#][^\"'\s>]*")
_HOST = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)")
_NAME = r"\b(?=\w*[A-ZÀ-ÖØ-Þ])\w+(?:['’.&-]\w+)*"
_NAMES = re.compile(rf"{_NAME}(?:\s+(?:&\s+|of\s+|und\s+|and\s+)?{_NAME})*")
_CALENDAR = (
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec januar februar märz mai juni juli oktober dezember monday tuesday wednesday thursday friday "
    "saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag am pm uhr today tomorrow heute morgen"
).split()
_DATE = re.compile(rf"(?:\b(?:{'|'.join(_CALENDAR)})\b[\s.,]*|0(?:st|nd|rd|th)?[\s.,]*)+", re.IGNORECASE)
_LEAST_WORDS, _LEAST_LETTERS = 4, 16  # that must be left unmasked for two texts to be of one template
_WORD = re.compile(r"[^\W\d_]{2,}")


def _digest(*parts: str) -> str:
    told = "\0".join(parts)
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def block_key(text: str, source: str) -> str:
    """What a block is in the ledger and among the labels: what a reader sees, or its source if it has no words."""
    return _digest("block", " ".join((text or source).split()))


@lru_cache(maxsize=8192)
def near_key(text: str) -> str | None:
    """The same for all blocks of one template; `None` where too little is left to tell a template by."""
    masked = mask(text)
    words = _WORD.findall(masked)
    if len(words) < _LEAST_WORDS or sum(map(len, words)) < _LEAST_LETTERS:
        return None
    return _digest("near", masked)


def mask(text: str) -> str:
    """A text without what changes from one use of a template to the next.

    >>> mask("Our free report on Acme Holdings: 12.5% until March 3rd, 2026!")
    '@ free report on @: 0% until 0!'
    >>> mask("Our free report on Globex: 7% until 10 May!")
    '@ free report on @: 0% until 0!'
    """
    dated = _DATE.sub("0 ", _NUMBER.sub("0", text))
    named = _NAMES.sub("@", dated)
    return re.sub(r"\s+(?=[^\w\s@])|(?<=0) (?=%)", "", " ".join(named.lower().split()))


def title_key(title: str) -> str:
    """What a title is among the labels."""
    return _digest("title", " ".join(title.split()))


def label_rows(row: LabelRow) -> tuple[LabelRow, ...]:
    """What to keep when a person labels a block: the label for it, and for its near-duplicates."""
    near = near_key(row.text)
    exact = replace(row, block=block_key(row.text, row.source))
    return (exact, replace(row, block=near)) if near else (exact,)


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
