"""The start page: an address goes in, the proxied address comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..reply import Reply
from .layout import escaped, page

__all__ = ["Built", "Feed", "start_page"]

_ABOUT = (
    "<p>Subscribe to a feed through this proxy, and its advertising stays behind. What was cut can be seen, with the "
    "reason, and restored.</p>"
)
TARGETS = {"": "as published", "rss": "RSS", "atom": "Atom", "json": "JSON Feed"}


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that the proxy was set up for."""

    name: str
    title: str
    address: str
    removed: str


@dataclass(frozen=True, slots=True)
class Built:
    """What came of the address that was typed in."""

    given: str = ""
    to: str = ""
    address: str = ""  # to subscribe to
    path: str = ""  # the same, for a link
    removed: str = ""  # a path
    fault: str = ""


def start_page(feeds: Sequence[Feed], built: Built, *, may_build: bool, closed: str, token: str = "") -> Reply:
    """The page.

    Args:
        feeds: to be listed.
        built: what came of the form.
        may_build: whether there is a form at all.
        closed: why not.
        token: to be sent along with the form.
    """
    parts = [
        "<h1>feedclean</h1>",
        _ABOUT,
        _form(built, token) if may_build else f'<p class="note">{escaped(closed)}</p>',
        _result(built),
        _listed(feeds),
    ]
    return page("feedclean", "\n".join(part for part in parts if part), forms=may_build)


def _form(built: Built, token: str) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == built.to else ""}>{told}</option>'
        for value, told in TARGETS.items()
    )
    hidden = f'<input type="hidden" name="token" value="{escaped(token)}">' if token else ""
    return (
        '<form method="get" action="/">'
        '<label>Address of a feed<input type="url" name="url" required maxlength="8000" autocomplete="off" '
        f'placeholder="https://example.com/feed" value="{escaped(built.given)}"></label>'
        f'<label class="small">Format<select name="to">{options}</select></label>{hidden}'
        "<button>Make address</button></form>"
    )


def _result(built: Built) -> str:
    if built.fault:
        return f'<p role="alert"><strong>That is no address of a feed:</strong> {escaped(built.fault)}</p>'
    if not built.address:
        return ""
    return (
        f'<h2>Subscribe to this</h2><output id="address">{escaped(built.address)}</output>'
        f'<p><a id="open" href="{escaped(built.path)}">Open the cleaned feed</a> · '
        f'<a id="removed" href="{escaped(built.removed)}">See what was removed</a></p>'
    )


def _listed(feeds: Sequence[Feed]) -> str:
    if not feeds:
        return ""
    rows = "".join(
        f'<tr><td>{escaped(feed.title)}</td><td><a href="{escaped(feed.address)}">cleaned feed</a></td>'
        f'<td><a href="{escaped(feed.removed)}">what was removed</a></td></tr>'
        for feed in feeds
    )
    return f"<h2>Feeds</h2><table>{rows}</table>"
