"""A judge of the `Judge` protocol that knows a few words, so that these tests do not depend on what a model learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feedclean.types import Clue, Label, Passage, TitleLabel, Verdict

PROMO = ("buy or sell", "free study", "carry on here", "act now")
TEASER = ("part with their stock", "get out at once")
BAIT = ("will not believe", "changes everything")


class FakeJudge:
    """Promo, teaser and clickbait by words; everything else is editorial."""

    name = "fake-000000000000"
    thresholds: Mapping[str, float] = {label.value: 0.8 for label in Label}
    title_threshold = 0.5

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        return [[self._verdict(block.text) for block in passage.blocks] for passage in passages]

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        return [self._title(passage.title) for passage in passages]

    def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
        texts = [passages[passage].blocks[block].text.lower() for passage, block in wanted]
        return [tuple(Clue(word, 2.0) for word in PROMO + TEASER if word in text) for text in texts]

    def _verdict(self, text: str) -> Verdict:
        said = text.lower()
        if "crash please" in said:
            raise RuntimeError("as asked")
        label = Label.EDITORIAL
        if any(word in said for word in PROMO) or said == "ad":
            label = Label.PROMO
        elif any(word in said for word in TEASER):
            label = Label.TEASER
        # Only where two of its words stand together it is as sure as outvoting an extractor asks for.
        certainty = 0.998 if sum(word in said for word in PROMO) > 1 else 0.99
        return Verdict(tuple(certainty if one is label else (1 - certainty) / 4 for one in Label))

    def _title(self, text: str) -> Verdict:
        bait = 0.93 if any(word in text.lower() for word in BAIT) else 0.03
        return Verdict(tuple(bait if one is TitleLabel.CLICKBAIT else 1 - bait for one in TitleLabel))
