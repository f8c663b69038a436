"""What a request asks of a copy: an encoding, and whether it is another one than the client has (RFC 9110)."""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Callable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["CODINGS", "another_than", "chosen", "http_date", "pack", "same_as", "tag"]

LEAST = 500  # bytes; below that packing costs more than it saves
_QUALITY = re.compile(r"\s*;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*\Z", re.ASCII)
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')

# In the order in which they are preferred. Each copy is packed once, so that the quality can be a good one.
CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "zstd": lambda data: zstd.compress(data, 9),
    "br": lambda data: bytes(brotli.compress(data, quality=6)),
    "gzip": lambda data: gzip.compress(data, 6, mtime=0),
}


@lru_cache(maxsize=256)
def chosen(accepted: str) -> str:
    """The coding to send for an `Accept-Encoding` header; `""` for none.

    >>> chosen("gzip, deflate, br;q=0.5"), chosen("*"), chosen(""), chosen("identity;q=0, gzip")
    ('gzip', 'zstd', '', 'gzip')
    """
    given: dict[str, float] = {}
    for part in accepted[:1000].split(","):
        name, semicolon, _ = part.partition(";")
        quality = _QUALITY.search(part)
        if semicolon and quality is None:
            continue
        name = name.strip().lower()
        given["gzip" if name == "x-gzip" else name] = float(quality[1]) if quality else 1.0
    offered = {name: given.get(name, given.get("*", 0.0)) for name in CODINGS}
    best = max(offered, key=lambda name: offered[name])
    return best if offered[best] > 0 and offered[best] >= given.get("identity", 0.0) else ""


def pack(coding: str, data: bytes) -> bytes:
    """`data` in a coding."""
    return CODINGS[coding](data)


def tag(base: str, coding: str) -> str:
    """The entity tag of a copy in a coding: another one for each, as they are other bytes."""
    return f'"{base}-{coding}"' if coding else f'"{base}"'


def same_as(base: str, modified: float, if_none_match: str | None, if_modified_since: str | None) -> str | None:
    """`None` if the client must get the copy anew, else the tag that it has.

    Args:
        base: of the copy's tag; in whatever coding the client has it, it is the same copy.
        modified: when it became what it is.
        if_none_match: the header; if there is one, the other is ignored.
        if_modified_since: the header.
    """
    if if_none_match is not None:
        if if_none_match.strip() == "*":
            return tag(base, "")
        own = _own(base)
        return next((f'"{found}"' for _, found in _TAG.findall(if_none_match[:8000]) if found in own), None)
    since = _moment(if_modified_since)
    return tag(base, "") if since is not None and int(modified) <= since else None


def another_than(base: str, modified: float, if_match: str | None, if_unmodified_since: str | None) -> bool:
    """Whether the client wants none but a copy that is no longer there (RFC 9110, 13.1.1 and 13.1.4)."""
    if if_match is not None:
        own = _own(base)
        named = any(not weak and found in own for weak, found in _TAG.findall(if_match[:8000]))
        return not named and if_match.strip() != "*"
    since = _moment(if_unmodified_since)
    return since is not None and int(modified) > since


def _own(base: str) -> set[str]:
    """The tags of a copy, in whatever coding."""
    return {base, *(f"{base}-{coding}" for coding in CODINGS)}


def _moment(date: str | None) -> float | None:
    """A date of a header, in seconds since the epoch; `None` if it is none."""
    try:
        return parsedate_to_datetime(date).timestamp() if date is not None else None
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None


@lru_cache(maxsize=256)
def http_date(moment: int) -> str:
    """A moment as HTTP writes it.

    >>> http_date(0)
    'Thu, 01 Jan 1970 00:00:00 GMT'
    """
    return formatdate(moment, usegmt=True)
