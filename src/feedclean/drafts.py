"""An item while it is being cleaned: what its texts are by now, how they were read, and what was decided."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .judging import blocks as splitting
from .judging.blocks import Partition, judged
from .judging.edit import standing
from .types import Action, Cut, Decision, Item, Judged, Kind, Outcome, Passage, Verdict

TITLE_PREFIX = re.compile(r"\A\[clickbait\] ")
_UNTOUCHED = Decision(Action.KEEP, None, 0.0, None)


def headline(item: Item) -> str:
    """An item's title, without what an earlier cleaning put before it."""
    return TITLE_PREFIX.sub("", item.title.text) if item.title else ""


class Draft:
    """An item while it is being cleaned."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.texts = [body.text for body in item.bodies]
        self.title = headline(item)
        self.headline: Judged | None = None  # once it is judged
        # Every block of the field as published, with the last decision about it.
        self.judged: list[list[Judged]] = []
        # For each body: which of those blocks its text still holds.
        self.left: list[list[int]] = []
        # The texts as they were last read, what was read, and what was then said of it.
        self.read: list[str] = []
        self.partitions: list[Partition] = []
        self.passages: list[Passage] = []
        self.given: list[list[Verdict]] = []
        # The bodies that say something that no fuller one says, fullest first: only these are judged.
        self.own: list[int] = []

    def split(self) -> None:
        """Read the texts as they are now; what has not changed is not read again."""
        if self.read == self.texts:
            return
        first = not self.partitions
        for number, (text, body) in enumerate(zip(self.texts, self.item.bodies, strict=True)):
            if first or text != self.read[number]:
                part = splitting.split(text, body.markup)
                passage = Passage(tuple(filter(judged, part.blocks)), self.title, self.item.url)
                self.partitions[number : number + 1] = [part]
                self.passages[number : number + 1] = [passage]
                self.given[number : number + 1] = [[]]
        if first:
            self.judged = [[Judged(block, _UNTOUCHED) for block in part.blocks] for part in self.partitions]
            self.left = [standing(part.blocks) for part in self.partitions]
        self.read = list(self.texts)
        self.own = self._own()

    def _own(self) -> list[int]:
        filled = [body for body, passage in enumerate(self.passages) if passage.blocks]
        if len(filled) < 2:
            return filled
        own: list[int] = []
        said: set[str] = set()
        for body in sorted(filled, key=lambda body: -length(self.passages[body])):
            texts = {block.text for block in self.passages[body].blocks}
            if not texts <= said:
                own.append(body)
                said |= texts
        return own

    def outcome(self) -> Outcome:
        """What has become of the item by now."""
        title = self.headline.decision if self.headline else None
        if title is not None and title.verdict is not None and not title.verdict.clues:
            title = replace(title, verdict=None)
        changed = [(body, text) for body, text in enumerate(self.texts) if text != self.item.bodies[body].text]
        read = any(passage.blocks for passage in self.passages)
        return Outcome(tuple(changed), title, tuple(_cuts(self)), read)

    def spent(self, body: int) -> tuple[int, int]:
        """Visible characters of a body as published, and how many of them have been cut."""
        shown = [one for one in self.judged[body] if one.block.kind is not Kind.GLUE]
        gone = sum([len(one.block.text) for one in shown if one.decision.action is Action.CUT])
        return sum([len(one.block.text) for one in shown]), gone


@dataclass(frozen=True, slots=True)
class Reading:
    """One field, as its blocks are given to the model, and what the model said."""

    draft: Draft
    body: int
    given: list[Verdict]

    @property
    def passage(self) -> Passage:
        """The blocks that are judged."""
        return self.draft.passages[self.body]

    @property
    def partition(self) -> Partition:
        """All of its blocks."""
        return self.draft.partitions[self.body]


def length(passage: Passage) -> int:
    """Visible characters of its blocks."""
    return sum(len(block.text) for block in passage.blocks)


def _cuts(draft: Draft) -> Iterator[Cut]:
    """What was done to an item's blocks, in order."""
    for body, found in zip(draft.item.bodies, draft.judged, strict=True):
        for position, one in enumerate(found):
            decision, block = one.decision, one.block
            if decision.action is Action.KEEP or decision.label is None:
                continue
            done = (decision.action, decision.label, decision.probability)
            clues = decision.verdict.clues if decision.verdict else ()
            yield Cut(draft.item.key, body.name, position, *done, clues, block.text, block.source)
