"""A field's text as blocks, without loss (D3).

    text ── tokens.tags ──> tags ── _tree ──> elements ── _Layout ──> blocks that partition the text
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
from .tokens import CLOSE, EMPTY, HIDDEN, OPEN, Tag, attributes, tags

_words = str.split


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_BLOCK = _set(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html li main menu nav ol p pre search section summary table"
    " tbody td tfoot th thead tr ul"
)
_CLOSES_P = _BLOCK - _set("body caption head html tbody td tfoot th thead tr")
_HEADING = _set("h1 h2 h3 h4 h5 h6")
_OPTIONAL_END = _set("p li dt dd option optgroup tr td th tbody thead tfoot caption colgroup rt rp html head body")
_SCOPE = _set("table td th caption html template object marquee applet")
_TABLE_PART = _set("table td th tr tbody thead tfoot caption colgroup")
_ROW = _set("tr td th caption colgroup")
_ROW_GROUP = _ROW | _set("tbody thead tfoot")
_PAGE = _set("html head body")
# Their end tags may be missing at the end tag of any element around them, not only at a block-level one's.
_ENDS_ANYWHERE = _set("option optgroup rt rp")
# Opening one of these ends an open one of those, unless one of the last lies between.
_IMPLIED_END = {
    "li": (_set("li"), _set("ul ol menu dir")),
    "dt": (_set("dt dd"), _set("dl")),
    "dd": (_set("dt dd"), _set("dl")),
    "td": (_set("td th"), _set("tr table")),
    "th": (_set("td th"), _set("tr table")),
    "tr": (_ROW, _set("table")),
    "tbody": (_ROW_GROUP, _set("table")),
    "thead": (_ROW_GROUP, _set("table")),
    "tfoot": (_ROW_GROUP, _set("table")),
    "option": (_set("option"), _set("select datalist optgroup")),
    "optgroup": (_set("option optgroup"), _set("select")),
    "rt": (_set("rt rp"), _set("ruby")),
    "rp": (_set("rt rp"), _set("ruby")),
    "body": (_set("head"), _set("html")),
}
_MEDIA = _set("img picture video audio iframe embed object svg canvas amp-img")
_KINDS = {
    **dict.fromkeys(_HEADING, Kind.HEADING),
    **dict.fromkeys(("li", "dd", "dt"), Kind.LIST_ITEM),
    **dict.fromkeys(("figcaption", "caption"), Kind.CAPTION),
    "table": Kind.TABLE,
    "blockquote": Kind.QUOTE,
    "pre": Kind.CODE,
}
MARKED = "data-feedclean"


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
    """Partition `text`: `"".join(b.source for b in split(text, markup).blocks) == text`, whatever the text."""
    if markup is Markup.TEXT:
        return Partition(tuple(_plain_blocks(text)), (), markup)
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
    kind = _KINDS.get(tag, Kind.PARAGRAPH if tag in _BLOCK else Kind.TEXT)
    source = text[first.start : first.end] if own and first else ""
    return _block(text, found, 0, len(text), kind, tag, source, tuple(containers), -1)


# ── Tags to elements ──────────────────────────────────────────────────────────────────────────────────────────────


class _Element:
    """An element: offsets of its source, and the numbers of its tags."""

    __slots__ = ("children", "content", "end", "first", "last", "parent", "splits", "start", "stop", "tag")

    def __init__(self, tag: str, start: int, content: int, first: int, parent: _Element | None) -> None:
        self.tag = tag
        self.start, self.content = start, content  # where it and where its content begins
        self.stop, self.end = content, content  # where its content and where it ends
        self.first, self.last = first, first + 1  # its tags are tags[first:last]
        self.parent = parent
        self.children: list[_Element] = []
        self.splits = False  # holds block-level elements or parted paragraphs, so it is a container


def _tree(text: str, found: list[Tag]) -> tuple[_Element, list[tuple[int, int]]]:
    """The elements of a text and the regions (start, end) in which tags do not balance."""
    root = _Element("", 0, 0, 0, None)
    stack = [root]
    depths: dict[str, list[int]] = {}  # of the open elements, by tag
    scopes: list[int] = []  # depths of those that are scopes
    regions: list[tuple[int, int]] = []
    dangling: dict[str, list[int]] = {}  # start of the region to which a late end tag still belongs
    last_break = -1  # end of a <br> with nothing but white space since

    def pop(stop: int, end: int, last: int) -> _Element:
        element = stack.pop()
        element.stop, element.end, element.last = stop, end, last
        depths[element.tag].pop()
        if element.tag in _SCOPE:
            scopes.pop()
        return element

    def part() -> None:
        element: _Element | None = stack[-1]
        while element is not None and not element.splits:
            element.splits = True
            element = element.parent

    for number, (start, end, kind, name) in enumerate(found):
        if kind is HIDDEN:
            continue
        if kind is EMPTY:
            if name == "br":
                if last_break >= 0 and not text[last_break:start].strip():
                    part()
                last_break = end
            elif name == "hr":
                if stack[-1].tag == "p":
                    pop(start, start, number)
                part()
                stack[-1].children.append(_Element(name, start, end, number, stack[-1]))
            continue
        if kind is OPEN:
            for _ in range(_implied_ends(name, stack, depths)):
                pop(start, start, number)
            if name in _BLOCK:
                part()
            element = _Element(name, start, end, number, stack[-1])
            stack[-1].children.append(element)
            depths.setdefault(name, []).append(len(stack))
            if name in _SCOPE:
                scopes.append(len(stack))
            stack.append(element)
            continue
        depth = _matching(name, depths, scopes)
        if depth is None:
            starts = dangling.get(name)
            if starts:
                regions.append((starts.pop(), end))
            continue
        crossed = False
        while len(stack) - 1 > depth:
            inner = pop(start, start, number)
            if inner.tag not in _OPTIONAL_END or name not in _BLOCK and inner.tag not in _ENDS_ANYWHERE:
                crossed = True
                dangling.setdefault(inner.tag, []).append(stack[depth].start)
        closed = pop(start, end, number + 1)
        if crossed:
            regions.append((closed.start, end))
    while len(stack) > 1:
        element = pop(len(text), len(text), len(found))
        if element.tag not in _OPTIONAL_END:
            regions.append((element.start, len(text)))
    root.stop = root.end = len(text)
    root.last = len(found)
    return root, _merged(regions)


def _implied_ends(name: str, stack: list[_Element], depths: dict[str, list[int]]) -> int:
    """How many elements at the top of the stack opening `name` ends."""
    depth = None
    if name in _IMPLIED_END:
        ended, walls = _IMPLIED_END[name]
        if any(depths.get(tag) for tag in ended):
            for place in range(len(stack) - 1, 0, -1):
                tag = stack[place].tag
                if tag in walls or (tag in _SCOPE or tag in _PAGE) and tag not in ended:
                    break
                if tag in ended:
                    depth = place  # a cell ends with its row, a row with its group: go on to the outermost
                elif tag not in _OPTIONAL_END:
                    break  # a wrapper in between: its own end tag is missing, leave that to the end tag
    if depth is None and name in _CLOSES_P and depths.get("p"):
        depth = len(stack) - 1 if stack[-1].tag == "p" else None
    return len(stack) - depth if depth is not None else 0


def _matching(name: str, depths: dict[str, list[int]], scopes: list[int]) -> int | None:
    """Depth of the open element that the end tag `name` ends, or `None` if it ends nothing."""
    found = depths.get(name)
    if not found or (scopes and scopes[-1] > found[-1] and name not in _TABLE_PART):
        return None
    return found[-1]


def _merged(regions: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping regions joined, in order."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(regions):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


# ── Elements to blocks ────────────────────────────────────────────────────────────────────────────────────────────


_Unit = tuple[str, "_Element | None", int, int]  # what it is, the element if it has one of its own, start and end


class _Layout:
    """Walks the containers of a text and writes down its blocks. The walk is a loop: depth costs no recursion."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.blocks: list[Block] = []
        self.parents: list[int] = []
        self.tags = tags(text)
        self.starts = [tag.start for tag in self.tags]
        root, self.regions = _tree(text, self.tags)
        self.region_starts = [start for start, _ in self.regions]
        self.region_ends = [end for _, end in self.regions]
        self.tangle_end = 0
        # What is still to be written, last first, so that a container's end tag waits for its content.
        self.work: list[tuple[str, _Element | None, int, int, int, tuple[str, ...]]] = []
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

    def _content(self, element: _Element, scope: int, containers: tuple[str, ...]) -> None:
        """Plan the content of a container: block-level children, paragraphs of inline content, and tangles."""
        units: list[_Unit] = []
        position = element.content
        for child in element.children:
            if child.splits or child.tag in _BLOCK:
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

    def _unit(self, element: _Element, scope: int, containers: tuple[str, ...]) -> None:
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

    def _holds_data(self, table: _Element) -> bool:
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
        if name == "br" or name in _BLOCK:
            pieces.append(" ")
        elif name == "a" or name == "button":
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

_PLAIN_BREAK = re.compile(r"\s*\n[^\S\n]*\n\s*|[^\S\n]*\n[^\S\n]*(?=(?:[*•‣▪–—-]|\d{1,2}[.)])[^\S\n])")
BULLET = re.compile(r"(?:[*•‣▪–—-]|\d{1,2}[.)])[^\S\n]+")
_PLAIN_MARK = re.compile(rf"(?:{BULLET.pattern})?\[(?:{'|'.join(Label)}) \d+ %\] ")


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
    for gap in _PLAIN_BREAK.finditer(text, begin, stop):
        yield _plain_block(text[position : gap.start()])
        yield Block(gap[0], Kind.GLUE, tag="br")
        position = gap.end()
    yield _plain_block(text[position:stop])
    if stop < len(text):
        yield Block(text[stop:], Kind.GLUE)


def _plain_block(source: str) -> Block:
    if _PLAIN_MARK.match(source):
        return Block(source, Kind.SETTLED, text=" ".join(source.split()))
    kind = Kind.LIST_ITEM if BULLET.match(source) else Kind.PARAGRAPH
    return Block(source, kind, text=" ".join(source.split()))
