"""Articles without markup, as collections of news hold them, taken apart again: the other half of `pieces.py`.

What was annotated is a paragraph, a sentence of one, or several of either.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import CorpusError
from .pieces import Piece
from .sources import Source

__all__ = ["Article", "articles_in"]

_SPACED = 100_000  # places that a paragraph has for its sentences
_JOINED = 12  # neighbours at most
_SENTENCE = re.compile(r"""(?<=[.?!])\s+|(?<=[.?!]["'”’)\]])\s+""")


class Article:
    """An article that comes as plain text, or as a tree of paragraphs.

    Args:
        title: its headline.
        text: characters, paragraphs on lines of their own; or a tree `{"children": […]}` whose leaves are strings and
            `{"params": {"text" or "linkText": …}}`.
    """

    def __init__(self, title: str, text: Any) -> None:
        self.title = title
        self._paragraphs: list[str] = []
        self._lists: list[tuple[int, str]] = []  # as one block each, items not parted, with their places
        for told in text.split("\n") if isinstance(text, str) else _children(text):
            items = _children(told) if isinstance(told, dict) else []
            if len(items) > 1 and all(_children(item) for item in items):
                self._lists.append((len(self._paragraphs), _folded(told)))
            else:
                items = [told]
            self._paragraphs += filter(None, map(_folded, items))

    def blocks(self) -> Iterator[Piece]:
        """Its paragraphs."""
        for number, text in enumerate(self._paragraphs):
            yield _plain(number * _SPACED, text)

    def others(self) -> Iterator[Piece]:
        """Paragraphs joined, their sentences, and sentences joined."""
        for number, text in self._lists:
            yield _plain(number * _SPACED, text)
        yield from _runs(self._paragraphs, 0, _SPACED)
        for number, text in enumerate(self._paragraphs):
            yield from _runs(_SENTENCE.split(text), number * _SPACED, 1)


def _runs(texts: Sequence[str], start: int, step: int) -> Iterator[Piece]:
    """Neighbours among some texts, joined."""
    for first in range(len(texts)):
        for last in range(first + 1, min(first + _JOINED, len(texts)) + 1):
            yield _plain(start + first * step, " ".join(texts[first:last]))


def _plain(start: int, text: str) -> Piece:
    return Piece(start, text, html.escape(text, quote=False))


def _children(node: Any) -> list[Any]:
    found = node.get("children") if isinstance(node, dict) else None
    return found if isinstance(found, list) else []


def _folded(node: Any) -> str:
    """The text of a node and all in it, as read."""
    pieces: list[str] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            pieces.append(one)
        elif isinstance(one, dict):
            given = one.get("params")
            told = (given.get("text") or given.get("linkText")) if isinstance(given, dict) else None
            waiting += [*reversed(_children(one)), *([told] if isinstance(told, str) else [])]
    return " ".join("".join(pieces).split())


# ── What holds many ───────────────────────────────────────────────────────────────────────────────────────────────


def articles_in(data: bytes, source: Source) -> dict[str, Article]:
    """The entries of a file, by their documents; of two with one name the first counts.

    Raises:
        CorpusError: it cannot be read.
    """
    found: dict[str, Article] = {}
    try:
        text = data.decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(text, newline="")) if source.form == "csv" else _objects(json.loads(text))
        for row in rows:
            document, title, body = (row.get(source.fields[name]) for name in ("document", "title", "text"))
            if isinstance(document, str) and isinstance(body, str | dict) and document not in found:
                found[document] = Article(title if isinstance(title, str) else "", body)
    except (ValueError, csv.Error, RecursionError) as fault:
        raise CorpusError(f"cannot be read: {fault}") from fault
    return found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a JSON value, in order, the outer ones first."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)
