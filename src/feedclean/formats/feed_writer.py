"""Feeds from what feedparser read: Atom 1.0 and RSS 2.0; `feed_json.py` writes JSON Feed.

They are written so that feedparser reads the same entries from them again: number, order, titles, links, ids, dates,
authors, texts with their types, enclosures, categories and bases, and of the extensions whatever it keeps. What is not
there is not made up; who wants a valid Atom feed from a poor RSS feed calls `feed_facts.complete` first.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from feedclean.errors import FormatError
from feedclean.formats.encodings import FORBIDDEN
from feedclean.formats.xml_names import ATOM, CONTENT, DC, FEEDCLEAN, ITUNES, MEDIA, RDF, XHTML, XML
from feedclean.formats.xml_parse import parse_fragment

__all__ = ["PERMALINK", "write_atom", "write_rss"]

PERMALINK = f"{{{FEEDCLEAN}}}isPermaLink"

XLINK = "http://www.w3.org/1999/xlink"
DCTERMS = "http://purl.org/dc/terms/"

_NAMES = {
    "atom": ATOM,
    "content": CONTENT,
    "dc": DC,
    "dcterms": DCTERMS,
    "feedclean": FEEDCLEAN,
    "itunes": ITUNES,
    "media": MEDIA,
    "rdf": RDF,
}
_ATOM_TYPES = {"text/plain": "text", "text/html": "html", "application/xhtml+xml": "xhtml"}
_NCNAME = re.compile(r"[A-Za-z_][\w.-]*\Z", re.ASCII)
_URI = re.compile(r"[!#-;=?-\[\]_a-z~]+\Z", re.ASCII)
_FORBIDDEN = re.compile(f"[{FORBIDDEN}]")
# What feedparser makes of extensions that are written as the core elements they stand for.
_KNOWN = {"media_keywords", "itunes_keywords"}


def write_atom(parsed: Any) -> bytes:
    """An Atom 1.0 feed with the entries of `parsed`."""
    root = etree.Element(_(ATOM, "feed"), nsmap={None: ATOM, **_names(parsed, {"atom", "rdf", "content"})})
    feed = parsed.feed
    base = _base(feed, root)
    _language(root, feed)
    _head(root, feed, base, ATOM)
    _constructs(root, feed, "subtitle", "subtitle", base)
    _constructs(root, feed, "rights", "rights", base)
    _add(root, ATOM, "generator", feed.get("generator"))
    _add(root, ATOM, "logo", (feed.get("image") or {}).get("href") or feed.get("logo"))
    _add(root, ATOM, "icon", feed.get("icon"))
    _extensions(root, feed)
    for entry in parsed.entries:
        item = etree.SubElement(root, _(ATOM, "entry"))
        _head(item, entry, base, ATOM)
        _constructs(item, entry, "summary", "summary", base)
        for content in entry.get("content") or ():
            _construct(item, ATOM, "content", content, base)
        _constructs(item, entry, "rights", "rights", base)
        _extensions(item, entry)
    return _bytes(root)


def write_rss(parsed: Any) -> bytes:
    """An RSS 2.0 feed with the entries of `parsed`."""
    root = etree.Element("rss", version="2.0", nsmap=_names(parsed, set()))
    channel = etree.SubElement(root, "channel")
    feed = parsed.feed
    base = _base(feed, root)
    _head(channel, feed, base, "")
    _add(channel, "", "description", feed.get("subtitle"), **_based(feed, "subtitle", base))
    _add(channel, "", "language", feed.get("language"))
    _add(channel, "", "copyright", feed.get("rights"))
    _add(channel, "", "generator", feed.get("generator"))
    _add(channel, "", "ttl", feed.get("ttl"))
    _add(channel, "", "docs", feed.get("docs"))
    image = feed.get("image") or {}
    if image.get("href"):
        picture = _add(channel, "", "image")
        _add(picture, "", "url", image["href"])
        _add(picture, "", "title", image.get("title"))
        _add(picture, "", "link", image.get("link"))
    _extensions(channel, feed)
    for entry in parsed.entries:
        item = etree.SubElement(channel, "item")
        _head(item, entry, base, "")
        _rss_texts(item, entry, base)
        _add(item, "", "comments", entry.get("comments"))
        source = entry.get("source") or {}
        if source.get("href") or source.get("title"):
            _add(item, "", "source", source.get("title") or "", url=source.get("href"))
        _extensions(item, entry)
    return _bytes(root)


def _rss_texts(item: Any, entry: Any, base: str) -> None:
    """Description and contents. A summary that only repeats the first content is made by feedparser, not written."""
    contents = entry.get("content") or []
    detail = entry.get("summary_detail")
    if detail is not None and detail.get("type") not in (None, "text/html"):
        _construct(item, ATOM, "summary", detail, base)
    elif detail is not None or not any(content.get("value") == entry.get("summary") for content in contents):
        _add(item, "", "description", entry.get("summary"), **_based(entry, "summary", base))
    for content in contents:
        if content.get("type") in (None, "text/html"):
            _add(item, CONTENT, "encoded", content.get("value") or "", **_own_base(content, base))
        else:
            _construct(item, ATOM, "content", content, base)


def _head(element: Any, facts: Any, base: str, namespace: str) -> None:
    """What feeds and entries share: title, links, id, dates, people and categories."""
    if namespace == ATOM:
        _constructs(element, facts, "title", "title", base)
    else:
        _add(element, "", "title", facts.get("title"), **_based(facts, "title", base))
    known = facts.get("guidislink")
    if known:
        # Its link was made of it, or came after it; a link before it would take that from it.
        _identify(element, facts, namespace, known)
    _links(element, facts, namespace)
    if not known:
        _identify(element, facts, namespace, known)
    if namespace == ATOM:
        _add(element, ATOM, "published", _own(facts, "published"))
        _add(element, ATOM, "updated", _own(facts, "updated"))
    else:
        _add(element, "", "pubDate", _own(facts, "published"))
        changed = "lastBuildDate" if element.tag == "channel" else None
        _add(element, "" if changed else ATOM, changed or "updated", _own(facts, "updated"))
    _add(element, DCTERMS, "created", _own(facts, "created"))
    _people(element, facts, namespace)
    for tag in facts.get("tags") or ():
        if namespace == ATOM or tag.get("label"):
            _add(
                element,
                ATOM,
                "category",
                "",
                term=tag.get("term") or "",
                scheme=tag.get("scheme"),
                label=tag.get("label"),
            )
        else:
            _add(element, "", "category", tag.get("term") or "", domain=tag.get("scheme"))


def _identify(element: Any, facts: Any, namespace: str, permanent: Any) -> None:
    name = facts.get("id")
    if name is None:
        return
    if namespace == ATOM or element.tag == "channel":
        made = _add(element, ATOM, "id", name)
        if "permalink" in facts and facts["permalink"] != (name == facts.get("link")):
            made.set(PERMALINK, "true" if facts["permalink"] else "false")  # what Atom itself has no word for
    elif permanent is None and "permalink" not in facts:
        element.set(_(RDF, "about"), _clean(name))  # as RSS 1.0 has it, which says nothing about links
    else:
        permanent = facts.get("permalink", permanent or name == facts.get("link"))
        _add(element, "", "guid", name, isPermaLink="true" if permanent else "false")


def _links(element: Any, facts: Any, namespace: str) -> None:
    links = facts.get("links") or []
    main = facts.get("link")
    written = False
    for link in links:
        rel, href = link.get("rel"), link.get("href")
        attributes = {key: value for key, value in link.items() if key not in ("rel", "href", "type")}
        if namespace == ATOM:
            _add(element, ATOM, "link", None, rel=rel, type=link.get("type"), href=href, **attributes)
        elif rel == "enclosure":
            _add(element, "", "enclosure", None, url=href, type=link.get("type"), **attributes)
        elif rel == "alternate" and (not href or href == main) and not written and not attributes:
            _add(element, "", "link", href or "")
            written = True
        else:
            _add(element, ATOM, "link", None, rel=rel, type=link.get("type"), href=href, **attributes)
    if main and not links and not facts.get("guidislink") and main != facts.get("id"):
        if namespace == ATOM:
            _add(element, ATOM, "link", None, rel="alternate", href=main)
        else:
            _add(element, "", "link", main)


def _people(element: Any, facts: Any, namespace: str) -> None:
    authors = facts.get("authors") or []
    for author in authors:
        last = author is authors[-1]
        if namespace == ATOM or author.get("href") or (last and not facts.get("author") and author):
            _person(element, "author", author)
        elif last and facts.get("author") is not None:
            _written_author(element, facts["author"])
        elif author:
            name, email = author.get("name"), author.get("email")
            _written_author(element, f"{email} ({name})" if name and email else name or email or "")
    if not authors and facts.get("author"):
        if namespace == ATOM:
            _person(element, "author", facts.get("author_detail") or {"name": facts["author"]})
        else:
            _written_author(element, facts["author"])
    for contributor in facts.get("contributors") or ():
        _person(element, "contributor", contributor)
    _add(element, DC, "publisher", facts.get("publisher"))


def _written_author(element: Any, author: str) -> None:
    # RSS wants an address in <author>; a mere name belongs into dc:creator.
    _add(element, *(("", "author") if "@" in author else (DC, "creator")), author)


def _person(element: Any, role: str, person: Mapping[str, Any]) -> None:
    made = _add(element, ATOM, role)
    _add(made, ATOM, "name", person.get("name"))
    _add(made, ATOM, "uri", person.get("href"))
    _add(made, ATOM, "email", person.get("email"))


def _constructs(element: Any, facts: Any, key: str, name: str, base: str) -> None:
    detail = facts.get(f"{key}_detail")
    if detail is not None:
        _construct(element, ATOM, name, {**detail, "value": facts.get(key) or ""}, base)
    elif facts.get(key) and not any(content.get("value") == facts[key] for content in facts.get("content") or ()):
        _add(element, ATOM, name, facts[key])


def _construct(element: Any, namespace: str, name: str, detail: Any, base: str) -> None:
    kind = detail.get("type", "text/plain")
    atom = element.tag.startswith(f"{{{ATOM}}}")
    value = _clean(detail.get("value") or "")
    made = _add(element, namespace, name, None, type=_ATOM_TYPES.get(kind, kind), **_own_base(detail, base))
    if detail.get("src"):
        made.set("src", _clean(detail["src"]))
    elif kind == "application/xhtml+xml":
        try:
            division = parse_fragment(f'<div xmlns="{XHTML}" xmlns:xlink="{XLINK}">{value}</div>')
            if atom:
                made.append(division)
            else:  # outside Atom feedparser takes the <div> that Atom demands for the publisher's
                made.text = division.text
                made.extend(list(division))
        except FormatError:
            made.set("type", "html")
            made.text = value
    elif not kind or kind.startswith("text/") or kind.endswith(("+xml", "/xml")):
        made.text = value
    else:  # feedparser has decoded it
        made.text = base64.b64encode(value.encode()).decode()


def _extensions(element: Any, facts: Any) -> None:
    """Elements of other vocabularies (tickers, ratings, media, places): copies, or what feedparser keeps of them."""
    if "elements" in facts:
        element.extend(facts["elements"])
        return
    names = {prefix for prefix in element.nsmap if prefix}
    for key, value in facts.items():
        prefix, _sep, local = key.partition("_")
        if prefix not in names or prefix in ("atom", "content", "dc") or key in _KNOWN or not _NCNAME.match(local):
            continue
        for single in value if isinstance(value, list) else [value]:
            if isinstance(single, str):
                _add(element, element.nsmap[prefix], local, single)
            elif isinstance(single, Mapping):
                texts = {name: text for name, text in single.items() if isinstance(text, str)}
                _add(element, element.nsmap[prefix], local, texts.pop("content", ""), **texts)


def _names(parsed: Any, without: set[str]) -> dict[str | None, str]:
    own: dict[str | None, str] = {
        prefix: uri
        for prefix, uri in (getattr(parsed, "namespaces", None) or {}).items()
        if _NCNAME.match(prefix or "") and not prefix.lower().startswith("xml") and _URI.match(uri or "")
    }
    return {**own, **{prefix: uri for prefix, uri in _NAMES.items() if prefix not in without}}


def _base(feed: Any, root: Any) -> str:
    """The base of the feed's own texts, declared on the root; what differs from it is said where it differs."""
    base = (feed.get("title_detail") or {}).get("base") or ""
    if base:
        root.set(_(XML, "base"), _clean(base))
    return base


def _language(root: Any, feed: Any) -> None:
    if feed.get("language"):
        root.set(_(XML, "lang"), _clean(feed["language"]))


def _based(facts: Any, key: str, base: str) -> dict[str, str]:
    return _own_base(facts.get(f"{key}_detail") or {}, base)


def _own_base(detail: Any, base: str) -> dict[str, str]:
    own = detail.get("base") or ""
    return {_(XML, "base"): own} if own and own != base else {}


def _own(facts: Any, key: str) -> str | None:
    """A date as written; feedparser's dictionary would lend `published` for a missing `updated`."""
    return dict.get(facts, key)


def _add(parent: Any, namespace: str, local: str, value: Any = None, /, **attributes: Any) -> Any:
    """A new child. A value of `None` without attributes adds nothing, unless it is there to hold other elements."""
    if value is None and not attributes and (namespace, local) not in _CONTAINERS:
        return None
    made = etree.SubElement(parent, _(namespace, local))
    for key, attribute in attributes.items():
        if attribute is not None and _NCNAME.match(key.rpartition("}")[2]):
            made.set(key, _clean(str(attribute)))
    if value is not None:
        made.text = _clean(str(value))
    return made


_CONTAINERS: Iterable[tuple[str, str]] = {(ATOM, "author"), (ATOM, "contributor"), ("", "image")}


def _(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}" if namespace else name


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("", text)


def _bytes(root: Any) -> bytes:
    etree.cleanup_namespaces(root)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written + b"\n"
