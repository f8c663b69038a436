"""Tags as a tree of elements, by the rules of the HTML standard (13.1.2.4, 13.2.4.2) as far as they place text.

Optional end tags are put where the standard puts them. What does not balance is not repaired, as a browser would:
the region around it is reported, so that nobody cuts into it. Every tag is looked at once and every element is opened
and closed once, which keeps hostile input linear.
"""

from __future__ import annotations

from .tokens import CLOSE, EMPTY, OPEN, Tag

Region = tuple[int, int]  # offsets between which tags do not balance


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


BLOCK = _set(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html li main menu nav ol p pre search section summary table"
    " tbody td tfoot th thead tr ul"
)
_CLOSES_P = BLOCK - _set("body caption head html tbody td tfoot th thead tr")
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
_NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


class Element:
    """An element: offsets of its source, and the numbers of its tags."""

    __slots__ = ("children", "content", "end", "first", "last", "parent", "splits", "start", "stop", "tag")

    def __init__(self, tag: str, start: int, content: int, first: int, parent: Element | None) -> None:
        self.tag = tag
        self.start, self.content = start, content  # where it and where its content begins
        self.stop, self.end = content, content  # where its content and where it ends
        self.first, self.last = first, first + 1  # its tags are tags[first:last]
        self.parent = parent
        self.children: list[Element] = []
        self.splits = False  # holds block-level elements or parted paragraphs, so it is a container


def tree(text: str, found: list[Tag]) -> tuple[Element, list[Region]]:
    """The elements of a text under one root, and the regions in which tags do not balance: in order, apart."""
    growing = _Tree(text)
    for number, tag in enumerate(found):
        if tag.kind is OPEN:
            growing.open(number, tag)
        elif tag.kind is CLOSE:
            growing.close(number, tag)
        elif tag.kind is EMPTY:
            growing.empty(number, tag)
    return growing.end(len(found))


class _Tree:
    """The tree while it grows: what is open, and what was left dangling."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = Element("", 0, 0, 0, None)
        self.stack = [self.root]
        self.depths: dict[str, list[int]] = {}  # of the open elements, by tag
        self.scopes: list[int] = []  # depths of those that are scopes
        self.regions: list[Region] = []
        self.dangling: dict[str, list[int]] = {}  # start of the region to which a late end tag still belongs
        self.last_break = -1  # end of the last <br>

    def open(self, number: int, tag: Tag) -> None:
        """An open tag: it may end elements, and it begins one."""
        name = tag.name
        for _ in range(self._implied_ends(name)):
            self._pop(tag.start, tag.start, number)
        if name in BLOCK:
            self._part()
        element = Element(name, tag.start, tag.end, number, self.stack[-1])
        self.stack[-1].children.append(element)
        self.depths.setdefault(name, []).append(len(self.stack))
        if name in _SCOPE:
            self.scopes.append(len(self.stack))
        self.stack.append(element)

    def empty(self, number: int, tag: Tag) -> None:
        """A void element: two <br> part paragraphs, and so does <hr>, which ends an open one too."""
        if tag.name == "br":
            if self.last_break >= 0 and not self.text[self.last_break : tag.start].strip():
                self._part()
            self.last_break = tag.end
        elif tag.name == "hr":
            if self.stack[-1].tag == "p":
                self._pop(tag.start, tag.start, number)
            self._part()
            self.stack[-1].children.append(Element(tag.name, tag.start, tag.end, number, self.stack[-1]))

    def close(self, number: int, tag: Tag) -> None:
        """An end tag: it ends the element it names and all in it, or it belongs to none."""
        name = tag.name
        depth = self._matching(name)
        if depth is None:
            if starts := self.dangling.get(name):
                self.regions.append((starts.pop(), tag.end))
            return
        crossed = False
        while len(self.stack) - 1 > depth:
            inner = self._pop(tag.start, tag.start, number)
            if inner.tag not in _OPTIONAL_END or (name not in BLOCK and inner.tag not in _ENDS_ANYWHERE):
                crossed = True
                self.dangling.setdefault(inner.tag, []).append(self.stack[depth].start)
        closed = self._pop(tag.start, tag.end, number + 1)
        if crossed:
            self.regions.append((closed.start, tag.end))

    def end(self, count: int) -> tuple[Element, list[Region]]:
        """The end of the text, after `count` tags."""
        length = len(self.text)
        while len(self.stack) > 1:
            element = self._pop(length, length, count)
            if element.tag not in _OPTIONAL_END:
                self.regions.append((element.start, length))
        self.root.stop = self.root.end = length
        self.root.last = count
        return self.root, _merged(self.regions)

    def _pop(self, stop: int, end: int, last: int) -> Element:
        element = self.stack.pop()
        element.stop, element.end, element.last = stop, end, last
        self.depths[element.tag].pop()
        if element.tag in _SCOPE:
            self.scopes.pop()
        return element

    def _part(self) -> None:
        """Note that all open elements hold more than one unit."""
        element: Element | None = self.stack[-1]
        while element is not None and not element.splits:
            element.splits = True
            element = element.parent

    def _implied_ends(self, name: str) -> int:
        """How many elements at the top of the stack opening `name` ends."""
        stack = self.stack
        depth = None
        ended, walls = _IMPLIED_END.get(name, _NOTHING)
        if any(self.depths.get(tag) for tag in ended):
            for place in range(len(stack) - 1, 0, -1):
                tag = stack[place].tag
                if tag in ended:
                    depth = place  # a cell ends with its row, a row with its group: go on to the outermost
                elif tag in walls or tag in _SCOPE or tag in _PAGE or tag not in _OPTIONAL_END:
                    break  # also at a wrapper whose own end tag is missing: that is left to the end tag
        if depth is None and name in _CLOSES_P and stack[-1].tag == "p":
            depth = len(stack) - 1
        return len(stack) - depth if depth is not None else 0

    def _matching(self, name: str) -> int | None:
        """Depth of the open element that the end tag `name` ends, or `None` if it ends nothing."""
        found = self.depths.get(name)
        if not found or (self.scopes and self.scopes[-1] > found[-1] and name not in _TABLE_PART):
            return None
        return found[-1]


def _merged(regions: list[Region]) -> list[Region]:
    """Overlapping regions joined, in order."""
    merged: list[Region] = []
    for start, end in sorted(regions):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
