"""Pages taken apart again, so that annotated blocks can be found in them by their digests.

The annotated blocks were cut by another program, mostly where `judging.blocks` cuts. For the others there are more
pieces: neighbours joined (paragraphs that only `<br><br>` parts), and what stands inside a block (cells of a table,
labels, buttons, a region that does not balance). A digest says which of them it was.

Markup is kept as far as annotated documents keep it: no pictures, scripts or comments, few attributes; and what stands
directly in a container has that container as its element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..formats.web_page import open_web_page
from ..judging.blocks import judged, split, whole
from ..judging.elements import BLOCK, Element, tree
from ..judging.tokens import CLOSE, HIDDEN, OPEN, attributes, tags
from ..types import Block, Kind, Markup

__all__ = ["Page", "Piece", "Pieces"]

_ATTRIBUTES = frozenset("href class id rel title role target type aria-label".split())
_DROPPED = frozenset("img picture source video audio track embed object canvas input svg".split())
_UNITS = BLOCK | {"label", "button"}
_CONTAINERS, _NAMES = 4, 70  # how many containers are named, and with how many characters of class names and ids
_JOINED = 40  # neighbours at most


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that may have been annotated: `html` and `containers` as labelled documents have them."""

    start: int  # orders the pieces of a document
    text: str  # visible, white space folded
    html: str
    containers: tuple[str, ...] = ()


class Pieces(Protocol):
    """A document that annotated blocks are looked for in."""

    title: str

    def blocks(self) -> Iterator[Piece]:
        """Its blocks as we cut them."""

    def others(self) -> Iterator[Piece]:
        """What else may have been one."""


class Page:
    """A page of the web. Annotated pages have no title of their own: it stands among their blocks.

    Args:
        data: the page, unpacked.

    Raises:
        LimitError: it is too large.
    """

    title = ""

    def __init__(self, data: bytes) -> None:
        self._text = open_web_page(data).items[0].bodies[0].text
        partition = split(self._text, Markup.HTML)
        self._opened: dict[int, str] = {}  # the open tag of each container
        self._units: list[tuple[int, Block]] = []  # with their places
        position = 0
        for block in partition.blocks:
            if judged(block):
                self._units.append((position, block))
            elif block.scope >= 0:
                self._opened.setdefault(block.scope, block.source)
            position += len(block.source)
        self._around: list[tuple[str, ...]] = []  # the names of each container and of those around it
        for scope, parent in enumerate(partition.parents):
            outer = self._around[parent] if parent >= 0 else ()
            self._around.append((_name(self._opened.get(scope, "")), *outer)[: _CONTAINERS + 1])

    def blocks(self) -> Iterator[Piece]:
        """Its blocks as we cut them."""
        for start, block in self._units:
            yield self._piece(start, block.source, block)

    def others(self) -> Iterator[Piece]:
        """Blocks joined, and what they hold."""
        for number, (start, block) in enumerate(self._units):
            if not block.tag and block.kind is not Kind.TANGLE:
                yield from self._joined(number)
            if "<" in block.source:
                yield from _parts(block.source, start, self._opened.get(block.scope, ""), self._containers(block))

    def _joined(self, first: int) -> Iterator[Piece]:
        """What stands directly in a container, with more and more of its neighbours."""
        start, block = self._units[first]
        for after, other in self._units[first + 1 : first + _JOINED]:
            if other.tag or other.scope != block.scope or other.kind is Kind.TANGLE:
                return
            yield self._piece(start, self._text[start : after + len(other.source)], block)

    def _piece(self, start: int, source: str, block: Block) -> Piece:
        around = "" if block.tag or _alone(source) else self._opened.get(block.scope, "")
        return _piece(start, source, self._containers(block), around)

    def _containers(self, block: Block) -> tuple[str, ...]:
        return self._around[block.scope] if block.scope >= 0 else ()


def _parts(source: str, start: int, around: str, containers: tuple[str, ...]) -> Iterator[Piece]:
    """The elements in a source that could be blocks, and the text between them."""
    root, _ = tree(source, tags(source))
    waiting = [(root, around, containers)]
    while waiting:
        element, around, containers = waiting.pop()
        position = element.content
        for child in element.children:
            if not _could_be(child):
                continue
            if source[position : child.start].strip():
                yield _piece(start + position, source[position : child.start], containers, around)
            yield _piece(start + child.start, source[child.start : child.end], containers)
            opening = source[child.start : child.content]
            if child.splits or any(map(_could_be, child.children)):
                waiting.append((child, opening, (_name(opening), *containers)[: _CONTAINERS + 1]))
            position = child.end
        if source[position : element.stop].strip():
            yield _piece(start + position, source[position : element.stop], containers, around)


def _could_be(element: Element) -> bool:
    return element.tag in _UNITS or element.splits


def _alone(source: str) -> bool:
    """Whether a source is a single label or button."""
    if not source.startswith(("<label", "<button")):
        return False
    root, _ = tree(source, tags(source))
    return len(root.children) == 1 and root.children[0].end == len(source)


def _piece(start: int, source: str, containers: tuple[str, ...], around: str = "") -> Piece:
    """A piece of a page.

    Args:
        start: where it begins.
        source: its characters.
        containers: the elements around it.
        around: the open tag of the innermost, if that is to be its element.
    """
    kept = _kept(source).strip()
    if opened := tags(_kept(around)):
        kept, containers = f"{_kept(around)}{kept}</{opened[0].name}>", containers[1:]
    return Piece(start, whole(kept).text, kept, tuple(containers[:_CONTAINERS]))


def _kept(source: str) -> str:
    """A source with the markup that annotated documents keep, white space folded."""
    pieces: list[str] = []
    position = 0
    drawn = 0  # how many drawings are open: what stands in them is no text
    for tag in tags(source):
        if not drawn:
            pieces.append(source[position : tag.start])
        position = tag.end
        if tag.name == "svg":
            drawn = max(0, drawn + (tag.kind == OPEN) - (tag.kind == CLOSE))
        if drawn or tag.kind == HIDDEN or tag.name in _DROPPED:
            continue
        if tag.kind == CLOSE:
            pieces.append(f"</{tag.name}>")
            continue
        given = attributes(source[tag.start : tag.end])
        told = "".join(f' {name}="{_quoted(value)}"' for name, value in given.items() if name in _ATTRIBUTES)
        pieces.append(f"<{tag.name}{told}>")
    if not drawn:
        pieces.append(source[position:])
    return re.sub(r"\s+", " ", "".join(pieces))


def _quoted(value: str) -> str:
    return value.replace('"', "&quot;")


def _name(tag: str) -> str:
    """A container as labelled documents name it: `"div.class.id"`."""
    found = tags(tag)
    if not found:
        return ""
    given = attributes(tag)
    names = ".".join(word for name in ("class", "id") for word in given.get(name, "").split())[:_NAMES]
    return f"{found[0].name}.{names}" if names else found[0].name
