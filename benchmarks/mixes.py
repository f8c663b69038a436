"""Paragraphs of news with a pitch put behind them: how many go as a whole, are marked, and are not found.

Every editorial paragraph of some length gets, in turn, a pitch of one sentence from another document of the same file
behind it. What looking for them costs is told beside it: news without a pitch that is marked, and advertising that is.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from common import ROOT

if TYPE_CHECKING:
    from feedclean.learning.corpus import Example
    from feedclean.types import Decision

_LEAST, _PITCH = 120, range(26, 250)  # characters of a paragraph, and of a pitch


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, action="append", help="labelled documents that no training has seen")
    parser.add_argument("--json", action="store_true", help="print JSON, an object a line")
    options = parser.parse_args()
    from feedclean.judging import mixes
    from feedclean.judging.policy import Policy
    from feedclean.learning import corpus
    from feedclean.model_files import load_model
    from feedclean.types import Action

    model, policy = load_model(ROOT / "models/default"), Policy()

    def decided(example: Example) -> list[Decision]:
        passage = example.passage
        found = policy.decide(passage.blocks, model.judge([passage])[0], model.thresholds)
        if not (asked := mixes.doubtful(passage.blocks, found)):
            return found
        given = mixes.mixed(asked, model.judge([mixes.taken_apart(passage, asked)])[0])
        by_text = {passage.blocks[place].text: mix for place, mix in given.items()}
        return mixes.marked(passage.blocks, found, by_text, policy, model.thresholds)

    def told(decision: Decision) -> str:
        if decision.guard == mixes.GUARD:
            return "marked, not cut"
        if decision.guard == mixes.HOLDS:
            return "marked, not kept"
        return "cut" if decision.action is Action.CUT else "kept"

    for path in options.data or sorted((ROOT / "training_data/real/dev").glob("*.jsonl")):
        examples = corpus.load([path])
        chance = random.Random(0)  # noqa: S311 - nothing secret
        pitches = [
            (number, block.text)
            for number, example in enumerate(examples)
            for block, label in zip(example.passage.blocks, example.labels, strict=True)
            if corpus.LABELS[label] == "promo" and len(block.text) in _PITCH and len(mixes.sentences(block.text)) == 1
        ]
        advertising, plain, mixed = Counter[str](), Counter[str](), Counter[str]()
        for number, example in enumerate(examples):
            others = [text for other, text in pitches if other != number]
            blocks = example.passage.blocks
            for place, (label, decision) in enumerate(zip(example.labels, decided(example), strict=True)):
                if corpus.LABELS[label] in ("promo", "teaser"):
                    advertising[told(decision)] += 1
                if corpus.LABELS[label] == "editorial" and len(blocks[place].text) >= _LEAST and others:
                    plain[told(decision)] += 1
                    tipped = replace(blocks[place], text=f"{blocks[place].text} {chance.choice(others)}")
                    passage = replace(example.passage, blocks=(*blocks[:place], tipped, *blocks[place + 1 :]))
                    mixed[told(decided(replace(example, passage=passage))[place])] += 1
        row = {"news": dict(plain), "news with a pitch": dict(mixed), "advertising": dict(advertising)}
        if options.json:
            print(json.dumps({"file": path.name, **row}))
        else:
            print("\n".join([path.name, *(f"  {name:<18} {counts}" for name, counts in row.items())]))


if __name__ == "__main__":
    main()
