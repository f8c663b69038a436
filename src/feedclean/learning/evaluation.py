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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..judging.model import Model
from ..types import Label
from .corpus import LABELS, Example, files, load

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

    def where(self, mask: NDArray[np.bool_]) -> Scored:
        """The rows of a mask."""
        return replace(
            self,
            probabilities=self.probabilities[mask],
            labels=self.labels[mask],
            documents=self.documents[mask],
            languages=self.languages[mask],
        )


def blocks_of(examples: Sequence[Example], probabilities: Matrix) -> Scored:
    """The blocks of documents, with the probabilities given to them in order."""
    sizes = [len(example.labels) for example in examples]
    return Scored(
        probabilities,
        np.array([label for example in examples for label in example.labels]),
        np.repeat(np.arange(len(examples)), sizes),
        np.repeat(np.array([example.language for example in examples]), sizes),
    )


def titles_of(examples: Sequence[Example], probabilities: Matrix) -> Scored:
    """The titles of documents, with the probabilities given to them."""
    return Scored(
        probabilities,
        np.array([example.title_label for example in examples]),
        np.arange(len(examples)),
        np.array([example.language for example in examples]),
    )


def acted(scored: Scored, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """Which blocks the default policy would cut."""
    pair = scored.probabilities[:, [_PROMO, _TEASER]]
    limit = np.where(pair[:, 0] >= pair[:, 1], thresholds["promo"], thresholds["teaser"])
    result: NDArray[np.bool_] = pair.sum(axis=1) >= limit
    return result


def cut_f1(scored: Scored, cut: NDArray[np.bool_]) -> float:
    """F1 of cutting against the labels."""
    truth = (scored.labels == _PROMO) | (scored.labels == _TEASER)
    hits = float((truth & cut).sum())
    return 2 * hits / max(float(truth.sum() + cut.sum()), 1.0)


def editorial_cut(scored: Scored, cut: NDArray[np.bool_]) -> float:
    """Share of editorial blocks that are cut."""
    editorial = scored.labels == _EDITORIAL
    return float(cut[editorial].mean()) if editorial.any() else 0.0


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
    score = np.clip(scored.probabilities[:, _PROMO] + scored.probabilities[:, _TEASER], 0, 1)
    truth = (scored.labels == _PROMO) | (scored.labels == _TEASER)
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
        values.append(
            measure(
                replace(
                    scored,
                    probabilities=scored.probabilities[drawn],
                    labels=scored.labels[drawn],
                    documents=scored.documents[drawn],
                    languages=scored.languages[drawn],
                )
            )
        )
    return [round(float(value), 4) for value in np.percentile(values, [2.5, 97.5])]


def _measured(scored: Scored, measure: Callable[[Scored], float]) -> dict[str, Any]:
    return {"value": round(measure(scored), 4), "interval": interval(scored, measure)}


def block_row(scored: Scored, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """The measures of a set of blocks, each with its interval, and precision, recall and F1 by label."""
    return {
        "blocks": len(scored.labels),
        "cut_f1": _measured(scored, lambda s: cut_f1(s, acted(s, thresholds))),
        "cut_f1_at_half": _measured(scored, lambda s: cut_f1(s, acted(s, _HALF))),
        "editorial_cut": _measured(scored, lambda s: editorial_cut(s, acted(s, thresholds))),
        "promo_recall_at": {str(loss): _measured(scored, partial(promo_recall_at, loss=loss)) for loss in LOSSES},
        "calibration_error": round(calibration_error(scored), 4),
        "labels": _by_label(scored),
    }


def _by_label(scored: Scored) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of each label, the likeliest label of a block being the guess."""
    return {
        label.value: {
            "blocks": int((scored.labels == place).sum()),
            **{name: round(_of_label(scored, place, which), 4) for which, name in enumerate(_LABEL_MEASURES)},
        }
        for place, label in enumerate(LABELS)
    }


def _by_label_with_intervals(scored: Scored) -> dict[str, dict[str, Any]]:
    """The same with intervals: for files, not for the folds of a whole corpus, where it takes minutes."""
    return {
        label.value: {
            "blocks": int((scored.labels == place).sum()),
            **{
                name: _measured(scored, partial(_of_label, place=place, which=which))
                for which, name in enumerate(_LABEL_MEASURES)
            },
        }
        for place, label in enumerate(LABELS)
    }


_LABEL_MEASURES = ("precision", "recall", "f1")


def _of_label(scored: Scored, place: int, which: int) -> float:
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
        "titles": {"titles": len(titles.labels), "roc_auc": _measured(titles, roc_auc)},
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
            row["title_roc_auc"] = _measured(own_titles, roc_auc)
        result["by_language"][language] = row
    return result


def evaluate(paths: Sequence[Path], model: Model) -> list[dict[str, Any]]:
    """Measure a model on files of labelled documents.

    Returns:
        An object for each file: `file`, `blocks`, `cut_f1`, `editorial_cut`, `promo_recall_at` by loss,
        `calibration_error`, `labels`, `languages` (the same by language) and, where titles are labelled, `titles`.
        Measures are objects with `value` and `interval`.

    Raises:
        CorpusError: a file cannot be used.
    """
    return [_evaluated(path, load([path]), model) for path in files(paths)]


def _evaluated(path: Path, examples: Sequence[Example], model: Model) -> dict[str, Any]:
    judged = [model.probabilities([example.passage]) for example in examples]
    scored = blocks_of(examples, np.vstack(judged) if judged else np.zeros((0, len(LABELS))))

    def row_of(own: Scored) -> dict[str, Any]:
        return {**block_row(own, model.thresholds), "labels": _by_label_with_intervals(own)}

    row: dict[str, Any] = {"file": str(path), "documents": len(examples), **row_of(scored)}
    languages = sorted(set(scored.languages.tolist()))
    row["languages"] = {language: row_of(scored.where(scored.languages == language)) for language in languages}
    titled = [example for example in examples if example.title_label >= 0 and example.passage.title]
    if titled:
        titles = titles_of(titled, model.title_probabilities([example.passage for example in titled]))
        row["titles"] = {"titles": len(titled), "roc_auc": _measured(titles, roc_auc)}
    return row


def numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `evaluate` for programs: measures as bare numbers, their intervals under the same names in `intervals`.

    Languages and other parts are rows of their own, with `intervals` of their own.
    """
    bare: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for name, value in row.items():
        if _is_measure(value):
            bare[name], intervals[name] = value["value"], value["interval"]
        elif isinstance(value, Mapping) and value and all(map(_is_measure, value.values())):
            bare[name] = {key: one["value"] for key, one in value.items()}
            intervals[name] = {key: one["interval"] for key, one in value.items()}
        else:
            bare[name] = numbers(value) if isinstance(value, Mapping) else value
    return {**bare, "intervals": intervals} if intervals else bare


def _is_measure(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"value", "interval"}
