"""The model, serving: arrays and numpy, nothing else (D5).

A model is two linear heads over hashed n-grams (the words of a block; the names and link paths of its markup), and a
small network over their scores, the structure and the neighbours (`context.py`), averaged over several fits and
calibrated. Titles have a head of their own, beside the structure of a title and how its item's text meets it.
scikit-learn fits all of it (`learning/training.py`); `judge` must agree with scikit-learn's own `predict_proba` to
1e-6, which training checks before it writes a model.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..types import Block, Clue, Kind, Passage, Verdict
from . import clues as explaining
from . import context, features, masks, ngrams
from .layers import Arrays, Linear, Network
from .ngrams import Grams, Hashes

Matrix = NDArray[np.float64]

# No paragraph needs more to show what it is; what stands behind is not read. And no passage, and no batch, is read
# in one piece beyond these: they bound memory.
_LONGEST, _MOST_BLOCKS, _MOST_CHARACTERS = 4_000, 2_000, 1_000_000
_REMEMBERED = 4_000  # blocks whose inputs are kept


class Model:
    """A trained model.

    Args:
        arrays: the weights, as `learning.training` names them: see `SHAPES`.
        card: what the model is; `name`, `thresholds` and `title_threshold` are read here.

    Raises:
        ModelError: arrays are missing, or have another shape, another type or values that are not finite.
    """

    def __init__(self, arrays: Arrays, card: Mapping[str, Any]) -> None:
        _check(arrays)
        self.card = card
        self._text = Linear(arrays["text_weights"], arrays["text_bias"])
        self._markup = Linear(arrays["markup_weights"], arrays["markup_bias"])
        self._title = Linear(arrays["title_weights"], arrays["title_bias"])
        self._common = np.sort(arrays["common_words"].astype(np.uint64))
        self._network = Network(arrays, "block")
        self._title_network = Network(arrays, "title")
        self._last: tuple[tuple[Passage, ...], Matrix] = ((), np.zeros((0, context.WIDTH)))

    @property
    def name(self) -> str:
        """Name and digest: `"default-3f9c2a71b0de"`."""
        return f"{self.card['name']}-{self.card['weights']['sha256'][:12]}"

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Probability from which a block is acted upon, by label."""
        return dict(self.card["thresholds"])

    @property
    def title_threshold(self) -> float:
        """Probability from which a title counts as clickbait."""
        return float(self.card["title_threshold"])

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        """Verdicts for every block of every passage; repetition is counted between the passages."""
        probabilities = self.probabilities(passages)
        verdicts = iter([Verdict(tuple(row)) for row in probabilities.tolist()])
        return [[next(verdicts) for _ in passage.blocks] for passage in passages]

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        """A verdict for the title of every passage."""
        if not passages:
            return []
        return [Verdict(tuple(row)) for row in self.title_probabilities(passages).tolist()]

    def probabilities(self, passages: Sequence[Passage]) -> Matrix:
        """Probability of each label, shape (blocks of all passages, labels)."""
        if not any(passage.blocks for passage in passages):
            return np.zeros((0, len(context.LABELS)))
        if sum(len(passage.blocks) for passage in passages) <= _REMEMBERED:
            return self._network(self._inputs(passages))
        return np.vstack([self._network(self._stacked(batch)) for batch in _batches(passages)])

    def title_probabilities(self, passages: Sequence[Passage]) -> Matrix:
        """Probability of `plain` and `clickbait`, shape (passages, 2)."""
        said, structure = title_inputs(passages)
        return self._title_network(np.hstack((self._title(said), structure)))

    def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
        """Why the wanted blocks, given as (passage, block), look like what is acted upon."""
        if not wanted:
            return []
        begins = np.concatenate(([0], np.cumsum([len(passage.blocks) for passage in passages])))
        rows = [int(begins[passage]) + block for passage, block in wanted]
        inputs = self._inputs(passages)[rows]
        alone = [_alone(passages[passage], block) for passage, block in wanted]
        said = explaining.words(alone, self._text, self._common)
        around = explaining.by_groups(self._network, inputs)
        return [explaining.merged(own, others) for own, others in zip(said, around, strict=True)]

    def _inputs(self, passages: Sequence[Passage]) -> Matrix:
        """Inputs of the network; kept for a moment, because who asks for verdicts asks for clues next."""
        known, inputs = self._last
        if len(known) == len(passages) and all(map(operator.is_, known, passages)):
            return inputs
        inputs = np.vstack([self._stacked(batch) for batch in _batches(passages)])
        if len(inputs) <= _REMEMBERED:
            self._last = (tuple(passages), inputs)
        return inputs

    def _stacked(self, passages: Sequence[Passage]) -> Matrix:
        said, markup, known, structure, sizes = block_inputs(passages, self._common)
        return context.stack(self._text(said), self._markup(markup), known, structure, sizes)


def _alone(passage: Passage, block: int) -> Passage:
    """A passage of one block, as much of it as is read."""
    own = passage.blocks[block]
    return replace(passage, blocks=(replace(own, text=own.text[:_LONGEST]),))


def _batches(passages: Sequence[Passage]) -> Iterator[list[Passage]]:
    """The passages in batches that bound memory. Any feed is one batch, so that repetition is counted in all of it."""
    batch: list[Passage] = []
    weight = 0
    for passage in passages:
        for begin in range(0, max(len(passage.blocks), 1), _MOST_BLOCKS):
            piece = passage
            if len(passage.blocks) > _MOST_BLOCKS:
                piece = replace(passage, blocks=passage.blocks[begin : begin + _MOST_BLOCKS])
            size = sum(min(len(block.text), _LONGEST) for block in piece.blocks)
            if batch and weight + size > _MOST_CHARACTERS:
                yield batch
                batch, weight = [], 0
            batch.append(piece)
            weight += size
    if batch:
        yield batch


def block_inputs(passages: Sequence[Passage], common: Hashes) -> tuple[Grams, Grams, Matrix, Matrix, NDArray[np.int64]]:
    """What the model reads of passages; training and serving both begin here.

    Args:
        passages: the items of one document.
        common: sorted hashes of words that no name is told by; see `masks.names`.

    Returns:
        N-grams of the text and of the markup, whether the markup is known, the structure, and the passages' sizes.
    """
    words = ngrams.read([masks.codes(block.text[:_LONGEST]) for passage in passages for block in passage.blocks])
    masked = masks.names(passages, words, common)
    known = np.array([float(has_markup(block)) for passage in passages for block in passage.blocks])
    sizes = np.array([len(passage.blocks) for passage in passages], np.int64)
    structure = features.structure(passages, words, masked)
    said, markup = (
        ngrams.grams(masked, *ngrams.TEXT),
        ngrams.grams(ngrams.read(features.markup(passages)), *ngrams.MARKUP),
    )
    return said, markup, known, structure, sizes


def has_markup(block: Block) -> bool:
    """Whether a block stands in markup that tells something: names, links or enclosing elements."""
    return bool(block.names or block.links or block.containers)


def title_inputs(passages: Sequence[Passage]) -> tuple[Grams, Matrix]:
    """N-grams of the titles, and their structure: that of a block, and how their item's text meets them."""
    titled = [Passage((Block(passage.title, Kind.TITLE, " ".join(passage.title.split())),), "") for passage in passages]
    words = ngrams.read([passage.blocks[0].text for passage in titled])
    said = ngrams.grams(words, *ngrams.TITLE)
    # These columns are about a text alone, so all titles can be read at once.
    structure = features.structure(titled, words, words)[:, features.TITLE_COLUMNS]
    return said, np.hstack((structure, features.answered(passages)))


def _check(arrays: Arrays) -> None:
    sides = {"labels": len(context.LABELS)}  # and each network's "fits" and "units", from the first array that tells
    for name, shape in SHAPES.items():
        array = arrays.get(name)
        if array is None:
            raise ModelError(f"the weights lack {name!r}", hint="retrain with `feedclean train`")
        if array.dtype.kind != ("u" if name == "common_words" else "f") or not np.isfinite(array).all():
            raise ModelError(f"the weights {name!r} hold something else than finite numbers")
        if name.endswith("_scale") and not (array > 0).all():
            raise ModelError(f"the weights {name!r} hold scales that are not above zero")
        network = name.partition("_")[0]
        named = [f"{network} {side}" if side in ("fits", "units") else side for side in shape]
        for side, found in zip(named, array.shape, strict=False):
            if isinstance(side, str) and found:
                sides.setdefault(side, found)
        wanted = tuple(side if isinstance(side, int) else sides.get(side, 1) for side in named)
        if array.shape != wanted:
            raise ModelError(f"the weights {name!r} have shape {array.shape}, not {wanted}")


def _network_shapes(prefix: str, width: int, labels: int | str) -> dict[str, tuple[int | str, ...]]:
    return {
        f"{prefix}_mean": (width,),
        f"{prefix}_scale": (width,),
        f"{prefix}_hidden": ("fits", width, "units"),
        f"{prefix}_hidden_bias": ("fits", "units"),
        f"{prefix}_out": ("fits", "units", labels),
        f"{prefix}_out_bias": ("fits", labels),
        f"{prefix}_calibration": (labels,),
        f"{prefix}_calibration_bias": (labels,),
    }


SHAPES: Mapping[str, tuple[int | str, ...]] = {
    "common_words": ("words",),  # hashes, not weights: words that no name is told by
    "text_weights": (1 << ngrams.TEXT[2], "labels"),
    "text_bias": ("labels",),
    "markup_weights": (1 << ngrams.MARKUP[2], "labels"),
    "markup_bias": ("labels",),
    "title_weights": (1 << ngrams.TITLE[2], 1),
    "title_bias": (1,),
    **_network_shapes("block", context.WIDTH, "labels"),
    **_network_shapes("title", 1 + features.TITLE_WIDTH, 2),
}
