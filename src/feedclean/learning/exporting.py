"""What people said, as labelled documents: filled in where a document has the block, else in documents of their own."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass

from ..judging.blocks import whole
from ..types import Label, TitleLabel
from .documents import Document
from .prelabel import UNKNOWN, slug

__all__ = ["Exported", "Said", "export"]

_TITLES = frozenset(label.value for label in TitleLabel)
_BLOCKS = frozenset(label.value for label in Label)


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said of a block or a title, and where it stood."""

    label: str
    text: str
    source: str
    feed: str
    item: str
    title: str
    language: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What was made of it."""

    documents: tuple[Document, ...]
    labels: int  # that stand in them
    filled: int  # of these, in documents that were there
    left: int  # titles without any block of their item: they make no document


def export(said: Sequence[Said], documents: Sequence[Document] = ()) -> Exported:
    """Labels as documents.

    Args:
        said: in the order it was said; of two things said about the same words, the later holds.
        documents: whose blocks are to get the labels; a guess becomes a label, and the later label holds.
    """
    by_words = {_words(one.text, one.source): one for one in said if one.label in _BLOCKS}
    by_title = {_words(one.text, ""): one for one in said if one.label in _TITLES}
    used: set[tuple[str, str]] = set()
    filled = [_filled(document, by_words, by_title, used) for document in documents]
    left = {(True, words): one for words, one in by_words.items() if ("block", words) not in used}
    items: dict[tuple[str, str, str], list[Said]] = {}
    for one in left.values():
        items.setdefault((one.feed, one.item, one.title), []).append(one)
    own = [_own(*key, blocks, by_title, used) for key, blocks in items.items()]
    titles = sum(("title", words) not in used for words in by_title)
    total = len(by_words) + len(by_title) - titles
    return Exported((*filled, *own), total, total - len(left) - sum("title_label" in one for one in own), titles)


def _filled(
    document: Document, by_words: dict[str, Said], by_title: dict[str, Said], used: set[tuple[str, str]]
) -> Document:
    blocks = []
    for block in document["blocks"]:
        words = _words(whole(block["html"]).text, block["html"])
        one = by_words.get(words)
        if one is None:
            blocks.append(block)
            continue
        used.add(("block", words))
        kept = {name: value for name, value in block.items() if name not in {"guess", "probability", "label", "unsure"}}
        blocks.append({**kept, "label": one.label})
    return _titled({**document, "blocks": blocks}, by_title, used)


def _own(
    feed: str, item: str, title: str, blocks: Sequence[Said], by_title: dict[str, Said], used: set[tuple[str, str]]
) -> Document:
    language = next((one.language for one in blocks if one.language), UNKNOWN)
    style = slug(feed)
    key = hashlib.sha256(f"{feed}\0{item}\0{title}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    document: Document = {
        "id": f"{language}-{style}-{key}",
        "lang": language,
        "kind": "feed_item",
        "style": style,
        "title": title,
        "source": {"set": "own", "document": item if "://" in item else feed},
        "blocks": [{"html": _html(one), "label": one.label} for one in blocks],
    }
    return _titled(document, by_title, used)


def _titled(document: Document, by_title: dict[str, Said], used: set[tuple[str, str]]) -> Document:
    words = _words(document.get("title", ""), "")
    one = by_title.get(words) if words else None
    if one is None:
        return document
    used.add(("title", words))
    return {**{name: value for name, value in document.items() if name != "title_guess"}, "title_label": one.label}


def _html(one: Said) -> str:
    """The block as HTML; the source is none where it comes from a plain text."""
    if not one.text or _words(whole(one.source).text, "") == _words(one.text, ""):
        return one.source or html.escape(one.text, quote=False)
    return html.escape(one.text, quote=False)


def _words(text: str, source: str) -> str:
    return " ".join((text or source).split())
