"""Where else the words of a block are said: in its own item, which is cohesion, and in others, which is repetition."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from . import ngrams
from .ngrams import Hashes, Words

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.uint64)

_SAID = ("said elsewhere", "said before", "in title", "said or in title")
NAMES: tuple[str, ...] = (
    "title in block", "block in title", "has title",
    *(f"{rarity} words {where}" for rarity in ("rare", "common") for where in _SAID),
    "log rare words", "rare words, all new", "no rare words", "share of rare words", "rare words said against passage",
)  # fmt: skip
REPETITION = ("repetition", "log repeats", "passage repetition", "log passages")


def within(titles: Words, words: Words, counts: Matrix, sizes: Ints, rare: NDArray[np.bool_]) -> Matrix:
    """How the words of a block hang together with those of its item: the title, and the other blocks.

    News goes on about what it has named; a pitch or a link to another story brings names that nothing else in the item
    says, or no names at all (lexical cohesion; Halliday and Hasan, 1976; Hearst, 1997, "TextTiling").

    Args:
        titles: `ngrams.read` of the items' titles.
        words: `ngrams.read` of the blocks' texts.
        counts: how many words each block has.
        sizes: number of blocks of each item, in order.
        rare: which of the words are not common.

    Returns:
        Array of shape (blocks, `len(NAMES)`).
    """
    blocks = len(counts)
    passage_of = np.repeat(np.arange(len(sizes)), sizes)
    # A word and the passage it stands in, as one number.
    own = _distinct(titles.hashes ^ ngrams.salt(titles.rows))
    key = words.hashes ^ ngrams.salt(passage_of[words.rows])
    number = np.minimum(np.searchsorted(own, key), max(len(own) - 1, 0))
    in_title = own[number] == key if len(own) else np.zeros(len(key), bool)
    title_words = np.bincount(titles.rows, minlength=len(sizes)).astype(np.float64)
    # Distinct words of the title that the block holds, over the title's words.
    held = _distinct(words.rows[in_title] * len(own) + number[in_title]) // max(len(own), 1)
    covered = np.bincount(held, minlength=blocks) / np.maximum(title_words[passage_of], 1)
    elsewhere, before = _said(key, words.rows)
    # Each word is of one of 16 sorts; counted once for each block, since every column is a sum of some of them.
    sort = rare.astype(np.int64) | elsewhere << 1 | before << 2 | in_title << 3
    table = np.bincount(words.rows * 16 + sort, minlength=blocks * 16).reshape(blocks, 16) @ _SUMS
    names = table[:, 0]
    of_rare = table[:, 1:5] / np.maximum(names, 1)[:, None]
    of_common = table[:, 5:9] / np.maximum(counts - names, 1)[:, None]
    said = of_rare[:, -1]
    around = np.bincount(passage_of, weights=said, minlength=len(sizes)) / np.maximum(sizes, 1)
    return np.column_stack(
        (
            np.minimum(covered, 1),
            table[:, 9] / np.maximum(counts, 1),
            title_words[passage_of] > 0,
            of_rare,
            of_common,
            np.log1p(names),
            (names > 0) & (said == 0),
            names == 0,
            names / np.maximum(counts, 1),
            said - around[passage_of],
        )
    )


def _sums() -> Matrix:
    """Which sorts of words `within` adds up: rare ones, both kinds as `_SAID` has it, and those in the title."""
    rare, elsewhere, before, in_title = (np.arange(16) >> bit & 1 == 1 for bit in range(4))
    told = np.column_stack((elsewhere, before, in_title, elsewhere | in_title))
    return np.column_stack((rare, rare[:, None] & told, ~rare[:, None] & told, in_title)).astype(np.float64)


_SUMS = _sums()


def _said(key: Hashes, rows: Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each word, given as a number and the block it stands in: whether another block says it, and one before."""
    elsewhere, before = np.zeros(len(key), bool), np.zeros(len(key), bool)
    if not len(key):
        return elsewhere, before
    order = np.argsort(key)
    first = np.ones(len(key), bool)
    first[1:] = key[order[1:]] != key[order[:-1]]
    starts = np.flatnonzero(first)
    group = np.cumsum(first) - 1
    standing = rows[order]
    earliest = np.minimum.reduceat(standing, starts)
    elsewhere[order] = (earliest != np.maximum.reduceat(standing, starts))[group]
    before[order] = standing > earliest[group]
    return elsewhere, before


def _distinct(values: NDArray[Number]) -> NDArray[Number]:
    """The different values, ascending: `np.unique`, whose table of hashes costs more than sorting so few."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def runs(words: Words) -> tuple[Hashes, Ints]:
    """Runs of three words inside a text, as one number each, and the texts they stand in."""
    if len(words.hashes) < 3:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    run = (words.hashes[:-2] * np.uint64(3) + words.hashes[1:-1]) * np.uint64(5) + words.hashes[2:]
    row = words.rows[:-2]
    whole = row == words.rows[2:]
    return run[whole], row[whole]


def repetition(run: Hashes, row: Ints, sizes: Ints) -> Matrix:
    """How much of a block stands in other passages too, less what its passage repeats as a whole (D9).

    Runs of words are compared, so a pitch with another company's name still counts for most of its length. An item
    that is carried twice repeats everywhere; nothing in it stands out then, and nothing counts.

    Args:
        run: `runs` of the blocks' masked words.
        row: the block of each of them.
        sizes: number of blocks of each passage, in order.

    Returns:
        Array of shape (blocks, `len(REPETITION)`).
    """
    blocks = int(sizes.sum())
    passage_of = np.repeat(np.arange(len(sizes)), sizes)
    log_passages = np.full(blocks, np.log1p(len(sizes)))
    if len(sizes) < 2 or not len(run):
        return np.column_stack((np.zeros((blocks, 3)), log_passages))
    order = np.argsort(run)  # equal runs side by side, those of one passage not always
    first = np.ones(len(run), bool)
    first[1:] = run[order[1:]] != run[order[:-1]]
    number = np.empty(len(run), np.int64)
    number[order] = np.cumsum(first) - 1
    # Most runs stand in one place only; passages are counted for the others.
    often = np.bincount(number) > 1
    several = often[number]
    seen = _distinct(number[several] * len(sizes) + passage_of[row[several]]) // len(sizes)
    passages_with = np.maximum(np.bincount(seen, minlength=len(often)), 1)[number]
    counts = np.bincount(row, minlength=blocks)
    repeated = np.bincount(row, weights=passages_with > 1, minlength=blocks)
    share = repeated / np.maximum(counts, 1)
    mean_log = np.bincount(row, weights=np.log(passages_with), minlength=blocks) / np.maximum(counts, 1)
    # Lines too short to be compared count neither way; sums of whole numbers, so that equal shares are equal.
    of_passage = np.bincount(passage_of, weights=counts, minlength=len(sizes))
    overall = np.bincount(passage_of, weights=repeated, minlength=len(sizes)) / np.maximum(of_passage, 1)
    around = overall[passage_of]
    return np.column_stack((np.maximum(share - around, 0), mean_log * (share > around), around, log_passages))
