"""What models do with files of labelled documents: the rows of `feedclean evaluate`, and their worst mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..judging.model import Model
from . import evaluation
from .corpus import LABELS, Example, files, load
from .evaluation import LABEL_MEASURES, Scored, measured

MISTAKES = 50
_FEW = 5  # documents of a style below which it has no row of its own


@dataclass(frozen=True)
class Examined:
    """A model, and what it says of the documents of a file."""

    file: str
    model: Model
    examples: Sequence[Example]
    blocks: Scored
    titles: Scored | None


def examine(
    paths: Sequence[Path], models: Sequence[Model], tell: Callable[[str], None] | None = None
) -> list[Examined]:
    """Have models judge files of labelled documents, file by file; `tell` is told of lines that are left out.

    Raises:
        CorpusError: a file cannot be used.
    """
    return [
        _examined(str(path), examples, model)
        for path in files(paths)
        for examples in (load([path], tell),)
        for model in models
    ]


def _examined(file: str, examples: Sequence[Example], model: Model) -> Examined:
    judged = [model.probabilities([example.passage]) for example in examples]
    blocks = evaluation.blocks_of(examples, np.vstack(judged) if judged else np.zeros((0, len(LABELS))))
    titled = [example for example in examples if example.title_label >= 0 and example.passage.title]
    titles = None
    if titled:
        titles = evaluation.titles_of(titled, model.title_probabilities([example.passage for example in titled]))
    return Examined(file, model, examples, blocks, titles)


def row(examined: Examined, mistakes: int = MISTAKES) -> dict[str, Any]:
    """The measures of a model on a file.

    Returns:
        `file`, `model`, `documents`, `blocks`, `cut_f1`, `editorial_cut` and `editorial_cut_characters` (what would be
        lost), `promo_recall_at` by loss, `pr_auc`, `calibration_error`, `labels`, `confusion` (blocks by label and by
        likeliest label), `languages` and `styles` (the same by each), `titles` where they are labelled, and the worst
        `mistakes`. Measures are objects with `value` and `interval`.
    """
    limits, scored = examined.model.thresholds, examined.blocks
    found: dict[str, Any] = {
        "file": examined.file,
        "model": examined.model.name,
        "documents": len(examined.examples),
        **_part(scored, limits),
        "confusion": confusion(scored),
    }
    languages = sorted(set(scored.languages.tolist()))
    found["languages"] = {one: _part(scored.where(scored.languages == one), limits) for one in languages}
    styles = sorted({one for one in scored.styles.tolist() if len(set(scored.documents[scored.styles == one])) >= _FEW})
    found["styles"] = {one: _brief(scored.where(scored.styles == one), limits) for one in styles}
    if examined.titles is not None:
        titles = examined.titles
        found["titles"] = {"titles": len(titles.labels), "roc_auc": measured(titles, evaluation.roc_auc)}
    found["mistakes"] = worst(examined, mistakes)
    return found


def _part(scored: Scored, limits: Mapping[str, float]) -> dict[str, Any]:
    return {**evaluation.block_row(scored, limits), **_brief(scored, limits), "labels": _labels(scored)}


def _brief(scored: Scored, limits: Mapping[str, float]) -> dict[str, Any]:
    def acting(measure: Callable[[Scored, Any], float]) -> dict[str, Any]:
        return measured(scored, lambda s: measure(s, evaluation.acted(s, limits)))

    return {
        "blocks": len(scored.labels),
        "cut_f1": acting(evaluation.cut_f1),
        "editorial_cut": acting(evaluation.editorial_cut),
        "editorial_cut_characters": acting(evaluation.editorial_cut_characters),
        "pr_auc": measured(scored, evaluation.pr_auc),
    }


def _labels(scored: Scored) -> dict[str, dict[str, Any]]:
    """With intervals: for files, not for the folds of a whole corpus, where it takes minutes."""
    return {
        label.value: {
            "blocks": int((scored.labels == place).sum()),
            **{
                name: measured(scored, partial(evaluation.of_label, place=place, which=which))
                for which, name in enumerate(LABEL_MEASURES)
            },
            "pr_auc": measured(scored, partial(evaluation.pr_auc_of, place=place)),
        }
        for place, label in enumerate(LABELS)
    }


def confusion(scored: Scored) -> dict[str, dict[str, int]]:
    """Numbers of blocks, by their label and by the likeliest label."""
    guess = scored.probabilities.argmax(axis=1)
    return {
        true.value: {
            taken.value: int(((scored.labels == here) & (guess == there)).sum()) for there, taken in enumerate(LABELS)
        }
        for here, true in enumerate(LABELS)
    }


def worst(examined: Examined, most: int = MISTAKES) -> list[dict[str, Any]]:
    """Blocks that would be cut or kept wrongly, the surest mistakes first, with what decided.

    Editorial blocks that would be lost stand before advertisements that would be missed when both are as sure.
    """
    scored = examined.blocks
    act, cut = evaluation.acting(scored), evaluation.acted(scored, examined.model.thresholds)
    truth = evaluation.advertising(scored)
    wrong = np.flatnonzero(cut != truth)
    order = wrong[np.lexsort((wrong, ~cut[wrong], -np.abs(act[wrong] - truth[wrong]).round(2)))][:most]
    found = []
    for place in order.tolist():
        example, block = examined.examples[int(scored.documents[place])], int(scored.places[place])
        (clues,) = examined.model.clues([example.passage], [(0, block)])
        found.append(
            {
                "document": example.id,
                "block": block,
                "style": example.style,
                "label": LABELS[int(scored.labels[place])].value,
                "guess": LABELS[int(scored.probabilities[place].argmax())].value,
                "cut": bool(cut[place]),
                "probability": round(float(act[place]), 4),
                "unsure": bool(example.unsure[block]),
                "clues": [clue.text for clue in clues],
                "text": example.passage.blocks[block].text,
            }
        )
    return found


def numbers(measures: Mapping[str, Any]) -> dict[str, Any]:
    """A row for programs: measures as bare numbers, their intervals under the same names in `intervals`.

    Languages and other parts are rows of their own, with `intervals` of their own.
    """
    bare: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for name, value in measures.items():
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
