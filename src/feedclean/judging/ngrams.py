"""Texts as hashed n-grams, in numpy alone: the same code trains and serves.

All texts of a batch are joined to one array of bytes, and a polynomial hash of every prefix is taken modulo 2**64.
The hash of any window is then a difference of two prefixes times a power of the inverse base (Karp and Rabin, 1987,
"Efficient randomized pattern-matching algorithms"), so n-grams of every length and whole words cost three array
operations each, whatever their length.

Numbers are masked here (a run of digits with its separators becomes one `0`), so that no figure becomes a feature.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

# Lengths of the runs of bytes and of words, and the bits of a column, for each head.
TEXT = ((3, 5), (1,), 17)
WORDS = ((), (1, 2, 3), 18)
MARKUP = ((4,), (1, 2), 14)
TITLE = ((3, 5), (1, 2), 16)

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
    joined = ("\n" + "".join(text.lower().replace("\n", " ") + "\n" for text in texts)).encode("utf-8", "replace")
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

    _, inverses = _tables(len(data) + 1)
    prefix = _prefix(data)

    word = np.zeros(len(data) + 2, np.int8)
    word[1:-1] = kind == WORD
    edges = np.diff(word)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    row_starts = np.flatnonzero(data == _GAP)[:-1] + 1
    hashes = _mixed((prefix[ends] - prefix[starts]) * inverses[starts], 0)
    rows = np.searchsorted(row_starts, starts, side="right") - 1
    return Words(data, row_starts, prefix, hashes, starts, ends, rows)


def hidden(words: Words, which: NDArray[np.bool_], name: np.uint64) -> Words:
    """The words with some of them unreadable: their letters become `x`, their hash `name`."""
    if not which.any():
        return words
    edges = np.zeros(len(words.bytes) + 1, np.int8)
    edges[words.starts[which]] = 1
    edges[words.ends[which]] -= 1
    data = np.where(np.cumsum(edges[:-1]) > 0, np.uint8(ord("x")), words.bytes)
    hashes = np.where(which, name, words.hashes)
    return replace(words, bytes=data, prefix=_prefix(data), hashes=hashes)


def salt(numbers: Ints) -> Hashes:
    """Hashes of numbers, to tell the same word in different places apart."""
    return (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)


def _prefix(data: Bytes) -> Hashes:
    """The hash of every prefix."""
    powers, _ = _tables(len(data) + 1)
    prefix = np.zeros(len(data) + 1, np.uint64)
    np.cumsum((data.astype(np.uint64) + np.uint64(1)) * powers[: len(data)], out=prefix[1:])
    return prefix


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


def placed(
    words: Words, characters: Sequence[int], word_runs: Sequence[int], bits: int
) -> Iterator[tuple[Ints, Ints, Ints, NDArray[np.int32]]]:
    """All runs of so many bytes, then of so many words, length by length.

    A run of bytes stays inside its text and the line feeds on either side of it; a run of words counts them across
    punctuation.

    Yields:
        For each length: the runs' texts, the place of their first byte and after their last, and their columns, which
        lie below 2**bits.
    """
    _, inverses = _tables(len(words.prefix))
    shift = np.uint64(64 - bits)
    sizes = np.diff(np.append(words.row_starts, len(words.bytes)))
    lead = int(words.row_starts[0]) if words.count else 0
    row_of = np.concatenate((np.zeros(lead, np.int64), np.repeat(np.arange(words.count), sizes)))
    # The line feed before a text counts as its own, so that beginnings of texts differ from middles.
    row_of[words.row_starts - 1] = np.arange(words.count)
    gap = words.bytes == _GAP
    for n in characters:
        count = len(words.bytes) - n + 1
        if count <= 0:
            continue
        # Line feeds only at the edges: then first and last but one byte belong to one text.
        valid = row_of[:count] == row_of[n - 2 : n - 2 + count]
        for inner in range(1, n - 1):
            valid &= ~gap[inner : inner + count]
        first = np.flatnonzero(valid)
        window = ((words.prefix[n:] - words.prefix[:count]) * inverses[:count])[first]
        yield row_of[first], first, first + n, (_mixed(window, n) >> shift).astype(np.int32)
    for n in word_runs:
        count = len(words.hashes) - n + 1
        if count <= 0:
            continue
        run = words.hashes[:count].copy()
        for place in range(1, n):
            run = run * np.uint64(_BASE) + words.hashes[place : place + count]
        valid = words.rows[:count] == words.rows[n - 1 :]
        columns = (_mixed(run[valid], 100 + n) >> shift).astype(np.int32)
        yield words.rows[:count][valid], words.starts[:count][valid], words.ends[n - 1 :][valid], columns


def grams(words: Words, characters: Sequence[int], word_runs: Sequence[int], bits: int) -> Grams:
    """The columns of all such runs, text by text (see `placed`)."""
    found = list(placed(words, characters, word_runs, bits))
    rows = np.concatenate([rows for rows, _, _, _ in found]) if found else np.zeros(0, np.int64)
    columns = np.concatenate([columns for _, _, _, columns in found]) if found else np.zeros(0, np.int32)
    counts = np.bincount(rows, minlength=words.count)
    # Numbers of so few bits are sorted by their digits, which takes half the time.
    order = np.argsort(rows.astype(np.uint16) if words.count <= 1 << 16 else rows, kind="stable")
    return Grams(columns[order], np.concatenate(([0], np.cumsum(counts))))


def sums(table: NDArray[np.int16], found: Grams) -> Ints:
    """Rows of `table` (columns, width) added up for each text, shape (texts, width)."""
    result = np.zeros((len(found.offsets) - 1, table.shape[1]), np.int64)
    filled = np.flatnonzero(np.diff(found.offsets))
    if len(filled):
        rows = np.take(table, found.columns, axis=0)  # twice as fast as indexing
        result[filled] = np.add.reduceat(rows, found.offsets[filled], axis=0, dtype=np.int64)
    return result


_LOW_BYTES, _BYTE = np.uint64(0x00FF_00FF_00FF_00FF), np.uint64(8)
_MOST = 257  # bytes of at most 255 each that add up in a lane of 16 bits
_PARTS = 128  # sums of so many are made at once, which bounds memory


class SmallTable:
    """A table of 8-bit whole numbers whose rows are added up eight columns at a time.

    A row is kept as 64-bit words, the numbers above zero by 128. The even and the odd bytes of a word are four lanes of
    16 bits each, so plain additions of words add four columns at once (SIMD within a register; Lamport, 1975, "Multiple
    Byte Processing with Full-Word Instructions"), where numpy adds up bytes one by one.

    Args:
        table: shape (columns, width).
    """

    def __init__(self, table: NDArray[np.int8]) -> None:
        self.width = table.shape[1]
        padded = np.pad(table, ((0, 0), (0, -self.width % 8)))
        self._words = (padded.view(np.uint8) ^ np.uint8(128)).view("<u8")

    def rows(self, columns: NDArray[np.int32]) -> NDArray[np.int8]:
        """The rows of some columns, shape (columns, width)."""
        result: NDArray[np.int8] = (self._words[columns].view(np.uint8) ^ np.uint8(128)).view(np.int8)
        return result[:, : self.width]

    def sums(self, found: Grams) -> Ints:
        """Rows added up for each text, shape (texts, width)."""
        counts = np.diff(found.offsets)
        result = np.zeros((len(counts), self.width), np.int64)
        filled = np.flatnonzero(counts)
        if not len(filled):
            return result
        parts = -(-counts[filled] // _MOST)  # of each text, so that no lane overflows
        first = np.cumsum(parts) - parts
        starts = np.repeat(found.offsets[filled] - first * _MOST, parts) + np.arange(parts.sum()) * _MOST
        ends = np.append(starts, found.offsets[-1])
        lanes = np.empty((len(starts), 4 * self._words.shape[1], 2), np.uint16)
        for begin in range(0, len(starts), _PARTS):
            own = slice(begin, begin + _PARTS)
            low, high = ends[begin], ends[min(begin + _PARTS, len(starts))]
            rows = np.take(self._words, found.columns[low:high], axis=0)
            lanes[own, :, 0] = np.add.reduceat(rows & _LOW_BYTES, starts[own] - low, axis=0).view("<u2")
            rows >>= _BYTE
            rows &= _LOW_BYTES
            lanes[own, :, 1] = np.add.reduceat(rows, starts[own] - low, axis=0).view("<u2")
        flat = lanes.reshape(len(starts), -1)[:, : self.width]
        result[filled] = np.add.reduceat(flat, first, axis=0, dtype=np.int64) - 128 * counts[filled, None]
        return result
