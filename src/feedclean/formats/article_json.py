"""A cleaned document as one JSON object: what is known about it, its blocks and what they were taken for, what is gone.

A page, a mail or a text is one article; a feed has its articles under `items`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from feedclean.formats.convert import read_facts
from feedclean.formats.securities import securities
from feedclean.types import Action, Cleaned, CleanedItem, Format, Judged, Kind

__all__ = ["write_article_json"]

_FEEDS = (Format.RSS, Format.ATOM, Format.JSONFEED)
_SURROGATES = re.compile("[\ud800-\udfff]")


def write_article_json(cleaned: Cleaned, url: str | None = None) -> bytes:
    """`cleaned` (with its items) as JSON, in UTF-8.

    Args:
        cleaned: the document.
        url: where it was published.

    Raises:
        FormatError: its content is not of its format.
    """
    facts = read_facts(cleaned.content, cleaned.format, url)
    about = {"format": cleaned.format.value, "model": cleaned.model}
    same = len(facts.entries) == len(cleaned.items)
    feed = facts.feed
    items = [
        _article(item, facts.entries[number] if same else {}, feed if cleaned.format not in _FEEDS else {})
        for number, item in enumerate(cleaned.items)
    ]
    if cleaned.format not in _FEEDS:
        value = {**about, **(items[0] if items else {})}
    else:
        value = {**about, "title": feed.get("title"), "url": feed.get("link"), "language": feed.get("language")}
        value["items"] = items
    return _SURROGATES.sub("\ufffd", json.dumps(value, ensure_ascii=False, indent=2)).encode() + b"\n"


def _article(cleaned: CleanedItem, entry: Mapping[str, Any], feed: Mapping[str, Any]) -> dict[str, Any]:
    shown = [one for body in _bodies(cleaned) for one in body if one.block.kind is not Kind.GLUE]
    said = cleaned.item.title.text if cleaned.item.title else entry.get("title") or ""
    named = securities("\n".join([said, *(one.block.text for one in shown)]))
    label = cleaned.title.decision if cleaned.title else None
    return {
        "title": said,
        "title_label": label.label if label else None,
        "title_probability": round(label.probability, 4) if label else None,
        "id": entry.get("id") or cleaned.item.key,
        "url": entry.get("link") or cleaned.item.url,
        "authors": [person["name"] for person in entry.get("authors") or () if person.get("name")],
        "published": entry.get("published"),
        "site": feed.get("publisher"),
        "language": cleaned.item.language or feed.get("language"),
        "tags": [tag.get("term") or tag.get("label") for tag in entry.get("tags") or ()],
        "isins": [one.code for one in named if one.kind == "ISIN"],
        "wkns": [one.code for one in named if one.kind == "WKN"],
        "tickers": [one.code if one.kind == "TICKER" else str(one) for one in named if one.kind not in ("ISIN", "WKN")],
        "blocks": [_block(one) for one in shown if one.decision.action is not Action.CUT],
        "removed": [_block(one) for one in shown if one.decision.action is Action.CUT],
    }


def _bodies(cleaned: CleanedItem) -> list[tuple[Judged, ...]]:
    """The bodies that say something of their own: a feed's summary may only repeat how its text begins."""
    told = [frozenset(one.block.text for one in body if one.block.text) for body in cleaned.bodies]
    return [
        body
        for number, body in enumerate(cleaned.bodies)
        if not any(
            told[number] < other or (told[number] == other and place < number)
            for place, other in enumerate(told)
            if place != number
        )
    ]


def _block(one: Judged) -> dict[str, Any]:
    decision, block = one.decision, one.block
    value: dict[str, Any] = {
        "kind": block.kind.value,
        "label": decision.label.value if decision.label else None,
        "probability": round(decision.probability, 4),
        "action": decision.action.value,
        "text": block.text,
        "source": block.source,
    }
    if decision.action is not Action.KEEP and decision.verdict:
        value["clues"] = [clue.text for clue in decision.verdict.clues]
    return value
