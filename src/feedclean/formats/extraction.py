"""The border to trafilatura: from a whole page its main article, as plain HTML, and what is known about it.

It is imported where it is called: it costs as much time as everything else that a cold command loads. Measured on the
pages of article-extraction-benchmark (`benchmarks/articles.py`): links on, because links tell advertising; emphasis and
pictures off, because with them it chooses worse text (F1 0.960 without, 0.956 and 0.954 with them). Both are put back
afterwards (`article_emphasis.py`, `article_pictures.py`).
"""

from __future__ import annotations

import html
import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from lxml import etree

from feedclean.errors import FormatError, LimitError
from feedclean.formats.article_emphasis import put_emphasis
from feedclean.formats.article_pictures import put_back
from feedclean.formats.metadata import Metadata, filled, moment

__all__ = ["Extracted", "extract"]

IN_PLACE = "--in-place cuts inside the whole page"
_TAGS = {
    "list": "ul",
    "item": "li",
    "quote": "blockquote",
    "lb": "br",
    "row": "tr",
    "graphic": "img",
    "ref": "a",
    "hi": "b",
}
_KEPT = frozenset(
    (
        "p",
        "table",
        "del",
        "div",
        "ul",
        "ol",
        "li",
        "a",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "pre",
        "br",
        "strong",
        "em",
        "figure",
    )
)
_HEADING = re.compile(r"h[1-6]\Z")
_AROUND = etree.XPath(
    "//*[self::script or self::style or self::noscript or self::template or self::nav or self::aside or self::footer"
    " or self::form or self::button or self::select or self::iframe or self::object or self::svg or self::dialog"
    " or self::head or @hidden or @role='navigation' or @role='search' or @role='contentinfo' or @role='dialog']"
)
_BODY = etree.XPath("//body")
_ATTRIBUTES = frozenset(("href", "src", "alt", "class", "id", "title", "colspan", "rowspan"))
_SAID = 20  # characters outside links
_AUTHORS = etree.XPath("(//*[@itemprop='author']//*[@itemprop='name'] | //a[contains(@rel, 'author')])")
_POOR = 250  # characters: trafilatura itself takes less for a failure
_SHORT = 1_500  # characters on a page: where there is more, a poor result is still better than all of it
_MANY = 20_000  # tags: with more, what it compares its own result with takes quadratic time
_ELEMENTS = 40_000  # of a page: real ones have a tenth; what takes longest takes 7 s with so many, and no end with more
_DEEP = 200  # nested elements; trafilatura and lxml's own helpers go down by recursion


@dataclass(frozen=True, slots=True)
class Extracted:
    """The main article of a page."""

    html: str  # headings, paragraphs, lists, quotes, tables, links
    metadata: Metadata
    chosen: bool  # whether trafilatura chose it; else it is all that the page says


def extract(source: str, url: str | None = None, *, known: Metadata) -> Extracted:
    """The main article of the page that `source` holds.

    Args:
        source: the whole page.
        url: where it was published; its links become absolute.
        known: what its head says; only for what it lacks is the rest of the page searched.

    Raises:
        FormatError: there is no article in it, or trafilatura trips over it.
        LimitError: its elements are nested too deep, or there are too many.
    """
    tree = _parsed(source)
    try:
        more = _searched(tree, url, known)
        fast = source.count("<") > _MANY
        found = _trafilatura()(
            tree, url=url, output_format="html", include_comments=False, include_links=True, fast=fast
        )
    except Exception as fault:
        told = f"its article cannot be told from the rest ({type(fault).__name__}: {fault})"
        raise FormatError(told, hint=IN_PLACE) from fault
    body = found.body if found is not None else None
    if body is None or _is_poor(body):
        words, linked = _bared(tree)
        if words - linked < _SAID or (linked > words / 2 and words - linked < _POOR):
            raise FormatError("no article in this page", hint=IN_PLACE)
        if body is None or words < _SHORT:
            return Extracted(_own_markup(next(iter(_BODY(tree)), tree)), filled(known, more), chosen=False)
    put_emphasis(tree, body)
    put_back(tree, body)
    return Extracted(_html(body), filled(known, more), chosen=True)


@cache
def _trafilatura() -> Any:
    from trafilatura.core import bare_extraction

    # What they log is either told in our words or of no use to whoever cleans a page.
    for name in ("trafilatura", "htmldate", "justext", "courlan"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return bare_extraction


def _parsed(source: str) -> Any:
    from trafilatura.utils import load_html

    try:
        tree = load_html(source)
    except Exception as fault:
        raise FormatError(f"no HTML parser takes it ({fault})", hint=IN_PLACE) from fault
    if tree is None:
        raise FormatError("no article in this page", hint=IN_PLACE)
    if _depth(tree) > _DEEP:
        raise LimitError(f"elements nested more than {_DEEP} deep", hint=IN_PLACE)
    if tree.xpath(f"count(//*) > {_ELEMENTS}"):
        raise LimitError(f"more than {_ELEMENTS:,} elements to find an article among", hint=IN_PLACE)
    return tree


def _is_poor(body: Any) -> bool:
    """Whether a result is not to be trusted: too little, or the texts of everything on the page."""
    said = 0
    for element in body:
        said += len("".join(element.itertext()).strip())
        if said >= _POOR:
            return _runs_together(body)
    return True


def _runs_together(body: Any) -> bool:
    """Whether it is one paragraph with all texts of the page: what trafilatura gives when nothing else has worked."""
    return len(body) == 1 and "".join(body.itertext()).strip().count("\n") > 2


def _bared(tree: Any) -> tuple[int, int]:
    """How many characters a page says, and how many of them in links, once what stands around texts is taken away."""
    for element in _AROUND(tree):
        element.drop_tree()
    linked = sum(len(" ".join(link.text_content().split())) for link in tree.iter("a"))
    return len(" ".join(tree.text_content().split())), linked


def _own_markup(root: Any) -> str:
    """The content of an element as the publisher wrote it, but for what only browsers need."""
    for element in root.iter(etree.Element):
        for name in set(element.attrib) - _ATTRIBUTES:
            del element.attrib[name]
    inner = [html.escape(root.text or "", quote=False)]
    inner += (etree.tostring(child, encoding="unicode", method="html") for child in root)
    return "".join(inner).strip()


def _depth(tree: Any) -> int:
    """`_DEEP` + 1 if elements are nested deeper than `_DEEP`, else 0: libxml2 looks for a path of that length."""
    return _DEEP + 1 if tree.xpath("boolean(/" + "/*" * (_DEEP + 1) + ")") else 0


def _html(body: Any) -> str:
    """What trafilatura's vocabulary means in HTML."""
    for element in body.iter(etree.Element):
        tag = element.tag
        href, source, alt = element.get("target") or element.get("href"), element.get("src"), element.get("alt")
        title = element.get("title")
        rend, role = element.get("rend") or "", element.get("role")
        element.attrib.clear()
        if tag == "head":
            tag = rend if _HEADING.match(rend) else "h3"
        elif tag == "cell":
            tag = "th" if role == "head" else "td"
        elif tag == "code":
            tag = "code" if "\n" not in "".join(element.itertext()) else "pre"
        elif tag not in _KEPT:
            tag = _TAGS.get(tag, "span")
        element.tag = tag
        if tag == "tr" and element.getparent() is body:  # a row that has lost its table
            element.tag = "p"
        elif tag in ("td", "th") and element.getparent().tag not in ("tr", "table"):
            element.tag, element.tail = "span", f"{element.tail or ''} "
        elif tag == "a" and href:
            element.set("href", href)
        elif tag == "img" and source:
            element.set("src", source)
            element.set("alt", alt or "")
            if title:
                element.set("title", title)
    for child in body:
        child.tail = (child.tail or "") + "\n"
    body.tag, body.tail = "body", None
    written: str = etree.tostring(body, encoding="unicode", method="html")
    return written.removeprefix("<body>").removesuffix("</body>").strip()


def _byline(tree: Any) -> tuple[str, ...]:
    """Whom the page itself calls its author."""
    said = (" ".join("".join(element.itertext()).split()) for element in _AUTHORS(tree)[:5])
    return tuple(dict.fromkeys(name for name in said if 2 < len(name) < 60))


def _searched(tree: Any, url: str | None, known: Metadata) -> Metadata:
    """What is found out about a page wherever it stands in it, as far as its head does not say it."""
    from htmldate import find_date
    from trafilatura.metadata import extract_title

    published = known.published
    if not published:
        # A date in running text is a guess, and looking for one takes as long as all the rest.
        published = moment(find_date(tree, extensive_search=False, original_date=True, url=url))
    title = known.title or " ".join((extract_title(tree) or "").split())
    return Metadata(title=title, authors=known.authors or _byline(tree), published=published)
