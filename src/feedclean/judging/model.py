"""The model, serving: arrays and numpy, nothing else (D5).

A model is three heads over hashed n-grams (runs of bytes and words of a block, with hidden units between; words alone,
up to three, and the names and link paths of its markup, both linear), and a small network over what they say, the
structure and the neighbours (`context.py`), averaged over several fits and calibrated. Titles have a head of their own,
beside the structure of a title and how its item's text meets it. scikit-learn fits all of it (`learning/training.py`);
`judge` must agree with scikit-learn's own `predict_proba` to 1e-6, which training checks before it writes a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..types import Clue, Passage, Verdict
from . import clues as explaining
from . import cohesion, context, features, ngrams
from .layers import Arrays, Linear, Network, Perceptron
from .ngrams import Hashes
from .reading import LONGEST, fits, pieces, read, read_titles

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the heads say of one passage, and the rest that was read of it: a row for each block."""

    text: Matrix
    words: Matrix
    markup: Matrix
    known: Matrix
    structure: Matrix
    runs: Hashes  # see `reading.Reading`
    rows: Ints


@dataclass(frozen=True, slots=True)
class _Seen:
    """A passage beside the others of its document, and what came of it."""

    passage: Passage
    heard: _Heard
    repetition: Matrix
    inputs: Matrix  # of the network
    verdicts: list[Verdict]


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
        self._text = Perceptron(arrays, "text")
        self._words = Linear(arrays, "words")
        self._markup = Linear(arrays, "markup")
        self._title = Perceptron(arrays, "title_text")
        self._common = np.sort(arrays["common_words"].astype(np.uint64))
        self._network = Network(arrays, "block")
        self._title_network = Network(arrays, "title")
        self._last: dict[int, _Seen] = {}  # by the identity of the passage, which it holds

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
        if fits(passages):
            return [seen.verdicts for seen in self._look(passages)]
        verdicts = iter(_verdicts(self.probabilities(passages)))
        return [[next(verdicts) for _ in passage.blocks] for passage in passages]

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        """A verdict for the title of every passage."""
        if not passages:
            return []
        return _verdicts(self.title_probabilities(passages))

    def probabilities(self, passages: Sequence[Passage]) -> Matrix:
        """Probability of each label, shape (blocks of all passages, labels)."""
        found = [self._network(inputs) for inputs in self._inputs(passages)]
        return np.vstack([np.zeros((0, len(context.LABELS))), *found])

    def title_probabilities(self, passages: Sequence[Passage]) -> Matrix:
        """Probability of `plain` and `clickbait`, shape (passages, 2)."""
        said, structure = read_titles(passages)
        return self._title_network(np.hstack((self._title(said), structure)))

    def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
        """Why the wanted blocks, given as (passage, block), look like what is acted upon."""
        if not wanted:
            return []
        if fits(passages):
            seen = self._look(passages)
            inputs = np.stack([seen[passage].inputs[block] for passage, block in wanted])
        else:
            begins = np.concatenate(([0], np.cumsum([len(passage.blocks) for passage in passages])))
            rows = [int(begins[passage]) + block for passage, block in wanted]
            inputs = np.vstack(list(self._inputs(passages)))[rows]
        alone = [_alone(passages[passage], block) for passage, block in wanted]
        said = explaining.words(alone, self._text, self._common)
        around = explaining.by_groups(self._network, inputs)
        return [explaining.merged(own, others) for own, others in zip(said, around, strict=True)]

    def _inputs(self, passages: Sequence[Passage]) -> Iterator[Matrix]:
        """Inputs of the network for all blocks, in as many pieces as memory wants."""
        for piece in pieces(passages):
            heard = self._hear(piece)
            yield _stacked(heard, _repetition(heard))

    def _look(self, passages: Sequence[Passage]) -> list[_Seen]:
        """Each passage beside the others, with what the last call has seen of it, as far as that is still so.

        A document is cleaned until nothing changes, and who asks for verdicts asks for clues next. Between two such
        questions few passages change; the others are not read again, and judged again only if they now repeat more or
        less of their neighbours.
        """
        last = self._last  # once: another thread may replace it
        if list(last) == list(map(id, passages)):
            return list(last.values())
        before = [last.get(id(passage)) for passage in passages]
        new = iter(self._hear([passage for passage, seen in zip(passages, before, strict=True) if seen is None]))
        heard = [next(new) if seen is None else seen.heard for seen in before]
        repetition = _repetition(heard)
        ends = np.cumsum([len(passage.blocks) for passage in passages]).tolist()
        own = [slice(end - len(passage.blocks), end) for passage, end in zip(passages, ends, strict=True)]
        unseen = np.full_like(repetition, np.nan)
        known = [unseen[rows] if seen is None else seen.repetition for seen, rows in zip(before, own, strict=True)]
        other = (np.vstack([*known, unseen[:0]]) != repetition).any(axis=1)
        stale = [number for number, rows in enumerate(own) if before[number] is None or other[rows].any()]
        found = dict(enumerate(before))
        if stale:
            chosen = np.concatenate([np.arange(own[number].start, own[number].stop) for number in stale])
            inputs = _stacked([heard[number] for number in stale], repetition[chosen])
            verdicts = _verdicts(self._network(inputs))
            begin = 0
            for number in stale:
                rows = slice(begin, begin := begin + len(heard[number].known))
                found[number] = _Seen(
                    passages[number], heard[number], repetition[own[number]], inputs[rows], verdicts[rows]
                )
        seen = [one for one in found.values() if one is not None]
        self._last = {id(one.passage): one for one in seen}
        return seen

    def _hear(self, passages: Sequence[Passage]) -> list[_Heard]:
        """Read passages, in one piece, and ask the heads about them."""
        if not passages:
            return []
        reading = read(passages, self._common)
        text, words, markup = self._text(reading.text), self._words(reading.words), self._markup(reading.markup)
        ends = np.cumsum(reading.sizes)
        run_ends = np.searchsorted(reading.rows, ends).tolist()
        found: list[_Heard] = []
        begin = run_begin = 0
        for end, run_end in zip(ends.tolist(), run_ends, strict=True):
            own = slice(begin, end)
            runs = slice(run_begin, run_end)
            found.append(
                _Heard(
                    text[own],
                    words[own],
                    markup[own],
                    reading.known[own],
                    reading.structure[own],
                    reading.runs[runs],
                    reading.rows[runs] - begin,
                )
            )
            begin, run_begin = end, run_end
        return found


def _repetition(heard: Sequence[_Heard]) -> Matrix:
    """How much each passage repeats the others, for all blocks."""
    sizes = np.array([len(one.known) for one in heard], np.int64)
    begins = np.cumsum(sizes) - sizes
    rows = np.concatenate([np.zeros(0, np.int64), *(one.rows for one in heard)])
    rows += np.repeat(begins, [len(one.rows) for one in heard])
    return cohesion.repetition(np.concatenate([np.zeros(0, np.uint64), *(one.runs for one in heard)]), rows, sizes)


def _stacked(heard: Sequence[_Heard], repetition: Matrix) -> Matrix:
    """The inputs of the network for all blocks of some passages."""
    if not len(repetition):
        return np.zeros((0, context.WIDTH))
    return context.stack(
        np.vstack([one.text for one in heard]),
        np.vstack([one.words for one in heard]),
        np.vstack([one.markup for one in heard]),
        np.concatenate([one.known for one in heard]),
        np.hstack((np.vstack([one.structure for one in heard]), repetition)),
        np.array([len(one.known) for one in heard], np.int64),
    )


def _verdicts(probabilities: Matrix) -> list[Verdict]:
    return [Verdict(tuple(row)) for row in probabilities.tolist()]


def _alone(passage: Passage, block: int) -> Passage:
    """A passage of one block, as much of it as is read."""
    own = passage.blocks[block]
    return replace(passage, blocks=(replace(own, text=own.text[:LONGEST]),))


def _check(arrays: Arrays) -> None:
    sides = {"labels": len(context.LABELS)}  # and the units and fits of each part, from the first array that tells
    for name, shape in SHAPES.items():
        array = arrays.get(name)
        if array is None:
            raise ModelError(f"the weights lack {name!r}", hint="retrain with `feedclean train`")
        if array.dtype.kind != _TYPES.get(name, "f") or not np.isfinite(array).all():
            raise ModelError(f"the weights {name!r} hold something else than finite numbers")
        if name.endswith(("_scale", "_step")) and not (array > 0).all():
            raise ModelError(f"the weights {name!r} hold scales that are not above zero")
        for side, found in zip(shape, array.shape, strict=False):
            if isinstance(side, str) and found:
                sides.setdefault(side, found)
        wanted = tuple(side if isinstance(side, int) else sides.get(side, 1) for side in shape)
        if array.shape != wanted:
            raise ModelError(f"the weights {name!r} have shape {array.shape}, not {wanted}")


def _perceptron_shapes(prefix: str, bits: int, labels: int | str) -> dict[str, tuple[int | str, ...]]:
    return {
        f"{prefix}_weights": (1 << bits, f"{prefix} units"),
        f"{prefix}_step": (f"{prefix} units",),
        f"{prefix}_bias": (f"{prefix} units",),
        f"{prefix}_out": (f"{prefix} units", labels),
        f"{prefix}_out_bias": (labels,),
    }


def _network_shapes(prefix: str, width: int, labels: int | str) -> dict[str, tuple[int | str, ...]]:
    return {
        f"{prefix}_mean": (width,),
        f"{prefix}_scale": (width,),
        f"{prefix}_hidden": (f"{prefix} fits", width, f"{prefix} units"),
        f"{prefix}_hidden_bias": (f"{prefix} fits", f"{prefix} units"),
        f"{prefix}_out": (f"{prefix} fits", f"{prefix} units", labels),
        f"{prefix}_out_bias": (f"{prefix} fits", labels),
        f"{prefix}_calibration": (labels,),
        f"{prefix}_calibration_bias": (labels,),
    }


SHAPES: Mapping[str, tuple[int | str, ...]] = {
    "common_words": ("words",),  # hashes, not weights: words that no name is told by
    **_perceptron_shapes("text", ngrams.TEXT[2], "labels"),
    "words_weights": (1 << ngrams.WORDS[2], "labels"),
    "words_step": ("labels",),
    "words_bias": ("labels",),
    "markup_weights": (1 << ngrams.MARKUP[2], "labels"),
    "markup_step": ("labels",),
    "markup_bias": ("labels",),
    **_perceptron_shapes("title_text", ngrams.TITLE[2], 2),
    **_network_shapes("block", context.WIDTH, "labels"),
    **_network_shapes("title", 2 + features.TITLE_WIDTH, 2),
}
# Whole numbers, of 8 or 16 bits for the heads; all else is real.
_TYPES = {
    "common_words": "u",
    **dict.fromkeys([f"{head}_weights" for head in ("text", "words", "markup", "title_text")], "i"),
}
