"""What more data would bring: models trained on shares of the styles, scored on styles and publishers left out of all.

The written styles and the real publishers are thinned apart, so that the table tells which of them is missing. A fifth
of each is left out for scoring; a share of the others is a share of the styles, not of the documents, and each smaller
share lies within the larger one.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import ROOT

if TYPE_CHECKING:
    from feedclean.learning.corpus import Example

SHARES = ((1.0, 1.0), (0.5, 1.0), (0.25, 1.0), (1.0, 0.5), (1.0, 0.25), (0.5, 0.5), (0.25, 0.25))
_LEFT_OUT = 0.2


def main() -> None:
    """Train, score and print, a row as soon as it is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON, an object a line, instead of the table")
    options = parser.parse_args()
    from feedclean.learning import corpus
    from feedclean.learning.training import Recipe, train_on

    examples = [one for one in corpus.load([ROOT / "training_data"]) if one.passage.blocks]
    left_out = [one for one in examples if _place(one) < _LEFT_OUT]
    tests = {"written": [one for one in left_out if not one.real], "real": [one for one in left_out if one.real]}
    for path in sorted((ROOT / "training_data/real/dev").glob("*.jsonl")):
        tests[path.stem] = corpus.load([Path(path)])
    tests = {name: found for name, found in tests.items() if found}
    if not options.json:
        print("F1 of cutting at 0.5, promo recall at 0.5 % editorial cut, average precision")
        print(f"{'written':>8}{'real':>7}{'blocks':>9}" + "".join(f"{name:>24}" for name in tests), flush=True)
    for written, real in SHARES:
        chosen = [one for one in examples if _LEFT_OUT <= _place(one) < _upto(real if one.real else written)]
        recipe = Recipe(folds=3, fits=2, fold_fits=1, jobs=options.jobs)
        trained = train_on(chosen, recipe=recipe, say=lambda _: None)
        scores = {name: _scored(found, trained.arrays, trained.card) for name, found in tests.items()}
        blocks = sum(len(one.labels) for one in chosen)
        if options.json:
            print(json.dumps({"written": written, "real": real, "blocks": blocks, **scores}), flush=True)
            continue
        told = "".join(f"{s['cut_f1']:10.3f}{s['promo_recall']:7.2f}{s['pr_auc']:7.3f}" for s in scores.values())
        print(f"{written:>8.0%}{real:>7.0%}{blocks:>9}{told}", flush=True)


def _place(example: Example) -> float:
    """Where a style stands among all, from 0 to 1: by its name, so that it stays there whatever comes."""
    return zlib.crc32(example.style.encode()) / 2**32


def _upto(share: float) -> float:
    return _LEFT_OUT + share * (1 - _LEFT_OUT)


def _scored(examples: Sequence[Example], arrays: dict[str, Any], card: dict[str, Any]) -> dict[str, float]:
    import numpy as np

    from feedclean.judging.model import Model
    from feedclean.learning import evaluation

    model = Model(arrays, {**card, "weights": {"sha256": ""}})
    scored = evaluation.blocks_of(examples, np.vstack([model.probabilities([one.passage]) for one in examples]))
    cut = evaluation.acted(scored, {"promo": 0.5, "teaser": 0.5})
    return {
        "cut_f1": evaluation.cut_f1(scored, cut),
        "promo_recall": evaluation.promo_recall_at(scored, 0.005),
        "pr_auc": evaluation.pr_auc(scored),
    }


if __name__ == "__main__":
    main()
