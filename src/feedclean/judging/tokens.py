r"""HTML as a flat list of tags with their places: one compiled expression, linear in the length of the text.

It follows the tokenizer of the HTML standard (13.2.5) as far as places are concerned: quoted and unquoted attribute
values, comments that end in `-->` or `--!>`, bogus comments, raw-text elements, and an end of file that closes
whatever is open. Every alternative below either matches or is never tried again at the same place (possessive
quantifiers, `\Z` as a last resort), which is what keeps hostile input linear.
"""

from __future__ import annotations

import re
from typing import NamedTuple

OPEN, CLOSE, EMPTY, HIDDEN = "open", "close", "empty", "hidden"

_TOKEN = re.compile(
    r"""
      <(?P<slash>/?)(?P<name>[a-zA-Z][^\s/>]*+)
       (?: [^>=]++ | = \s*+ (?: "[^"]*+" | '[^']*+' | [^\s>"'][^\s>]*+ )?+ )*+
       (?: > | \Z )
    | <!--  (?: -?> | .*? (?: --!?> | \Z ) )
    | <[!?/] [^>]*+ (?: > | \Z )
    """,
    re.VERBOSE | re.DOTALL,
)
_SELF_CLOSED = re.compile(r"""<[a-zA-Z][^\s/>]*/>|.*[\s"']/>""", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*)))?""")

VOID = frozenset("area base br col embed frame hr img input link meta param source track wbr".split())
# Elements whose content is not markup; what they hold is not part of the visible text.
RAW = frozenset(("script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp", "plaintext"))


class Tag(NamedTuple):
    """A tag, comment or raw-text element of a text."""

    start: int  # offset of its first character
    end: int  # offset after its last one
    kind: str  # OPEN, CLOSE, EMPTY (void or self-closed) or HIDDEN (comments, raw-text elements as a whole)
    name: str  # lower case; "" for comments and declarations


def tags(text: str) -> list[Tag]:
    """All tags of `text` in order; what lies between them is text."""
    found: list[Tag] = []
    search = _TOKEN.search
    position = 0
    while match := search(text, position):
        start, position = match.span()
        name = match["name"]
        if name is None:
            found.append(Tag(start, position, HIDDEN, ""))
            continue
        name = name.lower()
        if match["slash"]:
            found.append(Tag(start, position, CLOSE, name))
        elif name in VOID or (text.endswith("/>", start, position) and _SELF_CLOSED.match(text, start, position)):
            found.append(Tag(start, position, EMPTY, name))
        elif name in RAW:
            position = _raw_end(text, position, name)
            found.append(Tag(start, position, HIDDEN, name))
        else:
            found.append(Tag(start, position, OPEN, name))
    return found


def _raw_end(text: str, position: int, name: str) -> int:
    """Where the raw-text element `name`, whose content begins at `position`, ends (its end tag included)."""
    if name == "plaintext":
        return len(text)
    end = _RAW_ENDS[name].search(text, position)
    return end.end() if end else len(text)


_RAW_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])[^>]*(?:>|\Z)", re.IGNORECASE) for name in RAW}


def attributes(tag: str) -> dict[str, str]:
    """The attributes of an open tag, given as its source: lower-case names, raw values (entities are not decoded)."""
    body = tag[1:-1].lstrip("/")
    space = next((i for i, c in enumerate(body) if c.isspace() or c == "/"), len(body))
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(body, space):
        found.setdefault(name.lower(), double or single or bare)
    return found
