"""The border to markdownify: HTML as Markdown. It expects what `sanitize.safe_html` returns."""

from __future__ import annotations

import re
from typing import Any

from markdownify import ATX, MarkdownConverter

from feedclean.formats.html_text import html_to_text
from feedclean.formats.html_weight import depth_of

__all__ = ["html_to_markdown"]

_MEANT = re.compile(r"(\\(?![*_])|[`\[\]<])")
_MANY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
DEPTH = 100  # markdownify is recursive; what is nested deeper becomes plain text


def html_to_markdown(source: str) -> str:
    """`source` as Markdown; as plain text if it is nested too deep for a recursive converter."""
    if depth_of(source) > DEPTH:
        return html_to_text(source)
    written: str = _Markdown(heading_style=ATX, bullets="-", escape_misc=False, autolinks=False).convert(source)
    return _MANY_LINES.sub("\n\n", written).strip()


class _Markdown(MarkdownConverter):  # type: ignore[misc,unused-ignore]
    """markdownify, escaping what text could turn into a link, an element or code with; but not every sign."""

    def escape(self, text: str, parent_tags: Any) -> str:
        return _MEANT.sub(r"\\\1", super().escape(text, parent_tags))  # type: ignore[misc,unused-ignore]
