"""A block beside its neighbours: what the heads say of them, as inputs for the network on top.

    n-grams ── text head ───┐
    words ──── words head ──┤
    names ──── markup head ─┼─ stack ──> network ──> calibration ──> probabilities
    structure ──────────────┘

An advertisement seldom stands alone: marker, heading, pitch and button follow each other, and a related-articles list
is a row of cards. So every block is given the heads' opinion of three neighbours on either side, of its whole passage,
and of the strongest advertisement before and after it, fading with distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .features import NAMES as STRUCTURE

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]

LABELS = ("editorial", "promo", "teaser", "boilerplate", "disclosure")
_ACTED = slice(1, 3)  # promo and teaser
_FADE = 0.75
_REACH = (-3, -2, -1, 1, 2, 3)
_WORDS_REACH = (-1, 1)
_MARKUP_REACH = (-2, -1, 1, 2)
_NEIGHBOUR = (
    "log characters",
    "linked share",
    "ends in .",
    "ends in ?",
    "kind heading",
    "kind link",
    "kind list-item",
    "images",
    "has question",
    "affiliate",
    "rare words said or in title",
    "rare words, all new",
)
_COLUMNS = [STRUCTURE.index(name) for name in _NEIGHBOUR]

NAMES: tuple[str, ...] = (
    *(f"text {label}" for label in LABELS),
    *(f"text {label} at {offset:+}" for offset in _REACH for label in LABELS),
    *(f"block at {offset:+}" for offset in _REACH),
    *(f"passage text {label}" for label in LABELS),
    "ads before",
    "ads after",
    *(f"words {label}" for label in LABELS),
    *(f"words {label} at {offset:+}" for offset in _WORDS_REACH for label in LABELS),
    *(f"markup {label}" for label in LABELS),
    *(f"markup {label} at {offset:+}" for offset in _MARKUP_REACH for label in LABELS),
    *(f"passage markup {label}" for label in LABELS),
    "markup known",
    *STRUCTURE,
    *(f"{name} at {offset:+}" for offset in (-1, 1) for name in _NEIGHBOUR),
)
WIDTH = len(NAMES)


def softmax(scores: Matrix) -> Matrix:
    """Rows of scores, along the last axis, as probabilities."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Matrix = raised / raised.sum(axis=-1, keepdims=True)
    return result


def log_softmax(scores: Matrix) -> Matrix:
    """The logarithms of the same, exact where a probability is too small for a number."""
    raised = scores - scores.max(axis=-1, keepdims=True)
    result: Matrix = raised - np.log(np.exp(raised).sum(axis=-1, keepdims=True))
    return result


def stack(text: Matrix, words: Matrix, markup: Matrix, known: Matrix, structure: Matrix, sizes: Ints) -> Matrix:
    """Inputs of the network.

    Args:
        text: scores of the text head, (blocks, labels).
        words: scores of the words head, (blocks, labels).
        markup: scores of the markup head, (blocks, labels); rows that are not `known` do not matter.
        known: 1.0 where the markup may be used, (blocks,).
        structure: `features.structure`, (blocks, `features.WIDTH`).
        sizes: number of blocks of each passage, in order.

    Returns:
        Array of shape (blocks, `WIDTH`); the columns are named by `NAMES`.
    """
    passage = np.repeat(np.arange(len(sizes)), sizes)
    said = softmax(text)
    marked = softmax(markup) * known[:, None]
    shifted = [_shifted(said, passage, offset) for offset in _REACH]
    there = [_shifted(np.ones((len(said), 1)), passage, offset) for offset in _REACH]
    before, after = _fading(said[:, _ACTED].sum(axis=1), sizes)
    return np.hstack(
        [
            text,
            *shifted,
            *there,
            _means(said, sizes),
            before[:, None],
            after[:, None],
            words,
            *(_shifted(softmax(words), passage, offset) for offset in _WORDS_REACH),
            markup * known[:, None],
            *(_shifted(marked, passage, offset) for offset in _MARKUP_REACH),
            _means(marked, sizes),
            known[:, None],
            structure,
            *(_shifted(structure[:, _COLUMNS], passage, offset) for offset in (-1, 1)),
        ]
    )


def _shifted(values: Matrix, passage: Ints, offset: int) -> Matrix:
    """The values of the block `offset` places further in the same passage, or zeros."""
    result = np.zeros_like(values)
    if offset > 0:
        same = passage[offset:] == passage[:-offset]
        result[:-offset][same] = values[offset:][same]
    else:
        same = passage[-offset:] == passage[:offset]
        result[-offset:][same] = values[:offset][same]
    return result


def _means(values: Matrix, sizes: Ints) -> Matrix:
    """The mean of each passage, for every block of it."""
    filled = sizes[sizes > 0]
    starts = np.concatenate(([0], np.cumsum(filled)[:-1]))
    means = np.add.reduceat(values, starts, axis=0) / filled[:, None]
    return np.repeat(means, filled, axis=0)


def _fading(acted: Matrix, sizes: Ints) -> tuple[Matrix, Matrix]:
    """The strongest advertisement before and after each block of its passage, fading with every block between."""
    before, after = np.zeros(len(acted)), np.zeros(len(acted))
    values = acted.tolist()
    begin = 0
    for size in sizes.tolist():
        end = begin + size
        strength = 0.0
        for place in range(begin, end):
            before[place] = strength
            strength = max(values[place], strength * _FADE)
        strength = 0.0
        for place in range(end - 1, begin - 1, -1):
            after[place] = strength
            strength = max(values[place], strength * _FADE)
        begin = end
    return before, after
