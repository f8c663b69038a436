"""RSS (0.9x, 1.0, 2.0) and Atom (0.3, 1.0), edited in their own tree.

Only the text of bodies and titles changes, and one element may be added beside a title. Everything else, in whatever
namespace, is written as it was read: the result is the same document after canonicalisation (C14N 2.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urljoin

from feedclean.errors import FormatError
from feedclean.formats.feed_links import relink_xml
from feedclean.formats.limits import Limits
from feedclean.formats.title_marks import is_marked, mark
from feedclean.formats.xml_fields import Place, body_place, title_place
from feedclean.formats.xml_names import (
    ATOMS,
    CONTENT,
    DC,
    FEED_ROOTS,
    ITUNES,
    MEDIA,
    RDF,
    XHTML,
    XML,
    split,
)
from feedclean.formats.xml_parse import parse_xml, write_xml
from feedclean.types import Format, Item, TitleLabel

__all__ = ["XmlFeed", "open_xml_feed"]

# Where text to clean stands, beside the elements of the feed's own vocabulary.
_BODIES = {
    (CONTENT, "encoded"): "content:encoded",
    (MEDIA, "description"): "media:description",
    (XHTML, "body"): "xhtml:body",
    (DC, "description"): "dc:description",
    (ITUNES, "summary"): "itunes:summary",
    **{(namespace, local): f"atom:{local}" for namespace in ATOMS for local in ("summary", "content")},
}
_ENTRIES = ("item", "entry")
# An address that `urljoin` gives back as it is, whatever it is read against: nearly all are.
_ABSOLUTE = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]+)?/[\w./~%+,:@!$&'()*=-]*(?:\?[\w./~%+,:@!$&'()*=-]+)?\Z", re.ASCII
)
_OWN_BODIES = {Format.RSS: ("description", "abstract"), Format.ATOM: ("summary", "content")}


def open_xml_feed(data: bytes, *, url: str | None = None, limits: Limits | None = None) -> XmlFeed:
    """The feed that `data` holds; `url` is where it came from.

    Raises:
        LimitError: reading it would cost too much.
        FormatError: it is not well-formed, or another kind of XML.
    """
    limits = limits or Limits()
    root, pristine = parse_xml(data, limits)
    _, local = split(root.tag)
    name = local.lower()
    if name not in FEED_ROOTS or not _is_feed(root, name):
        raise FormatError(f"XML, but no feed: its root is <{local}>", hint=_hint(name))
    return XmlFeed(root, data if pristine else None, url)


class XmlFeed:
    """A feed in its tree. Made by `open_xml_feed`; not to be shared between threads."""

    extracted = False

    def __init__(self, root: Any, original: bytes | None, url: str | None = None) -> None:
        self._root = root
        self._original = original  # None: must be written anew, because it was not clean UTF-8
        self.rescued = ""  # why its bytes were no XML at all, if this is what feedparser could make of them
        name = split(root.tag)[1].lower()
        self._marked: bool | None = None  # whether a title may have a mark; found out only if it matters
        self._format = Format.ATOM if name in ("feed", "entry") else Format.RSS
        language = _language(root) or next(map(_language, _channels(root)), None)
        self._elements: list[Any] = []
        self._titles: list[Place | None] = []
        self._bodies: list[list[Place]] = []
        self._items: list[Item] = []
        for number, element in enumerate(_entries(root, name)):
            self._read(number, element, url, language)

    @property
    def format(self) -> Format:
        """RSS (of any version) or Atom."""
        return self._format

    @property
    def items(self) -> Sequence[Item]:
        """The items as read, in the order of the feed."""
        return self._items

    def element(self, item: int) -> Any:
        """The element of an item, to be read by `convert.py`."""
        return self._elements[item]

    def replace(self, item: int, body: int | None, text: str) -> None:
        """Give a body, or the title (`None`), new text in its own markup.

        Raises:
            FormatError: the body stands in the feed as elements (XHTML), and `text` is not well-formed.
            IndexError: there is no such body.
        """
        place = self._titles[item] if body is None else self._bodies[item][body]
        if place is None:
            raise IndexError(f"item {item} has no title")
        if place.write(text):
            self._original = None

    def mark_title(self, item: int, label: TitleLabel, probability: float) -> None:
        """Add one category (in old vocabularies a `dc:subject`) that says what the title was taken for."""
        if self._marked is None:
            self._marked = is_marked(self._root)
        if label is TitleLabel.PLAIN and not self._marked:
            return
        self._marked = True
        title = self._titles[item]
        if mark(self._elements[item], title.element if title else None, label, probability):
            self._original = None

    def relink(self, own: str | None, via: str | None) -> None:
        """Let the feed's head say that it is served at `own`, and by its publisher at `via`; see `feed_links.py`."""
        if relink_xml(self._root, own, via):
            self._original = None

    def remove(self, item: int) -> None:
        """Take an item out of what `to_bytes` writes; `items` stay as read, and so do their numbers."""
        element = self._elements[item]
        parent = element.getparent()
        if parent is None:
            return
        named = element.get(f"{{{RDF}}}about")
        parent.remove(element)
        for listed in self._root.iter(f"{{{RDF}}}li") if named else ():
            if named in (listed.get(f"{{{RDF}}}resource"), listed.get("resource")):
                listed.getparent().remove(listed)
                break
        self._original = None

    def to_bytes(self) -> bytes:
        """The feed in UTF-8: the very bytes it was read from, if they were UTF-8 and nothing was changed."""
        return write_xml(self._root) if self._original is None else self._original

    def _read(self, number: int, element: Any, url: str | None, language: str | None) -> None:
        own = split(element.tag)[0]
        facts: dict[str, str] = {}
        title: Place | None = None
        bodies: list[Place] = []
        for child in element:
            namespace, local = split(child.tag)
            if namespace == own:
                name = local.lower()
                if name == "title" and title is None:
                    title = title_place(child)
                elif name in _OWN_BODIES[self._format]:
                    _add(bodies, child, name)
                elif name in ("guid", "id", "link"):
                    _note(facts, name, child)
            elif (namespace, local) in _BODIES:
                _add(bodies, child, _BODIES[namespace, local])
            elif namespace == MEDIA and local in ("group", "content"):
                for described in child.iter(f"{{{MEDIA}}}description"):
                    _add(bodies, described, "media:description")
            elif namespace == DC and local in ("identifier", "language"):
                facts.setdefault(local, (child.text or "").strip())
        link = facts.get("link") or facts.get("permalink") or element.get(f"{{{RDF}}}about")
        if link:
            link = _resolve(link, element, url)
        key = facts.get("guid") or facts.get("id") or element.get(f"{{{RDF}}}about") or facts.get("identifier") or link
        spoken = _two(element.get(f"{{{XML}}}lang")) or _two(facts.get("language")) or language
        fields = tuple(place.field for place in bodies)
        self._items.append(Item(key or str(number), title.field if title else None, fields, link, spoken))
        self._elements.append(element)
        self._titles.append(title)
        self._bodies.append(bodies)


def _add(bodies: list[Place], element: Any, name: str) -> None:
    place = body_place(element, name)
    if place is not None and place.field.text.strip():
        bodies.append(place)


def _note(facts: dict[str, str], name: str, element: Any) -> None:
    text = (element.text or "").strip()
    if name == "link" and element.get("href"):
        if (element.get("rel") or "alternate") == "alternate":
            facts.setdefault("link", element.get("href").strip())
    elif text:
        facts.setdefault(name, text)
        if name == "guid" and element.get("isPermaLink", "true").lower() == "true" and "://" in text:
            facts.setdefault("permalink", text)


def _resolve(link: str, element: Any, url: str | None) -> str:
    if _ABSOLUTE.match(link):
        return link
    try:
        base: str = element.base or ""
        return urljoin(urljoin(url or "", base), link)
    except ValueError:  # "http://[" and its like
        return link


def _is_feed(root: Any, name: str) -> bool:
    if name != "rdf":
        return True
    # RDF says many things; a feed is what has items or a channel.
    return any(split(child.tag)[1].lower() in ("item", "channel") for child in root)


def _channels(root: Any) -> Iterator[Any]:
    return (child for child in root if split(child.tag)[1].lower() == "channel")


def _entries(root: Any, name: str) -> Iterator[Any]:
    """The items, wherever the different vocabularies put them."""
    if name == "entry":
        yield root
        return
    for child in root:
        local = split(child.tag)[1].lower()
        if local in _ENTRIES:
            yield child
        elif local in ("channel", "items") and name != "feed":
            yield from (inner for inner in child if split(inner.tag)[1].lower() in _ENTRIES)


def _language(element: Any) -> str | None:
    declared = _two(element.get(f"{{{XML}}}lang"))
    if declared is None:
        own = split(element.tag)[0]
        for child in element:
            namespace, local = split(child.tag)
            if local.lower() == "language" and namespace in (own, DC, ""):
                return _two(child.text)
            if local.lower() in ("item", "entry"):
                break
    return declared


def _two(name: str | None) -> str | None:
    code = (name or "").strip()[:2].lower()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def _hint(name: str) -> str:
    known = {
        "urlset": "this is a sitemap; give the feed that the site links to",
        "sitemapindex": "this is a sitemap; give the feed that the site links to",
        "opml": "this is a list of feeds; give each of them by itself",
        "opensearchdescription": "this describes a search; give the feed that the site links to",
    }
    return known.get(name, "RSS, Atom, JSON Feed, HTML and plain text are read")
