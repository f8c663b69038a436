"""A text file: one item with one body that holds everything, and its first line as title if that is short."""

from __future__ import annotations

from feedclean.formats.limits import Limits, check_size
from feedclean.formats.one_item import OneItem
from feedclean.formats.text_codec import decode
from feedclean.types import Field, Format, Item, Markup

__all__ = ["PlainText", "open_plain_text"]

TITLE_LENGTH = 200  # characters; a longer first line is a paragraph


def open_plain_text(data: bytes, *, url: str | None = None, limits: Limits | None = None) -> PlainText:
    """The text that `data` holds, in whatever encoding.

    Raises:
        LimitError: it is too large.
    """
    check_size(data, limits or Limits())
    return PlainText(data, url)


class PlainText(OneItem):
    """A text file in memory. Line ends and encoding stay as they are; for a mark of its title it has no place."""

    def __init__(self, data: bytes, url: str | None = None) -> None:
        self._original = data
        self._text, self._codec = decode(data)
        first = _first_line(self._text)
        title = Field("title", first, Markup.TEXT) if first else None
        super().__init__(Format.TEXT, Item(url or "0", title, (Field("body", self._text, Markup.TEXT),), url))

    def to_bytes(self) -> bytes:
        """The text in its own encoding, or in UTF-8 if that lacks a new character."""
        (text,) = self._texts
        # The title is only looked for where it was: a new body may have lost that line, and then it stays lost.
        if self._new_title != self._title and _first_line(text) == self._title:
            start = text.index(self._title)
            text = text[:start] + self._new_title + text[start + len(self._title) :]
        return self._original if text == self._text else self._codec.encode(text, html=False)


def _first_line(text: str) -> str:
    start = len(text) - len(text.lstrip())
    line = text[start : start + TITLE_LENGTH + 1].splitlines()
    first = line[0].rstrip() if line else ""
    return first if len(first) < TITLE_LENGTH else ""
