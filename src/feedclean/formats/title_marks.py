"""The note beside a title in an XML feed: one category, added once and updated in place.

RSS 0.92 on   <category domain="urn:feedclean:title" feedclean:probability="0.93">clickbait</category>
Atom 1.0      <category scheme="urn:feedclean:title" term="clickbait" label="clickbait" feedclean:probability=…/>
the others    <dc:subject feedclean:probability="0.93">clickbait</dc:subject>
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from feedclean.formats.xml_names import ATOM, DC, FEEDCLEAN, TITLE_SCHEME, split
from feedclean.types import TitleLabel

__all__ = ["is_marked", "mark"]

_PROBABILITY = f"{{{FEEDCLEAN}}}probability"
_ANY = etree.XPath("boolean(//@f:probability)", namespaces={"f": FEEDCLEAN})


def is_marked(root: Any) -> bool:
    """Whether any title of a feed may have a mark: one look at a feed that has none instead of one at each item."""
    return bool(_ANY(root))


def mark(item: Any, title: Any | None, label: TitleLabel, probability: float) -> bool:
    """Let `item` say that its title is `label`; whether that changed anything. `PLAIN` takes an earlier mark away."""
    present = [child for child in item if child.get(_PROBABILITY) is not None] if len(item) else []
    if label is TitleLabel.PLAIN:
        for old in present:
            _remove(old)
        return bool(present)
    wanted = _element(item, label, f"{probability:.2f}")
    if len(present) == 1 and _same(present[0], wanted):
        return False
    for old in present:
        _remove(old)
    # Beside the title: directly after it, so that the white space that follows the title then follows the mark.
    item.insert(_after(item, title), wanted)
    return True


def _after(item: Any, title: Any | None) -> int:
    """The place among the children of `item` that follows the one that is, or holds, its title."""
    while title is not None:
        parent = title.getparent()
        if parent is item:
            return int(item.index(title)) + 1
        title = parent
    return 0


def _element(item: Any, label: TitleLabel, probability: str) -> Any:
    namespace, _ = split(item.tag)
    own: dict[str | None, str] = {"feedclean": FEEDCLEAN}
    if namespace == ATOM:
        made = etree.Element(f"{{{ATOM}}}category", nsmap={**_near(item, ATOM), **own})
        made.set("scheme", TITLE_SCHEME)
        made.set("term", label.value)
        made.set("label", label.value)
    elif _has_categories(item):
        name = f"{{{namespace}}}category" if namespace else "category"
        made = etree.Element(name, nsmap={**_near(item, namespace), **own})
        made.set("domain", TITLE_SCHEME)
        made.text = label.value
    else:
        made = etree.Element(f"{{{DC}}}subject", nsmap={**own, "dc": DC})
        made.text = label.value
    made.set(_PROBABILITY, probability)
    return made


def _near(item: Any, namespace: str) -> dict[str | None, str]:
    """The prefix that the item itself uses for its namespace, so that none is made up."""
    return {item.prefix: namespace} if namespace else {}


def _has_categories(item: Any) -> bool:
    root = item.getroottree().getroot()
    return split(root.tag)[1].lower() == "rss" and root.get("version", "2.0").strip() not in ("0.90", "0.91")


def _same(old: Any, new: Any) -> bool:
    return old.tag == new.tag and dict(old.attrib) == dict(new.attrib) and (old.text or "") == (new.text or "")


def _remove(element: Any) -> None:
    """Take an element out and leave the white space after it."""
    parent, tail = element.getparent(), element.tail or ""
    before = element.getprevious()
    parent.remove(element)
    if not tail:
        return
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
