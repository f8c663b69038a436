"""What is read of passages before any head or network sees them: n-grams, and structure.

Training and serving both begin here. All but repetition is told by a passage alone, so it can be kept while other
passages of the document change (`model.Model`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..types import Passage
from . import cohesion, features, masks, ngrams
from .ngrams import Grams, Hashes

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]

# No paragraph needs more to show what it is; what stands behind is not read.
LONGEST = 4_000
# What is read in one piece: these bound memory.
MOST_BLOCKS, MOST_CHARACTERS = 4_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of some passages: a row for each block, in order, if nothing else is said."""

    text: Grams
    words: Grams
    markup: Grams
    known: Matrix  # 1.0 where the markup tells something, shape (blocks,)
    structure: Matrix  # `features.structure`
    runs: Hashes  # `cohesion.runs` of the masked words, in the order of their blocks
    rows: Ints  # the block of each run
    sizes: Ints  # the number of blocks of each passage

    @property
    def repetition(self) -> Matrix:
        """How much the blocks repeat other passages of this reading."""
        return cohesion.repetition(self.runs, self.rows, self.sizes)


def read(passages: Sequence[Passage], common: Hashes) -> Reading:
    """Read passages.

    Args:
        passages: the items of one document, or some of them.
        common: sorted hashes of words that no name is told by; see `masks.names`.
    """
    blocks = [block for passage in passages for block in passage.blocks]
    words = ngrams.read([masks.codes(block.text[:LONGEST]) for block in blocks])
    titles = ngrams.read([masks.codes(passage.title) for passage in passages])
    sizes = np.array([len(passage.blocks) for passage in passages], np.int64)
    masked = masks.names(words, titles, sizes, common)
    runs, rows = cohesion.runs(masked)
    return Reading(
        text=ngrams.grams(masked, *ngrams.TEXT),
        words=ngrams.grams(masked, *ngrams.WORDS),
        markup=ngrams.grams(ngrams.read(features.markup(passages)), *ngrams.MARKUP),
        known=np.array([bool(block.names or block.links or block.containers) for block in blocks], np.float64),
        structure=features.structure(passages, words, titles, common),
        runs=runs,
        rows=rows,
        sizes=sizes,
    )


def read_titles(passages: Sequence[Passage]) -> tuple[Grams, Matrix]:
    """N-grams of the titles, and their structure: that of a text, and how their item's text meets them."""
    titles = [" ".join(passage.title.split()) for passage in passages]
    words = ngrams.read(titles)
    structure = np.hstack((features.wording(titles, words), features.answered(passages)))
    return ngrams.grams(words, *ngrams.TITLE), structure


def fits(passages: Sequence[Passage]) -> bool:
    """Whether passages may be read in one piece."""
    if sum(len(passage.blocks) for passage in passages) > MOST_BLOCKS:
        return False
    return sum(_weight(passage) for passage in passages) <= MOST_CHARACTERS


def pieces(passages: Sequence[Passage]) -> Iterator[list[Passage]]:
    """The passages in pieces that may be read at once; any but a huge feed is one, so repetition counts in all of it.

    The blocks of all pieces are those of the passages, in order; a passage that is too large is taken apart.
    """
    piece: list[Passage] = []
    blocks = weight = 0
    for passage in passages:
        for part in [passage] if fits([passage]) else list(_parts(passage)):
            size = _weight(part)
            if piece and (weight + size > MOST_CHARACTERS or blocks + len(part.blocks) > MOST_BLOCKS):
                yield piece
                piece, blocks, weight = [], 0, 0
            piece.append(part)
            blocks, weight = blocks + len(part.blocks), weight + size
    if piece:
        yield piece


def _parts(passage: Passage) -> Iterator[Passage]:
    begin = weight = 0
    for place, block in enumerate(passage.blocks):
        size = min(len(block.text), LONGEST)
        if place - begin == MOST_BLOCKS or weight + size > MOST_CHARACTERS:
            yield replace(passage, blocks=passage.blocks[begin:place])
            begin, weight = place, 0
        weight += size
    yield replace(passage, blocks=passage.blocks[begin:])


def _weight(passage: Passage) -> int:
    return sum([min(len(block.text), LONGEST) for block in passage.blocks])
