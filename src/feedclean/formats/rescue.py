"""Feeds that no XML parser takes (to come)."""

from __future__ import annotations

from feedclean.errors import FormatError
from feedclean.formats.limits import Limits

__all__ = ["rescue"]


def rescue(data: bytes, complaint: FormatError, limits: Limits, *, url: str | None = None) -> bytes:
    raise complaint
