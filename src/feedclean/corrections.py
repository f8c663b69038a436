"""What people said, before any retraining: a judge around a judge that obeys them.

block ── labelled by a person? ──> that
      ── like what people labelled, and they agree? ──> that
      ── else ──> the judge
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from .cleaning import Judge
from .judging.likeness import Templates
from .types import Block, Clue, Correction, Label, Passage, TitleLabel, Verdict

__all__ = ["BY_HAND", "Corrected", "Corrections"]

BY_HAND = Clue("labelled by you", 99.0)
_CUT = frozenset((Label.PROMO, Label.TEASER))
_REMEMBERED = 20_000  # blocks about which the answer is kept


class Corrections:
    """All that people said, to be asked about blocks; may be used from any thread.

    Args:
        said: in the order it was said; of two things said about the same words, the later holds.
    """

    def __init__(self, said: Iterable[Correction] = ()) -> None:
        self._titles: dict[str, TitleLabel] = {}
        self._blocks: dict[str, Label] = {}
        texts: dict[str, str] = {}
        for one in said:
            words = _words(one.text, one.source)
            if isinstance(one.label, TitleLabel):
                self._titles[words] = one.label
            else:
                self._blocks[words] = one.label
                texts[words] = one.text
        self._labels = list(self._blocks.values())
        self._templates = Templates()
        for text in texts.values():
            self._templates.add(text)
        self._alike = lru_cache(maxsize=_REMEMBERED)(self._of_template)

    def __len__(self) -> int:
        return len(self._blocks) + len(self._titles)

    def of(self, block: Block) -> Label | None:
        """What a person said of this block, or else of others of its template."""
        if not self._blocks:
            return None
        return self._blocks.get(_words(block.text, block.source)) or self._alike(block.text)

    def of_title(self, title: str) -> TitleLabel | None:
        """What a person said of this title."""
        return self._titles.get(_words(title, ""))

    def verdict(self, block: Block) -> Verdict | None:
        """The same, as a verdict with its reason."""
        label = self.of(block)
        return None if label is None else Verdict(tuple(float(one is label) for one in Label), (BY_HAND,))

    def title_verdict(self, title: str) -> Verdict | None:
        """The same, of a title."""
        label = self.of_title(title)
        return None if label is None else Verdict(tuple(float(one is label) for one in TitleLabel), (BY_HAND,))

    def _of_template(self, text: str) -> Label | None:
        """The label of what is most alike; `None` if people would cut some of this template and keep others."""
        labels = [self._labels[number] for _, number in self._templates.like(text)]
        return labels[0] if labels and len({label in _CUT for label in labels}) == 1 else None


class Corrected:
    """A judge that people have corrected.

    Args:
        judge: is asked where nobody said anything.
        corrections: what people said.
    """

    def __init__(self, judge: Judge, corrections: Corrections) -> None:
        self._judge = judge
        self._corrections = corrections

    @property
    def name(self) -> str:
        """The judge's."""
        return self._judge.name

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The judge's."""
        return self._judge.thresholds

    @property
    def title_threshold(self) -> float:
        """The judge's."""
        return self._judge.title_threshold

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        """A verdict for every block of every passage: a person's, or else the judge's."""
        return [
            [self._corrections.verdict(block) or verdict for block, verdict in zip(passage.blocks, found, strict=True)]
            for passage, found in zip(passages, self._judge.judge(passages), strict=True)
        ]

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        """A verdict for the title of every passage, likewise."""
        found = self._judge.judge_titles(passages)
        return [self._corrections.title_verdict(one.title) or own for one, own in zip(passages, found, strict=True)]

    def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
        """The clues for some blocks; that a person labelled it is reason enough."""
        said = [self._corrections.of(passages[number].blocks[block]) is not None for number, block in wanted]
        others = iter(
            self._judge.clues(passages, [spot for spot, by_hand in zip(wanted, said, strict=True) if not by_hand])
        )
        return [(BY_HAND,) if by_hand else next(others) for by_hand in said]


def _words(text: str, source: str) -> str:
    """What a reader sees of a block, or its source if it has no words."""
    return " ".join((text or source).split())
