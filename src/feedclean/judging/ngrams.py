"""Texts as hashed n-grams, in numpy alone: the same code trains and serves.

All texts of a batch are joined to one array of bytes, and a polynomial hash of every prefix is taken modulo 2**64.
The hash of any window is then a difference of two prefixes times a power of the inverse base (Karp and Rabin, 1987,
"Efficient randomized pattern-matching algorithms"), so n-grams of every length and whole words cost three array
operations each, whatever their length.

Numbers are masked here (a run of digits with its separators becomes one `0`), so that no figure becomes a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

_BASE = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = np.uint64(0xD6E8FEB86659FD93)

# What a byte of lower-case UTF-8 is.
WORD, DIGIT, SPACE, OTHER = 0, 1, 2, 3
_CLASS = np.full(256, OTHER, np.uint8)
_CLASS[ord("a") : ord("z") + 1] = WORD
_CLASS[0x80:] = WORD
_CLASS[ord("0") : ord("9") + 1] = DIGIT
_CLASS[[ord(" "), ord("\n"), ord("\t")]] = SPACE
_GAP = ord("\n")


@dataclass(frozen=True)
class Words:
    """The texts of a batch as bytes and words.

    `bytes` joins the masked texts, each between line feeds; `row_starts[r]` is the place of text r in it. `hashes`,
    `starts`, `ends` and `rows` have an entry for every word (a run of letters, or a masked number) in order.
    """

    bytes: Bytes
    row_starts: Ints
    prefix: Hashes
    hashes: Hashes
    starts: Ints
    ends: Ints
    rows: Ints

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.row_starts)


_powers = np.ones(1, np.uint64)
_inverses = np.ones(1, np.uint64)


def _tables(length: int) -> tuple[Hashes, Hashes]:
    """Powers of the base and of its inverse, from the zeroth to one past `length`."""
    global _powers, _inverses
    if len(_powers) <= length:
        size = max(length + 1, 1 << 16)
        for_base, for_inverse = np.full(size, _BASE, np.uint64), np.full(size, _INVERSE, np.uint64)
        for_base[0] = for_inverse[0] = 1
        _powers, _inverses = np.cumprod(for_base), np.cumprod(for_inverse)
    return _powers, _inverses


def read(texts: Sequence[str]) -> Words:
    """Join, mask and split texts (any case; lower-cased here). Empty texts are allowed."""
    joined = ("\n" + "\n".join(text.lower().replace("\n", " ") for text in texts) + "\n").encode("utf-8", "replace")
    raw = np.frombuffer(joined, np.uint8)
    kind = _CLASS[raw]
    digit = kind == DIGIT
    separator = (raw == ord(".")) | (raw == ord(",")) | (raw == ord("'"))
    inside = np.zeros(len(raw), bool)  # separators between two digits
    inside[1:-1] = separator[1:-1] & digit[:-2] & digit[2:]
    number = digit | inside
    keep = ~number
    keep[1:] |= number[1:] & ~number[:-1]
    data = np.where(number, np.uint8(ord("0")), raw)[keep]
    kind = np.where(number, np.uint8(WORD), kind)[keep]

    powers, inverses = _tables(len(data) + 1)
    prefix = np.zeros(len(data) + 1, np.uint64)
    np.cumsum((data.astype(np.uint64) + np.uint64(1)) * powers[: len(data)], out=prefix[1:])

    word = np.zeros(len(data) + 2, np.int8)
    word[1:-1] = kind == WORD
    edges = np.diff(word)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    row_starts = np.flatnonzero(data == _GAP)[:-1] + 1
    hashes = _mixed((prefix[ends] - prefix[starts]) * inverses[starts], 0)
    rows = np.searchsorted(row_starts, starts, side="right") - 1
    return Words(data, row_starts, prefix, hashes, starts, ends, rows)


def _mixed(hashes: Hashes, seed: int) -> Hashes:
    mixed = (hashes + np.uint64(seed * 0x51_7C_C1_B7_27_22_0A_95 & (1 << 64) - 1)) * _MIX
    return (mixed ^ (mixed >> np.uint64(32))) * _MIX


@dataclass(frozen=True)
class Grams:
    """Hashed n-grams of a batch: `columns[offsets[r]:offsets[r + 1]]` are those of text r, repeats included."""

    columns: NDArray[np.int32]
    offsets: Ints

    @property
    def scale(self) -> NDArray[np.float64]:
        """What a text's counts are multiplied with, shape (texts, 1): one over the root of how many it has."""
        return (1 / np.sqrt(np.maximum(np.diff(self.offsets), 1)))[:, None]


def grams(words: Words, characters: Sequence[int], word_runs: Sequence[int], bits: int) -> Grams:
    """Columns (below 2**bits) of all runs of so many bytes and of so many words.

    A run of bytes stays inside its text, which has a line feed on either side; a run of words counts them across
    punctuation.
    """
    _, inverses = _tables(len(words.prefix))
    shift = np.uint64(64 - bits)
    data_rows = np.repeat(
        np.arange(words.count), np.diff(np.append(words.row_starts, len(words.bytes)))
    )  # row of every byte from the first text on
    lead = int(words.row_starts[0]) if words.count else 0
    columns: list[NDArray[np.int32]] = []
    rows: list[Ints] = []
    for n in characters:
        # A window may begin at the line feed before its text and end at the one after it.
        first = np.arange(lead - 1, len(words.bytes) - n + 1)
        if len(first) <= 0:
            continue
        row = data_rows[np.minimum(first + 1 - lead, len(data_rows) - 1)]
        last = first + n - 2  # the last byte but one must still be text of the same row
        valid = data_rows[np.minimum(last - lead, len(data_rows) - 1)] == row
        valid &= words.bytes[np.minimum(last, len(words.bytes) - 1)] != _GAP
        first, row = first[valid], row[valid]
        window = (words.prefix[first + n] - words.prefix[first]) * inverses[first]
        columns.append((_mixed(window, n) >> shift).astype(np.int32))
        rows.append(row)
    for n in word_runs:
        count = len(words.hashes) - n + 1
        if count <= 0:
            continue
        run = words.hashes[:count].copy()
        for place in range(1, n):
            run = run * np.uint64(_BASE) + words.hashes[place : place + count]
        valid = words.rows[:count] == words.rows[n - 1 :]
        columns.append((_mixed(run[valid], 100 + n) >> shift).astype(np.int32))
        rows.append(words.rows[:count][valid])
    if not columns:
        return Grams(np.zeros(0, np.int32), np.zeros(words.count + 1, np.int64))
    row_of = np.concatenate(rows)
    order = np.argsort(row_of, kind="stable")
    counts = np.bincount(row_of, minlength=words.count)
    return Grams(np.concatenate(columns)[order], np.concatenate(([0], np.cumsum(counts))))


def sums(table: Floats, found: Grams) -> NDArray[np.float64]:
    """Rows of `table` (columns, width) added up for each text and scaled, shape (texts, width)."""
    result = np.zeros((len(found.offsets) - 1, table.shape[1]), np.float64)
    filled = np.flatnonzero(np.diff(found.offsets))
    if len(filled):
        result[filled] = np.add.reduceat(table[found.columns], found.offsets[filled], axis=0, dtype=np.float64)
    return result * found.scale
