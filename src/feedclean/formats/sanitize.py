"""The border to nh3: HTML that can be shown, and addresses that can be followed, whoever wrote them.

Needed only where feedclean builds a document of its own (conversion). Cleaning edits the publisher's HTML in place and
leaves its safety to the reader that shows it, as before.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin

import nh3

from feedclean.formats.html_text import html_to_text
from feedclean.formats.html_weight import is_bomb

__all__ = ["FOLLOWED", "LOADED", "paragraphs", "plain_title", "safe_html", "safe_id", "safe_url"]

FOLLOWED = frozenset(("http", "https", "mailto"))
LOADED = frozenset(("http", "https"))
_EXECUTABLE = frozenset(
    ("javascript", "vbscript", "livescript", "mocha", "data", "blob", "filesystem", "file", "view-source")
)

# Control characters, white space of any script and characters without width: browsers drop some, eyes drop all.
_HIDDEN = re.compile("[\x00-\x20\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_EARLY_COLON = re.compile(r"[^/?#]*:")
_TAGGED = re.compile(r"<[A-Za-z/!?]")
_TAGS_IN_TEXT = re.compile(r"<[A-Za-z/!?][^<>]*>")
_BLANK_LINES = re.compile(r"\r?\n(?:[ \t]*\r?\n)+")
_UNSEEN = re.compile(r"<(script|style|template)\b[^<>]*>(?:.*?</\1\s*>|.*\Z)", re.DOTALL | re.IGNORECASE)

# ammonia's own list and what pictures, films and sounds need; no svg, math, style, iframe or srcdoc (H4).
_TAGS = nh3.ALLOWED_TAGS | {"picture", "source", "video", "audio", "section", "main", "address", "tfoot"}
# What these hold is no text for a reader.
_DROPPED = {"script", "style", "title", "iframe", "noembed", "noframes", "textarea", "template"}
_ATTRIBUTES = {
    **nh3.ALLOWED_ATTRIBUTES,
    "img": nh3.ALLOWED_ATTRIBUTES.get("img", set()) | {"srcset", "sizes", "loading"},
    "source": {"src", "srcset", "sizes", "type", "media"},
    "video": {"src", "poster", "controls", "width", "height", "loop", "muted"},
    "audio": {"src", "controls", "loop", "muted"},
    # What is marked or folded away, so that it is known again (`judging/edit.py`).
    **{tag: nh3.ALLOWED_ATTRIBUTES.get(tag, set()) | {"data-feedclean"} for tag in ("details", "div", "mark")},
}
_FOLLOWED_IN = frozenset(("href", "cite"))
_LOADED_IN = frozenset(("src", "poster"))


def safe_html(source: str, base: str | None = None) -> str:
    """`source` without anything that runs, its addresses absolute if `base` is known, and all its text.

    What would blow up an HTML parser (see `html_weight.py`) comes back as paragraphs of plain text.
    """

    def attribute(_tag: str, name: str, value: str) -> str | None:
        if name in _FOLLOWED_IN:
            return safe_url(value, base=base)
        if name in _LOADED_IN:
            return safe_url(value, base=base, schemes=LOADED)
        if name == "srcset":
            return _safe_srcset(value, base)
        return value

    source = source.replace("\x00", "")
    if is_bomb(source):
        return _as_paragraphs(source)
    return nh3.clean(
        source,
        tags=_TAGS,
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes=set(FOLLOWED),
        link_rel="noopener noreferrer",
    )


def safe_url(url: str | None, *, base: str | None = None, schemes: frozenset[str] = FOLLOWED) -> str | None:
    """`url`, made absolute if `base` is known, or `None` if it is not of one of `schemes`.

    A relative address passes if nothing can take a part of it for a scheme, whatever it drops before looking.
    """
    address = (url or "").strip()
    if not address:
        return None
    if base:
        try:
            address = urljoin(base, address)
        except ValueError:
            return None
    bare = _HIDDEN.sub("", address)
    scheme = _SCHEME.match(bare)
    if scheme:
        return address if scheme[1].lower() in schemes and address.lower().startswith(scheme[0].lower()) else None
    return None if _EARLY_COLON.match(bare) or bare != address.replace(" ", "") else address


def safe_id(name: str | None) -> str | None:
    """An id as it is, unless following it would run it."""
    scheme = _SCHEME.match(_HIDDEN.sub("", name or ""))
    return None if not name or (scheme and scheme[1].lower() in _EXECUTABLE) else name


def plain_title(source: str) -> str:
    """A title, a name or a category as plain text: what looks like a tag is one, and goes."""
    for _ in range(4):
        if not _TAGGED.search(source):
            return source
        source = _TAGS_IN_TEXT.sub("", _UNSEEN.sub("", source))
    return source.replace("<", "")


def paragraphs(text: str) -> str:
    """Plain text as HTML: blank lines part paragraphs."""
    shown = filter(None, map(str.strip, _BLANK_LINES.split(text)))
    return "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in shown)


def _as_paragraphs(source: str) -> str:
    """What is too heavy for a parser, as its mere text."""
    return paragraphs(html_to_text(_UNSEEN.sub("", source)))


def _safe_srcset(value: str, base: str | None) -> str | None:
    kept = []
    for candidate in value.split(","):
        address, _, width = candidate.strip().partition(" ")
        url = safe_url(address, base=base, schemes=LOADED)
        if url:
            kept.append(f"{url} {width}".strip())
    return ", ".join(kept) or None
