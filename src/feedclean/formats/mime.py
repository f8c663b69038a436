"""The parts of a MIME message: where they stand in its bytes, and what their headers say.

One pass over the lines that could part them, with the open boundaries in a dictionary: time and memory grow with the
size of a message, not with the depth of its parts (the standard library's parser recurses). Payloads are decoded only
when they are asked for; nothing is named, let alone written, after what a message says.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from feedclean.errors import LimitError
from feedclean.formats.limits import Limits
from feedclean.formats.mime_signs import HEAD_SIZE, HEADERS

__all__ = ["Part", "decoded", "decoded_header", "parse_parts"]

_MOST = 10_000  # parts
_LINE = re.compile(rb"(?:\A|\n)--([^\r\n]{1,250})\r?(?=\n|\Z)")

_BLANK = re.compile(rb"\r?\n")
_BROKEN = re.compile(rb"(?:[!-9;-~]{0,100}(?::[^\n]*)?|[ \t][^\n]*)\Z")  # the message ends within a header


@dataclass(frozen=True, slots=True)
class Part:
    """One part that holds no other parts."""

    headers: Message
    start: int  # its payload in the bytes of the message, still encoded
    end: int
    kind: str  # "text/html", …
    containers: tuple[tuple[int, str, int], ...]  # around it, outermost first: number, kind, which child it is in
    ended: bool  # whether the boundary that ends it is there

    @property
    def charset(self) -> str | None:
        """The character set that its header claims."""
        said = self.headers.get_param("charset")
        return said if isinstance(said, str) else None

    @property
    def encoding(self) -> str:
        """How its payload is encoded for transfer: `base64`, `quoted-printable`, or as it stands (`8bit`)."""
        said = str(self.headers.get("content-transfer-encoding", "")).strip().lower()
        return said if said in ("base64", "quoted-printable") else "8bit"

    @property
    def attached(self) -> bool:
        """Whether it is meant to be saved and not to be shown."""
        said = str(self.headers.get("content-disposition", "")).strip().lower()
        return said.startswith("attachment")

    def payload(self, data: bytes) -> bytes:
        """Its content, decoded as far as it can be."""
        held = data[self.start : self.end]
        if self.encoding == "quoted-printable":
            return quopri.decodestring(held)
        if self.encoding == "base64":
            letters = re.sub(rb"[^A-Za-z0-9+/]+", b"", held)
            return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")
        return held

    def encoded(self, content: bytes, data: bytes) -> bytes:
        """`content` as its payload would have to be written, with the line ends that the payload in `data` has."""
        if self.encoding == "8bit":
            return content
        wide = b"\r\n" in data[self.start : self.end]
        if self.encoding == "quoted-printable":
            written = quopri.encodestring(content.replace(b"\r\n", b"\n") if wide else content)
        else:
            written = b"".join(binascii.b2a_base64(content[n : n + 57]) for n in range(0, len(content), 57))
        return written.replace(b"\n", b"\r\n") if wide else written


def parse_parts(data: bytes, limits: Limits) -> tuple[Message, list[Part]]:
    """The headers of a message, and its parts in the order in which they stand.

    Raises:
        LimitError: parts are nested too deep, or there are too many.
    """
    parser = _Parser(data, limits)
    top = parser.begin(0)
    for line in _LINE.finditer(data, max(parser.payload - 1, 0)):
        parser.line(line)
    parser.end(len(data), ended=not parser.stack)
    return top, parser.parts


class _Parser:
    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data = data
        self.limits = limits
        self.parts: list[Part] = []
        self.stack: list[tuple[int, str, bytes, int]] = []  # number, kind, boundary, children so far
        self.places: dict[bytes, int] = {}  # of each open boundary in the stack
        self.current: tuple[Message, str] | None = None
        self.payload = 0
        self.containers = 0

    def begin(self, position: int) -> Message:
        """Read the headers at `position`; what follows them is a payload, or parts."""
        top: Message | None = None
        while True:
            found = HEADERS.match(self.data, position, position + HEAD_SIZE)
            end = found.end() if found else position
            headers = message_from_bytes(re.sub(rb"\A>?From [^\n]*\n", b"", self.data[position:end]))
            top = top or headers
            blank = _BLANK.match(self.data, end) or (_BROKEN.match(self.data, end) if end > position else None)
            self.payload = position = blank.end() if blank else end
            kind = headers.get_content_type()
            boundary = headers.get_boundary() if kind.startswith("multipart/") else None
            self.current = None
            if boundary:
                name = boundary.encode("utf-8", "surrogateescape")
                self._push(kind, name)
                return top
            if kind != "message/rfc822":
                self.current = (headers, kind)
                return top
            self._push(kind, b"")

    def _push(self, kind: str, boundary: bytes) -> None:
        if len(self.stack) >= self.limits.depth:
            raise LimitError(f"parts nested more than {self.limits.depth} deep", hint="take the text out of it first")
        self.containers += 1
        if boundary:
            self.places[boundary] = len(self.stack)
        self.stack.append((self.containers, kind, boundary, 0))

    def line(self, found: re.Match[bytes]) -> None:
        """A line that begins with two dashes: it may end one part and begin another."""
        said = found[1].rstrip(b" \t")
        closing = said not in self.places and said.endswith(b"--")
        name = said[:-2] if closing else said
        place = self.places.get(name)
        if place is None or found.start() < self.payload - 1:
            return
        self.end(found.start(), ended=True)
        while len(self.stack) > place + 1:
            self._pop()
        if closing:
            self._pop()
            return
        number, kind, boundary, children = self.stack[place]
        self.stack[place] = (number, kind, boundary, children + 1)
        self.begin(min(found.end() + 1, len(self.data)))

    def _pop(self) -> None:
        boundary = self.stack.pop()[2]
        if boundary:
            self.places.pop(boundary, None)

    def end(self, position: int, *, ended: bool) -> None:
        """The payload that was begun, if any, ends here."""
        if self.current is None:
            return
        headers, kind = self.current
        self.current = None
        if len(self.parts) >= _MOST:
            raise LimitError(f"more than {_MOST:,} parts", hint="take the text out of it first")
        if position > self.payload and self.data[position - 1 : position] == b"\r":
            position -= 1
        around = tuple((number, kind, children) for number, kind, _, children in self.stack)
        self.parts.append(Part(headers, self.payload, max(position, self.payload), kind, around, ended))


def decoded_header(headers: Message, name: str) -> str:
    """What a header says, its encoded words decoded as far as they can be; empty if it is not there."""
    written = headers.get(name)
    return "" if written is None else decoded(str(written))


def decoded(written: str) -> str:
    """The encoded words of a header in characters."""
    try:
        pieces: Sequence[tuple[bytes | str, str | None]] = decode_header(written)
        said = "".join(_word(piece, charset) for piece, charset in pieces)
    except (HeaderParseError, ValueError, binascii.Error):
        said = written
    return " ".join(said.encode("utf-8", "replace").decode("utf-8", "replace").split())


def _word(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    for name in (charset or "utf-8", "utf-8"):
        try:
            return piece.decode(name)
        except (LookupError, UnicodeError):
            continue
    return piece.decode("latin-1")
