"""A cleaned document as another format.

    XML feed ── feedparser ──┐                        ┌── feed_writer ── RSS, Atom
    JSON Feed ── json ───────┼── Facts ── complete ───┼── feed_json ──── JSON Feed, JSON lines
    page, text ── one item ──┘                        └── feed_page ──── HTML, Markdown, text

A document that is of the wanted format already is handed on as it is, but for HTML: that is made safe to look at.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import replace
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
from feedclean.formats.markdown import markdown_metadata
from feedclean.formats.metadata import Metadata, read_metadata
from feedclean.formats.plain_text import open_plain_text
from feedclean.formats.reader_page import headed, is_reader_page, parted
from feedclean.formats.sanitize import paragraphs, safe_html
from feedclean.formats.text_codec import decode, readable
from feedclean.formats.web_page import open_web_page
from feedclean.formats.xml_feed import open_xml_feed
from feedclean.types import Format

__all__ = ["TARGETS", "convert", "read_facts"]

TARGETS = ("rss", "atom", "jsonfeed", "jsonl", "html", "markdown", "text")

_SAME = {
    Format.RSS: "rss",
    Format.ATOM: "atom",
    Format.JSONFEED: "jsonfeed",
    Format.MARKDOWN: "markdown",
    Format.TEXT: "text",
}
_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)


def convert(
    document_bytes: bytes,
    source_format: Format,
    to: str,
    *,
    url: str | None = None,
    limits: Limits | None = None,
    afresh: bool = False,
) -> bytes:
    """`document_bytes`, which `Document.to_bytes` wrote, as `to` (one of `TARGETS`); always UTF-8.

    Ids, links, dates, titles and enclosures are kept; addresses that are not http, https or mailto are not. What is in
    that format already is handed on as it is, unless it is to be written `afresh`.

    Raises:
        FormatError: there is no such target, or the bytes are not of `source_format`.
        LimitError: reading them would cost too much.
    """
    if to not in TARGETS:
        raise FormatError(f"no format to convert to: {to!r}", hint=f"one of {', '.join(TARGETS)}")
    if not afresh and _SAME.get(source_format) == to:
        return document_bytes
    if to == "html" and source_format is Format.HTML and (ours := _ours(document_bytes)):
        from feedclean.formats.article import page_article

        return page_article(ours, url=url).to_bytes()
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


def _ours(data: bytes) -> str:
    """A page to read that was written by us, or begins as if it were; else nothing."""
    text = data.decode("utf-8", "replace") if data.startswith(b"<!DOCTYPE html>") else ""
    return text if is_reader_page(text) else ""


def read_facts(document_bytes: bytes, source_format: Format, url: str | None = None) -> Any:
    """What a document says, in the terms of `Facts`.

    Raises:
        FormatError: the bytes are not of `source_format`.
        LimitError: reading them would cost too much.
    """
    return _read(document_bytes, source_format, url, Limits())


def _read(data: bytes, source: Format, url: str | None, limits: Limits) -> Any:
    if source in (Format.RSS, Format.ATOM):
        return _read_xml(data, url, limits)
    if source is Format.JSONFEED:
        _, value = load_json(data, limits)
        return read_json(value)
    if source is Format.HTML:
        return _read_page(data, url, limits)
    if source in (Format.EML, Format.MHTML):
        from feedclean.formats.mail import open_mail

        return _read_page(open_mail(data, url=url, limits=limits).to_bytes(), url, limits)
    if source is Format.MARKDOWN:
        from feedclean.formats.markdown_html import markdown_to_html

        text = readable(decode(data)[0])
        metadata = markdown_metadata(text, url)
        return article(metadata, safe_html(markdown_to_html(text), metadata.url))
    item = open_plain_text(data, url=url, limits=limits).items[0]
    title = item.title.text if item.title else ""
    return article(Metadata(title, url=url), paragraphs(item.bodies[0].text))


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
    item = document.items[0]
    source = readable(item.bodies[0].text)
    metadata = read_metadata(source, url)
    if is_reader_page(source):
        return article(metadata, safe_html(parted(source)[0], metadata.url))
    titled = metadata.title or (item.title.text if item.title else "")
    start = _BODY.search(source) or _HEAD_END.search(source)
    body = source[start.end() :] if start else source
    metadata = replace(metadata, title=headed(body, titled), url=item.url or metadata.url)
    return article(metadata, safe_html(body, metadata.url))
