"""A feed or an article as one page to read: HTML that loads pictures and runs nothing, Markdown, or plain text."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

from feedclean.formats.feed_facts import Facts
from feedclean.formats.front_matter import write_front_matter
from feedclean.formats.html_markdown import html_to_markdown
from feedclean.formats.html_text import html_to_text
from feedclean.formats.metadata import Metadata
from feedclean.formats.reader_page import page_top, reader_page
from feedclean.formats.sanitize import safe_html

__all__ = ["write_html", "write_markdown", "write_text"]

_HTML = ("text/html", "application/xhtml+xml")


def write_html(facts: Facts) -> bytes:
    """One page with everything in it but the pictures. Its policy forbids scripts, forms and frames."""
    feed = facts.feed
    if facts.single:
        return _article(facts).encode("utf-8", "replace")
    parts = [page_top(feed["title"], feed.get("language"))]
    parts.append(f"<h1>{_linked(feed['title'], feed.get('link'))}</h1>\n")
    for entry in facts.entries:
        title = entry.get("title") or entry.get("link") or "Untitled"
        parts.append(f"<article>\n<h2>{_linked(title, entry.get('link'))}</h2>\n")
        said = " · ".join(_said(entry))
        parts.append(f'<p class="facts">{html.escape(said)}</p>\n' if said else "")
        parts.append(f"{_body(entry)}\n")
        parts += (f"{_paragraph(href)}\n" for href in _enclosures(entry))
        parts.append("</article>\n")
    parts.append("</body>\n</html>\n")
    return "".join(parts).encode("utf-8", "replace")


def _article(facts: Facts) -> str:
    entry, feed = facts.entries[0], facts.feed
    metadata = Metadata(
        title=entry.get("title") or "",
        authors=tuple(person["name"] for person in entry.get("authors") or () if person.get("name")),
        published=entry.get("published") or entry.get("updated"),
        language=feed.get("language"),
        site=feed.get("publisher"),
        url=entry.get("link"),
        tags=tuple(tag["term"] for tag in entry.get("tags") or () if tag.get("term")),
    )
    body = "\n".join((_body(entry), *map(_paragraph, _enclosures(entry))))
    return reader_page(metadata, body, extracted=False)


def write_markdown(facts: Facts) -> bytes:
    """The same as Markdown; what is known about a single article stands in front matter."""
    if not facts.single:
        return _write_lines(facts, html_to_markdown, "# ", "## ")
    entry = facts.entries[0]
    front = write_front_matter(
        {
            "title": entry.get("title"),
            "url": entry.get("link"),
            "authors": [person["name"] for person in entry.get("authors") or () if person.get("name")],
            "published": entry.get("published"),
            "site": facts.feed.get("publisher"),
            "language": facts.feed.get("language"),
            "tags": [tag["term"] for tag in entry.get("tags") or () if tag.get("term")],
        }
    )
    told = [f"# {html_to_markdown(html.escape(entry['title']))}" if entry.get("title") else ""]
    told += [html_to_markdown(_body(entry)), *(html_to_markdown(_paragraph(href)) for href in _enclosures(entry))]
    return (front + "\n\n".join(filter(None, told)) + "\n").encode("utf-8", "replace")


def write_text(facts: Facts) -> bytes:
    """The same as plain text."""
    return _write_lines(facts, html_to_text, "", "")


def _write_lines(facts: Facts, convert: Any, first: str, second: str) -> bytes:
    title = facts.feed["title"]
    heading = convert(html.escape(title))
    parts = [] if facts.single else [f"{first}{heading}"]
    for entry in facts.entries:
        named = convert(html.escape(entry.get("title") or ""))
        parts.append(f"{first if facts.single else second}{named}" if named else "")
        parts.append(convert(html.escape(" · ".join(_said(entry)))))
        parts.append(convert(_paragraph(entry["link"])) if entry.get("link") else "")
        parts.append(convert(_body(entry)))
        parts += (convert(_paragraph(href)) for href in _enclosures(entry))
    return ("\n\n".join(part for part in parts if part) + "\n").encode("utf-8", "replace")


def _paragraph(href: str) -> str:
    return f"<p>{_linked(href, href)}</p>"


def _body(entry: Mapping[str, Any]) -> str:
    """The fullest text of an entry as safe HTML: its contents, else its summary."""
    held = [content for content in entry.get("content") or () if content.get("value")]
    if not held and entry.get("summary"):
        kind = (entry.get("summary_detail") or {}).get("type", "text/html")
        held = [{"type": kind, "value": entry["summary"]}]
    if not held:
        return ""
    chosen = next((content for content in held if content.get("type") in _HTML), held[0])
    if chosen.get("type") in _HTML:
        return safe_html(chosen["value"], entry.get("link"))
    paragraphs = html.escape(chosen["value"]).replace("\r\n", "\n").split("\n\n")
    return "\n".join(f"<p>{paragraph.strip()}</p>" for paragraph in paragraphs if paragraph.strip())


def _said(entry: Mapping[str, Any]) -> Iterator[str]:
    yield from (person["name"] for person in entry.get("authors") or () if person.get("name"))
    date = entry.get("published") or entry.get("updated")
    if date:
        yield date


def _enclosures(entry: Mapping[str, Any]) -> Iterator[str]:
    return (link["href"] for link in entry.get("links") or () if link.get("rel") == "enclosure")


def _linked(text: str, href: str | None) -> str:
    shown = html.escape(text)
    return f'<a href="{html.escape(href)}" rel="noopener noreferrer">{shown}</a>' if href else shown
