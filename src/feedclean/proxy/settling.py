"""Verdicts that do not depend on the advertisements beside a block.

A block is judged where it stands. What the model takes for advertising is then taken away and the rest judged again,
until nothing more goes; the last verdict counts. `cleaning.py` goes on in the same way, so this costs no more, and one
question to the judge then answers what several passes would. Why something goes is asked before it does: the model has
just read all that it goes by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..cleaning import Judge
from ..judging.policy import Policy
from ..types import Action, Passage, Verdict

Spot = tuple[int, int]  # passage and block

_ROUNDS = 8  # far more than any feed seen needed
COMPANY = 12  # passages that are read with new ones, since repetition is evidence (D9); few, since that costs time


def settle(model: Judge, passages: Sequence[Passage], given: Mapping[Spot, Verdict]) -> dict[Spot, Verdict]:
    """Verdicts about all blocks that none is given for, each as if the advertisements around it were gone.

    Those by which a block goes have their clues.
    """
    left = [list(range(len(passage.blocks))) for passage in passages]
    found: dict[Spot, Verdict] = {}
    policy = Policy()

    def open_ones(number: int) -> bool:
        return any((number, block) not in given for block in left[number])

    changed = {number for number in range(len(passages)) if open_ones(number)}
    for _ in range(_ROUNDS):
        if not changed:
            break
        chosen = with_company(changed, len(passages))
        parts = [_part(passages[number], left[number]) for number in chosen]
        gone: list[tuple[Spot, Spot]] = []  # among `passages`, and among `parts`
        lost: set[int] = set()
        for place, (number, part, verdicts) in enumerate(zip(chosen, parts, model.judge(parts), strict=True)):
            if number not in changed:
                continue
            for block, verdict in zip(left[number], verdicts, strict=True):
                if (number, block) not in given:
                    found[number, block] = verdict
            known = [given.get((number, block)) or found[number, block] for block in left[number]]
            actions = [one.action for one in policy.decide(part.blocks, known, model.thresholds)]
            if Action.CUT in actions:
                acted = list(zip(left[number], actions, strict=True))
                gone += [
                    ((number, block), (place, spot))
                    for spot, (block, action) in enumerate(acted)
                    if action is Action.CUT
                ]
                left[number] = [block for block, action in acted if action is not Action.CUT]
                if open_ones(number):
                    lost.add(number)
        new = {spot: asked for spot, asked in gone if spot in found}
        if new:
            for spot, clues in zip(new, model.clues(parts, list(new.values())), strict=True):
                found[spot] = replace(found[spot], clues=clues)
        changed = lost
    return found


def with_company(numbers: set[int], count: int) -> list[int]:
    """Some passages, and the first few of the others."""
    others = [number for number in range(count) if number not in numbers][:COMPANY]
    return sorted([*numbers, *others])


def _part(passage: Passage, blocks: Sequence[int]) -> Passage:
    if len(blocks) == len(passage.blocks):
        return passage
    return replace(passage, blocks=tuple(passage.blocks[block] for block in blocks))
