"""How mails begin, told without what reading them takes: every document is looked at, and few are mails."""

from __future__ import annotations

import re

__all__ = ["HEADERS", "HEAD_SIZE", "is_message"]

HEAD_SIZE = 256 << 10  # bytes of one part's headers that are read
_FIELD = rb"[!-9;-~]{1,76}:[^\n]*\n(?:[ \t]+[^\n]*\n)*"
HEADERS = re.compile(rb"(?:>?From [^\n]*\n)?(?:" + _FIELD + rb")*")
_NAMES = re.compile(rb"^([!-9;-~]{1,76}):", re.MULTILINE)
_TELLING = frozenset((b"mime-version", b"message-id", b"received", b"return-path", b"snapshot-content-location"))


def is_message(data: bytes) -> bool:
    """Whether bytes begin with the headers of a mail or of a page saved as one."""
    found = HEADERS.match(data, 0, HEAD_SIZE)
    if not found or not found.end():
        return False
    names = {name.lower() for name in _NAMES.findall(found[0])}
    return bool(names & _TELLING) or {b"from", b"date", b"subject"} <= names
