"""Text that a database cannot hold, NUL and halves of surrogate pairs, written behind a character that no text uses."""

from __future__ import annotations

import re

__all__ = ["escape", "unescape"]

_ESCAPED = re.compile("[\0\x10\ud800-\udfff]")
_ESCAPE = re.compile("\x10([0-9a-f]{4})")


def escape(value: str) -> str:
    """Text as it is stored."""
    return _ESCAPED.sub(lambda match: f"\x10{ord(match[0]):04x}", value) if _ESCAPED.search(value) else value


def unescape(value: str) -> str:
    """Text as it was."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value) if "\x10" in value else value
