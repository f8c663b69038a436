"""N-grams are what their definition says, in whatever company a text comes."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.judging import ngrams

SIZES = ((3, 4, 5), (1, 2), 18)
texts = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from([*"ab Zß.,'!\n\t0", "12", "1.5", "株", "\ud800", "word", "Über", "3,000'4"]), max_size=30
    ).map("".join),
)
numbers = st.one_of(
    st.integers(0, 10**9).map(str), st.sampled_from(["1.5", "1,234,567.89", "0", "007", "1'000", "3.14"])
)


def columns(batch: list[str], row: int = 0, sizes: tuple[tuple[int, ...], tuple[int, ...], int] = SIZES) -> list[int]:
    found = ngrams.grams(ngrams.read(batch), *sizes)
    own: list[int] = found.columns[found.offsets[row] : found.offsets[row + 1]].tolist()
    return own


# ── The definition, spelled out ───────────────────────────────────────────────────────────────────────────────────

_WRAP = 1 << 64


def _naive_hash(window: bytes) -> int:
    return sum((byte + 1) * pow(ngrams._BASE, place, _WRAP) for place, byte in enumerate(window)) % _WRAP


def _naive_column(hashed: int, seed: int, bits: int) -> int:
    mix = int(ngrams._MIX)
    mixed = (hashed + seed * 0x517CC1B727220A95) * mix % _WRAP
    return (mixed ^ mixed >> 32) * mix % _WRAP >> 64 - bits


def _naive(text: str) -> list[int]:
    (lengths, runs, bits) = SIZES
    said = text.lower().replace("\n", " ").encode("utf-8", "replace")
    said = re.sub(rb"[0-9](?:[0-9]|[.,'](?=[0-9]))*", b"0", said)
    framed = b"\n" + said + b"\n"
    found = []
    for n in lengths:
        windows = [framed[place : place + n] for place in range(len(framed) - n + 1)]
        found += [_naive_column(_naive_hash(w), n, bits) for w in windows if b"\n" not in w[1:-1]]
    words = []
    for word in re.findall(rb"[a-z0\x80-\xff]+", said):
        mixed = _naive_hash(word) * int(ngrams._MIX) % _WRAP
        words.append((mixed ^ mixed >> 32) * int(ngrams._MIX) % _WRAP)
    for n in runs:
        for place in range(len(words) - n + 1):
            run = words[place]
            for word in words[place + 1 : place + n]:
                run = (run * ngrams._BASE + word) % _WRAP
            found.append(_naive_column(run, 100 + n, bits))
    return found


@given(texts)
def test_prefix_hashes_give_what_hashing_every_window_gives(text: str) -> None:
    assert columns([text]) == _naive(text)


@given(st.lists(texts, min_size=1, max_size=6))
def test_a_text_has_the_same_ngrams_alone_and_in_any_batch(batch: list[str]) -> None:
    for row, text in enumerate(batch):
        assert columns(batch, row) == columns([text])


@given(st.lists(texts, max_size=6))
def test_every_column_lies_in_the_table_and_every_text_has_its_share(batch: list[str]) -> None:
    found = ngrams.grams(ngrams.read(batch), (3, 4), (1, 3), 6)
    assert found.offsets[0] == 0 and found.offsets[-1] == len(found.columns) and len(found.offsets) == len(batch) + 1
    assert (np.diff(found.offsets) >= 0).all()
    assert not len(found.columns) or (found.columns.min() >= 0 and found.columns.max() < 1 << 6)


# ── What is masked, and what is not ──────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.sampled_from(["shares of ", "Acme, ", "€", " %", "(", " and ", "m "]), max_size=6), st.data())
def test_no_figure_becomes_a_feature(parts: list[str], data: st.DataObject) -> None:
    one, other = ("".join(part + data.draw(numbers) + " " for part in parts) for _ in range(2))
    assert columns([one]) == columns([other])


@given(st.text(alphabet=st.characters(max_codepoint=0x17F), max_size=30))
def test_case_does_not_matter(text: str) -> None:
    assert columns([text]) == columns([text.lower()])


@pytest.mark.parametrize(
    ("one", "other"), [("buy now", "buy not"), ("up 3 %", "up x %"), ("ab", "a b"), ("1.", "1"), ("a.5", "a5")]
)
def test_other_words_have_other_ngrams(one: str, other: str) -> None:
    assert Counter(columns([one])) != Counter(columns([other]))


def test_beginnings_of_texts_differ_from_middles() -> None:
    start = set(columns(["ad"], sizes=((3,), (), 18)))
    assert not start <= set(columns(["an ad or two"], sizes=((3,), (), 18)))


@pytest.mark.parametrize("batch", [[], [""], ["", ""], ["\n"], ["", "a", ""], ["1"]])
def test_texts_of_nothing_are_allowed(batch: list[str]) -> None:
    found = ngrams.grams(ngrams.read(batch), *SIZES)
    assert ngrams.sums(np.ones((1 << 18, 2), np.int16), found).shape == (len(batch), 2)


# ── Sums ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(texts, max_size=5), st.integers(1, 6))
def test_sums_are_the_product_with_the_counts(batch: list[str], width: int) -> None:
    table = np.random.default_rng(width).integers(-(1 << 15), 1 << 15, size=(1 << 8, width), dtype=np.int16)
    found = ngrams.grams(ngrams.read(batch), (3,), (1, 2), 8)
    counts = np.zeros((len(batch), 1 << 8))
    for row in range(len(batch)):
        np.add.at(counts[row], found.columns[found.offsets[row] : found.offsets[row + 1]], 1)
    np.testing.assert_array_equal(ngrams.sums(table, found), counts @ table.astype(np.float64))
    np.testing.assert_allclose(found.scale[:, 0], 1 / np.sqrt(np.maximum(counts.sum(axis=1), 1)))


@given(
    st.lists(st.sampled_from([0, 1, 2, 256, 257, 258, 514, 515, 1_000, 40_000]), max_size=6),
    st.integers(1, 17),
    st.integers(0, 99),
    st.sampled_from([None, -128, 127]),
)
def test_small_tables_add_up_as_large_ones_do(counts: list[int], width: int, seed: int, all_of: int | None) -> None:
    random = np.random.default_rng(seed)
    table = random.integers(-128, 128, size=(1 << 8, width)).astype(np.int8)
    if all_of is not None:
        table[:] = all_of
    columns = random.integers(0, 1 << 8, size=sum(counts)).astype(np.int32)
    found = ngrams.Grams(columns, np.concatenate(([0], np.cumsum(np.array(counts, np.int64)))).astype(np.int64))
    small = ngrams.SmallTable(table)
    np.testing.assert_array_equal(small.sums(found), ngrams.sums(table.astype(np.int16), found))
    np.testing.assert_array_equal(small.rows(columns), table[columns])
