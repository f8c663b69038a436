"""The border to markdown-it: Markdown as HTML, for documents that are converted."""

from __future__ import annotations

from markdown_it import MarkdownIt

from feedclean.errors import FormatError
from feedclean.formats.front_matter import front_matter_of

__all__ = ["markdown_to_html"]


def markdown_to_html(source: str) -> str:
    """Markdown (CommonMark with tables) as HTML that is still to be made safe, without its front matter.

    Raises:
        FormatError: markdown-it trips over it.
    """
    try:
        return str(
            MarkdownIt("commonmark", {"html": True}).enable("table").render(source[len(front_matter_of(source)) :])
        )
    except Exception as fault:
        raise FormatError(f"no Markdown that can be read ({type(fault).__name__}: {fault})") from fault
