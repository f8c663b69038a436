"""What feedparser loses or changes of an item of a well-formed feed, taken from its tree instead.

It mends encodings that are not broken, makes ids absolute, takes the text of any plain element for the summary, forgets
the text of elements that have attributes, and lends an item the base of the one before it.
"""

from __future__ import annotations

import copy
import html
from collections.abc import Iterator
from typing import Any

from lxml import etree

from feedclean.formats.feed_writer import PERMALINK
from feedclean.formats.sanitize import plain_title, safe_id
from feedclean.formats.xml_feed import XmlFeed, open_xml_feed
from feedclean.formats.xml_names import ATOMS, CONTENT, DC, FEEDCLEAN, ITUNES, RDF, XHTML, split
from feedclean.types import Field, Format, Markup

__all__ = ["overlay", "without_nested"]

_SUMMARIES = ("description", "summary", "abstract", "atom:summary")
_CONTENTS = ("content:encoded", "content", "atom:content", "xhtml:body")
_ELSE = ("dc:description", "itunes:summary", "media:description")
# Written by the writers under their own names, or of no use in another vocabulary.
_TAKEN = ATOMS | {CONTENT, DC, FEEDCLEAN, RDF, XHTML}
_DRAWN = {XHTML, "http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}


def overlay(entry: dict[str, Any], document: XmlFeed, number: int) -> None:
    """Put title, link, id, texts and foreign elements of an item over what feedparser made of them."""
    item, element = document.items[number], document.element(number)
    entry["title"] = item.title.text if item.title else None
    entry["title_detail"] = {"type": "text/plain", "value": entry["title"]} if item.title else None
    _relink(entry, item.url)
    _identify(entry, element, document.format)
    _texts(entry, item.bodies, document.format, element.base or "")
    entry["elements"] = [held for child in element if (held := _foreign(child, split(element.tag)[0])) is not None]


def without_nested(document: XmlFeed) -> bytes:
    """The feed without the entries that stand inside entries (in an `atom:source`, in a history of changes)."""
    copied = open_xml_feed(document.to_bytes())
    for number in range(len(copied.items)):
        item = copied.element(number)
        inner = [node for node in item.iterdescendants() if split(node.tag)[1].lower() in ("item", "entry")]
        for node in inner:
            if node.getparent() is not None:
                node.getparent().remove(node)
    return etree.tostring(copied.element(0).getroottree()) if copied.items else document.to_bytes()


def _relink(entry: dict[str, Any], link: str | None) -> None:
    links = entry.get("links") or ()
    for held in links if link not in [held.get("href") for held in links] else ():
        if held.get("href") == entry.get("link") and held.get("rel", "alternate") == "alternate":
            held["href"] = link
            break
    entry["link"] = link


def _identify(entry: dict[str, Any], element: Any, source: Format) -> None:
    own = split(element.tag)[0]
    named = next((child for child in element if split(child.tag) in ((own, "guid"), (own, "id"))), None)
    entry.pop("guidislink", None)
    if named is None:
        entry["permalink"] = False
        return
    entry["id"] = (named.text or "").strip() or None
    if source is Format.RSS:
        entry["permalink"] = named.get("isPermaLink", "true").strip().lower() == "true"
    elif named.get(PERMALINK) is not None:
        entry["permalink"] = named.get(PERMALINK) == "true"


def _texts(entry: dict[str, Any], bodies: tuple[Field, ...], source: Format, base: str) -> None:
    held = {name: [field for field in bodies if field.name == name] for name in (*_SUMMARIES, *_CONTENTS, *_ELSE)}
    summaries = [field for name in _SUMMARIES for field in held[name]]
    contents = [field for name in _CONTENTS for field in held[name]]
    if not summaries:
        summaries = [field for name in _ELSE for field in held[name]][:1]
    for key in ("summary", "summary_detail", "content"):
        entry.pop(key, None)
    if summaries:
        detail = _detail(summaries[0], source, base)
        entry |= {"summary": detail["value"], "summary_detail": detail}
    entry["content"] = [_detail(field, source, base) for field in [*contents, *summaries[1:]]]


def _detail(field: Field, source: Format, base: str) -> dict[str, str]:
    if field.markup is Markup.HTML:
        return {"type": "text/html", "value": field.text, "base": base}
    # An RSS text without tags may still spell its characters as HTML does.
    text = html.unescape(field.text) if source is Format.RSS and ":" not in field.name else field.text
    return {"type": "text/plain", "value": text}


def _foreign(element: Any, own: str) -> Any | None:
    """A copy of an element of another vocabulary, with nothing in it that could run; `None` if it is no such."""
    namespace, local = split(element.tag)
    if not namespace or namespace == own or namespace in _TAKEN or (namespace, local) == (ITUNES, "summary"):
        return None
    made = copy.deepcopy(element)
    made.tail = None
    etree.strip_elements(made, etree.Comment, etree.ProcessingInstruction, with_tail=False)
    etree.strip_elements(made, *(f"{{{drawn}}}*" for drawn in _DRAWN), with_tail=False)
    for node in _nodes(made):
        for key, value in list(node.attrib.items()):
            if value and safe_id(value) is None:
                del node.attrib[key]
        for part in ("text", "tail"):
            text = getattr(node, part)
            if text and text.strip():
                setattr(node, part, plain_title(text) if safe_id(text) else None)
    return made


def _nodes(element: Any) -> Iterator[Any]:
    return (node for node in element.iter() if isinstance(node.tag, str))
