"""The pictures that a mail brings with it (`<img src="cid:…">`, RFC 2392), put into its text as `data:` addresses."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from urllib.parse import unquote

from feedclean.formats.limits import Limits
from feedclean.formats.mime import Part

__all__ = ["inlined"]

_SHOWN = re.compile(
    r"""(?P<before><img\b[^<>]{0,2000}?\ssrc\s{0,9}=\s{0,9}["']?)cid:(?P<name>[^\s"'<>]{1,500})""", re.IGNORECASE
)
_KINDS = ("image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/avif", "image/bmp")


def inlined(texts: Sequence[str], parts: Sequence[Part], data: bytes, limits: Limits) -> list[str]:
    """The HTML of a mail with its own pictures in it.

    They may take half of what a document may have, so that what is written can be read again; a picture that would take
    more, each time it is shown, stays out.

    Args:
        texts: pieces of HTML.
        parts: of the mail.
        data: the mail.
        limits: what reading it may cost.
    """
    named = {_name(part): part for part in reversed(parts) if part.kind in _KINDS}
    made: dict[str, str] = {}
    room = limits.bytes // 2

    def picture(found: re.Match[str]) -> str:
        nonlocal room
        name = unquote(found["name"])
        if name and name in named and name not in made:
            part = named[name]
            made[name] = f"data:{part.kind};base64,{base64.b64encode(part.payload(data)).decode()}"
        address = made.get(name, "")
        if not address or len(address) > room:
            return found[0]
        room -= len(address)
        return found["before"] + address

    return [_SHOWN.sub(picture, text) for text in texts] if named else list(texts)


def _name(part: Part) -> str:
    return "".join(str(part.headers.get("content-id", "")).split()).strip("<>")
