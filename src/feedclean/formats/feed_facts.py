"""What a document says, in feedparser's terms and fit to be written as another format.

Feeds are read by feedparser, JSON Feeds and articles by us; what is missing for a valid feed is derived from what is
there (never from the clock), and what could run when it is followed is dropped.
"""

from __future__ import annotations

import calendar
import html
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from feedclean.formats.html_text import html_to_text
from feedclean.formats.metadata import Metadata
from feedclean.formats.reader_page import without_title
from feedclean.formats.sanitize import FOLLOWED, LOADED, plain_title, safe_id, safe_url
from feedclean.formats.securities import securities
from feedclean.types import Format

__all__ = ["Facts", "article", "complete", "iso_date", "rss_date"]

EPOCH = "1970-01-01T00:00:00Z"  # for what Atom demands and nobody knows

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z")
_RFC822 = re.compile(r"(?:[A-Z][a-z]{2}, )?\d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)? (?:[A-Z]{1,3}|[+-]\d{4})\Z")
_MARKUP = re.compile(r"<[A-Za-z/!?]|&(?:#[0-9]|#[xX][0-9a-fA-F]|[A-Za-z][A-Za-z0-9]*;)")
_BLANK_LINES = re.compile(r"\r?\n(?:[ \t]*\r?\n)+")
_LINK_FACTS = {
    "rel": re.compile(r"[\w.:/?#=&%+-]+\Z", re.ASCII),
    "type": re.compile(r"[\w.+-]+/[\w.+-]+(?:\s*;\s*[\w.+-]+=[\w.+\"-]+)*\Z", re.ASCII),
    "length": re.compile(r"[0-9]{1,18}\Z", re.ASCII),
    "hreflang": re.compile(r"[\w-]+\Z", re.ASCII),
}
_DATES = ("published", "updated", "created")


@dataclass(slots=True)
class Facts:
    """A feed as feedparser would give it; the writers take it as they take a result of feedparser."""

    feed: dict[str, Any] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    version: str = ""
    namespaces: dict[str, str] = field(default_factory=dict)
    single: bool = False  # whether it is one article and not a feed


def complete(read: Any, url: str | None, to: Format) -> Facts:
    """A copy of what was `read`, safe to follow and complete enough for `to`."""
    entries = [_common(_identified(dict(entry), to), to) for entry in read.entries]
    own = {"id": safe_id(read.feed.get("id")), "title": plain_title(read.feed.get("title") or "")}
    feed = _common({**read.feed, **own}, to)
    feed["links"] = [link for link in feed.get("links", ()) if link.get("rel") not in ("self", "hub")]
    home = feed.get("link") or _site(entries) or safe_url(url)
    feed["title"] = feed.get("title") or _host(home) or "Untitled"
    feed["title_detail"] = feed.get("title_detail") or _plain(feed["title"], to)
    if to is Format.RSS:
        _set_link(feed, home or "about:blank")
        feed["subtitle"] = feed.get("subtitle") or feed["title"]
    elif to is Format.ATOM:
        feed["id"] = feed.get("id") or _derived(home or feed["title"])
        dates = [entry["updated"] for entry in entries if entry.get("updated")]
        feed["updated"] = feed.get("updated") or feed.get("published") or max(dates, default=EPOCH)
        for entry in entries:
            entry["updated"] = entry.get("updated") or feed["updated"]
        if not feed.get("authors") and not all(entry.get("authors") for entry in entries):
            feed["authors"] = [{"name": feed["title"]}]
    elif home:
        _set_link(feed, home)
    names = dict(getattr(read, "namespaces", None) or {})
    single = len(entries) == 1 and read.entries[0].get("title") == read.feed.get("title")
    return Facts(feed, entries, read.version or "", names, single)


def iso_date(written: str | None, parsed: time.struct_time | None) -> str | None:
    """A date as Atom and JSON Feed want it; as written if it is so already; `None` if nobody can read it."""
    if written and _RFC3339.match(written.strip()):
        return written.strip()
    moment = _moment(written, parsed)
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def rss_date(written: str | None, parsed: time.struct_time | None) -> str | None:
    """A date as RSS wants it; as written if it is so already, or if nobody can read it."""
    if written and _RFC822.match(written.strip()):
        return written.strip()
    moment = _moment(written, parsed)
    return format_datetime(moment, usegmt=moment.tzinfo is UTC) if moment else written


def article(metadata: Metadata, body: str) -> Facts:
    """A feed of the one item that a page, a mail or a text is; `body` is its safe HTML.

    The securities that it names become categories beside its tags.
    """
    link = metadata.url
    detail = {"type": "text/plain", "value": metadata.title}
    body = without_title(body, metadata.title)
    entry: dict[str, Any] = {"title": metadata.title, "title_detail": detail}
    if link:
        entry |= {"id": link, "link": link, "links": [{"rel": "alternate", "type": "text/html", "href": link}]}
    elif metadata.title and metadata.published:
        # Not of the text: another model may cut it in another way, and it is the same article all the same.
        entry["id"] = _derived("\n".join((metadata.title, metadata.published, *metadata.authors)))
    entry["content"] = [{"type": "text/html", "value": body}]
    if metadata.published:
        entry |= {"published": metadata.published, "updated": metadata.published}
    if metadata.authors:
        entry["authors"] = [{"name": name} for name in metadata.authors]
    named = map(str, securities(f"{metadata.title}\n{html_to_text(body)}"))
    entry["tags"] = [{"term": term} for term in dict.fromkeys([*metadata.tags, *named])]
    feed = {
        "title": metadata.title,
        "language": metadata.language,
        "link": link,
        "links": list(entry.get("links", ())),
        "publisher": metadata.site,
    }
    return Facts(feed, [entry])


def _common(facts: dict[str, Any], to: Format) -> dict[str, Any]:
    """What feeds and entries have in common, fit for `to`."""
    detail = _plain(_plain_text(facts, "title"), to)
    facts["title"] = detail["value"] or None
    facts["title_detail"] = detail if detail["value"] else None
    if to is Format.RSS:
        _as_html(facts)
    for key in ("subtitle", "rights"):
        facts[key] = _plain_text(facts, key) or None
        facts.pop(f"{key}_detail", None)
    _addresses(facts, to)
    for key in _DATES:
        convert = rss_date if to is Format.RSS and key == "published" else iso_date
        facts[key] = convert(dict.get(facts, key), dict.get(facts, f"{key}_parsed"))
    if to is Format.ATOM:
        facts["updated"] = facts["updated"] or facts["published"]
    elif to is Format.RSS:
        # Readers of RSS look for no other date.
        facts["published"] = facts["published"] or rss_date(facts["updated"], dict.get(facts, "updated_parsed"))
    for people in ("authors", "contributors"):
        facts[people] = [person for one in facts.get(people) or () if (person := _person(one))]
    author = facts.get("author")
    facts["author"] = plain_title(author) if author and not any(p.get("href") for p in facts["authors"]) else None
    facts["publisher"] = plain_title(facts.get("publisher") or "") or None
    facts["tags"] = [_tag(tag) for tag in facts.get("tags") or () if tag.get("term") or tag.get("label")]
    facts["generator"] = None
    for key, value in facts.items():
        if "_" in key and not key.endswith(("_detail", "_parsed")):
            facts[key] = _extension(value)
    return {key: value for key, value in facts.items() if value is not None}


def _as_html(facts: dict[str, Any]) -> None:
    """Plain texts as HTML, because that is what RSS readers take every text for."""
    summary: dict[str, Any] = facts.get("summary_detail") or {}
    details: list[dict[str, Any]] = [*(facts.get("content") or ()), summary]
    for detail in details:
        if detail.get("type") == "text/plain":
            detail |= {"type": "text/html", "value": _paragraphs(detail.get("value") or "")}
            if detail is summary:
                facts["summary"] = detail["value"]


def _paragraphs(text: str) -> str:
    said = [html.escape(str(one), quote=False) for one in _BLANK_LINES.split(text.strip())]
    return said[0] if len(said) == 1 else "".join(f"<p>{one}</p>" for one in said)


def _plain_text(facts: dict[str, Any], key: str) -> str:
    """A text that some formats allow markup in, without it."""
    value = facts.get(key) or ""
    kind = (facts.get(f"{key}_detail") or {}).get("type")
    if kind in ("text/html", "application/xhtml+xml"):
        value = html.unescape(plain_title(value))
    elif key != "title":  # a title of plain text may speak about tags
        value = plain_title(value)
    return " ".join(value.split()) if "\n" in value else value.strip()


def _plain(title: str, to: Format) -> dict[str, str]:
    # RSS readers disagree whether a title is HTML. What could be, is written so that both see the characters.
    value = html.escape(title, quote=False) if to is Format.RSS and _MARKUP.search(title) else title
    return {"type": "text/plain", "value": value}


def _addresses(facts: dict[str, Any], to: Format) -> None:
    """Drop every address that is not to be followed, and give the main one a place among the links."""
    links = []
    for link in facts.get("links") or ():
        href = safe_url(link.get("href"), schemes=LOADED if link.get("rel") == "enclosure" else FOLLOWED)
        if href:
            links.append({**_described(link), "href": href})
    main = safe_url(facts.get("link"))
    if main and not any(link["href"] == main and _is_alternate(link) for link in links):
        links.insert(0, {"rel": "alternate", "type": "text/html", "href": main})
    if main and to is Format.RSS:
        # The <link> of RSS has no attributes.
        number = next(at for at, one in enumerate(links) if one["href"] == main and _is_alternate(one))
        links[number] = {"rel": "alternate", "type": "text/html", "href": main}
    facts["links"], facts["link"] = links, main
    facts["comments"] = safe_url(facts.get("comments"))
    for key in ("image", "source"):
        held = dict(facts.get(key) or {})
        href = safe_url(held.get("href"), schemes=LOADED)
        named = plain_title(held.get("title") or "")
        facts[key] = {"href": href, "title": named, "link": safe_url(held.get("link"))} if href else None
    facts["logo"], facts["icon"] = safe_url(facts.get("logo")), safe_url(facts.get("icon"))


def _is_alternate(link: dict[str, Any]) -> bool:
    return bool(link.get("rel", "alternate") == "alternate")


def _described(link: Any) -> dict[str, str]:
    """What a link says about itself, as far as it can be meant: relation, type, length, language, title."""
    kept = {key: str(link[key]) for key, form in _LINK_FACTS.items() if form.match(str(link.get(key) or ""))}
    return {**kept, "title": plain_title(link["title"])} if link.get("title") else kept


def _identified(entry: dict[str, Any], to: Format) -> dict[str, Any]:
    """An entry with an id, if `to` needs one, and whether that is its address, too."""
    name = safe_id(entry.get("id"))
    permanent = entry.get("permalink", name is not None and name == entry.get("link"))
    entry["permalink"] = bool(permanent) and safe_url(name) is not None
    entry.pop("guidislink", None)
    if name is None and to is not Format.RSS:
        contents = [content.get("value") for content in entry.get("content") or ()]
        said = (entry.get("title"), entry.get("summary"), *contents)
        name = _derived(safe_url(entry.get("link")) or "\n".join(text for text in said if text))
    entry["id"] = name
    return entry


def _person(person: Any) -> dict[str, str] | None:
    kept = {key: plain_title(person[key]) for key in ("name", "email") if person.get(key)}
    href = safe_url(person.get("href"))
    return ({**kept, "href": href} if href else kept) or None


def _tag(tag: Any) -> dict[str, str | None]:
    plain = {key: plain_title(tag[key]) if tag.get(key) else None for key in ("term", "label")}
    return {**plain, "scheme": safe_id(tag.get("scheme"))}


def _extension(value: Any) -> Any:
    """An element of another vocabulary; addresses in it are dropped unless they can be followed."""
    if isinstance(value, list):
        return [_extension(single) for single in value]
    if isinstance(value, dict):
        return {key: text for key, text in value.items() if not isinstance(text, str) or safe_id(text) is not None}
    return None if isinstance(value, str) and safe_id(value) is None else value


def _site(entries: list[dict[str, Any]]) -> str | None:
    """The front page of the site that the first item with an address stands on."""
    links = (entry["link"] for entry in entries if entry.get("link"))
    return next((urljoin(link, "/") for link in links if _host(link)), None)


def _host(link: str | None) -> str | None:
    try:
        return urlsplit(link or "").hostname
    except ValueError:
        return None


def _set_link(feed: dict[str, Any], href: str) -> None:
    if not feed.get("link"):
        feed["link"] = href
        feed["links"] = [{"rel": "alternate", "type": "text/html", "href": href}, *feed.get("links", ())]


def _derived(known: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, known).urn


def _moment(written: str | None, parsed: time.struct_time | None) -> datetime | None:
    """The moment of a date: exactly, with its offset, if it is in the notation of Atom; else as feedparser read it."""
    try:
        if written and _RFC3339.match(written.strip()):
            moment = datetime.fromisoformat(written.strip())
            return moment if moment.utcoffset() else moment.astimezone(UTC)
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None
