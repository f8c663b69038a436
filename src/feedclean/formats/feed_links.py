"""What a feed says about its own address, set right for a copy that is served elsewhere.

A reader that finds `rel=self` may ask there next time, and a hub or cloud would tell it of news the copy does not have
yet. So `self` becomes the copy's address, the publisher's is kept as `via`, and hubs and clouds go. JSON Feed has no
`via`: it stands in the extension `_feedclean`. Only the head of a feed is touched, never an item.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lxml import etree

from feedclean.formats.json_spans import Node
from feedclean.formats.xml_names import ATOM, ATOMS, split

__all__ = ["relink_json", "relink_xml"]

_ITEMS = ("item", "entry", "items")
Patch = tuple[int, int, str]


def relink_xml(root: Any, own: str | None, via: str | None) -> bool:
    """Set the links of a feed's root; whether that changed anything.

    Args:
        root: of an RSS or Atom feed.
        own: where this copy is served; `None` if that is not known.
        via: where the publisher serves the feed.
    """
    head = _head(root)
    if head is None:
        return False
    before = _told(head)
    place = None
    for child in list(_own(head)):
        if _is_ours(child, split(head.tag)[0], via):
            place = head.index(child) if place is None else place
            _remove(child)
    wanted = [("self", own), ("via", via)]
    made = [_link(head, relation, href) for relation, href in wanted if href]
    place = _place(head) if place is None else place
    for number, one in enumerate(made):
        head.insert(place + number, one)
    return _told(head) != before


def relink_json(value: dict[str, Any], top: Node, own: str | None, via: str | None) -> list[Patch]:
    """What to write where in the source of a JSON Feed, as `JsonFeed` patches it: (start, end, new characters)."""
    members = top.members or {}
    patches: list[Patch] = []
    added = ""
    if "hubs" in members and value["hubs"] != []:
        patches.append((members["hubs"].start, members["hubs"].end, "[]"))
    held = value.get("_feedclean")
    extension = {**(held if isinstance(held, dict) else {}), "via": via}
    for key, new, old in (("feed_url", own or via, value.get("feed_url")), ("_feedclean", extension, held)):
        if new == old or (key == "_feedclean" and not via):
            continue
        written = json.dumps(new)
        if key in members:
            patches.append((members[key].start, members[key].end, written))
        else:
            added += f', "{key}": {written}'
    if added:
        patches.append((top.end - 1, top.end - 1, added))
    return patches


def _head(root: Any) -> Any | None:
    """The element that the feed's own links are children of."""
    name = split(root.tag)[1].lower()
    if name in ("feed", "channel"):
        return root
    return next((child for child in root if split(child.tag)[1].lower() == "channel"), None)


def _own(head: Any) -> Iterator[Any]:
    return (child for child in head if split(child.tag)[1].lower() not in _ITEMS)


def _told(head: Any) -> list[bytes]:
    """What a head says, without its items: those are nearly all of a feed."""
    # Of elements only: canonicalising a comment by itself crashes the process (lxml 6.1).
    return [etree.tostring(child, method="c14n") for child in _own(head) if isinstance(child.tag, str)]


def _is_ours(child: Any, home: str, via: str | None) -> bool:
    """Whether an element is written anew or dropped."""
    namespace, local = split(child.tag)
    if local == "cloud" and namespace == home:
        return True
    relations = set((child.get("rel") or "").lower().split()) if namespace in ATOMS and local == "link" else set()
    return bool(relations & {"self", "hub"}) or ("via" in relations and child.get("href") == via)


def _link(head: Any, relation: str, href: str) -> Any:
    made = etree.Element(f"{{{_atom(head)}}}link", nsmap=_names(head))
    made.set("rel", relation)
    made.set("href", href)
    return made


def _atom(head: Any) -> str:
    """Atom 0.3 has links of its own; everything else borrows those of Atom 1.0."""
    namespace = split(head.tag)[0]
    return namespace if namespace in ATOMS else ATOM


def _names(head: Any) -> dict[str | None, str]:
    name = _atom(head)
    near = next((prefix for prefix, known in head.nsmap.items() if known == name), "atom")
    return {near: name}


def _place(head: Any) -> int:
    """Before the first item."""
    items = (number for number, child in enumerate(head) if split(child.tag)[1].lower() in _ITEMS)
    return next(items, len(head))


def _remove(child: Any) -> None:
    """Take an element out, but not what stands behind it, unless that is white space."""
    parent, previous, tail = child.getparent(), child.getprevious(), (child.tail or "").strip()
    parent.remove(child)
    if tail:  # text between elements of a head is nobody's, and yet not ours to drop
        if previous is not None:
            previous.tail = (previous.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
