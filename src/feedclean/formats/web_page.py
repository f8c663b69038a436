"""An HTML page or a piece of one: one item whose only body is the whole source.

What is not changed comes out byte for byte, broken or not: nothing is parsed into a tree. The few facts of its head
are found by one linear pass over the tags.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

from feedclean.formats.limits import Limits, check_size, check_tags
from feedclean.formats.one_item import OneItem
from feedclean.formats.text_codec import declared_charset, decode
from feedclean.formats.xml_repair import declared_encoding
from feedclean.types import Field, Format, Item, Markup

__all__ = ["WebPage", "attributes_of", "head_tags", "open_web_page", "title_mark", "visible"]

MARK = "feedclean:title"

# Comments and the elements whose content is no markup are passed over; an unclosed one reaches to the end, so that no
# position is looked at twice. Attributes are bounded for the same reason.
_TOKEN = re.compile(
    r"""<!--(?:.*?-->|.*\Z)
      | <(?P<raw>script|style|textarea|noscript|template|svg)\b[^<>]*>(?:.*?</(?P=raw)|.*\Z)
      | <(?P<tag>/?(?:html|head|title|h1|link|base|meta|body))\b
         (?P<attributes>(?:[^<>"']|"[^"]{0,4000}"|'[^']{0,4000}'){0,2000}+)>""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""([^\s"'=<>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_TAGS = re.compile(r"<!--(?:.*?-->|.*\Z)|<[A-Za-z/!?][^<>]*>", re.DOTALL)


@dataclass(slots=True)
class _Head:
    """Where in the source the facts stand; spans are (start, end) of characters."""

    title: tuple[int, int] | None = None
    heading: tuple[int, int] | None = None
    head_end: int | None = None
    marks: list[tuple[int, int]] = field(default_factory=list)
    canonical: str | None = None
    base: str | None = None
    language: str | None = None


def open_web_page(data: bytes, *, url: str | None = None, limits: Limits | None = None) -> WebPage:
    """The page that `data` holds; `url` is where it came from.

    Raises:
        LimitError: it is too large.
    """
    check_size(data, limits or Limits())
    check_tags(data, limits or Limits())
    return WebPage(data, url)


class WebPage(OneItem):
    """A page as its source text; a mark of its title goes to its head, if it has one, in place of an earlier one.

    The title is the `<title>`, else the first `<h1>`.
    """

    def __init__(self, data: bytes, url: str | None = None) -> None:
        self._original = data
        self._text, self._codec = decode(data, declared_charset(data) or declared_encoding(data))
        head = _read(self._text)
        link = head.canonical or head.base or url
        if link and url:
            link = _join(url, link)
        span = head.title or head.heading
        told = visible(self._text[span[0] : span[1]]) if span else ""
        title = Field("title" if head.title else "h1", told, Markup.TEXT) if told else None
        body = Field("body", self._text, Markup.HTML)
        super().__init__(Format.HTML, Item(link or "0", title, (body,), link, head.language))

    def to_bytes(self) -> bytes:
        """The page in its own encoding; characters that are new to it are written as references."""
        text = self._with_mark(self._with_title(self._texts[0]))
        return self._original if text == self._text else self._codec.encode(text, html=True)

    def _with_title(self, text: str) -> str:
        if self._new_title == self._title:
            return text
        head = _read(text)
        span = head.title or head.heading
        if span is None:
            return text
        old = text[span[0] : span[1]]
        if visible(old) != self._title:
            return text
        if self._new_title.endswith(self._title):  # keep the publisher's own spelling, and the markup of a heading
            new = html.escape(self._new_title.removesuffix(self._title), quote=False) + old.lstrip()
        else:
            new = html.escape(self._new_title, quote=False)
        return text[: span[0]] + new + text[span[1] :]

    def _with_mark(self, text: str) -> str:
        if self._mark is None:
            return text
        head, mark = _read(text), title_mark(self._mark)
        if len(head.marks) == 1 and mark:
            start, end = head.marks[0]
            return text[:start] + mark + text[end:]
        at = head.head_end
        for start, end in reversed(head.marks):
            text = text[:start] + text[end:]
            at = at - (end - start) if at is not None and at >= end else at
        return text if at is None else text[:at] + mark + text[at:]


def title_mark(said: str) -> str:
    """The element of a page's head that says what its title was taken for; nothing for nothing."""
    return f'<meta name="{MARK}" content="{said}">' if said else ""


def head_tags(text: str) -> Iterator[re.Match[str]]:
    """The tags that say something about a page, with their `tag` (an end tag begins with a slash) and `attributes`."""
    return (found for found in _TOKEN.finditer(text) if found["tag"])


def _read(text: str) -> _Head:
    head = _Head()
    opened: re.Match[str] | None = None
    for token in head_tags(text):
        tag = token["tag"].lower()
        if tag in ("title", "h1"):
            opened = token
        elif tag in ("/title", "/h1") and opened is not None and opened["tag"].lower() == tag[1:]:
            span = (opened.end(), token.start())
            if tag == "/title" and head.title is None:
                head.title = span
            elif tag == "/h1" and head.heading is None and visible(text[span[0] : span[1]]):
                head.heading = span
            opened = None
        elif tag == "/head" and head.head_end is None:
            head.head_end = token.start()
        elif not tag.startswith("/"):
            _note(head, tag, attributes_of(token["attributes"]), token.span())
    return head


def _note(head: _Head, tag: str, attributes: dict[str, str], span: tuple[int, int]) -> None:
    href = attributes.get("href", "").strip()
    if tag == "html" and head.language is None:
        code = (attributes.get("lang") or attributes.get("xml:lang") or "").strip()[:2].lower()
        head.language = code if len(code) == 2 and code.isascii() and code.isalpha() else None
    elif tag == "link" and href and "canonical" in attributes.get("rel", "").lower().split():
        head.canonical = head.canonical or href
    elif tag == "base" and href:
        head.base = head.base or href
    elif tag == "meta" and attributes.get("name") == MARK:
        head.marks.append(span)


def attributes_of(source: str) -> dict[str, str]:
    """The attributes that stand in a tag, names in lower case; of two with one name the first counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(source[:20_000]):
        found.setdefault(name.lower(), html.unescape(double or single or bare))
    return found


def visible(source: str) -> str:
    """What a reader sees of a piece of HTML, white space folded."""
    return " ".join(html.unescape(_TAGS.sub("", source)).split())


def _join(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError:
        return link
