"""How good a model is: on blocks and titles it had not seen, with intervals, by language.

The measures, all about *acting* (cutting what is labelled `promo` or `teaser`):

- cut-or-keep F1: precision and recall of acting against the labels;
- editorial cut: the share of editorial blocks that would be lost;
- promo recall at q: the share of promo blocks found at the threshold that loses the share q of editorial blocks.

Intervals are 95 % percentile bootstraps over documents, because the blocks of a document are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Label
from .corpus import LABELS, UNLABELLED, Example

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]

_EDITORIAL, _PROMO, _TEASER = 0, 1, 2
_ROUNDS = 200
_HALF = {"promo": 0.5, "teaser": 0.5}
LOSSES = (0.001, 0.005, 0.01)


@dataclass(frozen=True)
class Scored:
    """Probabilities beside the truth, for every block or title."""

    probabilities: Matrix  # (rows, labels)
    labels: Ints
    documents: Ints  # number of the document of each row
    languages: NDArray[np.str_]
    styles: NDArray[np.str_]
    characters: Ints  # visible ones
    places: Ints  # of each block in its document

    def where(self, rows: NDArray[np.bool_] | Ints) -> Scored:
        """The rows of a mask, or some rows by number."""
        return Scored(*(getattr(self, one.name)[rows] for one in fields(self)))


def blocks_of(examples: Sequence[Example], probabilities: Matrix) -> Scored:
    """The labelled blocks of documents, with the probabilities given to all blocks in order."""
    sizes = [len(example.labels) for example in examples]
    scored = Scored(
        probabilities,
        np.array([label for example in examples for label in example.labels]),
        np.repeat(np.arange(len(examples)), sizes),
        np.repeat(np.array([example.language for example in examples]), sizes),
        np.repeat(np.array([example.style for example in examples]), sizes),
        np.array([len(block.text) for example in examples for block in example.passage.blocks], np.int64),
        np.concatenate([np.arange(size) for size in sizes] or [np.zeros(0, np.int64)]),
    )
    return scored.where(scored.labels != UNLABELLED)


def titles_of(examples: Sequence[Example], probabilities: Matrix) -> Scored:
    """The titles of documents, with the probabilities given to them."""
    return Scored(
        probabilities,
        np.array([example.title_label for example in examples]),
        np.arange(len(examples)),
        np.array([example.language for example in examples]),
        np.array([example.style for example in examples]),
        np.array([len(example.passage.title) for example in examples]),
        np.zeros(len(examples), np.int64),
    )


def acted(scored: Scored, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """Which blocks the default policy would cut."""
    pair = scored.probabilities[:, [_PROMO, _TEASER]]
    limit = np.where(pair[:, 0] >= pair[:, 1], thresholds["promo"], thresholds["teaser"])
    result: NDArray[np.bool_] = pair.sum(axis=1) >= limit
    return result


def cut_f1(scored: Scored, cut: NDArray[np.bool_]) -> float:
    """F1 of cutting against the labels."""
    truth = advertising(scored)
    hits = float((truth & cut).sum())
    return 2 * hits / max(float(truth.sum() + cut.sum()), 1.0)


def editorial_cut(scored: Scored, cut: NDArray[np.bool_]) -> float:
    """Share of editorial blocks that are cut."""
    editorial = scored.labels == _EDITORIAL
    return float(cut[editorial].mean()) if editorial.any() else 0.0


def editorial_cut_characters(scored: Scored, cut: NDArray[np.bool_]) -> float:
    """The same by characters: share of the editorial text that is cut."""
    editorial = scored.labels == _EDITORIAL
    return float(scored.characters[editorial & cut].sum()) / max(float(scored.characters[editorial].sum()), 1.0)


def precision_recall(score: Matrix, truth: NDArray[np.bool_]) -> tuple[Matrix, Matrix, Matrix]:
    """Precision and recall of taking all rows from a score on, and those scores, highest first."""
    if not len(score):
        return np.ones(0), np.zeros(0), np.zeros(0)
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # rows of one score are taken together
    hits = np.cumsum(truth[order])[last]
    return hits / (last + 1.0), hits / max(float(truth.sum()), 1.0), score[order][last]


def pr_auc(scored: Scored) -> float:
    """Area under precision over recall of acting, as average precision."""
    return _average_precision(acting(scored), advertising(scored))


def pr_auc_of(scored: Scored, place: int) -> float:
    """The same of a label against all others."""
    return _average_precision(scored.probabilities[:, place], scored.labels == place)


def _average_precision(score: Matrix, truth: NDArray[np.bool_]) -> float:
    precision, recall, _ = precision_recall(score, truth)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def acting(scored: Scored) -> Matrix:
    """Probability of acting being right, of every block."""
    result: Matrix = np.clip(scored.probabilities[:, _PROMO] + scored.probabilities[:, _TEASER], 0, 1)
    return result


def advertising(scored: Scored) -> NDArray[np.bool_]:
    """Which blocks should be acted upon."""
    result: NDArray[np.bool_] = (scored.labels == _PROMO) | (scored.labels == _TEASER)
    return result


def promo_recall_at(scored: Scored, loss: float) -> float:
    """Share of promo blocks above the score that at most `loss` of the editorial blocks exceed."""
    score = scored.probabilities[:, _PROMO] + scored.probabilities[:, _TEASER]
    editorial = np.sort(score[scored.labels == _EDITORIAL])[::-1]
    promo = score[scored.labels == _PROMO]
    if not len(editorial) or not len(promo):
        return 0.0
    return float((promo > editorial[min(int(loss * len(editorial)), len(editorial) - 1)]).mean())


def roc_auc(scored: Scored) -> float:
    """Area under the ROC curve for titles (the Mann-Whitney statistic)."""
    from sklearn.metrics import roc_auc_score

    if len(set(scored.labels.tolist())) < 2:
        return 0.0
    return float(roc_auc_score(scored.labels, scored.probabilities[:, 1]))


def calibration_error(scored: Scored, bins: int = 15) -> float:
    """Expected calibration error of the probability of acting, over bins of equal width."""
    score, truth = acting(scored), advertising(scored)
    place = np.minimum((score * bins).astype(int), bins - 1)
    error = 0.0
    for number in range(bins):
        inside = place == number
        if inside.any():
            error += inside.mean() * abs(float(score[inside].mean()) - float(truth[inside].mean()))
    return float(error)


def threshold(scored: Scored, labels: Sequence[Label], loss: float) -> float:
    """The lowest probability, from one half on, at which acting loses no more than it may.

    Args:
        scored: blocks that the model had not seen.
        labels: those that are acted upon.
        loss: the share of editorial blocks that may be lost.

    Returns:
        The threshold, rounded up to four digits; 0.98 where there is nothing to go by.
    """
    places = [LABELS.index(label) for label in labels]
    lost = scored.labels == _EDITORIAL
    if _EDITORIAL in places or not np.isin(scored.labels, places).any() or not lost.any():
        return 0.98
    score = np.sort(scored.probabilities[lost][:, places].sum(axis=1))[::-1]
    # What has just this score must not be acted upon, so the threshold lies above it, rounded up.
    first_spared = float(score[min(int(loss * len(score)), len(score) - 1)])
    return min(max(math.floor(first_spared * 1e4 + 1) / 1e4, 0.5), 0.98)


def cost_at(scored: Scored, limit: float, width: float = 0.05) -> float:
    """How many advertisements are found for each editorial block lost, among the blocks that score about `limit`.

    That is the price at which the threshold would be just right.
    """
    score = scored.probabilities[:, [_PROMO, _TEASER]].sum(axis=1)
    near = np.abs(score - limit) <= width
    found = near & ((scored.labels == _PROMO) | (scored.labels == _TEASER))
    lost = near & (scored.labels == _EDITORIAL)
    return round(float(found.sum()) / max(float(lost.sum()), 1.0), 1)


def title_threshold(scored: Scored) -> float:
    """The probability from which 95 % of the titles taken for clickbait are: a mark on a plain title annoys."""
    order = np.argsort(-scored.probabilities[:, 1], kind="stable")
    precision = np.cumsum(scored.labels[order] == 1) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(precision >= 0.95)
    if not len(good):
        return 0.98
    return round(max(float(scored.probabilities[order[good[-1]], 1]), 0.5), 4)


def interval(scored: Scored, measure: Callable[[Scored], float], rounds: int = _ROUNDS) -> list[float]:
    """95 % percentile bootstrap interval of a measure, resampling documents."""
    documents = np.unique(scored.documents)
    if len(documents) < 2:
        return [measure(scored)] * 2
    rows = [np.flatnonzero(scored.documents == document) for document in documents]
    random = np.random.default_rng(0)
    values = []
    for _ in range(rounds):
        drawn = np.concatenate([rows[i] for i in random.integers(len(rows), size=len(rows))])
        values.append(measure(scored.where(drawn)))
    return [round(float(value), 4) for value in np.percentile(values, [2.5, 97.5])]


def measured(scored: Scored, measure: Callable[[Scored], float]) -> dict[str, Any]:
    """A measure with its interval."""
    return {"value": round(measure(scored), 4), "interval": interval(scored, measure)}


def block_row(scored: Scored, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """The measures of a set of blocks, each with its interval, and precision, recall and F1 by label."""
    return {
        "blocks": len(scored.labels),
        "cut_f1": measured(scored, lambda s: cut_f1(s, acted(s, thresholds))),
        "cut_f1_at_half": measured(scored, lambda s: cut_f1(s, acted(s, _HALF))),
        "editorial_cut": measured(scored, lambda s: editorial_cut(s, acted(s, thresholds))),
        "promo_recall_at": {str(loss): measured(scored, partial(promo_recall_at, loss=loss)) for loss in LOSSES},
        "calibration_error": round(calibration_error(scored), 4),
        "labels": _by_label(scored),
    }


def _by_label(scored: Scored) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of each label, the likeliest label of a block being the guess."""
    return {
        label.value: {
            "blocks": int((scored.labels == place).sum()),
            **{name: round(of_label(scored, place, which), 4) for which, name in enumerate(LABEL_MEASURES)},
        }
        for place, label in enumerate(LABELS)
    }


LABEL_MEASURES = ("precision", "recall", "f1")


def of_label(scored: Scored, place: int, which: int) -> float:
    """Precision, recall or F1 of a label, the likeliest label of a block being the guess."""
    guessed, there = scored.probabilities.argmax(axis=1) == place, scored.labels == place
    hits = float((guessed & there).sum())
    precision, recall = hits / max(float(guessed.sum()), 1.0), hits / max(float(there.sum()), 1.0)
    return (precision, recall, 2 * precision * recall / max(precision + recall, 1e-9))[which]


def summary(blocks: Scored, titles: Scored, real: NDArray[np.bool_], limits: Mapping[str, float]) -> dict[str, Any]:
    """What the card says about the folds: blocks and titles, together, by origin and by language.

    Args:
        blocks: out of fold.
        titles: out of fold.
        real: which of the blocks are of real documents.
        limits: the thresholds, by label.
    """
    result: dict[str, Any] = {
        "blocks": block_row(blocks, limits),
        "titles": {"titles": len(titles.labels), "roc_auc": measured(titles, roc_auc)},
        "by_origin": {},
        "by_language": {},
    }
    for name, mask in (("written", ~real), ("real", real)):
        if mask.any():
            result["by_origin"][name] = block_row(blocks.where(mask), limits)
    for language in sorted(set(blocks.languages.tolist())):
        own = blocks.where(blocks.languages == language)
        row = block_row(own, limits)
        own_titles = titles.where(titles.languages == language)
        if len(own_titles.labels):
            row["title_roc_auc"] = measured(own_titles, roc_auc)
        result["by_language"][language] = row
    return result
