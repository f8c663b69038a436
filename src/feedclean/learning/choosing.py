"""What a training chooses by folds: how much one's own labels count, and, if asked to, the strengths of the parts.

Every choice is a measurement on documents that the fit had not seen, and is written into the card with the recipe.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import fitting
from .corpus import UNLABELLED, Example
from .fitting import Stage
from .heads import Ensemble, LinearHead, PerceptronHead
from .views import View

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]

OWN_WEIGHTS = (1.0, 3.0, 10.0)
FEW = 6  # own documents up to which nothing can be chosen
USUAL = 3.0  # how much they count then; `feedclean learning-curve` measures it
_PARTS = 3  # of the own documents, by turns left out
_HARM = 1.02  # by how much the loss on everybody else's documents may grow
STRENGTHS = {
    "words_C": (2.0, 5.0, 12.0),
    "markup_C": (0.3, 1.0, 3.0),
    "alpha": (0.3, 1.0, 3.0),
}


def own_weight(
    view: View,
    examples: Sequence[Example],
    head: Callable[[], PerceptronHead],
    jobs: int,
    stage: Stage,
    say: Callable[[str], None],
) -> float:
    """How much one's own documents should count beside the others.

    Own documents are parted in three, and a fold of the others is left out as well. For each weight and part, the head
    over the words is fitted on what is left; the best weight is the one with the least loss on the own documents that
    were left out, among those that do not raise the loss on the others by more than a fiftieth.
    """
    ids = sorted((example.id for example in examples if example.own), key=lambda name: zlib.crc32(name.encode()))
    left = np.unique(view.folds[~view.own])
    if not len(left):
        say("all documents are your own, so they count as they are")
        return 1.0
    part_of = {name: place % _PARTS for place, name in enumerate(ids)}
    parts = np.array([part_of[e.id] if e.own else -1 for e in examples for _ in e.labels])
    others = view.labelled & ~view.own & (view.folds == left[0])
    masks = [view.labelled & ~others & (parts != part) for part in range(_PARTS)]
    labels = set(view.labels[view.labelled].tolist())
    if len(ids) <= FEW or not all(labels == set(view.labels[mask].tolist()) for mask in masks):
        say(f"own documents count {USUAL:g} times: {len(ids)} are too few to choose by")
        return USUAL
    step = stage("weight of own documents", len(OWN_WEIGHTS) * _PARTS)
    scores: dict[float, tuple[float, float]] = {}
    for weight in OWN_WEIGHTS:
        weights = view.weights * np.where(view.own, weight, 1.0)
        found = fitting.fitted(view.text, view.labels, weights, [(head(), mask) for mask in masks], jobs, step)
        on_own = [_loss_on(one, view, view.labelled & (parts == part)) for part, one in enumerate(found)]
        on_others = [_loss_on(one, view, others) for one in found]
        scores[weight] = float(np.concatenate(on_own).mean()), float(np.concatenate(on_others).mean())
    bound = scores[OWN_WEIGHTS[0]][1] * _HARM
    chosen = min((weight for weight in OWN_WEIGHTS if scores[weight][1] <= bound), key=lambda one: scores[one][0])
    told = ", ".join(f"{weight:g}: {mine:.3f}/{rest:.3f}" for weight, (mine, rest) in scores.items())
    say(f"own documents count {chosen:g} times; log loss on own/other documents by weight: {told}")
    return chosen


def _loss_on(head: PerceptronHead, view: View, rows: NDArray[np.bool_]) -> Matrix:
    return _loss(head.decision_function(view.text[rows]), view.labels[rows])


def _loss(scores: Matrix, labels: Ints) -> Matrix:
    """Log loss of every row, from scores before the softmax."""
    high = scores.max(axis=1)
    result: Matrix = np.log(np.exp(scores - high[:, None]).sum(axis=1)) + high - scores[np.arange(len(labels)), labels]
    return result


def head_strength(
    name: str, X: Any, view: View, count: int, jobs: int, stage: Stage, say: Callable[[str], None]
) -> float:
    """The strength of regularisation with which a head tells most about folds that it had not seen."""
    step = stage(f"search {name}", len(STRENGTHS[name]) * count)
    scores: dict[float, float] = {}
    for C in STRENGTHS[name]:
        asked = [(LinearHead(C), mask) for mask in fitting.without_each(view.folds, view.labels, count)[:-1]]
        found = fitting.fitted(X, view.labels, view.weights, asked, jobs, step)
        tested = [view.labelled & (view.folds == fold) for fold in range(count)]
        losses = [
            _loss(head.decision_function(X[rows]), view.labels[rows]) for head, rows in zip(found, tested, strict=True)
        ]
        scores[C] = float(np.concatenate(losses).mean())
    return _best(name, scores, say)


def network_strength(
    make: Callable[[float], Ensemble],
    inputs: Matrix,
    labels: Ints,
    weights: Matrix,
    folds: Ints,
    count: int,
    jobs: int,
    stage: Stage,
    say: Callable[[str], None],
) -> float:
    """The same for the network's penalty."""
    step = stage("search alpha", len(STRENGTHS["alpha"]) * count)
    scores: dict[float, float] = {}
    for alpha in STRENGTHS["alpha"]:
        asked = [(make(alpha), mask) for mask in fitting.without_each(folds, labels, count)[:-1]]
        found = fitting.fitted(inputs, labels, weights, asked, jobs, step)
        given = fitting.unseen_probabilities(found, inputs, folds, int(labels.max()) + 1)
        rows = np.flatnonzero(labels != UNLABELLED)
        scores[alpha] = float(-np.log(np.maximum(given[rows, labels[rows]], 1e-9)).mean())
    return _best("alpha", scores, say)


def _best(name: str, scores: dict[float, float], say: Callable[[str], None]) -> float:
    best = min(scores, key=lambda one: scores[one])
    say(f"{name} = {best:g}; log loss on unseen folds: {', '.join(f'{k:g}: {v:.4f}' for k, v in scores.items())}")
    return best
