"""A model that judges by words in capitals, so that a test says what it means by what it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feedclean.types import Block, Clue, Label, Passage, Verdict

_ORDER = tuple(Label)


def sure(label: Label, certainty: float = 0.99) -> Verdict:
    """A verdict that gives `label` so much, and the others what is left."""
    return Verdict(tuple(certainty if one is label else (1 - certainty) / 4 for one in _ORDER))


class KeywordJudge:
    """Takes a block with the name of a label in capitals for what the name says, and everything else for news.

    `HOOK` is a teaser where nothing stands behind it in its passage, so that cutting one block changes the verdict
    about another. A title is clickbait if it holds "?!".
    """

    name = "keywords 0"
    thresholds: Mapping[str, float] = dict.fromkeys(Label, 0.8)
    title_threshold = 0.8

    def __init__(self, certainty: float = 0.99) -> None:
        self.certainty = certainty
        self.batches: list[int] = []  # how many passages were judged at once, each time

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        """A verdict for every block of every passage."""
        self.batches.append(len(passages))
        return [
            [self._one(block, number == len(passage.blocks) - 1) for number, block in enumerate(passage.blocks)]
            for passage in passages
        ]

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        """A verdict for the title of every passage."""
        return [Verdict((0.04, 0.96) if "?!" in passage.title else (0.96, 0.04)) for passage in passages]

    def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
        """The first word of each block that is asked for."""
        return [(Clue(passages[passage].blocks[block].text.split(" ")[0], 1.0),) for passage, block in wanted]

    def _one(self, block: Block, last: bool) -> Verdict:
        if last and "HOOK" in block.text:
            return sure(Label.TEASER, self.certainty)
        return sure(next((label for label in _ORDER if label.upper() in block.text), Label.EDITORIAL), self.certainty)
