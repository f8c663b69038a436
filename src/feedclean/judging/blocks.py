"""A field's text as blocks, without loss (D3).

    text ── tokens.tags ──> tags ── elements.tree ──> elements ── _Layout ──> blocks that partition the text
                                                                        (`edit.rewrite` makes them text again)

An element that holds block-level elements (or paragraphs parted by `<br><br>`) is a *container*: its own tags become
glue and its content is laid out in turn. Everything else that shows words or pictures is a judged block. Tags that do
not balance make the smallest region around them one `TANGLE` block, which is never cut. Optional end tags and scopes
follow the HTML standard (13.1.2.4, 13.2.4.2).
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..types import Block, Kind, Label, Link, Markup
from .elements import BLOCK, Element, tree
from .tokens import CLOSE, EMPTY, HIDDEN, OPEN, Tag, attributes, tags

_words = str.split
_MEDIA = frozenset(("img", "picture", "video", "audio", "iframe", "embed", "object", "svg", "canvas", "amp-img"))
_KINDS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), Kind.HEADING),
    **dict.fromkeys(("li", "dd", "dt"), Kind.LIST_ITEM),
    **dict.fromkeys(("figcaption", "caption"), Kind.CAPTION),
    "table": Kind.TABLE,
    "blockquote": Kind.QUOTE,
    "pre": Kind.CODE,
}
MARKED = "data-feedclean"


# A field with more tags is no article: it is one tangle, kept as it is, instead of a tree of gigabytes.
_MOST_TAGS, _GLANCE = 400_000, 10_000


@dataclass(frozen=True, slots=True)
class Partition:
    """A field's text as blocks.

    `blocks` join to the text. A container's own tags, and the glue directly inside it, carry its number in
    `Block.scope`; judged blocks carry the number of the container they stand in. `parents[n]` is the container
    around container `n`, or -1.
    """

    blocks: tuple[Block, ...]
    parents: tuple[int, ...]
    markup: Markup


def split(text: str, markup: Markup) -> Partition:
    """The blocks of a text, whatever the text; their sources join to it."""
    if markup is Markup.TEXT:
        return Partition(tuple(_plain_blocks(text)), (), markup)
    if text.count("<") > _MOST_TAGS:
        return Partition((Block(text, Kind.TANGLE, _visible(text[:_GLANCE])),), (), markup)
    layout = _Layout(text)
    return Partition(tuple(layout.blocks), tuple(layout.parents), markup)


def judged(block: Block) -> bool:
    """Whether a block is given to the model."""
    return block.kind is not Kind.GLUE and block.kind is not Kind.SETTLED


def whole(text: str, containers: Sequence[str] = ()) -> Block:
    """`text` as one judged block, whatever it holds: for labelled data, which comes ready split.

    Args:
        text: HTML or plain text of one block.
        containers: its enclosing elements, innermost first, as `"div.class.id"`.
    """
    found = tags(text)
    first = next((tag for tag in found if tag.kind is not HIDDEN), None)
    own = first is not None and first.kind is OPEN and not text[: first.start].strip()
    tag = first.name if own and first else ""
    kind = _KINDS.get(tag, Kind.PARAGRAPH if tag in BLOCK else Kind.TEXT)
    source = text[first.start : first.end] if own and first else ""
    return _block(text, found, 0, len(text), kind, tag, source, tuple(containers), -1)


# ── Elements to blocks ────────────────────────────────────────────────────────────────────────────────────────────


_Unit = tuple[str, "Element | None", int, int]  # what it is, the element if it has one of its own, start and end


class _Layout:
    """Walks the containers of a text and writes down its blocks. The walk is a loop: depth costs no recursion."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.blocks: list[Block] = []
        self.parents: list[int] = []
        self.tags = tags(text)
        self.starts = [tag.start for tag in self.tags]
        root, self.regions = tree(text, self.tags)
        self.region_starts = [start for start, _ in self.regions]
        self.region_ends = [end for _, end in self.regions]
        self.tangle_end = 0
        # What is still to be written, last first, so that a container's end tag waits for its content.
        self.work: list[tuple[str, Element | None, int, int, int, tuple[str, ...]]] = []
        self._content(root, -1, ())
        while self.work:
            what, element, start, end, scope, containers = self.work.pop()
            if element is not None:
                self._unit(element, scope, containers)
            elif what == "run":
                self._padded(start, end, scope, containers)
            elif what == "tangle":
                self._judged(start, end, Kind.TANGLE, "", "", containers, scope)
            else:
                self._glue(start, end, scope, separator=what == "break")

    def _content(self, element: Element, scope: int, containers: tuple[str, ...]) -> None:
        """Plan the content of a container: block-level children, paragraphs of inline content, and tangles."""
        units: list[_Unit] = []
        position = element.content
        for child in element.children:
            if child.splits or child.tag in BLOCK:
                units.extend(self._paragraphs(position, child.start))
                units.append(("unit", child, child.start, child.end))
                position = child.end
        units.extend(self._paragraphs(position, element.stop))
        for what, unit, start, end in reversed(self._tangled(units)):
            if start < end:
                self.work.append((what, unit, start, end, scope, containers))

    def _paragraphs(self, start: int, end: int) -> Iterator[_Unit]:
        """The units of a stretch of inline content: paragraphs, and the rows of `<br>` that part them."""
        first, last = bisect_left(self.starts, start), bisect_left(self.starts, end)
        position = begin = stop = start
        count = 0
        for tag in self.tags[first:last]:
            if tag.name != "br" or tag.kind is not EMPTY:
                continue
            if count and not self.text[stop : tag.start].strip():
                stop, count = tag.end, count + 1
                continue
            if count > 1:
                yield "run", None, position, begin
                yield "break", None, begin, stop
                position = stop
            begin, stop, count = tag.start, tag.end, 1
        if count > 1:
            yield "run", None, position, begin
            yield "break", None, begin, stop
            position = stop
        yield "run", None, position, end

    def _tangled(self, units: list[_Unit]) -> list[_Unit]:
        """The units of a container, with those that a tangled region touches made one."""
        if not self.regions or not units:
            return units
        begin, stop = units[0][2], units[-1][3]
        number = bisect_left(self.region_ends, begin + 1)
        merged: list[_Unit] = []
        for unit in units:
            _, child, start, end = unit
            while number < len(self.regions) and self.regions[number][1] <= start:
                number += 1
            region = self.regions[number] if number < len(self.regions) else (stop, stop)
            if merged and merged[-1][0] == "tangle" and start < self.tangle_end:
                merged[-1] = ("tangle", None, merged[-1][2], end)
            elif region[0] >= end or start >= end:
                merged.append(unit)
                continue
            elif (
                child is not None
                and child.splits
                and start <= region[0]
                and region[1] <= end
                and region != (start, end)
            ):
                merged.append(unit)  # strictly inside a container: it is met again when that one is laid out
                continue
            else:
                merged.append(("tangle", None, start, end))
            # The last region that begins in what has been merged says how far the tangle reaches.
            last = bisect_left(self.region_starts, end) - 1
            self.tangle_end = max(end, self.regions[last][1]) if last >= 0 else end
        return merged

    def _unit(self, element: Element, scope: int, containers: tuple[str, ...]) -> None:
        """Write a block-level element: a block, or a container's tags around what is still to be written."""
        text, tag = self.text, element.tag
        if tag == "hr":
            self._glue(element.start, element.end, scope, separator=True)
            return
        source = text[element.start : element.content]
        if MARKED in source and MARKED in attributes(source):
            self._judged(element.start, element.end, Kind.SETTLED, tag, source, containers, scope)
            return
        if not element.splits or (tag == "table" and self._holds_data(element)):
            kind = _KINDS.get(tag, Kind.PARAGRAPH)
            self._judged(element.start, element.end, kind, tag, source, containers, scope)
            return
        self.parents.append(scope)
        inner = len(self.parents) - 1
        self._glue(element.start, element.content, inner)
        name = ".".join((tag, *_names(source)))
        if element.stop < element.end:
            self.work.append(("glue", None, element.stop, element.end, inner, ()))
        self._content(element, inner, (name, *containers[:7]))

    def _padded(self, start: int, end: int, scope: int, containers: tuple[str, ...]) -> None:
        """Write inline content, its surrounding white space as glue."""
        piece = self.text[start:end]
        inner = piece.strip()
        if not inner:
            self._glue(start, end, scope)
            return
        left = start + piece.index(inner[0]) if piece[0].isspace() else start
        right = left + len(inner)
        self._glue(start, left, scope)
        self._judged(left, right, Kind.TEXT, "", "", containers, scope)
        self._glue(right, end, scope)

    def _judged(
        self, start: int, end: int, kind: Kind, tag: str, source: str, containers: tuple[str, ...], scope: int
    ) -> None:
        """Write a block that is judged, if it shows anything."""
        first = bisect_left(self.starts, start)
        last = bisect_left(self.starts, end)
        block = _block(self.text, self.tags[first:last], start, end, kind, tag, source, containers, scope)
        if block.text or block.images or kind is Kind.SETTLED or kind is Kind.TANGLE:
            self.blocks.append(block)
        else:
            self._glue(start, end, scope)

    def _glue(self, start: int, end: int, scope: int, separator: bool = False) -> None:
        if start < end:
            self.blocks.append(Block(self.text[start:end], Kind.GLUE, tag="br" if separator else "", scope=scope))

    def _holds_data(self, table: Element) -> bool:
        """Whether a table shows figures in rows and columns (one block) or only lays out a page (a container)."""
        rows = cells = longest = 0
        begin = None
        for tag in self.tags[table.first + 1 : table.last]:
            if tag.kind is OPEN:
                if tag.name in ("table", "h1", "h2", "h3", "ul", "ol", "figure"):
                    return False
                if tag.name == "tr":
                    rows += 1
                elif tag.name in ("td", "th"):
                    cells += 1
                    begin = tag.end
            elif tag.kind is CLOSE and tag.name in ("td", "th") and begin is not None:
                longest = max(longest, len(re.sub(r"<[^>]*>", "", self.text[begin : tag.start]).strip()))
                begin = None
        return rows >= 2 and cells > rows and longest <= 240


_NAME_ATTRIBUTES = ("class", "id", "role")


def _names(source: str) -> tuple[str, ...]:
    """Class names, ids and roles in an open tag."""
    if "=" not in source:
        return ()
    found = attributes(source)
    return tuple(word for name in _NAME_ATTRIBUTES if name in found for word in _words(found[name]))[:12]


def _block(
    text: str,
    found: Sequence[Tag],
    start: int,
    end: int,
    kind: Kind,
    tag: str,
    source: str,
    containers: tuple[str, ...],
    scope: int,
) -> Block:
    """The judged block `text[start:end]`, whose tags are `found`."""
    pieces: list[str] = []
    links: list[Link] = []
    opened: tuple[str, str, int] | None = None  # href, rel and place among the pieces of the link that is open
    images = 0
    position = start
    for begin, after, form, name in found:
        if begin > position:
            pieces.append(text[position:begin])
        position = after
        if name in _MEDIA and form is not CLOSE:
            images += 1
        if form is HIDDEN:
            continue
        if name == "br" or name in BLOCK:
            pieces.append(" ")
        elif name in ("a", "button"):
            if opened is not None:
                links.append(_link(opened, pieces))
                opened = None
            if form is OPEN:
                given = attributes(text[begin:after])
                opened = (html.unescape(given.get("href", "")), given.get("rel", ""), len(pieces))
        elif name == "mark" and form is OPEN and MARKED in text[begin:after]:
            kind = Kind.SETTLED
    if end > position:
        pieces.append(text[position:end])
    if opened is not None:
        links.append(_link(opened, pieces))
    words = _visible("".join(pieces))
    if kind in (Kind.PARAGRAPH, Kind.TEXT):
        if not words and images:
            kind = Kind.IMAGE
        elif links and sum(len(link.text) for link in links) >= len(words) - 2 * len(links):
            kind = Kind.LINK
    names = _names(source) if source else ()
    return Block(text[start:end], kind, words, tag, tuple(links), images, names, containers, scope)


def _link(opened: tuple[str, str, int], pieces: list[str]) -> Link:
    href, rel, place = opened
    return Link(href.strip(), _visible("".join(pieces[place:])), rel)


def _visible(characters: str) -> str:
    """Characters as read: entities decoded, white space (also no-break) folded."""
    if "&" in characters:
        characters = html.unescape(characters)
    return " ".join(characters.split())


# ── Plain text ────────────────────────────────────────────────────────────────────────────────────────────────────

_LINE_END = re.compile(r"\n\s*")
BULLET = re.compile(r"(?:[*•‣▪–—-]|\d{1,2}[.)])[^\S\n]+")
_BULLETED = re.compile(rf"{BULLET.pattern}\S")
_PLAIN_MARK = re.compile(rf"(?<!\S)\[(?:{'|'.join(Label)}) \d+ %\] ")


def _plain_blocks(text: str) -> Iterator[Block]:
    """Paragraphs of plain text: blank lines part them, and every bulleted line stands for itself."""
    begin = len(text) - len(text.lstrip())
    stop = len(text.rstrip())
    if begin >= stop:
        if text:
            yield Block(text, Kind.GLUE)
        return
    if begin:
        yield Block(text[:begin], Kind.GLUE)
    position = begin
    for line_end in _LINE_END.finditer(text, begin, stop):
        start, after = line_end.span()
        if line_end[0].count("\n") == 1 and not _BULLETED.match(text, after):
            continue
        while text[start - 1].isspace():
            start -= 1
        yield _plain_block(text[position:start])
        yield Block(text[start:after], Kind.GLUE, tag="br")
        position = after
    yield _plain_block(text[position:stop])
    if stop < len(text):
        yield Block(text[stop:], Kind.GLUE)


def _plain_block(source: str) -> Block:
    if _PLAIN_MARK.search(source):
        return Block(source, Kind.SETTLED, text=" ".join(source.split()))
    kind = Kind.LIST_ITEM if BULLET.match(source) else Kind.PARAGRAPH
    return Block(source, kind, text=" ".join(source.split()))
