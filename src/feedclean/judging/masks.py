"""What must not become a feature, masked before n-grams are taken: codes, dates, and the names an item is about.

Numbers are masked in `ngrams.read`. Here identifiers (ISIN, WKN, tickers with or without their exchange) and dates with
a month's name become one word each, and every word of an item's title that is not a common one becomes a run of `x`
where the item's text repeats it: a pitch must look the same whatever company it is about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..types import Passage
from . import ngrams
from .ngrams import Hashes, Words

_MONTHS = frozenset(
    (
        *(
            "jan",
            "january",
            "januar",
            "jän",
            "jänner",
            "feb",
            "february",
            "februar",
            "mar",
            "march",
            "märz",
            "apr",
            "april",
        ),
        *("may", "mai", "jun", "june", "juni", "jul", "july", "juli", "aug", "august", "sep", "sept", "september"),
        *("oct", "october", "okt", "oktober", "nov", "november", "dec", "december", "dez", "dezember"),
    )
)
# A number beside a word that begins as a month does; whether it is one is looked up.
_DATE = re.compile(
    r"\d{1,2}(?:st|nd|rd|th)?\.?\s([JFMASOND][a-zä]{2,8})\b\.?(?:,?\s\d{4}\b)?"
    r"|\b([JFMASOND][a-zä]{2,8})\.?\s\d{1,2}\b(?:,?\s\d{4}\b)?"
)
_IDENTIFIER = re.compile(r"[A-Z]{2}[A-Z0-9]{9}\d\b|WKN:?\s?[A-Z0-9]{6}\b")
_TICKER = re.compile(
    r"\b[A-Z][A-Za-z]{1,11}:\s?[A-Z]{1,5}(?:\.[A-Z]{1,2})?\b|\$[A-Z]{1,5}\b|\([A-Z]{1,5}(?:\.[A-Z]{1,2})?\)"
)
_DIGIT = re.compile(r"\d")
_DATED = "datex"
_CODED = "codex"
_NAME = np.uint64(0x5851F42D4C957F2D)  # the hash of every masked name


def codes(text: str) -> str:
    """The text with identifiers and dates as one word each."""
    if _DIGIT.search(text):
        text = _IDENTIFIER.sub(_CODED, _DATE.sub(_dated, text))
    if ":" in text or "$" in text or "(" in text:
        text = _TICKER.sub(_CODED, text)
    return text


def _dated(found: re.Match[str]) -> str:
    return _DATED if (found[1] or found[2]).lower() in _MONTHS else found[0]


def names(passages: Sequence[Passage], words: Words, common: Hashes) -> Words:
    """The words with those masked that stand in their own item's title and are not common.

    Args:
        passages: the items.
        words: of all their blocks, in order.
        common: hashes of words that no name is told by, sorted.
    """
    titles = ngrams.read([codes(passage.title) for passage in passages])
    rare = ~_among(titles.hashes, common)
    if not rare.any():
        return words
    sizes = [len(passage.blocks) for passage in passages]
    passage_of = np.repeat(np.arange(len(passages)), sizes)
    own = np.unique(titles.hashes[rare] ^ ngrams.salt(titles.rows[rare]))
    return ngrams.hidden(words, np.isin(words.hashes ^ ngrams.salt(passage_of[words.rows]), own), _NAME)


def _among(hashes: Hashes, common: Hashes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if not len(common):
        return np.zeros(len(hashes), bool)
    place = np.minimum(np.searchsorted(common, hashes), len(common) - 1)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = common[place] == hashes
    return found
