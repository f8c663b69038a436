"""What counts as the same template: labels for ads that reach the same pitch reworded, against those that reach news.

Every pitch and teaser of the corpus in turn is taken for a label that a person gave. How many of its own variants does
it reach (another company, other numbers, up to two words changed), and how many pieces of news do all of them reach
together? Compared: the masked text alone, Jaccard's coefficient of words and word pairs, MinHash and SimHash of these.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from common import documents

from feedclean.judging.blocks import whole
from feedclean.judging.likeness import ALIKE, Templates, mask, traits

_LEAST = 10  # traits, as in `likeness.py`
_FILLERS = "now just soon here quite free today jetzt noch schon gerade hier bald".split()
_NAME = re.compile(r"\b[A-ZÄÖÜ][\w&'-]+(?: [A-ZÄÖÜ][\w&'-]+)?")
_SEED = np.random.default_rng(0)
_ODD = (_SEED.integers(1, 1 << 62, 64).astype(np.uint64) << np.uint64(1)) | np.uint64(1)
_ADD = _SEED.integers(0, 1 << 62, 64).astype(np.uint64)

Bits = np.ndarray[tuple[int], np.dtype[np.uint64]]


def _variant(text: str, title: str, names: Sequence[str], edits: int, chance: random.Random) -> str | None:
    """The same pitch for another company; `None` where the title's company does not stand in it."""
    words = [word for word in re.findall(r"[A-ZÄÖÜ][\w&]{3,}", title) if re.search(rf"\b{re.escape(word)}\b", text)]
    if not words:
        return None
    other = chance.choice(names)
    text = re.sub(rf"\b{re.escape(words[0])}\b", lambda _: other, text)
    parts = re.sub(r"\d+", lambda _: str(chance.randint(1, 999)), text).split()
    for edit in range(edits):
        small = [place for place, part in enumerate(parts) if part.islower() and len(part) > 2]
        if len(small) < 4:
            return None
        place = chance.choice(small)
        parts[place : place + 1] = [chance.choice(_FILLERS)] if edit % 2 == 0 else []
    return " ".join(parts)


def _hashes(found: frozenset[str]) -> Bits:
    import hashlib

    return np.array([int.from_bytes(hashlib.blake2b(x.encode(), digest_size=8).digest()) for x in found], np.uint64)


def _minhash(found: frozenset[str]) -> Bits:
    low: Bits = (_hashes(found)[:, None] * _ODD + _ADD).min(0)
    return low


def _simhash(found: frozenset[str]) -> Bits:
    bits = (_hashes(found)[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    majority: Bits = (bits.mean(0) > 0.5).astype(np.uint64)
    return majority


def _read() -> Iterator[tuple[str, str, str]]:
    """Title, text and label of every block."""
    for document in documents():
        for block in document["blocks"]:
            yield document["title"], whole(block["html"]).text, block["label"]


def _agreement(
    sign: Callable[[frozenset[str]], Bits], ads: list[frozenset[str]], others: list[frozenset[str]]
) -> object:
    """For each of `others`, the share of a signature that it has in common with the nearest of `ads`."""
    table = np.array([sign(found) for found in ads])
    return np.array([(table == sign(found)).mean(1).max() for found in others])


def _hashed(
    pitches: Sequence[tuple[str, str]],
    news: Sequence[str],
    reached: Callable[[Callable[[str, str], bool]], list[float]],
) -> Iterator[tuple[str, list[float], int]]:
    """A row for each signature and threshold."""
    kept = [found for _, text in pitches if len(found := traits(mask(text))) >= _LEAST]
    others = [found for text in news if len(found := traits(mask(text))) >= _LEAST]
    signatures = (("MinHash 64", _minhash, (0.5, 0.6, 0.7)), ("SimHash 64", _simhash, (56 / 64, 54 / 64, 52 / 64)))
    for name, sign, levels in signatures:
        best = _agreement(sign, kept, others)
        for level in levels:

            def signed(
                one: str, another: str, sign: Callable[[frozenset[str]], Bits] = sign, level: float = level
            ) -> bool:
                a, b = traits(mask(one)), traits(mask(another))
                return min(len(a), len(b)) >= _LEAST and bool((sign(a) == sign(b)).mean() >= level)

            yield f"{name} {level:.2f}", reached(signed), int((np.asarray(best) >= level).sum())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--news", metavar="FILE", type=Path, action="append", default=[], help="more labelled documents"
    )
    parser.add_argument("--hashes", action="store_true", help="MinHash and SimHash, too; takes minutes")
    options = parser.parse_args()
    chance = random.Random(5)  # noqa: S311
    blocks = list(_read())
    for path in options.news:
        for line in path.read_text("utf-8").split("\n"):
            blocks += [
                ("", whole(block["html"]).text, block["label"])
                for block in (json.loads(line)["blocks"] if line else ())
            ]
    names = [found[0] for title in dict.fromkeys(title for title, _, _ in blocks) if (found := _NAME.match(title))]
    pitches = [(title, text) for title, text, label in blocks if label in {"promo", "teaser"} and title]
    news = sorted({text for _, text, label in blocks if label == "editorial"})
    templates, masks = Templates(), set[str]()
    for _, text in pitches:
        templates.add(text)
        if templates.like(text):
            masks.add(mask(text))
    variants = [
        [
            (text, found)
            for title, text in pitches
            if mask(text) in masks and (found := _variant(text, title, names, edits, chance))
        ]
        for edits in range(3)
    ]
    rows: list[tuple[str, list[float], int]] = []

    def reached(test: Callable[[str, str], bool]) -> list[float]:
        return [sum(test(one, other) for one, other in found) / len(found) for found in variants]

    rows.append(("masked text", reached(lambda a, b: mask(a) == mask(b)), sum(mask(text) in masks for text in news)))
    for threshold in (0.4, 0.5, ALIKE, 0.7, 0.8):

        def alike(one: str, other: str, threshold: float = threshold) -> bool:
            if mask(one) == mask(other):
                return True
            a, b = traits(mask(one)), traits(mask(other))
            return min(len(a), len(b)) >= _LEAST and len(a & b) / len(a | b) >= threshold

        known = Templates(threshold)
        for _, text in pitches:
            known.add(text)
        rows.append((f"Jaccard {threshold}", reached(alike), sum(bool(known.like(text)) for text in news)))
    if options.hashes:
        rows += _hashed(pitches, news, reached)
    began = time.perf_counter()
    for text in news[:2000]:
        templates.like(text)
    took = (time.perf_counter() - began) / len(news[:2000])
    print(f"{took * 1000:.3f} ms to look through {len(templates)} labels for a block", file=sys.stderr)
    print(f"{len(pitches)} pitches and teasers, {len(masks)} templates; {len(news)} pieces of news", file=sys.stderr)
    print(f"{'':<16} {'another company':>16} {'+ a word':>9} {'+ two words':>12} {'news reached':>13}")
    for name, shares, wrong in rows:
        print(f"{name:<16} {shares[0]:>16.1%} {shares[1]:>9.1%} {shares[2]:>12.1%} {wrong:>13}")


if __name__ == "__main__":
    main()
