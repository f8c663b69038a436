"""A publisher's copy as it is to be read: its bytes, and what they were sent with.

The store keeps the very bytes, since these are what is handed on when cleaning fails (D7); they are made sense of here.
"""

from __future__ import annotations

from dataclasses import replace

from ..formats.encodings import sent_charset
from ..formats.sent_with import as_sent
from .nouns import Body

__all__ = ["readable", "sent_as"]


def readable(body: Body) -> Body:
    """The copy with characters that need no header to be understood; the digest stays that of the publisher's bytes."""
    content = sent_as(body.content, body.content_type)
    return body if content is body.content else replace(body, content=content)


def sent_as(content: bytes, content_type: str) -> bytes:
    """The same for content that is no copy yet."""
    charset = sent_charset(content_type)
    return as_sent(content, charset) if charset else content
