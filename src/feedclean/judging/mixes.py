"""Paragraphs of news that end in a pitch, or hold one: they are marked, and never go as a whole.

    a block that is to be cut ─┬─ its sentences, in its place ── the model ──> half of it news? ──> marked instead
    one that is a little like it                                         └───> one a pitch? ──> marked before it

The model judges blocks, and one sentence of a pitch can tip a paragraph, or go under in it. Judged one by one, the
sentences of an advertisement nearly all look like advertising; those of news that a pitch was put behind do not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..types import Action, Block, Decision, Kind, Label, Passage, Verdict
from .blocks import judged
from .policy import Policy

# Measured in docs/experiments.md.
_SURE = 0.95  # what is as likely advertising as this is no mix; a person's word is surer still
_NEWS = 0.5  # how likely editorial a sentence of news is at least
_SHARE = 0.5  # of the characters
_LEAST = 100  # characters of news in a paragraph of news: a hook of two short sentences is none
_MOST_SENTENCES = 40
_TIPPED = 0.05  # a kept block that is less likely advertising than this holds none
_PITCH = 0.9  # how likely advertising a sentence is that is marked in a block that is kept
_EDITORIAL = list(Label).index(Label.EDITORIAL)
_ACTED = [number for number, label in enumerate(Label) if label in {Label.PROMO, Label.TEASER}]

_END = re.compile(r"""[.!?…]["'”“»)]*\s+(?=["'„“«(]?[^\W_a-z])""")
_SHORT = re.compile(
    r"(?:\b(?:Inc|Corp|Ltd|Co|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|vs|ca|bzw|Mio|Mrd|"
    r"Jan|Feb|Aug|Sept|Oct|Okt|Nov|Dec|Dez|[^\W\d_])|\d)\.\Z"
)
GUARD = "much of it is news"
HOLDS = "only a sentence of it is"


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
    """The sentences of each block that may be a mix, by its place among the judged blocks."""
    shown = [(block, decision) for block, decision in zip(blocks, decisions, strict=True) if judged(block)]
    found: dict[int, list[str]] = {}
    for place, (block, decision) in enumerate(shown):
        if block.kind is not Kind.TABLE and (_may_be_spared(decision) or _may_hold_a_pitch(decision)):
            parts = sentences(block.text)
            if 1 < len(parts) <= _MOST_SENTENCES:
                found[place] = parts
    return found


def _may_be_spared(decision: Decision) -> bool:
    return decision.action is Action.CUT and decision.probability < _SURE


def _may_hold_a_pitch(decision: Decision) -> bool:
    """Whether a block is kept whose score is not what plain news has: few are, so that few are asked about."""
    return decision.action is Action.KEEP and not decision.guard and decision.probability >= _TIPPED


def _likely(verdict: Verdict) -> float:
    """That something is advertising."""
    return sum([verdict.probabilities[label] for label in _ACTED])


def taken_apart(passage: Passage, asked: Mapping[int, Sequence[str]]) -> Passage:
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


@dataclass(frozen=True, slots=True)
class Mix:
    """What the sentences of a block are by themselves."""

    news: bool  # at least half of it is news, and as much as a sentence or two
    pitch: str  # the sentence that is most likely advertising
    verdict: Verdict  # about that


def mixed(asked: Mapping[int, Sequence[str]], given: Sequence[Verdict]) -> dict[int, Mix]:
    """What the `asked` blocks are made of.

    Args:
        asked: as given to `taken_apart`.
        given: a verdict for each block of the passage that it made.
    """
    found: dict[int, Mix] = {}
    shift = 0
    for place, parts in sorted(asked.items()):
        own = given[place + shift : place + shift + len(parts)]
        shift += len(parts) - 1
        news = sum(len(part) for part, one in zip(parts, own, strict=True) if one.probabilities[_EDITORIAL] >= _NEWS)
        loudest = max(range(len(parts)), key=lambda number: _likely(own[number]))
        found[place] = Mix(news >= max(_LEAST, _SHARE * sum(map(len, parts))), parts[loudest], own[loudest])
    return found


def marked(
    blocks: Sequence[Block],
    decisions: Sequence[Decision],
    found: Mapping[str, Mix],
    policy: Policy,
    thresholds: Mapping[str, float],
) -> list[Decision]:
    """The decisions, with a mark in place of a cut for what is mostly news, and where kept news holds a pitch.

    Args:
        blocks: all of a field.
        decisions: one for each of them.
        found: mixes by the texts of their blocks.
        policy: by which was decided, and is decided about the pitch.
        thresholds: of the model, by label.
    """
    given = list(decisions)
    for number, (block, decision) in enumerate(zip(blocks, decisions, strict=True)):
        mix = found.get(block.text) if judged(block) else None
        if mix is None or not mix.news:
            continue
        if _may_be_spared(decision):
            given[number] = replace(decision, action=Action.MARK, guard=GUARD, sentence=mix.pitch)
        elif _may_hold_a_pitch(decision):
            (pitch,) = policy.decide([block], [mix.verdict], thresholds)
            if pitch.action is not Action.KEEP and pitch.probability >= _PITCH:
                done = replace(pitch, action=Action.MARK, verdict=decision.verdict, guard=HOLDS, sentence=mix.pitch)
                given[number] = done
    return given
