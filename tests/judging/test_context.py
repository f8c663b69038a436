"""Neighbours are seen inside a passage, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.judging import context
from feedclean.judging.context import LABELS, NAMES, WIDTH, softmax, stack
from feedclean.judging.features import NAMES as STRUCTURE
from feedclean.judging.features import WIDTH as STRUCTURED
from feedclean.types import Label

Matrix = context.Matrix
sizes_of = st.lists(st.integers(0, 7), min_size=1, max_size=5).filter(any)


def drawn(sizes: list[int], seed: int = 0) -> tuple[Matrix, Matrix, Matrix, Matrix, Matrix, context.Ints]:
    random = np.random.default_rng(seed)
    rows = sum(sizes)
    known = random.integers(0, 2, rows).astype(float)
    return (
        random.normal(0, 2, (rows, len(LABELS))),
        random.normal(0, 2, (rows, len(LABELS))),
        random.normal(0, 2, (rows, len(LABELS))),
        known,
        random.normal(0, 1, (rows, STRUCTURED)),
        np.array(sizes, np.int64),
    )


def column(stacked: Matrix, name: str) -> Matrix:
    return stacked[:, NAMES.index(name)]


def test_labels_are_those_of_the_nouns_and_every_column_has_its_own_name() -> None:
    assert tuple(Label) == LABELS
    assert len(set(NAMES)) == len(NAMES) == WIDTH


@given(sizes_of)
def test_passages_do_not_leak_into_each_other(sizes: list[int]) -> None:
    text, words, markup, known, structure, counts = drawn(sizes)
    whole = stack(text, words, markup, known, structure, counts)
    assert whole.shape == (sum(sizes), WIDTH) and np.isfinite(whole).all()
    begin = 0
    for size in sizes:
        if size:
            rows = slice(begin, begin + size)
            alone = stack(text[rows], words[rows], markup[rows], known[rows], structure[rows], np.array([size]))
            np.testing.assert_allclose(whole[rows], alone, rtol=0, atol=1e-12)
        begin += size


@given(sizes_of)
def test_a_neighbour_is_seen_from_as_far_as_it_stands(sizes: list[int]) -> None:
    text, words, markup, known, structure, counts = drawn(sizes)
    stacked = stack(text, words, markup, known, structure, counts)
    said, marked = softmax(text), softmax(markup) * known[:, None]
    passage = np.repeat(np.arange(len(sizes)), sizes)
    for offset in (-3, -2, -1, 1, 2, 3):
        for row in range(len(text)):
            other = row + offset
            there = 0 <= other < len(text) and passage[other] == passage[row]
            assert column(stacked, f"block at {offset:+}")[row] == there
            assert column(stacked, f"text promo at {offset:+}")[row] == (said[other, 1] if there else 0)
            if abs(offset) < 3:
                assert column(stacked, f"markup teaser at {offset:+}")[row] == (marked[other, 2] if there else 0)
            if abs(offset) < 2:
                links = structure[:, STRUCTURE.index("linked share")]
                assert column(stacked, f"linked share at {offset:+}")[row] == (links[other] if there else 0)


@given(sizes_of)
def test_a_passage_is_the_mean_of_its_blocks(sizes: list[int]) -> None:
    text, words, markup, known, structure, counts = drawn(sizes)
    stacked = stack(text, words, markup, known, structure, counts)
    passage = np.repeat(np.arange(len(sizes)), sizes)
    for row in range(len(text)):
        mean = softmax(text)[passage == passage[row]].mean(axis=0)
        got = [column(stacked, f"passage text {label}")[row] for label in LABELS]
        np.testing.assert_allclose(got, mean, atol=1e-12)


@given(sizes_of)
def test_the_strongest_advertisement_fades_with_every_block_between(sizes: list[int]) -> None:
    text, words, markup, known, structure, counts = drawn(sizes)
    stacked = stack(text, words, markup, known, structure, counts)
    acted = softmax(text)[:, 1:3].sum(axis=1)
    passage = np.repeat(np.arange(len(sizes)), sizes)
    for row in range(len(text)):
        own = [other for other in range(len(text)) if passage[other] == passage[row]]
        for name, side in (
            ("ads before", [o for o in own if o < row]),
            ("ads after", [o for o in own if o > row]),
        ):
            expected = max((acted[o] * 0.75 ** (abs(o - row) - 1) for o in side), default=0.0)
            assert column(stacked, name)[row] == pytest.approx(expected, abs=1e-12)


def test_markup_that_is_not_known_does_not_matter() -> None:
    text, words, markup, known, structure, counts = drawn([4, 3])
    other = np.where(known[:, None] > 0, markup, 99.0)
    np.testing.assert_array_equal(
        stack(text, words, markup, known, structure, counts), stack(text, words, other, known, structure, counts)
    )


@given(st.integers(1, 5), st.floats(-1e4, 1e4))
def test_softmax_sums_to_one_and_knows_only_differences(rows: int, shift: float) -> None:
    scores = np.random.default_rng(rows).normal(0, 50, (rows, 5))
    np.testing.assert_allclose(softmax(scores).sum(axis=1), 1)
    np.testing.assert_allclose(softmax(scores + shift), softmax(scores), atol=1e-9)
