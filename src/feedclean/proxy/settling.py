"""Verdicts that do not depend on the advertisements beside a block.

A block is judged where it stands. What the model takes for advertising is then taken away and the rest judged again,
until nothing more goes; the last verdict counts. `cleaning.py` goes on in the same way, so this costs no more, and one
question to the judge then answers what several passes would.
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
    """Verdicts about all blocks that none is given for, each as if the advertisements around it were gone."""
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
        lost: set[int] = set()
        for number, part, verdicts in zip(chosen, parts, model.judge(parts), strict=True):
            if number not in changed:
                continue
            for block, verdict in zip(left[number], verdicts, strict=True):
                if (number, block) not in given:
                    found[number, block] = verdict
            known = [given.get((number, block)) or found[number, block] for block in left[number]]
            decisions = policy.decide(part.blocks, known, model.thresholds)
            kept = [block for block, one in zip(left[number], decisions, strict=True) if one.action is not Action.CUT]
            if len(kept) < len(left[number]):
                left[number] = kept
                if open_ones(number):
                    lost.add(number)
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
