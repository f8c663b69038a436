"""One text of an XML feed: how its element is read and written.

An element holds it in one of three ways:

escaped    <description>&lt;p&gt;…      characters that are markup once the XML is undone
CDATA      <description><![CDATA[<p>…   the same, and it stays CDATA when written
inline     <content type="xhtml"><div>… elements of the feed's own tree
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from feedclean.formats.encodings import FORBIDDEN
from feedclean.formats.xml_inline import home_of, inner_text, set_inner
from feedclean.formats.xml_names import ATOMS, XHTML, split
from feedclean.types import Field, Markup

__all__ = ["Place", "atom_markup", "body_place", "title_place"]

_TAG = re.compile(r"<[A-Za-z/!]")
_TAGS = re.compile(r"<[A-Za-z/!][^<>]*>")
_ENTITY = re.compile(r"&(?:#[0-9]|#[xX][0-9a-fA-F]|[A-Za-z])")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_FORBIDDEN = re.compile(f"[{FORBIDDEN}]")
_BASE64 = "base64"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands in the tree, and what it says."""

    field: Field
    element: Any
    inline: bool = False
    home: str | None = None  # for inline markup: the namespace of unprefixed names
    raw: str | None = None  # for titles: the characters before HTML was undone, if that changed them

    def write(self, text: str) -> bool:
        """Give the element new text; whether that changed anything.

        Raises:
            FormatError: inline markup that is not well-formed.
        """
        if text == self.field.text:
            return False
        text = _FORBIDDEN.sub("", text)
        if self.inline:
            if self.field.markup is Markup.TEXT:
                self._write_inline_title(text)
            else:
                set_inner(self.element, self.home, text)
        else:
            _set_text(self.element, self._escaped(text))
        return True

    def _escaped(self, text: str) -> str:
        # A title that was read as HTML is written as HTML; what it said before stays as the publisher spelled it.
        if self.raw is None:
            return text
        if text.endswith(self.field.text):
            return html.escape(text.removesuffix(self.field.text), quote=False) + self.raw
        return html.escape(text, quote=False)

    def _write_inline_title(self, text: str) -> None:
        if text.endswith(self.field.text):
            self.element.text = text.removesuffix(self.field.text) + (self.element.text or "")
            return
        for child in list(self.element):
            self.element.remove(child)
        self.element.text = text


def body_place(element: Any, name: str) -> Place | None:
    """The body that `element` holds, or `None` if it holds no text (base64, a reference, another media type)."""
    namespace, _ = split(element.tag)
    markup = atom_markup(element) if namespace in ATOMS else _media_markup(element)
    if markup is None:
        return None
    container = _container(element)
    if container is not None:
        home = home_of(container)
        return Place(Field(name, inner_text(container, home), Markup.HTML), container, inline=True, home=home)
    text = _text(element)
    if markup is Markup.HTML and not _TAG.search(text) and _BLANK_LINE.search(text):
        markup = Markup.TEXT  # paragraphs of plain text: blank lines mean something
    return Place(Field(name, text, markup), element)


def title_place(element: Any) -> Place | None:
    """The title that `element` holds, as plain text, or `None` if it is empty."""
    namespace, local = split(element.tag)
    kind = (element.get("type") or "text").lower() if namespace in ATOMS else "html"
    container = _container(element)
    if container is not None:
        text = "".join(container.itertext(tag=etree.Element)) if len(container) else container.text or ""
        return Place(Field(local, text, Markup.TEXT), container, inline=True) if text.strip() else None
    raw = _text(element)
    if not raw.strip():
        return None
    # RSS never said whether a title is HTML; only what can be nothing else is read as such.
    if kind not in ("text", "text/plain") and (_ENTITY.search(raw) or _TAGS.search(raw)):
        text = html.unescape(_TAGS.sub("", raw))
        return Place(Field(local, _FORBIDDEN.sub("", text), Markup.TEXT), element, raw=raw)
    return Place(Field(local, raw, Markup.TEXT), element)


def atom_markup(element: Any) -> Markup | None:
    """How the text of an Atom construct is to be read; `None` if it is none (Atom 1.0, 3.1 and 4.1.3; Atom 0.3)."""
    kind = (element.get("type") or "text").strip().lower()
    if element.get("src") or element.get("mode") == _BASE64:
        return None
    if kind in ("html", "xhtml", "text/html", "application/xhtml+xml"):
        return Markup.HTML
    if kind in ("text", "text/plain"):
        # Atom 0.3 writers put escaped HTML under the default type.
        return Markup.HTML if element.get("mode") == "escaped" and _TAG.search(element.text or "") else Markup.TEXT
    return Markup.TEXT if kind.startswith("text/") else None


def _media_markup(element: Any) -> Markup:
    kind = element.get("type")
    return Markup.TEXT if kind in ("plain", "text", "text/plain") else Markup.HTML


def _container(element: Any) -> Any | None:
    """The element whose children are the markup, or `None` if the text stands escaped."""
    if len(element) == 0:
        return None
    children = [child for child in element if isinstance(child.tag, str)]
    if not children:
        return None
    namespace, local = split(children[0].tag)
    alone = len(children) == 1 and not (element.text or "").strip() and not (children[0].tail or "").strip()
    if alone and local == "div" and namespace in (XHTML, "", split(element.tag)[0]):
        return children[0]
    return element


def _text(element: Any) -> str:
    if len(element) == 0:
        return element.text or ""
    # Only comments and processing instructions stand between its characters.
    return (element.text or "") + "".join(child.tail or "" for child in element)


def _set_text(element: Any, text: str) -> None:
    was_cdata = b"<![CDATA[" in etree.tostring(element, with_tail=False)
    for child in element:
        child.tail = None
    if not was_cdata:
        element.text = text
        return
    head, *rest = text.split("]]>")
    if not rest:
        element.text = etree.CDATA(head)
        return
    # lxml refuses "]]>" in CDATA, and has no way to append a second section to a text: so one hangs on each of a row
    # of comments, which are stripped without what hangs on them.
    kept = list(element)
    for child in kept:
        element.remove(child)
    element.text = etree.CDATA(head + "]]")
    for number, piece in enumerate(rest, start=1):
        joint = etree.SubElement(element, "joint")
        joint.tail = etree.CDATA(">" + piece + ("]]" if number < len(rest) else ""))
    etree.strip_tags(element, "joint")
    for child in kept:
        element.append(child)
