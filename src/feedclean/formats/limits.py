"""What reading one document may cost, at most."""

from __future__ import annotations

from dataclasses import dataclass

from feedclean.errors import LimitError

__all__ = ["Limits", "check_size", "check_tags"]

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings that stand before every parser. What is above one is refused with a `LimitError`, never shortened.

    The defaults hold opening and writing a document to about 1 s of CPU time and 250 MiB of memory; judging costs more,
    at most some 5 s and 100 MiB for each MiB of text.
    """

    bytes: int = 16 * MIB  # of one document: the largest feeds and pages met have a tenth of it
    depth: int = 256  # of nested elements or JSON containers; libxml2 stops at 256 by itself
    attributes: int = 1000  # on one tag
    elements: int = 200_000  # in one document: 40,000 items of five elements each
    seconds: float = 3.0  # wall clock for the rescue of a malformed feed
    rescue_bytes: int = 8 * MIB  # of a malformed feed: feedparser reads about 1 MiB a second


def check_size(data: bytes, limits: Limits) -> None:
    """Refuse more bytes than `limits` allow.

    Raises:
        LimitError: there are more.
    """
    if len(data) > limits.bytes:
        told = f"{len(data):,} bytes, more than the {limits.bytes:,} that are read"
        raise LimitError(told, hint="split it, or clean only the part with the articles")


def check_tags(data: bytes, limits: Limits) -> None:
    """Refuse what would grow too large a tree, by counting characters instead of parsing (1 ms a MiB).

    Raises:
        LimitError: too many tags, or too many attributes on one of them.
    """
    if data.count(b"<") > 2 * limits.elements:
        raise LimitError(f"more than {limits.elements:,} elements", hint="split it into several documents")
    # A cheap count first: only a file with very many "=" is worth a look at each of its tags.
    if data.count(b"=") > 50 * limits.attributes and crowded(data, limits):
        raise LimitError(f"more than {limits.attributes:,} attributes on one tag")


def crowded(data: bytes, limits: Limits) -> bool:
    """Whether one tag carries more attributes than `limits` allow."""
    if data.count(b"=") <= limits.attributes:  # then no tag does, and none needs to be looked at
        return False
    start = data.find(b"<")
    while start != -1:
        # An attribute may hold ">", so the tag is taken to reach up to the next "<"; text between tags that has more
        # than a thousand "=" is told apart by asking for the tag's own end first. A comment, CDATA or an instruction
        # has no attributes, but may have rulers of "=".
        following = data.find(b"<", start + 1)
        end = len(data) if following == -1 else following
        if (
            end - start > limits.attributes
            and data[start + 1 : start + 2] not in {b"!", b"?"}
            and data.count(b"=", start, end) > limits.attributes
        ):
            closing = data.find(b">", start, end)
            if data.count(b"=", start, end if closing == -1 else closing) > limits.attributes:
                return True
        start = following
    return False
