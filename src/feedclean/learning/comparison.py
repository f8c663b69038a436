"""Whether a model may take another one's place, and what it would decide otherwise.

On documents that neither has seen, both judge the same blocks; a paired bootstrap over documents says how far each
difference may be chance. Where there are no such documents, the folds of the two trainings are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cleaning import Judge, clean_document
from ..formats.sniff import open_document
from ..judging.model import Model
from ..types import Action, Label
from . import evaluation
from .corpus import LABELS, UNLABELLED, Example
from .evaluation import Scored

_ROUNDS = 500
_POINT = 0.01  # by how much precision or recall may fall
Cut = NDArray[np.bool_]


@dataclass(frozen=True)
class Difference:
    """One measure of two models."""

    measure: str
    before: float
    after: float
    interval: tuple[float, float]  # of the difference, 95 %

    @property
    def by(self) -> float:
        """How much it has risen."""
        return self.after - self.before


@dataclass(frozen=True)
class Flip:
    """A block about which two models decide differently."""

    place: str  # document and block
    before: Action
    after: Action
    probabilities: tuple[float, float]  # of acting being right
    text: str
    label: str = ""  # what it is, where that is known


def precision(scored: Scored, cut: Cut) -> float:
    """Share of what is cut that should be; 1 where nothing is cut, since then nothing is cut wrongly."""
    return float(evaluation.advertising(scored)[cut].mean()) if cut.any() else 1.0


def recall(scored: Scored, cut: Cut) -> float:
    """Share of what should be cut that is."""
    truth = evaluation.advertising(scored)
    return float(cut[truth].mean()) if truth.any() else 1.0


_MEASURES: Mapping[str, Callable[[Scored, Cut], float]] = {
    "editorial_cut": evaluation.editorial_cut,
    "editorial_cut_characters": evaluation.editorial_cut_characters,
    "precision": precision,
    "recall": recall,
}
_TOLD = {"editorial_cut": "editorial blocks lost", "editorial_cut_characters": "editorial text lost"}


def missing(examples: Sequence[Example]) -> str:
    """The labels without which documents cannot tell which of two models is better; "" if they have what it takes."""
    there = {LABELS[label] for example in examples for label in example.labels if label != UNLABELLED}
    needed = ({Label.EDITORIAL}, {Label.PROMO, Label.TEASER})
    return ", or ".join(" or ".join(sorted(labels)) for labels in needed if not labels & there)


def compare(examples: Sequence[Example], before: Model, after: Model) -> list[Difference]:
    """Differences between two models on documents that neither has seen."""
    found = [_decided(examples, model) for model in (before, after)]
    scored = found[0][0]
    documents = np.unique(scored.documents)
    rows = [np.flatnonzero(scored.documents == document) for document in documents]
    random = np.random.default_rng(0)
    draws: dict[str, list[float]] = {name: [] for name in _MEASURES}
    for _ in range(_ROUNDS if len(rows) > 1 else 0):
        drawn = np.concatenate([rows[place] for place in random.integers(len(rows), size=len(rows))])
        some = scored.where(drawn)
        for name, measure in _MEASURES.items():
            draws[name].append(measure(some, found[1][1][drawn]) - measure(some, found[0][1][drawn]))
    differences = []
    for name, measure in _MEASURES.items():
        one, other = (measure(scored, cut) for _, cut in found)
        low, high = np.percentile(draws[name], [2.5, 97.5]).tolist() if draws[name] else [other - one] * 2
        differences.append(Difference(name, one, other, (low, high)))
    return differences


def compare_folds(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """The same from the cards of two models; their folds differ, so the intervals are those of unpaired samples."""
    found = []
    for name in ("editorial_cut", "cut_f1"):
        one, other = (card["folds"]["blocks"][name] for card in (before, after))
        spread = [(own["interval"][1] - own["interval"][0]) / 2 for own in (one, other)]
        by, half = other["value"] - one["value"], float(np.hypot(*spread))
        found.append(Difference(name, one["value"], other["value"], (by - half, by + half)))
    return found


def objections(differences: Sequence[Difference]) -> list[str]:
    """Why a model should not take the other's place; none if it may.

    What is lost of the news may not grow beyond chance. Precision and recall (where there are only folds: F1) may not
    fall by more than a point, whether that is chance or not: to lose quality unnoticed is worse than to be asked.
    """
    found = []
    for one in differences:
        low, high = one.interval
        if one.measure in _TOLD and low > 0:
            told = f"{_TOLD[one.measure]}: {one.before:.1%} before, {one.after:.1%} now"
            found.append(f"{told}, {low * 100:.1f} to {high * 100:.1f} points more")
        if one.measure not in _TOLD and one.by < -_POINT:
            told = f"{one.measure} falls by {-one.by * 100:.1f} points, {one.before:.1%} to {one.after:.1%}"
            found.append(f"{told}; by chance it may be {low * 100:+.1f} to {high * 100:+.1f}")
    return found


def flips(examples: Sequence[Example], before: Model, after: Model) -> list[Flip]:
    """Blocks of labelled documents that one of two models would cut and the other not."""
    (one, cut), (other, now) = (_decided(examples, model) for model in (before, after))
    blocks = [
        (examples[document], place) for document, place in zip(one.documents.tolist(), one.places.tolist(), strict=True)
    ]
    was, is_ = evaluation.acting(one), evaluation.acting(other)
    return [
        Flip(
            f"{blocks[row][0].id}:{blocks[row][1]}",
            Action.CUT if cut[row] else Action.KEEP,
            Action.CUT if now[row] else Action.KEEP,
            (round(float(was[row]), 4), round(float(is_[row]), 4)),
            blocks[row][0].passage.blocks[blocks[row][1]].text,
            LABELS[int(one.labels[row])].value,
        )
        for row in np.flatnonzero(cut != now).tolist()
    ]


def flips_in(content: bytes, where: str, before: Judge, after: Judge) -> tuple[int, list[Flip]]:
    """How many items a document has, and the blocks of it with which two models would do different things.

    Raises:
        FormatError: it cannot be cleaned.
    """
    cleaned = [clean_document(open_document(content, where=where, url=where), model=one) for one in (before, after)]
    found: list[Flip] = []
    for item, other in zip(cleaned[0].items, cleaned[1].items, strict=True):
        for body, again in zip(item.bodies, other.bodies, strict=True):
            for place, (one, two) in enumerate(zip(body, again, strict=True)):
                if one.decision.action is not two.decision.action:
                    chances = (round(one.decision.probability, 4), round(two.decision.probability, 4))
                    key = f"{where} {item.item.key}:{place}"
                    found.append(Flip(key, one.decision.action, two.decision.action, chances, one.block.text))
    return len(cleaned[0].items), found


def _decided(examples: Sequence[Example], model: Model) -> tuple[Scored, Cut]:
    judged = [model.probabilities([example.passage]) for example in examples]
    scored = evaluation.blocks_of(examples, np.vstack(judged) if judged else np.zeros((0, len(LABELS))))
    return scored, evaluation.acted(scored, model.thresholds)
