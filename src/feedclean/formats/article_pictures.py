"""The pictures of an article, put back where they stand in its page.

trafilatura has them, too, but chooses worse text when it is asked for them (see `extraction.py`).

A picture belongs to the article if it stands among the paragraphs that were chosen: in the same element as one of them,
or a little deeper, and neither in a link to something else nor among what stands around texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from lxml import etree

__all__ = ["put_back"]

_TEXTS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote")
_LETTERS = 60  # of a paragraph, which tell it from the others
_UP = 5  # elements around a picture: figure, picture, link, and two that are for looks
_LOOKED_AT = 300  # pictures
_SAID = 500  # characters of a caption, or of what stands for a picture
_SMALL = 64  # pixels: smaller ones are icons
_ELSEWHERE = frozenset(("nav", "aside", "footer", "form", "button", "header", "noscript"))
_ORNAMENT = re.compile(r"avatar|logo|icon|emoji|sprite|pixel|spacer|placeholder|badge|share", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?:)?//|/(?!/)|\.{0,2}/?[\w%-]", re.IGNORECASE)


def put_back(tree: Any, body: Any) -> None:
    """Add to `body`, which trafilatura has made of `tree`, the pictures that stand among its paragraphs.

    The caption of one is its `title`; see `captions.py`.
    """
    pictures = list(tree.iter("img"))
    if not pictures:
        return
    chosen = {key: child for child in body if (key := _key(child))}
    homes: dict[Any, bool] = {}
    behind: dict[Any, Any] = {}  # the last picture that was put behind a paragraph
    said = {_letters("".join(child.itertext())) for child in body}
    for picture in pictures[:_LOOKED_AT]:
        branch = None if _is_small(picture) else _branch(picture, chosen, homes)
        source = _source(picture)
        if branch is None or not source:
            continue
        caption = _caption(picture)
        if _letters(caption) in said:  # trafilatura has it among its paragraphs
            caption = ""
        made = etree.Element("figure" if caption else "p")
        etree.SubElement(made, "graphic", src=source, alt=" ".join((picture.get("alt") or "").split())[:_SAID])
        if caption:
            made[0].set("title", caption)
            said.add(_letters(caption))
        before = _chosen_of(chosen, [branch, *branch.itersiblings(*_TEXTS, preceding=True)])
        if before is not None:
            place = behind.get(before, before)
            place.addnext(made)
            made.tail, place.tail = place.tail, None
            behind[before] = made
        else:
            after = _chosen_of(chosen, branch.itersiblings(*_TEXTS))
            after.addprevious(made)


def _caption(picture: Any) -> str:
    """What the page says below a picture; nothing if that is a text of its own."""
    figure = next((one for one in islice(picture.iterancestors(), _UP) if one.tag == "figure"), None)
    caption = next(figure.iter("figcaption"), None) if figure is not None else None
    told = " ".join("".join(caption.itertext()).split()) if caption is not None else ""
    return told if len(told) <= _SAID else ""


def _letters(text: str) -> str:
    return "".join(text.split())


def _key(element: Any) -> str:
    """What tells a paragraph: its first letters, without white space."""
    text = _letters("".join(element.itertext()))[:_LETTERS]
    return text if len(text) >= _LETTERS // 4 else ""


def _chosen_of(chosen: Mapping[str, Any], elements: Iterable[Any]) -> Any:
    """What was made of the first of some elements that was chosen, or `None`."""
    keys = (_key(element) for element in elements if element.tag in _TEXTS)
    return next((chosen[key] for key in keys if key in chosen), None)


def _is_small(picture: Any) -> bool:
    for name in ("width", "height"):
        size = (picture.get(name) or "").strip()
        if size.isascii() and size.isdigit() and len(size) < 5 and int(size) < _SMALL:
            return True
    return bool(_ORNAMENT.search(f"{picture.get('class') or ''} {picture.get('id') or ''}"))


def _branch(picture: Any, chosen: Mapping[str, Any], homes: dict[Any, bool]) -> Any:
    """The element with the picture that stands beside a chosen paragraph, or is one; `None` if there is none near."""
    branch = picture
    for _ in range(_UP):
        around = branch.getparent()
        if around is None or around.tag in _ELSEWHERE:
            return None
        if around.tag == "a" and "".join(around.itertext()).strip():
            return None
        if around not in homes:
            homes[around] = _chosen_of(chosen, around.iterchildren(*_TEXTS)) is not None
        if homes[around]:
            return branch
        branch = around
    return None


def _source(picture: Any) -> str:
    """Where a picture is: pages that load theirs later say it in other attributes."""
    for name in ("data-src", "data-original", "data-lazy-src", "src"):
        address = (picture.get(name) or "").strip()
        if _ADDRESS.match(address) and not address.lower().startswith("data:"):
            return address
    first: str = (picture.get("srcset") or picture.get("data-srcset") or "").strip().partition(" ")[0].rstrip(",")
    return first if _ADDRESS.match(first) and not first.lower().startswith("data:") else ""
