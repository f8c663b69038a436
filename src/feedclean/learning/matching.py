"""Which pieces of a document are its annotated blocks: by digest, in their order."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from .pieces import Piece, Pieces

__all__ = ["digest", "found_again"]


def digest(text: str) -> str:
    """The first 16 hexadecimal digits of SHA-256 over a block's visible text, white space folded."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def found_again(digests: Sequence[str], document: Pieces) -> list[Piece | None]:
    """The piece for each digest, or `None`: as many as can be had in the order of the document.

    Text that stands there twice is taken where it is nearest to the block after it: what is annotated is one stretch of
    a page.
    """
    wanted = set(digests)
    known = _by_digest(document.blocks(), wanted)
    if len(known) < len(wanted):
        known |= _by_digest(document.others(), wanted - known.keys())
    result: list[Piece | None] = [None] * len(digests)
    following: int | None = None
    for number, piece in reversed(_chain(digests, known)):
        same = known[digests[number]]
        if following is not None:
            piece = same[bisect_left(same, following, key=_start) - 1]  # noqa: PLW2901  the last one before
        result[number], following = piece, piece.start
    return result


def _by_digest(pieces: Iterable[Piece], wanted: set[str]) -> dict[str, list[Piece]]:
    """The pieces for each digest, in order, one at each place."""
    found: dict[str, list[Piece]] = {}
    for piece in pieces:
        key = digest(piece.text)
        if key in wanted:
            found.setdefault(key, []).append(piece)
    return {key: sorted({piece.start: piece for piece in same}.values(), key=_start) for key, same in found.items()}


def _chain(digests: Sequence[str], known: Mapping[str, Sequence[Piece]]) -> list[tuple[int, Piece]]:
    """The longest run of digests whose pieces can be in order (Hunt and Szymanski, 1977): with numbers and pieces."""
    ends: list[int] = []  # where the best run of each length ends
    links: list[tuple[int, Piece, int]] = []  # number, piece, and the link before it
    best: list[int] = []  # the last link of the best run of each length
    for number, key in enumerate(digests):
        for piece in reversed(known.get(key, ())):
            length = bisect_left(ends, piece.start)
            links.append((number, piece, best[length - 1] if length else -1))
            ends[length : length + 1] = [piece.start]
            best[length : length + 1] = [len(links) - 1]
    found: list[tuple[int, Piece]] = []
    at = best[-1] if best else -1
    while at >= 0:
        number, piece, at = links[at]
        found.append((number, piece))
    return found[::-1]


def _start(piece: Piece) -> int:
    return piece.start
