"""JSON Feed 1.1 and JSON lines from the facts of a feed, and the facts of a JSON Feed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from feedclean.formats.feed_facts import Facts
from feedclean.formats.html_text import html_to_text
from feedclean.formats.json_feed import EXTENSION
from feedclean.formats.sanitize import safe_html

__all__ = ["read_json", "write_json", "write_lines"]

_SURROGATES = re.compile("[\ud800-\udfff]")
_HTML = ("text/html", "application/xhtml+xml")


def read_json(value: Mapping[str, Any]) -> Facts:
    """The facts of a JSON Feed (its value as `json` gives it) in feedparser's terms."""
    feed = _common(value)
    feed |= {"subtitle": _text(value, "description"), "language": _text(value, "language")}
    home = _text(value, "home_page_url")
    feed |= {"link": home, "links": _alternate(home), "icon": _text(value, "favicon"), "logo": _text(value, "icon")}
    listed = value.get("items")
    entries = [_entry(item) for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return Facts(feed, entries, "json")


def write_json(facts: Facts) -> bytes:
    """A JSON Feed 1.1; `facts` from `feed_facts.complete`."""
    feed = facts.feed
    value = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed["title"],
        "home_page_url": feed.get("link"),
        "description": feed.get("subtitle"),
        "icon": feed.get("logo") or (feed.get("image") or {}).get("href"),
        "favicon": feed.get("icon"),
        "language": feed.get("language"),
        "authors": _authors(feed),
        "items": [_item(entry) for entry in facts.entries],
    }
    return _dump({key: held for key, held in value.items() if held or key == "items"}, indent=2)


def write_lines(facts: Facts) -> bytes:
    """One JSON object a line and item, always with the same keys; unknown values are `null` or empty."""
    lines = []
    for entry in facts.entries:
        item = _item(entry)
        body = item.get("content_html")
        lines.append(
            {
                "id": item["id"],
                "url": item.get("url"),
                "title": item.get("title"),
                "published": item.get("date_published"),
                "updated": item.get("date_modified"),
                "authors": [author["name"] for author in item.get("authors", ()) if "name" in author],
                "language": item.get("language") or facts.feed.get("language"),
                "tags": item.get("tags", []),
                "content_html": body,
                "content_text": item.get("content_text") or (html_to_text(safe_html(body)) if body else None),
            }
        )
    return b"".join(map(_dump, lines))


def _item(entry: Mapping[str, Any]) -> dict[str, Any]:
    contents = entry.get("content") or []
    markup = next((held["value"] for held in contents if held.get("type") in _HTML and held.get("value")), None)
    plain = next((held["value"] for held in contents if held.get("type") == "text/plain" and held.get("value")), None)
    summary = entry.get("summary") or None
    if summary in (markup, plain):
        summary = None
    is_html = (entry.get("summary_detail") or {}).get("type", "text/html") in _HTML
    if summary and not markup and not plain:
        markup, plain, summary = (summary, None, None) if is_html else (None, summary, None)
    elif summary and is_html:
        summary = html_to_text(safe_html(summary))
    thumbnails = entry.get("media_thumbnail") or [{}]
    value = {
        "id": entry["id"],
        "url": entry.get("link"),
        "title": entry.get("title"),
        "content_html": markup,
        "content_text": plain if plain or markup else "",
        "summary": summary,
        "image": thumbnails[0].get("url") if isinstance(thumbnails[0], dict) else None,
        "date_published": entry.get("published"),
        "date_modified": entry.get("updated"),
        "authors": _authors(entry),
        "tags": [tag.get("term") or tag.get("label") for tag in entry.get("tags") or ()],
        "attachments": [_attachment(link) for link in entry.get("links") or () if link.get("rel") == "enclosure"],
    }
    kept = {key: held for key, held in value.items() if held or key == "id" or (key == "content_text" and not markup)}
    if entry["permalink"] != (entry["id"] == entry.get("link")):
        kept[EXTENSION] = {"permalink": entry["permalink"]}  # what JSON Feed itself has no word for
    return kept


def _attachment(link: Mapping[str, Any]) -> dict[str, Any]:
    length = str(link.get("length") or "")
    value: dict[str, Any] = {"url": link["href"], "mime_type": link.get("type") or "application/octet-stream"}
    if length.isascii() and length.isdigit() and len(length) < 19:
        value["size_in_bytes"] = int(length)
    if link.get("title"):
        value["title"] = link["title"]
    return value


def _authors(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    authors = []
    for person in facts.get("authors") or ():
        url = person.get("href") or (f"mailto:{person['email']}" if person.get("email") else None)
        kept = {key: held for key, held in (("name", person.get("name")), ("url", url)) if held}
        if kept:
            authors.append(kept)
    return authors


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    entry = _common(item)
    key = item.get("id")
    entry["id"] = _clean(str(key)) if isinstance(key, str | int | float) and not isinstance(key, bool) else None
    entry["link"] = _text(item, "url") or _text(item, "external_url")
    entry["links"] = _alternate(entry["link"])
    extension = item.get(EXTENSION)
    if isinstance(extension, dict) and isinstance(extension.get("permalink"), bool):
        entry["permalink"] = extension["permalink"]
    for date, name in (("published", "date_published"), ("updated", "date_modified")):
        entry[date] = _text(item, name)
    markup, plain, summary = (_text(item, name) for name in ("content_html", "content_text", "summary"))
    if markup or plain:
        kind = "text/html" if markup else "text/plain"
        entry["content"] = [{"type": kind, "value": markup or plain}]
    if summary:
        entry |= {"summary": summary, "summary_detail": {"type": "text/plain", "value": summary}}
    tags = item.get("tags")
    entry["tags"] = [{"term": _clean(tag)} for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    image = _text(item, "image") or _text(item, "banner_image")
    if image:
        entry["media_thumbnail"] = [{"url": image}]
    attachments = item.get("attachments")
    for held in attachments if isinstance(attachments, list) else ():
        if isinstance(held, dict) and _text(held, "url"):
            size = held.get("size_in_bytes")
            length = str(size) if isinstance(size, int | str) else "0"
            link = {"rel": "enclosure", "href": _text(held, "url"), "type": _text(held, "mime_type"), "length": length}
            entry["links"].append({**link, "title": _text(held, "title")})
    return entry


def _common(value: Mapping[str, Any]) -> dict[str, Any]:
    title = _text(value, "title")
    people = value.get("authors") if isinstance(value.get("authors"), list) else [value.get("author")]
    authors = []
    for person in people or ():
        if isinstance(person, dict):
            url = _text(person, "url")
            email = url.removeprefix("mailto:") if url and url.startswith("mailto:") else None
            authors.append({"name": _text(person, "name"), "email": email, "href": None if email else url})
    detail = {"type": "text/plain", "value": title} if title else None
    return {"title": title, "title_detail": detail, "authors": authors}


def _alternate(link: str | None) -> list[dict[str, Any]]:
    return [{"rel": "alternate", "type": "text/html", "href": link}] if link else []


def _text(value: Mapping[str, Any], key: str) -> str | None:
    held = value.get(key)
    return _clean(held) if isinstance(held, str) and held.strip() else None


def _clean(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text)


def _dump(value: Any, indent: int | None = None) -> bytes:
    return _SURROGATES.sub("\ufffd", json.dumps(value, ensure_ascii=False, indent=indent)).encode() + b"\n"
