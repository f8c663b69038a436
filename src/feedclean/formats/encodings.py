"""Bytes to characters, for documents that do not say, or do not say the truth, how they are encoded."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

__all__ = ["BOMS", "FORBIDDEN", "bom_of", "candidates", "known", "sent_charset", "wide"]

# UTF-32 first: its little-endian mark begins with that of UTF-16.
BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF8, "utf-8"),
)

# "<" and "{" or "?" as their first characters look in encodings that are not supersets of ASCII.
_MARKERS: tuple[tuple[bytes, str], ...] = (
    (b"\x4c\x6f\xa7\x94", "cp037"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00{", "utf-32-be"),
    (b"{\x00\x00\x00", "utf-32-le"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00{\x00", "utf-16-be"),
    (b"{\x00", "utf-16-le"),
)

# Names that publishers use for a superset of what the name stands for (WHATWG Encoding Standard).
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}

# Python codecs that are no character sets; the last two take quadratic time.
_REFUSED = {"unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "idna", "punycode"}

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.ASCII | re.IGNORECASE)

# What XML 1.0 does not allow at all, lone surrogates included.
FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"


def known(name: str) -> str | None:
    """Python's name of a character set, or `None` if there is none of that name."""
    try:
        codec = codecs.lookup(name.strip().strip("\"'")).name
        "".encode(codec)  # refuses base64 and its like, which map bytes to bytes
    except (LookupError, ValueError, UnicodeError):
        return None
    return None if codec.replace("-", "_") in _REFUSED else codec


def sent_charset(content_type: str) -> str | None:
    """The character set that a `Content-Type` names.

    >>> sent_charset('text/html; charset="windows-1251"')
    'windows-1251'
    """
    found = _CHARSET.search(content_type)
    return found[1] if found else None


def superset(codec: str) -> str:
    """The character set that those who declare `codec` really write."""
    return _SUPERSETS.get(codec, codec)


def bom_of(data: bytes) -> tuple[bytes, str | None]:
    """The byte order mark that `data` begins with and its character set, or `(b"", None)`."""
    return next(((mark, name) for mark, name in BOMS if data.startswith(mark)), (b"", None))


def wide(data: bytes) -> str | None:
    """The character set of bytes without a mark that begin with `<` or `{` but not in ASCII, or `None`."""
    return next((name for mark, name in _MARKERS if data.startswith(mark)), None)


def candidates(data: bytes, declared: str | None) -> Iterator[str]:
    """Every reading of `data` that makes sense, likeliest first; at least one, because the last takes any byte.

    A declaration is believed first, unless the bytes contradict it: 16 or 32 bits a character are only believed of
    bytes that look like it.
    """
    mark, marked = bom_of(data)
    body = data[len(mark) :]
    sniffed = marked or wide(body)
    named = known(declared) if declared else None
    if named == "ascii" or (named and named.startswith(("utf-16", "utf-32")) and not sniffed):
        named = None  # what is no ASCII may as well be UTF-8
    # A mark is evidence and a declaration a claim; but an EBCDIC page is only sniffed roughly, so its claim is better.
    order = [sniffed if sniffed != "cp037" else None, named, sniffed, "utf-8", "cp1252", "iso8859-2", "latin-1"]
    seen: set[str] = set()
    for name in order:
        if name is None or superset(name) in seen:
            continue
        seen.add(superset(name))
        try:
            yield body.decode(superset(name))
        except (UnicodeError, LookupError, ValueError):
            continue
