"""HTML as plain text. It expects what `sanitize.safe_html` returns."""

from __future__ import annotations

import html
import re

__all__ = ["html_to_text"]

_TOKEN = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)([^<>]*)>|<!--.*?-->|([^<]+)|<", re.DOTALL)
_HREF = re.compile(r'\bhref="([^"]*)"')
_ALT = re.compile(r'\balt="([^"]*)"')
_BLOCKS = re.compile(
    r"(?:address|article|aside|blockquote|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|"
    r"h[1-6]|header|hgroup|hr|main|nav|ol|p|pre|section|summary|table|tr|ul)\Z"
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_MANY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def html_to_text(source: str) -> str:
    """What a reader sees: paragraphs with a blank line between them, list items with a dash, links with their address.

    One linear pass; nesting of any depth is fine.
    """
    parts: list[str] = []
    links: list[tuple[int, str]] = []
    verbatim = 0
    for token in _TOKEN.finditer(source):
        closing, name, attributes, text = token[1], (token[2] or "").lower(), token[3], token[4]
        if text is not None:
            shown = html.unescape(text)
            # Spaces that mean something are hidden from the tidying below; NUL cannot be in safe HTML.
            parts.append(shown.replace(" ", "\x00") if verbatim else _SPACE.sub(" ", shown))
        elif name == "br":
            parts.append("\n")
        elif name == "li":
            parts.append("" if closing else "\n- ")
        elif name in ("td", "th"):
            parts.append("\t" if closing else "")
        elif name == "img" and (alt := _ALT.search(attributes)) and alt[1]:
            parts.append(f"[{html.unescape(alt[1])}]")
        elif name == "a":
            _link(parts, links, closing, attributes)
        elif name and _BLOCKS.match(name):
            verbatim += (name == "pre") * (-1 if closing else 1)
            parts.append("\n\n" if name != "tr" else "\n")
    lines = (line.strip(" ") for line in "".join(parts).replace("\t\n", "\n").split("\n"))
    return _MANY_LINES.sub("\n\n", "\n".join(lines)).strip("\n ").replace("\x00", " ")


def _link(parts: list[str], links: list[tuple[int, str]], closing: str, attributes: str) -> None:
    if not closing:
        href = _HREF.search(attributes)
        links.append((len(parts), html.unescape(href[1]) if href else ""))
    elif links:
        start, href_text = links.pop()
        shown = "".join(parts[start:]).strip()
        if href_text and shown and href_text not in (shown, f"mailto:{shown}"):
            parts.append(f" ({href_text})")
