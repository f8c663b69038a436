"""What parsing a piece of HTML as browsers do would cost, told by one linear look at its tags.

An HTML parser repeats formatting elements that were not closed in every paragraph that follows, so 200 KB of
`<font a=1><p><font a=2><p>…` become gigabytes; and it looks through all open elements at every tag, so 100,000 nested
`<div>` take a minute.
"""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["depth_of", "is_bomb"]

DEPTH = 256  # nested elements; real pages have 50
COPIES = 200_000  # of formatting elements that were left open; real pages have dozens

_TAG = re.compile(r"<!--(?:.*?-->|.*\Z)|<(/?)([A-Za-z][A-Za-z0-9]*)([^<>]*)>", re.DOTALL)
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
# Their end tags may be left out, and often are.
_LOOSE = frozenset(("p", "li", "td", "th", "tr", "dd", "dt", "option", "thead", "tbody", "tfoot"))
_FORMATTING = frozenset(
    ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
)


def depth_of(source: str) -> int:
    """How deep elements are nested, at most; those whose end tags are optional do not count."""
    deepest = depth = 0
    for tag in _TAG.finditer(source):
        name = (tag[2] or "").lower()
        if not name or name in _VOID or name in _LOOSE:
            continue
        depth += -1 if tag[1] else 1
        depth = max(depth, 0)
        deepest = max(deepest, depth)
    return deepest


def is_bomb(source: str) -> bool:
    """Whether a parser that follows the HTML standard would take far more time or memory than there are characters."""
    if source.count("<") < DEPTH:
        return False
    if depth_of(source) > DEPTH:
        return True
    opened: Counter[str] = Counter()  # by tag and attributes: the standard keeps three of the same at most
    names: dict[str, list[str]] = {}
    active = copies = 0
    for tag in _TAG.finditer(source):
        name = (tag[2] or "").lower()
        if name not in _FORMATTING:
            copies += active if name and not tag[1] else 0
        elif not tag[1]:
            key = name + tag[3]
            opened[key] += 1
            active += opened[key] <= 3
            names.setdefault(name, []).append(key)
        elif names.get(name):
            key = names[name].pop()
            active -= opened[key] <= 3
            opened[key] -= 1
        if copies > COPIES:
            return True
    return False
