"""Why a block looks like what it was taken for: the words that decided, and what else spoke for it.

Words are taken from the text head. While the same of its hidden units speak, its score is a sum over n-grams (gradient
times input, which is exact for one rectified layer; Shrikumar et al., 2016, "Not Just a Black Box"): each n-gram's part
is given to the word its middle lies in. Everything else is told by leaving it out: the inputs of a group (links, place,
neighbours …) are put to their mean, and the log-odds that are lost are the group's part (occlusion; Zeiler and Fergus,
2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..types import Clue, Passage
from . import context, features, masks, ngrams
from .layers import Network, Perceptron
from .ngrams import Hashes

Matrix = NDArray[np.float64]

_MOST = 6
_ROWS = 64  # that are explained at once: this bounds memory
_WORTH = 0.25  # log-odds below which nothing is said
_EDITORIAL, _PROMO, _TEASER = 0, 1, 2

_LINKS = features.NAMES[features.NAMES.index("links") : features.NAMES.index("images")]
_PLACE = features.NAMES[features.NAMES.index("place") : features.NAMES.index("length against median")]
_REPEATED = ("repetition", "log repeats", "passage repetition")
_GROUPS: dict[str, list[int]] = {
    "where its links lead": [context.NAMES.index(name) for name in _LINKS],
    "its place": [context.NAMES.index(name) for name in _PLACE],
    "it repeats in other items": [context.NAMES.index(name) for name in _REPEATED],
    "names nothing else here says": [
        place for place, name in enumerate(context.NAMES) if "rare words" in name or name.startswith("common words ")
    ],
    "its neighbours": [
        place
        for place, name in enumerate(context.NAMES)
        if (" at " in name and name.startswith(("text ", "words ", "markup ")))
        or name in ("ads before", "ads after")
        or (name.startswith("passage ") and name not in _REPEATED)
    ],
    "its class names": [
        place for place, name in enumerate(context.NAMES) if name.startswith("markup ") and " at " not in name
    ],
}


def words(alone: Sequence[Passage], head: Perceptron, common: Hashes) -> list[list[Clue]]:
    """For each passage of a single block: the runs of words that speak for acting, strongest first."""
    return [clues for begin in range(0, len(alone), _ROWS) for clues in _words(alone[begin:][:_ROWS], head, common)]


def _words(alone: Sequence[Passage], head: Perceptron, common: Hashes) -> list[list[Clue]]:
    plain = ngrams.read([masks.codes(passage.blocks[0].text) for passage in alone])
    titles = ngrams.read([masks.codes(passage.title) for passage in alone])
    read = masks.names(plain, titles, np.ones(len(alone), np.int64), common)
    if not len(read.starts):
        return [[] for _ in alone]
    parts, totals = np.zeros(len(read.starts)), np.zeros(len(alone))
    begins = np.searchsorted(read.rows, np.arange(len(alone) + 1))
    speaking = head.hidden(ngrams.grams(read, *ngrams.TEXT)) > 0
    for rows, first, last, columns in ngrams.placed(read, *ngrams.TEXT):
        totals += np.bincount(rows, minlength=len(alone))
        middle = np.searchsorted(read.starts, (first + last) / 2, side="right") - 1
        spoken = begins[rows] < begins[rows + 1]  # not in a text of signs alone
        own = np.clip(middle, begins[rows], begins[rows + 1] - 1)[spoken]
        weights = head.weights_of(columns[spoken], speaking[rows[spoken]])
        against = weights[:, [_PROMO, _TEASER]].max(axis=1) - weights[:, _EDITORIAL]
        parts += np.bincount(own, against, minlength=len(parts))
    parts /= np.sqrt(np.maximum(totals, 1))[read.rows]
    texts = [
        bytes(plain.bytes[start:end]).decode("utf-8", "replace")
        for start, end in zip(read.starts.tolist(), read.ends.tolist(), strict=True)
    ]
    bounds = begins.tolist()
    return [_runs(texts[begin:end], parts[begin:end]) for begin, end in pairwise(bounds)]


def _runs(texts: Sequence[str], parts: Matrix) -> list[Clue]:
    """Words in a row that speak for acting, as one clue."""
    found: list[Clue] = []
    place = 0
    while place < len(parts):
        end = place
        while end < len(parts) and parts[end] > _WORTH / 5 and end - place < 5:
            end += 1
        if end > place:
            found.append(Clue(" ".join(texts[place:end]), float(parts[place:end].sum())))
        place = max(end, place + 1)
    return sorted((clue for clue in found if clue.weight > _WORTH / 2), key=lambda clue: -clue.weight)


def by_groups(network: Network, inputs: Matrix) -> list[list[Clue]]:
    """For every row of network inputs: the groups of inputs without which acting would be less likely."""
    return [clues for begin in range(0, len(inputs), _ROWS) for clues in _by_groups(network, inputs[begin:][:_ROWS])]


def _by_groups(network: Network, inputs: Matrix) -> list[list[Clue]]:
    """The same for a few rows, with one question to the network."""
    asked = np.repeat(inputs[None], 1 + len(_GROUPS), axis=0)  # as they are, and without each group
    for without, columns in zip(asked[1:], _GROUPS.values(), strict=True):
        without[:, columns] = network.mean[columns]
    odds = _odds(network(asked.reshape(-1, inputs.shape[1]))).reshape(len(asked), len(inputs))
    lost = (odds[0] - odds[1:]).T
    return [
        [Clue(name, weight) for name, weight in zip(_GROUPS, row, strict=True) if weight > _WORTH]
        for row in lost.tolist()
    ]


def merged(said: Sequence[Clue], around: Sequence[Clue]) -> tuple[Clue, ...]:
    """The words that decided, then what else did; at most six in all."""
    others = sorted(around, key=lambda clue: -clue.weight)[:2]
    return (*said[: _MOST - len(others)], *others)


def _odds(probabilities: Matrix) -> NDArray[np.float64]:
    acted = np.clip(probabilities[:, _PROMO] + probabilities[:, _TEASER], 1e-9, 1 - 1e-9)
    result: NDArray[np.float64] = np.log(acted / (1 - acted))
    return result
