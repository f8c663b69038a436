"""Paragraphs of news that end in a pitch, or hold one: they are marked, and never go as a whole.

    a block that is to be cut ── its sentences, in its place ── the model ──> half of it news? ──> marked instead

The model judges blocks, and one sentence of a pitch can tip a paragraph. Judged one by one, the sentences of an
advertisement nearly all look like advertising; those of news that a pitch was put behind do not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from ..types import Action, Block, Decision, Kind, Label, Passage, Verdict
from .blocks import judged

# Measured in docs/experiments.md.
_SURE = 0.97  # what is as likely advertising as this is no mix; a person's word is surer still
_NEWS = 0.5  # how likely editorial a sentence of news is at least
_SHARE = 0.5  # of the characters
_MOST_SENTENCES = 40

_END = re.compile(r"""[.!?…]["'”“»)]*\s+(?=["'„“«(]?[^\W_a-z])""")
_SHORT = re.compile(
    r"(?:\b(?:Inc|Corp|Ltd|Co|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|vs|ca|bzw|Mio|Mrd|"
    r"Jan|Feb|Aug|Sept|Oct|Okt|Nov|Dec|Dez|[^\W\d_])|\d)\.\Z"
)
GUARD = "much of it is news"


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without the white space between them.

    A point behind an abbreviation, an initial or a number ends none. Parting too seldom is the lesser fault.

    >>> sentences("Acme Inc. rose 4.5 percent. Buy or sell?! The study tells you.")
    ['Acme Inc. rose 4.5 percent.', 'Buy or sell?!', 'The study tells you.']
    """
    found: list[str] = []
    begin = 0
    for end in _END.finditer(text):
        if not _SHORT.search(text, max(begin, end.start() - 8), end.start() + 1):
            found.append(text[begin : end.end()].strip())
            begin = end.end()
    found.append(text[begin:].strip())
    return [sentence for sentence in found if sentence]


def doubtful(blocks: Sequence[Block], decisions: Sequence[Decision]) -> dict[int, list[str]]:
    """The sentences of each block that may go only if they agree, by its place among the judged blocks."""
    shown = [(block, decision) for block, decision in zip(blocks, decisions, strict=True) if judged(block)]
    found: dict[int, list[str]] = {}
    for place, (block, decision) in enumerate(shown):
        if decision.action is Action.CUT and decision.probability < _SURE and block.kind is not Kind.TABLE:
            parts = sentences(block.text)
            if 1 < len(parts) <= _MOST_SENTENCES:
                found[place] = parts
    return found


def taken_apart(passage: Passage, asked: dict[int, list[str]]) -> Passage:
    """The passage with the sentences of some blocks in their place, each a block with the links it holds."""
    if not asked:
        return passage  # itself, since a model knows again what it has just read
    parted: list[Block] = []
    for place, block in enumerate(passage.blocks):
        parts = asked.get(place)
        parted += [block] if parts is None else [_sentence(block, part) for part in parts]
    return replace(passage, blocks=tuple(parted))


def _sentence(block: Block, text: str) -> Block:
    links = tuple(link for link in block.links if link.text and link.text in text)
    return replace(block, source=text, text=text, links=links, images=0)


def mostly_news(asked: dict[int, list[str]], given: Sequence[Verdict]) -> set[int]:
    """Those of the `asked` blocks of which half is news.

    Args:
        asked: as given to `taken_apart`.
        given: a verdict for each block of the passage that it made.
    """
    found: set[int] = set()
    shift = 0
    editorial = list(Label).index(Label.EDITORIAL)
    for place, parts in sorted(asked.items()):
        own = given[place + shift : place + shift + len(parts)]
        shift += len(parts) - 1
        news = [len(part) for part, one in zip(parts, own, strict=True) if one.probabilities[editorial] >= _NEWS]
        if sum(news) >= _SHARE * sum(map(len, parts)):
            found.add(place)
    return found


def spared(blocks: Sequence[Block], decisions: Sequence[Decision], news: Collection[str]) -> list[Decision]:
    """The decisions, with a mark in place of a cut for the blocks whose texts are mostly news."""
    return [
        replace(decision, action=Action.MARK, guard=GUARD)
        if decision.action is Action.CUT and decision.probability < _SURE and block.text in news
        else decision
        for block, decision in zip(blocks, decisions, strict=True)
    ]
