"""What was removed from a feed: a page to read, and a feed to subscribe to.

Both say for every block what it was taken for, how surely, which words decided, and hold its exact characters. The page
shows characters only; the feed shows the block itself, made safe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...formats.convert import convert
from ...formats.sanitize import LOADED, safe_html, safe_url
from ...types import Format, TitleLabel
from ..answer import TYPES
from ..block_keys import block_key, title_key
from ..making import open_feed
from ..nouns import FeedState, LabelRow, LedgerRow
from ..records import ledger_key
from ..reply import Reply
from .forms import Forms, buttons
from .layout import escaped, page
from .standing import standing

__all__ = ["Removals", "keys_of", "removed_feed", "removed_page"]

_DONE = {"cut": "cut", "collapse": "collapsed", "mark": "marked"}
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)


@dataclass(frozen=True, slots=True)
class Removals:
    """What was removed from a feed, a page of it."""

    title: str  # of the feed
    rows: Sequence[LedgerRow]
    feed: str  # path of the cleaned feed
    itself: str  # path of the feed of removals
    older: str = ""  # path of the next page, if there is one
    forms: Forms | None = None  # for those who may correct what was removed
    state: FeedState | None = None  # how it stands with its publisher, for the same people
    items: str = ""  # path of the page where they can correct what was not
    said: Mapping[str, LabelRow] = field(default_factory=dict)  # what people said of its blocks and titles, by key


def keys_of(rows: Sequence[LedgerRow]) -> list[str]:
    """What the labels of removed blocks are found by."""
    return list(map(_key, rows))


def removed_page(found: Removals) -> Reply:
    """The page."""
    head = (
        f"<h1>Removed from {escaped(found.title)}</h1>"
        f'<p><a href="{escaped(found.feed)}">Cleaned feed</a> · '
        f'<a href="{escaped(found.itself)}">This list as a feed</a> · <a href="/">feedclean</a>'
        + (f' · <a id="items" href="{escaped(found.items)}">Something was missed?</a>' if found.items else "")
        + "</p>"
        + (standing(found.state, found.forms) if found.state and found.forms else "")
    )
    shown = "\n".join(_article(row, found) for row in found.rows) or "<p>Nothing yet.</p>"
    older = f'<p><a rel="next" href="{escaped(found.older)}">Older</a></p>' if found.older else ""
    named = f'<link rel="alternate" type="application/atom+xml" href="{escaped(found.itself)}">\n'
    return page(f"Removed from {found.title}", f"{head}\n{shown}\n{older}", links=named, forms=found.forms is not None)


def removed_feed(found: Removals, to: Format, own: str | None) -> tuple[bytes, str]:
    """The feed, and its media type.

    Args:
        found: what was removed.
        to: the format.
        own: where it is served.
    """
    value = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"Removed from {found.title}",
        "description": "What feedclean took out of the feed, and why.",
        "items": [_entry(row) for row in found.rows],
    }
    data = json.dumps(value).encode()
    target = "jsonfeed" if to is Format.JSONFEED else to.value
    written = convert(data, Format.JSONFEED, target)
    feed = open_feed(written, own or "")
    feed.relink(own, None)
    return feed.to_bytes(), f"{TYPES[to]}; charset=utf-8"


def _key(row: LedgerRow) -> str:
    return title_key(row.text) if row.label in tuple(TitleLabel) else block_key(row.text, row.source)


def _form(row: LedgerRow, found: Removals) -> str:
    """The button that keeps it from now on."""
    if found.forms is None:
        return ""
    keep = (
        ("plain", "No clickbait – keep it")
        if row.label in tuple(TitleLabel)
        else ("editorial", "This is news – keep it")
    )
    said = found.said.get(_key(row))
    return buttons(found.forms, {"removal": ledger_key(row)}, [keep], said.label if said else "")


def _article(row: LedgerRow, found: Removals) -> str:
    link = _link(row)
    item = f'<a href="{escaped(link)}" rel="noreferrer">{escaped(row.item)}</a>' if link else escaped(row.item)
    return (
        f'<article id="{ledger_key(row)}"><div class="what">{_what(row)}</div>'
        f"<blockquote>{escaped(row.text) or '<em>no words</em>'}</blockquote>"
        f'<div class="why">{escaped(_why(row))}</div>'
        f"{_form(row, found)}"
        f"<details><summary>Restore</summary><pre>{escaped(row.source)}</pre></details>"
        f"<small>{_moment(row.first_seen):%Y-%m-%d %H:%M} UTC · {escaped(row.field)} of "
        f"{item or 'an item'}</small></article>"
    )


def _entry(row: LedgerRow) -> dict[str, object]:
    link = _link(row)
    moment = _moment(row.first_seen).isoformat(timespec="seconds")
    text = _sound(row.text)
    entry: dict[str, object] = {
        "id": f"urn:feedclean:removed:{ledger_key(row)}",
        "title": f"{_sound(_what_plain(row))}: {text[:100]}{'…' if len(text) > 100 else ''}",
        "date_published": moment,
        "date_modified": moment,
        "tags": [row.label],
        "content_html": (
            f"<blockquote>{safe_html(_sound(row.source), link)}</blockquote>"
            f"<p>{escaped(_sound(_why(row)))}</p><pre>{escaped(_sound(row.source))}</pre>"
        ),
    }
    return entry | ({"url": link} if link else {})


def _link(row: LedgerRow) -> str | None:
    """Where the item is, if that is what its id says."""
    link = safe_url(row.item, schemes=LOADED)
    return link if link is not None and link.lower().startswith(("http://", "https://")) else None


def _what(row: LedgerRow) -> str:
    return escaped(_what_plain(row))


def _what_plain(row: LedgerRow) -> str:
    """Such as "promo, 97 %, cut"."""
    return f"{row.label}, {round(row.probability * 100)} %, {_DONE.get(row.action, row.action)}"


def _why(row: LedgerRow) -> str:
    because = ", ".join(row.clues) or "its place and form"
    return f"Because of: {because} ({row.model})"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, 0.0), 253_402_300_799.0), UTC)


def _sound(text: str) -> str:
    return text.translate(_SURROGATES)
