"""What is known about an article beside its text: read from the head of a page, carried along, written again."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from feedclean.formats.linked_data import linked_article, names_of
from feedclean.formats.web_page import attributes_of, head_tags, visible

__all__ = ["Metadata", "filled", "moment", "read_metadata"]

_GLANCE = 400_000  # characters of a page in which its head has to end
# Browsers and SingleFile note where a page came from in a comment before or behind the <html> tag.
_SAVED_FROM = re.compile(
    r"<!--\s*(?:saved from url=\(\d+\)|Page saved with SingleFile\s+url:\s*)(https?://[^\s<>\"]{1,2000})", re.IGNORECASE
)
_AUTHOR = ("author", "article:author", "parsely-author", "dc.creator", "dcterms.creator", "sailthru.author")
_PUBLISHED = (
    "article:published_time", "og:published_time", "datepublished", "parsely-pub-date", "dc.date.issued",
    "dcterms.created", "dc.date", "pubdate", "publishdate", "date",
)  # fmt: skip
_TITLE = ("og:title", "twitter:title", "parsely-title")
_SITE = ("og:site_name", "application-name")
_DESCRIPTION = ("description", "og:description", "twitter:description")
_LANGUAGE = ("og:locale", "content-language", "language", "dc.language")
_TAGS = ("keywords", "news_keywords", "article:tag")
_SITE_BEHIND = re.compile(r"(.+?)\s+[-–—|·:]{1,2}\s+([^|·–—]{2,60})")
_CODE = re.compile(r"([A-Za-z]{2})(?![A-Za-z])")
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Facts about one article; what is not known is empty."""

    title: str = ""
    authors: tuple[str, ...] = ()
    published: str | None = None  # as RFC 3339 has it
    language: str | None = None  # ISO 639-1
    site: str | None = None  # the name of the publication
    url: str | None = None  # where it is published: canonical, if the page says so
    description: str | None = None
    tags: tuple[str, ...] = ()


def filled(known: Metadata, more: Metadata) -> Metadata:
    """`known`, and `more` where it says nothing."""
    missing = {name: getattr(more, name) for name in Metadata.__slots__ if not getattr(known, name)}
    return replace(known, **missing)


def read_metadata(source: str, url: str | None = None) -> Metadata:
    """What the head of an HTML page says; `url` is where it came from, if that is known."""
    said: dict[str, list[str]] = {}
    title = canonical = base = language = ""
    opened = None
    head = _head(source)
    for token in head_tags(head):
        tag = token["tag"].lower()
        if tag in ("/head", "body"):
            break
        given = attributes_of(token["attributes"])
        if tag == "meta" and given.get("content", "").strip():
            name = given.get("property") or given.get("name") or given.get("itemprop") or given.get("http-equiv") or ""
            said.setdefault(name.strip().lower(), []).append(" ".join(given["content"].split()))
        elif tag == "link" and "canonical" in given.get("rel", "").lower().split():
            canonical = canonical or given.get("href", "").strip()
        elif tag == "base":
            base = base or given.get("href", "").strip()
        elif tag == "html":
            language = given.get("lang") or given.get("xml:lang") or ""
        elif tag == "title":
            opened = token
        elif tag == "/title" and opened is not None and not title:
            title = visible(head[opened.end() : token.start()])
    linked = linked_article(source)
    saved = _SAVED_FROM.search(source, 0, 8_192)
    home = url or (html.unescape(saved[1]) if saved else None)
    named = next(iter(names_of(linked.get("headline"))), "") or _first(said, _TITLE)
    site = _first(said, _SITE) or next(iter(names_of(linked.get("publisher"))), "")
    code = _CODE.match(language.strip() or _first(said, _LANGUAGE))
    authors = names_of(linked.get("author")) or [
        name for name in _all(said, _AUTHOR) if not name.startswith(("http:", "https:"))
    ]
    dates = [linked.get("datePublished"), *_all(said, _PUBLISHED)]
    return Metadata(
        title=_bare_title(named or title, site),
        authors=tuple(dict.fromkeys(authors)),
        published=next(filter(None, (moment(date) for date in dates if isinstance(date, str))), None),
        language=code[1].lower() if code else None,
        site=site or None,
        url=_address(canonical or _first(said, ("og:url",)), home) or _address(base, home) or home,
        description=_first(said, _DESCRIPTION) or None,
        tags=tuple(dict.fromkeys(tag for tags in _all(said, _TAGS) for one in tags.split(",") if (tag := one.strip()))),
    )


def _head(source: str) -> str:
    """A page up to the end of its head, without scripts, which are most of it and slow to read past."""
    ends = (source.find(mark, 0, _GLANCE) for mark in ("</head", "<body", "</HEAD", "<BODY"))
    end = min((place for place in ends if place != -1), default=_GLANCE) + len("</head>")
    kept: list[str] = []
    place = 0
    while (start := source.find("<script", place, end)) != -1:
        kept.append(source[place:start])
        place = source.find("</script", start, end)
        if place == -1:
            return "".join(kept)
    return "".join((*kept, source[place:end]))


def moment(written: str | None) -> str | None:
    """A date in any of the notations that machines use, as RFC 3339 has it; `None` if it is none."""
    text = (written or "").strip()
    day = _DAY.match(text)
    try:
        if day:
            return datetime(*map(int, day.groups()), tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # type: ignore[arg-type,misc]
        found = datetime.fromisoformat(text) if text[:1].isdigit() and "T" in text[:12].replace(" ", "T") else None
        if found is None:
            from email.utils import parsedate_to_datetime

            found = parsedate_to_datetime(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.isoformat(timespec="seconds").replace("+00:00", "Z") if found.year > 1 else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _bare_title(title: str, site: str) -> str:
    """A title without the name of its site, which browsers and search engines are told as well."""
    found = _SITE_BEHIND.fullmatch(title)
    return found[1] if found and site and found[2].casefold() == site.casefold() else title


def _first(said: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((said[name][0] for name in names if name in said), "")


def _all(said: dict[str, list[str]], names: tuple[str, ...]) -> list[str]:
    """What is said under the first of `names` that says anything."""
    return next((said[name] for name in names if name in said), [])


def _address(link: str, home: str | None) -> str | None:
    try:
        address = urljoin(home, link) if home and link else link
        parts = urlsplit(address)
        return address if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None
