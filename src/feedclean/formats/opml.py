"""Lists of subscriptions (OPML): every feed's address replaced, folders and all other attributes as they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from feedclean.errors import FormatError
from feedclean.formats.limits import Limits
from feedclean.formats.xml_names import split
from feedclean.formats.xml_parse import parse_xml, write_xml

__all__ = ["Left", "Rewritten", "rewrite_opml"]


@dataclass(frozen=True, slots=True)
class Left:
    """An address that stays as it is, and why, in a clause."""

    why: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A list, and what was done to it."""

    content: bytes
    done: int  # feeds that have another address now
    left: Counter[str] = field(default_factory=Counter)  # others, by why they have not


def rewrite_opml(data: bytes, new: Callable[[str], str | Left]) -> Rewritten:
    """A list in which every `xmlUrl` is what `new` makes of it.

    The bytes come back as they are where nothing changes. Small faults of the XML (a bare `&`) are mended.

    Raises:
        LimitError: it is too large.
        FormatError: it is no OPML.
    """
    root, pristine = parse_xml(data, Limits())
    name = split(root.tag)[1]
    if name.lower() != "opml":
        raise FormatError(f"XML, but no OPML: its root is <{name}>", hint="export the list from a feed reader")
    done, left = 0, Counter[str]()
    for outline in root.iter("{*}outline"):
        key = _key(outline)
        if key is None:
            continue
        made = new(outline.get(key).strip())
        if isinstance(made, Left):
            left[made.why] += 1
        else:
            outline.set(key, made)
            done += 1
    return Rewritten(write_xml(root) if done or not pristine else data, done, left)


def _key(outline: Any) -> str | None:
    """The attribute that holds the feed's address; some write `xmlurl`."""
    named = (key for key in outline.attrib if key.lower() == "xmlurl" and outline.get(key).strip())
    return next(named, None)
