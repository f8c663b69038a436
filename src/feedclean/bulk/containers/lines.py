"""JSON lines: `{"url": …, "html": …}`, a page each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO

from ...errors import FeedcleanError, FormatError
from ...formats.limits import Limits
from ..nouns import Source
from ..reading import too_large
from .places import of_url

__all__ = ["line_sources"]

_HINT = 'a line is {"url": "https://…", "html": "<html>…"}'
_ESCAPED = 6  # bytes that one of the page may take in JSON


def line_sources(stream: BinaryIO, name: str, folder: PurePath) -> Iterator[Source]:
    """The pages of a file of JSON lines; a line that is none is named, and the others are read.

    Raises:
        FormatError: its packing is cut off or damaged.
    """
    most = Limits().bytes * _ESCAPED
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        where = f"{name}:{number}"
        if len(line) > most:
            while not line.endswith(b"\n") and (line := stream.readline(most)):
                pass
            yield Source(where, None, folder / _numbered(number), too_large(f"more than {most:,} bytes", most, where))
        elif line.strip():
            yield _source(line, where, folder, number)


def _source(line: bytes, where: str, folder: PurePath, number: int) -> Source:
    try:
        url, html = _page(line)
    except FeedcleanError as fault:
        return Source(where, None, folder / _numbered(number), fault.at(where))
    place = of_url(url) if url else _numbered(number)
    return Source(where, None, folder / place, data=html.encode("utf-8", "surrogatepass"), url=url, charset="utf-8")


def _numbered(number: int) -> str:
    return f"{number:07}.html"


def _page(line: bytes) -> tuple[str | None, str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as fault:
        told = getattr(fault, "msg", None) or "not UTF-8, or nested too deeply"
        raise FormatError(f"not JSON ({told})", hint=_HINT) from fault
    if not isinstance(value, dict) or not isinstance(value.get("html"), str):
        raise FormatError("no page in this line", hint=_HINT)
    url = value.get("url")
    if url is not None and not isinstance(url, str):
        raise FormatError("the url is no text", hint=_HINT)
    return url or None, value["html"]
