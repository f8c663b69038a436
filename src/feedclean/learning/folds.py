"""Folds: which documents are tested together, so that no style is both learned from and tested on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ..errors import CorpusError
from . import corpus
from .corpus import Example

Ints = NDArray[np.int64]


def by_style(examples: Sequence[Example], folds: int, seed: int, say: Callable[[str], None]) -> tuple[Ints, int]:
    """A fold for every document, and how many folds there are.

    Documents of one style share theirs. Where all are of one style, documents are dealt out singly, which is said:
    scores are then about further documents of that style.

    Raises:
        CorpusError: there are too few documents, or some fold's training would lack a label.
    """
    styles = [example.style for example in examples]
    count = min(folds, len(set(styles)))
    marks = [int(any(label in (1, 2) for label in example.labels)) + 2 * example.real for example in examples]
    if count >= 2:
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        parts = splitter.split(marks, marks, styles)
    elif len(examples) >= 2:
        say("warning: all documents are of one style, so scores say nothing about an unseen one; folds by document")
        count = min(folds, len(examples))
        parts = StratifiedKFold(count, shuffle=True, random_state=seed).split(marks, _dense(marks, count))
    else:
        told = "a single document" if examples else "no document with blocks"
        raise CorpusError(f"{told}, so nothing can be tested", hint="add documents, best of several styles")
    fold_of = np.zeros(len(examples), np.int64)
    for fold, (_, held) in enumerate(parts):
        fold_of[held] = fold
    for fold in range(-1, count):  # with all documents, then without each fold: so that the plainest fault comes first
        seen = [example for example, own in zip(examples, fold_of, strict=True) if own != fold]
        _check_labels(seen, "no" if fold < 0 else "without the documents of one fold, no")
    return fold_of, count


def _dense(marks: Sequence[int], count: int) -> list[int]:
    """The marks, but one for all where a kind is too rare to be in every fold."""
    rare = min(marks.count(mark) for mark in set(marks)) < count
    return [0] * len(marks) if rare else list(marks)


def _check_labels(examples: Sequence[Example], told: str) -> None:
    """Every head must see every label."""
    blocks = {label for example in examples for label in example.labels}
    titles = {example.title_label for example in examples if example.passage.title}
    for things, labels, present in (("block", corpus.LABELS, blocks), ("title", corpus.TITLE_LABELS, titles)):
        missing = ", ".join(label for place, label in enumerate(labels) if place not in present)
        if missing:
            hint = "a model needs examples of every label in several styles; train with `training_data` beside your own"
            raise CorpusError(f"{told} {things} is labelled {missing}", hint=hint)
