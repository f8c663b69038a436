"""The emphasis of an article, put back where it stands in its page.

trafilatura has it, too, but chooses worse text when it is asked for it (see `extraction.py`). What was chosen is found
again in the page by its letters: a paragraph that has the very same ones, in the same order, gets the page's `strong`
and `em`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice, pairwise
from typing import Any

from lxml import etree

__all__ = ["put_emphasis"]

_MEANT = {"b": "strong", "strong": "strong", "i": "em", "em": "em"}
_TEXTS = (
    "p",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "td",
    "th",
    "dd",
    "dt",
    "div",
    "ul",
    "ol",
    "table",
)
_CHOSEN = ("p", "item", "head", "quote", "cell", "list", "table", "row")
_LOOKED_AT = 3_000  # stretches of emphasis in a page
_LONG = 10_000  # letters of a paragraph

Slot = tuple[Any, bool]  # an element, and whether its tail is meant, or the text at its beginning
Styles = list[str | None]  # of each letter: "strong", "em" or nothing


def put_emphasis(tree: Any, body: Any) -> None:
    """Give `body`, which trafilatura has made of `tree`, the emphasis that its paragraphs have there."""
    written: dict[str, Styles] = {}
    seen: set[Any] = set()
    for number, stretch in enumerate(tree.iter(*_MEANT)):
        if number >= _LOOKED_AT:
            break
        around = next((one for one in stretch.iterancestors() if one.tag in _TEXTS), None)
        if around is not None and around not in seen:
            seen.add(around)
            if _holds(around, _TEXTS):
                continue
            letters, styles = _read(around)
            if any(styles):
                written.setdefault(letters, styles)
    if not written:
        return
    for element in [one for one in body.iter(*_CHOSEN) if not _holds(one, _CHOSEN)]:
        styles = written.get(_read(element)[0], [])
        if styles:
            _dress(element, styles)


def _holds(element: Any, tags: tuple[str, ...]) -> bool:
    """Whether other texts are in an element; it is not compared then, so that each letter is read only once."""
    return any(one is not element for one in islice(element.iter(*tags), 2))


def _slots(element: Any, style: str | None = None) -> Iterator[tuple[Slot, str | None]]:
    """The places in an element where text stands, in order, and the emphasis that it has there: the outermost."""
    if not isinstance(element.tag, str):  # a comment
        return
    style = style or _MEANT.get(element.tag)
    yield (element, False), style
    for child in element:
        yield from _slots(child, style)
        yield (child, True), style


def _text(slot: Slot) -> str:
    element, after = slot
    return (element.tail if after else element.text) or ""


def _read(element: Any) -> tuple[str, Styles]:
    """The letters of an element, without white space, and how each is emphasised; nothing of what is very long."""
    pieces: list[str] = []
    styles: Styles = []
    for slot, style in _slots(element):
        letters = "".join(_text(slot).split())
        pieces.append(letters)
        styles += [style] * len(letters)
        if len(styles) > _LONG:
            return "", []
    return "".join(pieces), styles


def _dress(element: Any, styles: Styles) -> None:
    """Emphasise the letters of an element as `styles` tells."""
    position = 0
    for (holder, after), _ in list(_slots(element)):
        text = _text((holder, after))
        runs = _runs(text, styles[position:])
        position += len("".join(text.split()))
        if not any(style for _, style in runs):
            continue
        parent, last = (holder.getparent(), holder) if after else (holder, None)
        _say(parent, last, "")
        for piece, style in runs:
            if style is None:
                _say(parent, last, piece)
            else:
                made = etree.Element(style)
                made.text = piece
                parent.insert(0 if last is None else parent.index(last) + 1, made)
                last = made


def _say(parent: Any, last: Any, text: str) -> None:
    """Let a text stand behind a child, or at the beginning where there is none."""
    if last is None:
        parent.text = text
    else:
        last.tail = text


def _runs(text: str, styles: Styles) -> list[tuple[str, str | None]]:
    """A text in pieces of one emphasis each; white space has it only between letters that do."""
    letters = [place for place, letter in enumerate(text) if not letter.isspace()]
    marks: Styles = [None] * len(text)
    for place, style in zip(letters, styles, strict=False):
        marks[place] = style
    for one, following in pairwise(letters):
        if marks[one] == marks[following]:
            marks[one:following] = [marks[one]] * (following - one)
    return [
        ("".join(text[place] for place in run), style) for style, run in groupby(range(len(text)), marks.__getitem__)
    ]
