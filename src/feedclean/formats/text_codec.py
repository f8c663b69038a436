"""Characters of a page or text file and back, so that what was not changed comes out byte for byte.

Bytes that are wrong in their encoding stand in the text as private-use characters (U+10FF00 plus the byte), which no
scorer trips over, and become the same bytes again. New characters that the encoding lacks become references
(`&#8364;`) in HTML; plain text has none, so it is then written as UTF-8. Encodings that spell one character in two ways
(Shift JIS, ISO 2022) keep every character, but where something was changed not every spelling.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from feedclean.formats.encodings import bom_of, known, superset, wide

__all__ = ["Codec", "declared_charset", "decode", "fits", "mostly", "readable"]

_STRAY = 0x10FF00
_STRAYS = re.compile(f"([{chr(_STRAY)}-{chr(_STRAY + 0xFF)}]+)")
_STRAY_BYTES = chr(_STRAY).encode()[:2]  # what all of them begin with: found many times faster than a pattern
_SURROGATES = re.compile("[\ud800-\udfff]")
_META = re.compile(rb"""<meta\b[^<>]{0,300}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_HANDLER = "feedclean.stray"


def _stray(fault: UnicodeError) -> tuple[str, int]:
    if not isinstance(fault, UnicodeDecodeError):
        raise fault
    return "".join(chr(_STRAY + byte) for byte in fault.object[fault.start : fault.end]), fault.end


codecs.register_error(_HANDLER, _stray)


@dataclass(frozen=True, slots=True)
class Codec:
    """How a text was encoded."""

    name: str  # Python's name of the character set
    mark: bytes = b""  # the byte order mark

    def encode(self, text: str, *, html: bool) -> bytes:
        """The bytes of `text`; `html` says whether a character reference can stand for what the encoding lacks."""
        text = _SURROGATES.sub("\ufffd", text)
        if not html:
            try:
                return self.mark + self._join(text, "strict")
            except UnicodeEncodeError:
                return Codec("utf-8", self.mark if self.name == "utf-8" else b"").encode(text, html=False)
        return self.mark + self._join(text, "xmlcharrefreplace")

    def _join(self, text: str, errors: str) -> bytes:
        pieces = _STRAYS.split(text)
        return b"".join(
            bytes(ord(character) - _STRAY for character in piece) if number % 2 else piece.encode(self.name, errors)
            for number, piece in enumerate(pieces)
        )


def declared_charset(data: bytes) -> str | None:
    """The character set that the `<meta>` of an HTML page names in its first 4 KiB."""
    found = _META.search(data, 0, 4096)
    return found[1].decode("ascii") if found else None


def decode(data: bytes, declared: str | None = None) -> tuple[str, Codec]:
    """The characters of `data`: by its mark, by its declaration, as UTF-8, as Windows-1252; any bytes are taken."""
    mark, marked = bom_of(data)
    body = data[len(mark) :]
    sniffed = marked or wide(body)
    named = known(declared) if declared else None
    if named and named.startswith(("utf-16", "utf-32")):
        named = "utf-8"  # a page whose <meta> could be read is not in UTF-16 (HTML standard, 13.2.3.2)
    claimed = superset(named) if named else None
    for name in filter(None, [sniffed] if sniffed else [claimed, "utf-8"]):
        try:
            text = body.decode(name)
        except (UnicodeError, LookupError):
            continue
        if (name == "utf-8" and _STRAY_BYTES not in body) or _STRAYS.search(text) is None:
            return text, Codec(name, mark)
    name = sniffed or next((name for name in (claimed, "utf-8") if name and mostly(body, name)), "cp1252")
    text = body.decode(name, _HANDLER)
    if _exact(text, name, body):
        return text, Codec(name, mark)
    return body.decode("latin-1"), Codec("latin-1", mark)


def readable(text: str) -> str:
    """What `decode` gave, with a replacement character for each byte that is wrong: for what is written anew."""
    return _STRAYS.sub("\ufffd", text)


def fits(data: bytes, name: str) -> bool:
    """Whether all of `data` are characters in an encoding."""
    try:
        data.decode(name)
    except (UnicodeError, LookupError):
        return False
    return True


def mostly(body: bytes, name: str) -> bool:
    """Whether a few bytes are wrong in an encoding that the others fit: they must not turn it into another alphabet."""
    text = body.decode(name, _HANDLER)
    wrong = sum(map(len, _STRAYS.findall(text)))
    return wrong < sum(character > "\x7f" for character in text) - wrong


def _exact(text: str, name: str, body: bytes) -> bool:
    try:
        return Codec(name).encode(text, html=False) == body
    except UnicodeError:
        return False
