"""Floors under the quality of the shipped model: `quality.json`, and how it is written anew.

    make floors                                # after a retraining: floors rise with what is measured, never sink
    python -m tests.quality.floors --lower     # they may sink, too; say in the commit why

Each set of floors has the digest of the data that it was measured on. The folds are those of the model's card, and
documents written to be held out are part of the repository, so they can be checked anywhere; the held-out real pages only
where they have been fetched. A floor lies a little below what was
measured, so that another processor's last bits break nothing.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
QUALITY = ROOT / "quality.json"
HELD_OUT = (ROOT / "training_data" / "held_out", ROOT / "training_data" / "real" / "dev")
Floors = dict[str, float]


@dataclass(frozen=True)
class Measure:
    """Something that must not get worse."""

    path: tuple[str, ...]  # in a card's folds, or in a row of an evaluation
    most: bool = False  # whether it is a ceiling
    slack: float = 0.01

    @property
    def name(self) -> str:
        """As the file has it."""
        return ".".join(self.path) + (" at most" if self.most else " at least")

    def of(self, row: Mapping[str, Any]) -> float:
        """Its value in a row."""
        found: Any = row
        for key in self.path:
            found = found[key]
        return float(found["value"] if isinstance(found, Mapping) else found)

    def floor(self, value: float) -> float:
        """The floor for a value, to a thousandth."""
        if self.most:
            return math.ceil((value + self.slack) * 1000 - 1e-6) / 1000
        return math.floor((value - self.slack) * 1000 + 1e-6) / 1000

    def holds(self, value: float, floor: float) -> bool:
        """Whether a value is good enough."""
        return value <= floor if self.most else value >= floor

    def stricter(self, one: float, other: float) -> float:
        """The stricter of two floors."""
        return min(one, other) if self.most else max(one, other)


OF_FOLDS = (
    Measure(("by_origin", "written", "cut_f1_at_half")),
    Measure(("by_origin", "written", "editorial_cut"), most=True, slack=0.003),
    Measure(("by_origin", "real", "cut_f1")),
    Measure(("by_origin", "real", "editorial_cut"), most=True, slack=0.0),
    Measure(("by_language", "de", "cut_f1")),
    Measure(("by_language", "en", "cut_f1")),
    Measure(("titles", "roc_auc")),
    Measure(("blocks", "calibration_error"), most=True, slack=0.01),
)
OF_FILES = (
    Measure(("cut_f1",), slack=0.02),
    Measure(("pr_auc",), slack=0.02),
    Measure(("editorial_cut",), most=True, slack=0.003),
    Measure(("editorial_cut_characters",), most=True, slack=0.003),
)


def of_folds() -> tuple[str, dict[str, float]]:
    """Digest of the data that the shipped model was trained on, and the measures of its folds."""
    card = json.loads((ROOT / "models" / "default" / "card.json").read_text("utf-8"))
    return card["data"]["sha256"], {one.name: one.of(card["folds"]) for one in OF_FOLDS}


def of_files() -> dict[str, tuple[str, dict[str, float]]]:
    """Digest and measures of each file of held-out documents that is there."""
    from feedclean.learning import corpus, examination
    from feedclean.model_files import load_model

    found = {}
    for examined in examination.examine([path for path in HELD_OUT if path.is_dir()], [load_model("default")]):
        row = examination.row(examined, 0)
        path = Path(examined.file)
        found[path.name] = corpus.digest([path]), {one.name: one.of(row) for one in OF_FILES}
    return found


def kept() -> dict[str, Any]:
    """What the file has."""
    found: dict[str, Any] = json.loads(QUALITY.read_text("utf-8"))
    return found


def renewed(old: Mapping[str, Any], lower: bool) -> dict[str, Any]:
    """The file for what is measured now."""

    def floors(before: Mapping[str, float], values: Mapping[str, float], measures: tuple[Measure, ...]) -> Floors:
        made = {one.name: one.floor(values[one.name]) for one in measures}
        if lower:
            return made
        return {one.name: one.stricter(made[one.name], before.get(one.name, made[one.name])) for one in measures}

    digest, values = of_folds()
    folds = {"data": digest, "floors": floors(old.get("folds", {}).get("floors", {}), values, OF_FOLDS)}
    files = dict(old.get("held_out", {}))
    for name, (sha256, measured) in of_files().items():
        files[name] = {"data": sha256, "floors": floors(files.get(name, {}).get("floors", {}), measured, OF_FILES)}
    return {"folds": folds, "held_out": files}


def main() -> None:
    """Write the file anew."""
    old = kept() if QUALITY.is_file() else {}
    new = renewed(old, "--lower" in sys.argv)
    QUALITY.write_text(json.dumps(new, indent=2) + "\n", encoding="utf-8")
    print(f"{QUALITY.name}: {'unchanged' if new == old else 'written'}")  # noqa: T201  a script


if __name__ == "__main__":
    main()
