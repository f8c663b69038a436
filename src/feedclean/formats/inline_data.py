"""Pages that carry their pictures and fonts with them, as `data:` addresses: megabytes in which there is no text.

They are lifted out before anything reads the page, and the pictures put back into what is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["lift", "put_down"]

_DATA = re.compile(r"data:[\w.+-]{1,60}/[\w.+-]{1,60}[^\s\"'()<>]{256,}", re.ASCII)
# `.invalid` is nobody's (RFC 2606), so whoever follows such an address by mistake gets nowhere.
_PLACE = "https://inline.invalid/"
_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif|bmp);base64,[A-Za-z0-9+/=]+\Z", re.ASCII)
_SOURCE = re.compile(r'<img\b[^<>]*?\bsrc="' + re.escape(_PLACE) + r'(\d{1,9})"[^<>]*>')


def lift(source: str, held: list[str]) -> str:
    """`source` with a short address in place of each long `data:` address; what they stand for is added to `held`."""
    if "data:" not in source:
        return source

    def place(found: re.Match[str]) -> str:
        held.append(found[0])
        return f"{_PLACE}{len(held) - 1}"

    return _DATA.sub(place, source)


def put_down(text: str, held: Sequence[str]) -> str:
    """Safe HTML with its lifted pictures in it again; what is no picture goes."""

    def picture(found: re.Match[str]) -> str:
        number = int(found[1])
        address = held[number] if number < len(held) else ""
        return found[0].replace(f"{_PLACE}{found[1]}", address) if _PICTURE.match(address) else ""

    return _SOURCE.sub(picture, text) if _PLACE in text else text
