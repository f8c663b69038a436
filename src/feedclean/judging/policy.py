"""What becomes of a block: verdicts in, decisions out (D6).

A score is not a decision. The policy acts on a block when the probabilities of all labels that are to be acted upon
add up to the threshold of the likeliest of them. Thresholds come from the model's card, which says what they may lose:
of publishers that training had not seen, one editorial block in two hundred. Three guards stand above every model:

- an item is never emptied;
- a block that holds the only table or picture of its item is never cut;
- no more than `max_share` of an item's characters is cut: what would exceed it is marked instead.

Where an extractor has chosen the blocks from a whole page, there is a second opinion about each of them: that it is
part of the article. So there a run of blocks is acted upon only if the model is sure of one of them (and finds the
others likely, too), however low the thresholds are; and if that is much of the article, the extractor is believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..errors import SettingsError
from ..types import Action, Block, Decision, Kind, Label, TitleAction, TitleLabel, Verdict
from .blocks import judged

_ORDER = tuple(Label)
_SURE, _LIKELY, _MOST = 0.997, 0.9, 0.25  # see docs/experiments.md for what they lose and miss
_UNSURE = 0.5  # a block that is kept is unsure from this share of the threshold on: worth a person's label
_DEFAULT: Mapping[Label, Action] = {
    Label.EDITORIAL: Action.KEEP,
    Label.PROMO: Action.CUT,
    Label.TEASER: Action.CUT,
    Label.BOILERPLATE: Action.KEEP,
    Label.DISCLOSURE: Action.KEEP,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """How verdicts become decisions.

    Args:
        actions: what is done with a block of each label.
        threshold: probability from which a block is acted upon, for all labels; `None` takes those of the model.
        title_action: what is done with a clickbait title.
        max_share: share of an item's visible characters that may be cut, 0 to 1.
    """

    actions: Mapping[Label, Action] = field(default_factory=lambda: dict(_DEFAULT))
    threshold: float | None = None
    title_action: TitleAction = TitleAction.MARK
    max_share: float = 0.6

    def __post_init__(self) -> None:
        """Refuse what is no share.

        Raises:
            SettingsError: a number does not lie between 0 and 1, or a label has no action.
        """
        for name, value in (("threshold", self.threshold), ("max_share", self.max_share)):
            if value is not None and not 0 <= value <= 1:
                raise SettingsError(f"{name} is {value}, not between 0 and 1")
        if missing := [label.value for label in _ORDER if label not in self.actions]:
            raise SettingsError(f"no action for {', '.join(missing)}", hint="start from `Policy().actions`")

    def decide(
        self,
        blocks: Sequence[Block],
        verdicts: Sequence[Verdict],
        thresholds: Mapping[str, float],
        *,
        published: int | None = None,
        gone: int = 0,
        extracted: bool = False,
    ) -> list[Decision]:
        """Decide about the blocks of one item.

        Args:
            blocks: all blocks of a field, glue included.
            verdicts: one for each *judged* block, in order.
            thresholds: of the model, by label.
            published: visible characters that the field had as published; those of `blocks` if `None`.
            gone: how many of them were cut before.
            extracted: whether an extractor chose the blocks from a page; a `threshold` of one's own counts anyway.

        Returns:
            One decision for each block.
        """
        waiting = iter(verdicts)
        acted = [number for number, label in enumerate(_ORDER) if self.actions[label] is not Action.KEEP]
        decisions = [
            self._block(block, next(waiting), acted, thresholds) if judged(block) else _GLUED for block in blocks
        ]
        if extracted and self.threshold is None:
            decisions = _outweighed(decisions)
        if published is None:
            published = sum(len(block.text) for block in blocks if block.kind is not Kind.GLUE)
        most = min(self.max_share, _MOST) if extracted and self.threshold is None else self.max_share
        return self._guarded(blocks, decisions, published, gone, most)

    def decide_title(self, verdict: Verdict, threshold: float) -> Decision:
        """Decide about a title. It is never cut: at most `Action.MARK`, carried out as `title_action` says."""
        place = list(TitleLabel).index(TitleLabel.CLICKBAIT)
        probability = verdict.probabilities[place]
        bait = probability >= (verdict.limits[place] if verdict.limits else threshold)
        action = Action.MARK if bait and self.title_action is not TitleAction.KEEP else Action.KEEP
        return Decision(action, TitleLabel.CLICKBAIT if bait else TitleLabel.PLAIN, probability, verdict)

    def _block(self, block: Block, verdict: Verdict, acted: Sequence[int], thresholds: Mapping[str, float]) -> Decision:
        given = verdict.probabilities
        likeliest = _ORDER[given.index(max(given))]
        if not acted:
            return Decision(Action.KEEP, likeliest, 0.0, verdict)
        probability = min(sum([given[label] for label in acted]), 1.0)
        label = _ORDER[max(acted, key=given.__getitem__)]
        threshold = self.threshold
        if threshold is None:
            threshold = verdict.limits[_ORDER.index(label)] if verdict.limits else thresholds[label]
        if probability < threshold:
            return Decision(Action.KEEP, likeliest, probability, verdict, unsure=probability >= _UNSURE * threshold)
        action = self.actions[label]
        if block.kind is Kind.TANGLE and action is not Action.MARK:
            return Decision(Action.MARK, label, probability, verdict, guard="tags do not balance")
        return Decision(action, label, probability, verdict)

    def _guarded(
        self, blocks: Sequence[Block], decisions: list[Decision], published: int, gone: int, most: float
    ) -> list[Decision]:
        shown = [number for number, block in enumerate(blocks) if block.kind is not Kind.GLUE]
        cuts = [number for number in shown if decisions[number].action is Action.CUT]
        if not cuts:
            return decisions
        guarded = list(decisions)

        def milder(number: int, guard: str) -> None:
            old = guarded[number]
            guarded[number] = Decision(Action.MARK, old.label, old.probability, old.verdict, guard=guard)

        tables = [number for number in shown if blocks[number].kind is Kind.TABLE]
        pictures = [number for number in shown if blocks[number].images]
        for only, what in ((tables, "table"), (pictures, "picture")):
            if len(only) == 1 and guarded[only[0]].action is Action.CUT:
                milder(only[0], f"it holds the only {what}")
        cuts = [number for number in cuts if guarded[number].action is Action.CUT]
        words = [number for number in shown if blocks[number].text]
        if set(words or shown) <= set(cuts):
            guard = "nothing would be left of the item"
        else:
            share = (gone + sum(len(blocks[number].text) for number in cuts)) / max(published, 1)
            if share <= most:
                return guarded
            guard = f"more than {most:.0%} of the item would be cut"
        for number in cuts:
            milder(number, guard)
        return guarded


_GLUED = Decision(Action.KEEP, None, 0.0, None)


def _outweighed(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions, but for what is acted upon without being sure that it is no part of the article."""
    given = list(decisions)
    run: list[int] = []

    def settle() -> None:
        if not any(given[number].probability >= _SURE for number in run):
            for number in run:
                given[number] = _kept(given[number])
        run.clear()

    for number, decision in enumerate(decisions):
        if decision.label is None:  # glue parts nothing
            continue
        acted = decision.action is not Action.KEEP
        if acted and decision.probability >= _LIKELY:
            run.append(number)
            continue
        settle()
        if acted:
            given[number] = _kept(decision)
    settle()
    return given


def _kept(decision: Decision) -> Decision:
    return replace(decision, action=Action.KEEP, unsure=True, guard="it was found in the article, and that counts")
