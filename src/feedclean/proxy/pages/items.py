"""The last items of a feed as feedclean sees them, with buttons for what it took for the wrong thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...corrections import BY_HAND
from ...formats.sanitize import LOADED, safe_url
from ...types import Action, CleanedItem, Judged, Kind, TitleLabel
from ..block_keys import block_key, title_key
from ..nouns import FeedState, LabelRow
from ..reply import Reply
from .forms import Forms, buttons
from .layout import escaped, page
from .standing import standing

__all__ = ["Shown", "items_page", "keys_of"]

MOST_ITEMS = 30
_MOST_BLOCKS = 100  # of an item
_MOST_TEXT = 1500  # characters of a block
_BLOCK = (("editorial", "This is news"), ("promo", "This is an ad"), ("teaser", "This is bait"))
_KEPT = _BLOCK[1:]
_DONE = {Action.CUT: "cut", Action.COLLAPSE: "collapsed", Action.MARK: "marked"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A feed, as far as it is shown."""

    title: str
    items: Sequence[CleanedItem]
    said: Mapping[str, LabelRow]  # what people said of its blocks and titles, by key
    forms: Forms
    feed: str  # path of the cleaned feed
    removed: str  # path of what was removed
    state: FeedState  # how it stands with its publisher


def keys_of(items: Sequence[CleanedItem]) -> list[str]:
    """The keys of all blocks and titles that are shown."""
    blocks = [block_key(one.block.text, one.block.source) for item in items for one in _blocks(item)]
    return [*blocks, *(title_key(item.title.block.text) for item in items if item.title)]


def items_page(shown: Shown) -> Reply:
    """The page."""
    head = (
        f"<h1>Correct {escaped(shown.title)}</h1>"
        "<p>The last items with all their blocks. What you say of a block holds at once, for it and for all that are "
        "worded alike.</p>"
        f'<p><a href="{escaped(shown.feed)}">Cleaned feed</a> · '
        f'<a href="{escaped(shown.removed)}">What was removed</a> · <a href="/">feedclean</a></p>'
        f"{standing(shown.state, shown.forms)}"
    )
    told = "\n".join(_item(item, shown) for item in shown.items) or "<p>Nothing yet.</p>"
    return page(f"Correct {shown.title}", f"{head}\n{told}", forms=True)


def _item(item: CleanedItem, shown: Shown) -> str:
    blocks = "".join(_block(item, one, shown) for one in _blocks(item))
    return f"<article>{_title(item, shown)}{blocks}</article>"


def _title(item: CleanedItem, shown: Shown) -> str:
    if item.title is None:
        return "<h2>(no title)</h2>"
    text, key = item.title.block.text, title_key(item.title.block.text)
    link = safe_url(item.item.url or "", schemes=LOADED)
    told = f'<a href="{escaped(link)}" rel="noreferrer">{escaped(text)}</a>' if link else escaped(text)
    bait = item.title.decision.label is TitleLabel.CLICKBAIT
    choice = (TitleLabel.PLAIN.value, "No clickbait") if bait else (TitleLabel.CLICKBAIT.value, "Clickbait")
    said = shown.said[key].label if key in shown.said else ""
    form = buttons(shown.forms, {"item": item.item.key, "title": key}, [choice], said)
    return f'<h2 id="{key}">{told}</h2><div class="said">{"<small>clickbait</small>" if bait else ""}{form}</div>'


def _block(item: CleanedItem, one: Judged, shown: Shown) -> str:
    key = block_key(one.block.text, one.block.source)
    acted = one.decision.action is not Action.KEEP
    said = shown.said[key].label if key in shown.said else ""
    form = buttons(shown.forms, {"item": item.item.key, "block": key}, _BLOCK if acted else _KEPT, said)
    text = one.block.text if len(one.block.text) <= _MOST_TEXT else f"{one.block.text[:_MOST_TEXT]}…"
    told = escaped(text) or "<em>no words</em>"
    return (
        f'<div id="{key}" class="block{" gone" if acted else ""}"><p>{told}</p>'
        f'<div class="said"><small>{escaped(_what(one))}</small>{form}</div></div>'
    )


def _what(one: Judged) -> str:
    """Such as "promo 97 %, cut", or "editorial"; and why, where that is known."""
    decision = one.decision
    label = decision.label.value if decision.label else ""
    if decision.action is Action.KEEP:
        by_hand = decision.verdict is not None and BY_HAND in decision.verdict.clues
        return f"{label}{', labelled by you' if by_hand else ', not sure' if decision.unsure else ''}"
    clues = ", ".join(clue.text for clue in decision.verdict.clues[:4]) if decision.verdict else ""
    done = f"{_DONE[decision.action]}{f' only, since {decision.guard}' if decision.guard else ''}"
    return f"{label} {round(decision.probability * 100)} %, {done}{': ' + clues if clues else ''}"


def _blocks(item: CleanedItem) -> list[Judged]:
    """What can be labelled, each once however many fields hold it."""
    found: dict[str, Judged] = {}
    for body in item.bodies:
        for one in body:
            if one.block.kind not in {Kind.GLUE, Kind.SETTLED} and one.decision.verdict is not None:
                found.setdefault(block_key(one.block.text, one.block.source), one)
    return list(found.values())[:_MOST_BLOCKS]
