"""A feed or an article as one page to read: HTML that loads pictures and runs nothing, Markdown, or plain text."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator, Mapping
from typing import Any

from feedclean.formats.feed_facts import Facts
from feedclean.formats.html_text import html_to_markdown, html_to_text
from feedclean.formats.sanitize import safe_html

__all__ = ["write_html", "write_markdown", "write_text"]

_STYLE = """
:root { color-scheme: light dark }
body { font: 1.06rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
article { margin: 3rem 0 }
h1, h2 { line-height: 1.25 }
img, video { max-width: 100%; height: auto }
pre, table { overflow-x: auto; display: block }
.facts { opacity: .7; font-size: .9rem }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    "default-src 'none'; img-src http: https:; media-src http: https:; "
    f"style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
)
_TOP = """<!DOCTYPE html>
<html{language}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""
_HTML = ("text/html", "application/xhtml+xml")


def write_html(facts: Facts) -> bytes:
    """One page with everything in it but the pictures. Its policy forbids scripts, forms and frames."""
    feed = facts.feed
    single = len(facts.entries) == 1 and facts.entries[0].get("title") == feed["title"]
    language = f' lang="{html.escape(feed["language"])}"' if feed.get("language") else ""
    title = html.escape(feed["title"])
    parts = [_TOP.format(language=language, policy=html.escape(_POLICY), title=title, style=_STYLE)]
    if not single:
        parts.append(f"<h1>{_linked(feed['title'], feed.get('link'))}</h1>\n")
    rank = "h1" if single else "h2"
    for entry in facts.entries:
        title = entry.get("title") or entry.get("link") or "Untitled"
        parts.append(f"<article>\n<{rank}>{_linked(title, entry.get('link'))}</{rank}>\n")
        said = " · ".join(_said(entry))
        parts.append(f'<p class="facts">{html.escape(said)}</p>\n' if said else "")
        parts.append(f"{_body(entry)}\n")
        parts += (f"<p>{_linked(href, href)}</p>\n" for href in _enclosures(entry))
        parts.append("</article>\n")
    parts.append("</body>\n</html>\n")
    return "".join(parts).encode("utf-8", "replace")


def write_markdown(facts: Facts) -> bytes:
    """The same as Markdown."""
    return _write_lines(facts, html_to_markdown, "# ", "## ")


def write_text(facts: Facts) -> bytes:
    """The same as plain text."""
    return _write_lines(facts, html_to_text, "", "")


def _write_lines(facts: Facts, convert: Any, first: str, second: str) -> bytes:
    title = facts.feed["title"]
    single = len(facts.entries) == 1 and facts.entries[0].get("title") == title
    heading = convert(html.escape(title))
    parts = [] if single else [f"{first}{heading}"]
    for entry in facts.entries:
        named = convert(html.escape(entry.get("title") or ""))
        parts.append(f"{first if single else second}{named}" if named else "")
        parts.append(convert(html.escape(" · ".join(_said(entry)))))
        parts.append(convert(f"<p>{_linked(entry['link'], entry['link'])}</p>") if entry.get("link") else "")
        parts.append(convert(_body(entry)))
        parts += (convert(f"<p>{_linked(href, href)}</p>") for href in _enclosures(entry))
    return ("\n\n".join(part for part in parts if part) + "\n").encode("utf-8", "replace")


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
