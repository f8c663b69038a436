"""Labelled documents as the model reads them, in the ways in which they may arrive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..judging import context, masks, ngrams
from ..judging.ngrams import Hashes
from ..judging.reading import read as reading_of
from . import corpus
from .corpus import Example
from .heads import matrix

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """One way in which the documents may arrive, read for the model."""

    text: sparse.csr_matrix
    words: sparse.csr_matrix
    markup: sparse.csr_matrix
    known: Matrix
    structure: Matrix
    sizes: Ints
    labels: Ints
    weights: Matrix  # how much each block counts
    folds: Ints  # of each block
    real: NDArray[np.bool_]
    own: NDArray[np.bool_]

    def stacked(self, text: Matrix, words: Matrix, markup: Matrix) -> Matrix:
        """Inputs of the network, from scores of the heads."""
        return context.stack(text, words, markup, self.known, self.structure, self.sizes)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which blocks have a label; the others are what these stand among, or a model would learn from its guesses."""
        known: NDArray[np.bool_] = self.labels != corpus.UNLABELLED
        return known

    def without_ngrams(self) -> View:
        """The same without what takes most memory."""
        return replace(self, text=self.text[:0], words=self.words[:0], markup=self.markup[:0])


def arrangements(examples: Sequence[Example], seed: int) -> Iterator[list[list[Example]]]:
    """The documents as they are, as text only, without class names, and as feeds in which blocks repeat."""
    yield [[example] for example in examples]
    yield [[corpus.plain(example)] for example in examples]
    yield [[corpus.bare(example)] for example in examples]
    if feeds := corpus.feeds(examples, seed):
        yield feeds


def common_words(examples: Sequence[Example], least: int) -> Hashes:
    """Words that at least so many styles use, so that they name nobody: sorted hashes, at least one."""
    by_style: dict[str, list[str]] = {}
    for example in examples:
        by_style.setdefault(example.style, []).extend(block.text for block in example.passage.blocks)
    used = [np.unique(ngrams.read(list(map(masks.codes, texts))).hashes) for texts in by_style.values()]
    words, styles = np.unique(np.concatenate(used), return_counts=True)
    found: Hashes = words[styles >= least]
    return found if len(found) else words[:1]


def read(
    feeds: Sequence[Sequence[Example]], folds: Mapping[str, int], common: Hashes, unsure: float, own: float
) -> View:
    """Read documents in one arrangement.

    Args:
        feeds: what arrives together; repetition is counted in each.
        folds: of each document, by id.
        common: words that name nobody.
        unsure: how much a block counts whose label is unsure.
        own: how much a block counts that is of the user's own documents.
    """
    texts, words, markups, knowns, structures, sizes = [], [], [], [], [], []
    for feed in feeds:
        reading = reading_of([example.passage for example in feed], common)
        texts.append(reading.text)
        words.append(reading.words)
        markups.append(reading.markup)
        knowns.append(reading.known)
        structures.append(np.hstack((reading.structure, reading.repetition)))
        sizes.append(reading.sizes)
    flat = [example for feed in feeds for example in feed]
    return View(
        text=sparse.vstack([matrix(found, ngrams.TEXT[2]) for found in texts]).tocsr(),
        words=sparse.vstack([matrix(found, ngrams.WORDS[2]) for found in words]).tocsr(),
        markup=sparse.vstack([matrix(found, ngrams.MARKUP[2]) for found in markups]).tocsr(),
        known=np.concatenate(knowns),
        structure=np.vstack(structures),
        sizes=np.concatenate(sizes),
        labels=np.array([label for example in flat for label in example.labels]),
        weights=np.array([(unsure if u else 1.0) * (own if e.own else 1.0) for e in flat for u in e.unsure]),
        folds=np.array([folds[example.id] for example in flat for _ in example.labels]),
        real=np.array([example.real for example in flat for _ in example.labels]),
        own=np.array([example.own for example in flat for _ in example.labels]),
    )
