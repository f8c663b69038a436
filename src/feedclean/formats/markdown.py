"""A Markdown file: one item, whose bodies are its text without front matter and fenced code, which stay as they are.

It is cleaned as the text that it is: paragraphs are parted by blank lines, list items begin with a bullet.
"""

from __future__ import annotations

import re
from dataclasses import replace

from feedclean.formats.front_matter import front_matter_of, read_front_matter, retitled
from feedclean.formats.limits import Limits, check_size
from feedclean.formats.metadata import Metadata
from feedclean.formats.one_item import OneItem
from feedclean.formats.text_codec import decode
from feedclean.types import Field, Format, Item, Markup

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


class Markdown(OneItem):
    """A Markdown file in memory. Line ends and encoding stay as they are.

    Its title is that of the front matter, else the first heading; a mark of it goes to front matter, if there is any.
    """

    def __init__(self, data: bytes, url: str | None = None) -> None:
        self._original = data
        self._text, self._codec = decode(data)
        self.metadata = markdown_metadata(self._text, url)
        self._front = front_matter_of(self._text)
        # Texts and what parts them, in turns; the first is a text.
        self._pieces = _pieces(self._text, len(self._front))
        self._places = [number for number in range(0, len(self._pieces), 2) if self._pieces[number].strip()]
        title = Field("title", self.metadata.title, Markup.TEXT) if self.metadata.title else None
        bodies = tuple(Field("body", self._pieces[number], Markup.TEXT) for number in self._places)
        url = self.metadata.url
        super().__init__(Format.MARKDOWN, Item(url or "0", title, bodies, url, self.metadata.language))

    def to_bytes(self) -> bytes:
        """The text in its own encoding, or in UTF-8 if that lacks a new character."""
        pieces = list(self._pieces)
        for place, text in zip(self._places, self._texts, strict=True):
            pieces[place] = text
        front, rest = self._front, "".join(pieces)
        if front and self._mark is not None:
            lines = [line for line in front.splitlines(keepends=True) if not line.startswith(f"{_KEY}:")]
            end = "\r\n" if "\r\n" in front else "\n"
            lines[-1:-1] = [f"{_KEY}: {self._mark}{end}"] * bool(self._mark)
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
