"""A text file: one item with one body that holds everything, and its first line as title if that is short."""

from __future__ import annotations

from collections.abc import Sequence

from feedclean.formats.limits import Limits, check_size
from feedclean.formats.text_codec import decode
from feedclean.types import Field, Format, Item, Markup, TitleLabel

__all__ = ["PlainText", "open_plain_text"]

TITLE_LENGTH = 200  # characters; a longer first line is a paragraph


def open_plain_text(data: bytes, *, url: str | None = None, limits: Limits | None = None) -> PlainText:
    """The text that `data` holds, in whatever encoding.

    Raises:
        LimitError: it is too large.
    """
    check_size(data, limits or Limits())
    return PlainText(data, url)


class PlainText:
    """A text file in memory. Line ends and encoding stay as they are."""

    rescued = ""
    extracted = False

    def __init__(self, data: bytes, url: str | None = None) -> None:
        self._original = data
        text, self._codec = decode(data)
        self._text = self._body = text
        self._title = self._new_title = _first_line(text)
        title = Field("title", self._title, Markup.TEXT) if self._title else None
        self._items = (Item(url or "0", title, (Field("body", text, Markup.TEXT),), url),)

    @property
    def format(self) -> Format:
        """Plain text."""
        return Format.TEXT

    @property
    def items(self) -> Sequence[Item]:
        """The one item."""
        return self._items

    def replace(self, item: int, body: int | None, text: str) -> None:
        """Give the body, or the line that is its title (`None`), new text; the two go together in any order."""
        if body is None:
            self._items[item]
            self._new_title = text
        else:
            self._items[item].bodies[body]
            self._body = text

    def mark_title(self, item: int, label: TitleLabel, probability: float) -> None:
        """Nothing: a text file has no place for it."""

    def to_bytes(self) -> bytes:
        """The text in its own encoding, or in UTF-8 if that lacks a new character."""
        text = self._body
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
