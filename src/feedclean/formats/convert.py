"""A cleaned document as another format.

    XML feed ── feedparser ──┐                        ┌── feed_writer ── RSS, Atom
    JSON Feed ── json ───────┼── Facts ── complete ───┼── feed_json ──── JSON Feed, JSON lines
    page, text ── one item ──┘                        └── feed_page ──── HTML, Markdown, text

A document that is of the wanted format already is handed on as it is, but for HTML: that is made safe to look at.
"""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Callable
from typing import Any

from feedclean.errors import FormatError
from feedclean.formats.feed_facts import Facts, article, complete
from feedclean.formats.feed_json import read_json, write_json, write_lines
from feedclean.formats.feed_overlay import overlay, without_nested
from feedclean.formats.feed_page import write_html, write_markdown, write_text
from feedclean.formats.feed_reader import read_feed
from feedclean.formats.feed_writer import write_atom, write_rss
from feedclean.formats.json_feed import load_json
from feedclean.formats.limits import Limits
from feedclean.formats.plain_text import open_plain_text
from feedclean.formats.sanitize import safe_html
from feedclean.formats.web_page import open_web_page
from feedclean.formats.xml_feed import open_xml_feed
from feedclean.types import Format

__all__ = ["TARGETS", "convert"]

TARGETS = ("rss", "atom", "jsonfeed", "jsonl", "html", "markdown", "text")

_SAME = {Format.RSS: "rss", Format.ATOM: "atom", Format.JSONFEED: "jsonfeed", Format.TEXT: "text"}
_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
_PUBLISHED = re.compile(
    r"""<meta\s[^<>]{0,200}?article:published_time["'][^<>]{0,200}?content\s*=\s*["']([^"'<>]{10,40})["']""",
    re.IGNORECASE,
)


def convert(
    document_bytes: bytes,
    source_format: Format,
    to: str,
    *,
    url: str | None = None,
    limits: Limits | None = None,
) -> bytes:
    """`document_bytes`, which `Document.to_bytes` wrote, as `to` (one of `TARGETS`); always UTF-8.

    Ids, links, dates, titles and enclosures are kept; addresses that are not http, https or mailto are not.

    Raises:
        FormatError: there is no such target, or the bytes are not of `source_format`.
        LimitError: reading them would cost too much.
    """
    if to not in TARGETS:
        raise FormatError(f"no format to convert to: {to!r}", hint=f"one of {', '.join(TARGETS)}")
    if _SAME.get(source_format) == to:
        return document_bytes
    read = _read(document_bytes, source_format, url, limits or Limits())
    wanted = {"rss": Format.RSS, "atom": Format.ATOM}.get(to, Format.JSONFEED)
    facts = complete(read, url, wanted)
    return _WRITERS[to](facts)


_WRITERS: dict[str, Callable[[Facts], bytes]] = {
    "rss": write_rss,
    "atom": write_atom,
    "jsonfeed": write_json,
    "jsonl": write_lines,
    "html": write_html,
    "markdown": write_markdown,
    "text": write_text,
}


def _read(data: bytes, source: Format, url: str | None, limits: Limits) -> Any:
    if source in (Format.RSS, Format.ATOM):
        return _read_xml(data, url, limits)
    if source is Format.JSONFEED:
        _, value = load_json(data, limits)
        return read_json(value)
    if source is Format.HTML:
        return _read_page(data, url, limits)
    document = open_plain_text(data, url=url, limits=limits)
    text = document.items[0].bodies[0].text
    paragraphs = re.split(r"\r?\n(?:[ \t]*\r?\n)+", text.strip())
    body = "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs if paragraph.strip())
    return article(document, body, None, url)


def _read_xml(data: bytes, url: str | None, limits: Limits) -> Facts:
    """What feedparser reads, and over it what can be had more exactly."""
    document = open_xml_feed(data, url=url, limits=limits)
    read: Any = Facts()
    with contextlib.suppress(FormatError):
        read = read_feed(data)
        if len(read.entries) != len(document.items):
            # It takes entries inside entries for entries of the feed, and does not know every old vocabulary.
            read = read_feed(without_nested(document))
    known = len(read.entries) == len(document.items)
    entries = [dict(entry) for entry in read.entries] if known else [{} for _ in document.items]
    for number, entry in enumerate(entries):
        overlay(entry, document, number)
    return Facts(dict(read.feed), entries, read.version, dict(read.namespaces))


def _read_page(data: bytes, url: str | None, limits: Limits) -> Facts:
    document = open_web_page(data, url=url, limits=limits)
    source = document.items[0].bodies[0].text
    published = _PUBLISHED.search(source[:200_000])
    start = _BODY.search(source) or _HEAD_END.search(source)
    body = source[start.end() :] if start else source
    return article(document, safe_html(body, document.items[0].url), published[1] if published else None, url)
