"""When two blocks are of one template: the same words but for names, numbers, dates, and a little of the wording.

A text is masked, and known by its words and pairs of neighbouring words. Two texts are alike if their masked texts are
equal, or if the words and pairs that both have are at least `ALIKE` of those that either has (Jaccard's coefficient:
what MinHash estimates is counted here). `docs/experiments.md` has the figures by which this was chosen.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

__all__ = ["ALIKE", "Templates", "mask", "traits"]

ALIKE = 0.6  # no pitch of the corpus comes as near as that to a piece of news
_LEAST_TRAITS = 10  # that a text must have for another wording to be recognised as the same template
_LEAST_WORDS, _LEAST_LETTERS = 4, 16  # that must be left unmasked for a text to be a template at all

_NUMBER = re.compile(r"\d[\d.,:/'-]*")
_NAME = r"\b(?=\w*[A-ZÀ-ÖØ-Þ])\w+(?:['’.&-]\w+)*"
_NAMES = re.compile(rf"{_NAME}(?:\s+(?:&\s+|of\s+|und\s+|and\s+)?{_NAME})*")
_CALENDAR = (
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec januar februar märz mai juni juli oktober dezember monday tuesday wednesday thursday friday "
    "saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag am pm uhr today tomorrow heute morgen"
).split()
_DATE = re.compile(rf"(?:\b(?:{'|'.join(_CALENDAR)})\b[\s.,]*|0(?:st|nd|rd|th)?[\s.,]*)+", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_TOKEN = re.compile(r"[^\W_]+|@")
_MASKED = frozenset("@0")


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


def traits(masked: str) -> frozenset[str]:
    """The words of a masked text and its pairs of neighbouring words, without those that hold no word."""
    tokens = _TOKEN.findall(masked)
    pairs = (f"{one} {other}" for one, other in pairwise(tokens) if {one, other} - _MASKED)
    return frozenset((*(token for token in tokens if token not in _MASKED), *pairs))


class Templates:
    """Texts, to be asked which of them another one is like. They are numbered in the order they were added.

    Args:
        alike: from which likeness on two texts are of one template.
    """

    def __init__(self, alike: float = ALIKE) -> None:
        self._alike = alike
        self._same: defaultdict[str, list[int]] = defaultdict(list)
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        self._traits: list[frozenset[str]] = []

    def __len__(self) -> int:
        return len(self._traits)

    def add(self, text: str) -> None:
        """Know a text from now on; one that is too short to be a template is only counted."""
        number, masked = len(self), mask(text)
        found = traits(masked) if _is_template(masked) else frozenset[str]()
        self._traits.append(found)
        if found:
            self._same[masked].append(number)
        if len(found) >= _LEAST_TRAITS:
            for trait in self._telling(found):
                self._holders[trait].append(number)

    def like(self, text: str) -> list[tuple[float, int]]:
        """How alike the texts are that `text` is like (`alike` to 1), and their numbers, the most alike first."""
        masked = mask(text)
        if not _is_template(masked):
            return []
        found = dict.fromkeys(self._same.get(masked, ()), 1.0)
        own = traits(masked)
        if len(own) >= _LEAST_TRAITS:
            found = dict(self._near(own)) | found
        return sorted(((likeness, number) for number, likeness in found.items()), key=lambda one: (-one[0], one[1]))

    def _near(self, own: frozenset[str]) -> Iterator[tuple[int, float]]:
        for number in {number for trait in self._telling(own) for number in self._holders.get(trait, ())}:
            other = self._traits[number]
            if min(len(own), len(other)) < self._alike * max(len(own), len(other)):
                continue
            shared = len(own & other)
            likeness = shared / (len(own) + len(other) - shared)
            if likeness >= self._alike:
                yield number, likeness

    def _telling(self, traits: frozenset[str]) -> list[str]:
        """So many of the traits that another text that is alike has one of them among its own.

        The longest come first in all texts, since few other texts have those: "prefix filtering" (Chaudhuri, Ganti and
        Kaushik, A Primitive Operator for Similarity Joins in Data Cleaning, ICDE 2006).
        """
        ordered = sorted(traits, key=lambda trait: (-len(trait), trait))
        return ordered[: len(ordered) - math.ceil(self._alike * len(ordered)) + 1]


def _is_template(masked: str) -> bool:
    """Whether enough is left unmasked; otherwise one heading would be like all headings."""
    words = _WORD.findall(masked)
    return len(words) >= _LEAST_WORDS and sum(map(len, words)) >= _LEAST_LETTERS
