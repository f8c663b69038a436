"""Markup that stands in a feed as elements instead of escaped text: written out as HTML, read back as XML.

The text follows HTML where HTML and XML differ only in spelling (`<br/>`, but `<p></p>`; no prefix on XHTML names), so
that whoever reads it as HTML sees the same elements, and it is still well-formed.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from feedclean.formats.xml_parse import parse_fragment

__all__ = ["XHTML", "home_of", "inner_text", "set_inner"]

XHTML = "http://www.w3.org/1999/xhtml"
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_XML = "http://www.w3.org/XML/1998/namespace"


def home_of(element: Any) -> str | None:
    """The namespace whose names are written without a prefix: that of the markup inside `element`."""
    first = next((child for child in element if isinstance(child.tag, str)), element)
    namespace: str | None = etree.QName(first).namespace
    return namespace


def inner_text(element: Any, home: str | None) -> str:
    """What stands inside `element`, as HTML that is also well-formed XML. Linear in time, and not recursive."""
    parts = [_escape(element.text)]
    default = element.nsmap.get(None)
    for event, node in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        if node is element:
            continue
        if event == "start":
            parts.append(_open(node, home, default))
            parts.append(_escape(node.text))
        elif event == "end":
            if not _is_void(node):
                parts.append(f"</{_name(node, home)}>")
            parts.append(_escape(node.tail))
        else:
            parts.append(etree.tostring(node, encoding="unicode", with_tail=False))
            parts.append(_escape(node.tail))
    return "".join(parts)


def set_inner(element: Any, home: str | None, text: str) -> None:
    """Put markup into `element`, read with the namespaces that hold there.

    Raises:
        FormatError: `text` is not well-formed; `element` is as it was.
    """
    bound = {prefix: name for prefix, name in element.nsmap.items() if prefix and prefix != "xml"}
    declared = "".join(f' xmlns:{prefix}="{_escape(name, True)}"' for prefix, name in bound.items())
    default = f' xmlns="{_escape(home, True)}"' if home else ""
    wrapped = parse_fragment(f"<div{default}{declared}>{text}</div>")
    for child in list(element):
        element.remove(child)
    element.text = wrapped.text
    for child in list(wrapped):
        element.append(child)


def _open(node: Any, home: str | None, default: str | None) -> str:
    parts = [f"<{_name(node, home)}"]
    outer = node.getparent().nsmap
    for prefix, name in node.nsmap.items():
        if outer.get(prefix) == name or (prefix and name in (home, XHTML)):
            continue
        if prefix is None and name == home and outer.get(None) == default:
            continue  # `set_inner` says so around everything
        parts.append(f' xmlns{":" + prefix if prefix else ""}="{_escape(name, True)}"')
    for key, value in node.attrib.items():
        parts.append(f' {_attribute(key, node)}="{_escape(value, True)}"')
    parts.append("/>" if _is_void(node) else ">")
    return "".join(parts)


def _name(node: Any, home: str | None) -> str:
    name = etree.QName(node)
    if name.namespace in (home, XHTML) or not node.prefix:
        return str(name.localname)
    return f"{node.prefix}:{name.localname}"


def _attribute(key: str, node: Any) -> str:
    name = etree.QName(key)
    if name.namespace is None:
        return str(name.localname)
    if name.namespace == _XML:
        return f"xml:{name.localname}"
    prefix = next((p for p, n in node.nsmap.items() if p and n == name.namespace), None)
    return f"{prefix}:{name.localname}" if prefix else str(name.localname)


def _is_void(node: Any) -> bool:
    return len(node) == 0 and not node.text and etree.QName(node).localname.lower() in _VOID


def _escape(text: str | None, quoted: bool = False) -> str:
    if not text:
        return ""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if quoted:
        text = text.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return text.replace("\r", "&#13;")
