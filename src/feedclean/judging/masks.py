"""What must not become a feature, masked before n-grams are taken: codes, dates, and the names an item is about.

Numbers are masked in `ngrams.read`. Here identifiers (ISIN, WKN, tickers with or without their exchange) and dates with
a month's name become one word each, and every word of an item's title that is not a common one becomes a run of `x`
where the item's text repeats it: a pitch must look the same whatever company it is about.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from . import ngrams
from .ngrams import Hashes, Ints, Words

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
# A number beside a word that begins as a month does; whether it is one is looked up. Each expression begins with a set
# of characters or a literal, since `re` looks quickly only for these; what must stand before them is checked behind.
_DAY_FIRST = re.compile(r"\d\d?(?:st|nd|rd|th)?\.?\s([JFMASOND][a-zä]{2,8})\b\.?(?:,?\s\d{4}\b)?")
_MONTH_FIRST = re.compile(r"([JFMASOND](?<!\w[JFMASOND])[a-zä]{2,8})\.?\s\d\d?\b(?:,?\s\d{4}\b)?")
_ISIN = re.compile(r"[A-Z][A-Z][A-Z0-9]{9}\d\b")
_WKN = re.compile(r"WKN:?\s?[A-Z0-9]{6}\b")
_QUOTED = re.compile(r"[A-Z](?<!\w[A-Z])[A-Za-z]{1,11}:\s?[A-Z]{1,5}(?:\.[A-Z]{1,2})?\b")
_CASHTAG = re.compile(r"\$[A-Z]{1,5}\b")
_BRACKETED = re.compile(r"\([A-Z]{1,5}(?:\.[A-Z]{1,2})?\)")
_DIGIT = re.compile(r"[0-9]")
_DATED = "datex"
_CODED = "codex"
_NAME = np.uint64(0x5851F42D4C957F2D)  # the hash of every masked name


def codes(text: str) -> str:
    """The text with identifiers and dates as one word each."""
    if _DIGIT.search(text):
        text = _MONTH_FIRST.sub(_dated, _DAY_FIRST.sub(_dated, text))
        text = _WKN.sub(_CODED, _ISIN.sub(_CODED, text))
    if ":" in text:
        text = _QUOTED.sub(_CODED, text)
    if "$" in text:
        text = _CASHTAG.sub(_CODED, text)
    if "(" in text:
        text = _BRACKETED.sub(_CODED, text)
    return text


def _dated(found: re.Match[str]) -> str:
    return _DATED if found[1].lower() in _MONTHS else found[0]


def names(words: Words, titles: Words, sizes: Ints, common: Hashes) -> Words:
    """The words with those masked that stand in their own item's title and are not common.

    Args:
        words: of all blocks of the items, in order.
        titles: of the items' titles.
        sizes: number of blocks of each item.
        common: hashes of words that no name is told by, sorted.
    """
    rare = ~among(titles.hashes, common)
    if not rare.any():
        return words
    own = np.sort(titles.hashes[rare] ^ ngrams.salt(titles.rows[rare]))
    item = np.repeat(np.arange(len(sizes)), sizes)
    return ngrams.hidden(words, among(words.hashes ^ ngrams.salt(item[words.rows]), own), _NAME)


def among(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Which hashes are among the `known` ones, which are sorted."""
    if not len(known):
        return np.zeros(len(hashes), bool)
    order = np.argsort(hashes)  # looked up in order, which takes half the time
    ordered = hashes[order]
    found = np.empty(len(hashes), bool)
    found[order] = known[np.minimum(np.searchsorted(known, ordered), len(known) - 1)] == ordered
    return found
