"""Lists of subscriptions (OPML): every feed's address replaced, folders and all other attributes as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feedclean.errors import FormatError
from feedclean.formats.limits import Limits
from feedclean.formats.xml_names import split
from feedclean.formats.xml_parse import parse_xml, write_xml

__all__ = ["rewrite_opml"]


def rewrite_opml(data: bytes, new: Callable[[str], str]) -> tuple[bytes, int]:
    """A list in which every `xmlUrl` is what `new` makes of it, and how many feeds it has.

    The bytes come back as they are where nothing changes. Small faults of the XML (a bare `&`) are mended.

    Raises:
        LimitError: it is too large.
        FormatError: it is no OPML.
    """
    root, pristine = parse_xml(data, Limits())
    name = split(root.tag)[1]
    if name.lower() != "opml":
        raise FormatError(f"XML, but no OPML: its root is <{name}>", hint="export the list from a feed reader")
    count, changed = 0, not pristine
    for outline in root.iter("{*}outline"):
        key = _key(outline)
        if key is not None:
            count += 1
            changed |= _replace(outline, key, new)
    return (write_xml(root) if changed else data), count


def _key(outline: Any) -> str | None:
    """The attribute that holds the feed's address; some write `xmlurl`."""
    named = (key for key in outline.attrib if key.lower() == "xmlurl" and outline.get(key).strip())
    return next(named, None)


def _replace(outline: Any, key: str, new: Callable[[str], str]) -> bool:
    old = outline.get(key)
    made = new(old.strip())
    if made == old:
        return False
    outline.set(key, made)
    return True
