"""The border to feedparser: bytes to what it makes of them."""

from __future__ import annotations

import io
from typing import Any

import feedparser

from feedclean.errors import FormatError
from feedclean.formats.encodings import candidates
from feedclean.formats.feed_writer import write_atom, write_rss
from feedclean.formats.xml_repair import declared_encoding, repair

__all__ = ["read_feed", "regenerate"]


def read_feed(data: bytes) -> Any:
    """What feedparser makes of `data`, its texts and links as the publisher wrote them.

    Always by `BytesIO`: feedparser takes bytes for a file name or an address first. Only for bytes that are known to be
    harmless, or in a process that may be lost (see `rescue.py`).

    Raises:
        FormatError: feedparser tripped over something (a reference to no character, a polygon without points).
    """
    try:
        return feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    except Exception as fault:
        raise FormatError(f"feedparser cannot read it: {type(fault).__name__}: {fault}") from fault


def regenerate(data: bytes) -> bytes:
    """A malformed feed, written anew in the vocabulary it was written in; empty if there is neither entry nor title."""
    try:
        parsed = read_feed(data)
    except FormatError:
        parsed = read_feed(repair(next(candidates(data, declared_encoding(data)))).encode())
    if not parsed.entries and not parsed.feed.get("title"):
        return b""
    return write_atom(parsed) if (parsed.version or "").startswith("atom") else write_rss(parsed)
