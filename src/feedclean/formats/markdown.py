"""A Markdown file: one item, whose bodies are its text without front matter and fenced code, which stay as they are.

It is cleaned as the text that it is: paragraphs are parted by blank lines, list items begin with a bullet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from feedclean.formats.front_matter import front_matter_of, read_front_matter, retitled
from feedclean.formats.limits import Limits, check_size
from feedclean.formats.metadata import Metadata
from feedclean.formats.text_codec import decode
from feedclean.types import Field, Format, Item, Markup, TitleLabel

__all__ = ["Markdown", "is_markdown", "markdown_metadata", "open_markdown"]

_KEY = "feedclean_title"
_FENCE = re.compile(
    r"^ {0,3}(`{3,}+|~{3,}+)[^\n]*+\n(?:.*?^ {0,3}\1[`~]*[ \t]*\r?(?:\n|\Z)|.*\Z)", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S[^\r\n]*?)(?:[ \t]+#+)?[ \t]*\r?$", re.MULTILINE)
_SIGNS = (
    _HEADING,
    re.compile(r"^ {0,3}(?:`{3}|~{3})[\w+-]*[ \t]*\r?$", re.MULTILINE),
    re.compile(r"!?\[[^\[\]\n]{1,300}\]\((?:https?:|/|\./|#)[^\s()]{1,2000}(?:\s+\"[^\"\n]*\")?\)"),
    re.compile(r"\*\*\S[^*\n]{0,300}\*\*"),
    re.compile(r"^> \S", re.MULTILINE),
    re.compile(r"^\|[^\n]*\|[ \t]*\r?\n\|[ \t:|-]+\|[ \t]*\r?$", re.MULTILINE),
)


def is_markdown(text: str) -> bool:
    """Whether a text is written in Markdown: it has front matter, begins with a heading, or shows two of its signs."""
    if front_matter_of(text):
        return True
    start = _HEADING.match(text, len(text) - len(text.lstrip()))
    return start is not None or sum(bool(sign.search(text)) for sign in _SIGNS) >= 2


def markdown_metadata(text: str, url: str | None = None) -> Metadata:
    """What a Markdown file says about itself."""
    front = front_matter_of(text)
    said = read_front_matter(front) if front else Metadata()
    heading = _HEADING.search(text, len(front))
    title = said.title or (heading[1] if heading else "")
    return replace(said, title=title, url=said.url or url)


def open_markdown(data: bytes, *, url: str | None = None, limits: Limits | None = None) -> Markdown:
    """The Markdown that `data` holds, in whatever encoding.

    Raises:
        LimitError: it is too large.
    """
    check_size(data, limits or Limits())
    return Markdown(data, url)


class Markdown:
    """A Markdown file in memory. Line ends and encoding stay as they are."""

    rescued = ""
    extracted = False

    def __init__(self, data: bytes, url: str | None = None) -> None:
        self._original = data
        self._text, self._codec = decode(data)
        self.metadata = markdown_metadata(self._text, url)
        self._title = self._new_title = self.metadata.title
        self._mark: str | None = None
        self._front = front_matter_of(self._text)
        # Texts and what parts them, in turns; the first is a text.
        self._pieces = _pieces(self._text, len(self._front))
        self._places = [number for number in range(0, len(self._pieces), 2) if self._pieces[number].strip()]
        title = Field("title", self._title, Markup.TEXT) if self._title else None
        bodies = tuple(Field("body", self._pieces[number], Markup.TEXT) for number in self._places)
        self._items = (Item(self.metadata.url or "0", title, bodies, self.metadata.url, self.metadata.language),)

    @property
    def format(self) -> Format:
        """Markdown."""
        return Format.MARKDOWN

    @property
    def items(self) -> Sequence[Item]:
        """The one item."""
        return self._items

    def replace(self, item: int, body: int | None, text: str) -> None:
        """Give a stretch of text, or the title (`None`) in front matter or first heading, new characters."""
        if body is None:
            self._items[item]
            self._new_title = text
        else:
            self._items[item].bodies[body]
            self._pieces[self._places[body]] = text

    def mark_title(self, item: int, label: TitleLabel, probability: float) -> None:
        """Note it in the front matter, if there is one."""
        self._items[item]
        self._mark = "" if label is TitleLabel.PLAIN else f"{_KEY}: {label} {probability:.2f}\n"

    def to_bytes(self) -> bytes:
        """The text in its own encoding, or in UTF-8 if that lacks a new character."""
        front, rest = self._front, "".join(self._pieces)
        if front and self._mark is not None:
            lines = [line for line in front.splitlines(keepends=True) if not line.startswith(f"{_KEY}:")]
            wide = "\r\n" in front
            lines[-1:-1] = [self._mark.replace("\n", "\r\n") if wide else self._mark] * bool(self._mark)
            front = "".join(lines)
        if self._new_title != self._title:
            if read_front_matter(front).title:
                front = retitled(front, self._new_title)
            elif (heading := _HEADING.search(rest)) and heading[1] == self._title:
                rest = rest[: heading.start(1)] + self._new_title + rest[heading.end(1) :]
        text = front + rest
        return self._original if text == self._text else self._codec.encode(text, html=False)


def _pieces(text: str, start: int) -> list[str]:
    pieces: list[str] = []
    for fence in _FENCE.finditer(text, start):
        pieces += (text[start : fence.start()], fence[0])
        start = fence.end()
    return [*pieces, text[start:]]
