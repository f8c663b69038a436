"""Captions of the pictures that were put back into an article: shown below them, but no text of the article.

    field       <figure><img src="…" alt="…" title="Caption"></figure>
    written     <figure><img src="…" alt="…"><figcaption>Caption</figcaption></figure>

So a caption goes where its picture goes, and is judged with it. As a text of its own it would be taken for a paragraph
of the article, which it is not to anybody who measures that (`docs/experiments.md`).
"""

from __future__ import annotations

import html
import re

__all__ = ["lift_captions", "put_down_captions"]

_HELD = re.compile(r'<figure>(<img\b[^<>]*?) title="([^"<>]*)"([^<>]*>)</figure>')
_SHOWN = re.compile(r"<figure>(<img\b(?:(?! title=)[^<>])*)><figcaption>([^<>]*)</figcaption></figure>")


def lift_captions(text: str) -> str:
    """The text of a page that we have written, with its captions beside their pictures."""
    return _SHOWN.sub(lambda found: f'<figure>{found[1]} title="{_escaped(found[2], quote=True)}"></figure>', text)


def put_down_captions(text: str) -> str:
    """Safe HTML with its captions below their pictures."""
    return _HELD.sub(
        lambda found: (
            f"<figure>{found[1]}{found[3]}<figcaption>{_escaped(found[2], quote=False)}</figcaption></figure>"
        ),
        text,
    )


def _escaped(said: str, *, quote: bool) -> str:
    return html.escape(html.unescape(said), quote=quote)
