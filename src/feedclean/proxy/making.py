"""One copy of a feed, made from the publisher's bytes: what happens in a thread, with no state of its own."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

from ..cleaning import Judge, carry_out, clean_document, outcomes
from ..drafts import headline
from ..errors import FeedcleanError, FormatError
from ..formats.convert import convert
from ..formats.json_feed import JsonFeed
from ..formats.limits import Limits
from ..formats.sniff import open_document
from ..formats.xml_feed import XmlFeed
from ..judging.policy import Policy
from ..types import Action, Cleaned, Format, Item, Outcome, TitleLabel
from .block_keys import block_key
from .nouns import Body, LedgerRow
from .pins import PinnedJudge

_HEAD = 65_536  # bytes in which a feed must begin
_PASSED = ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<!", b">"))  # what may stand before the first element
_ELEMENT = re.compile(rb"<(?:[\w-]+:)?(\w+)[\s/>]")
_KINDS = {b"rss": Format.RSS, b"rdf": Format.RSS, b"channel": Format.RSS, b"feed": Format.ATOM}

if TYPE_CHECKING:
    from .answer import Order

__all__ = ["Made", "feed_fault", "feed_kind", "look", "make", "open_feed"]


@dataclass(frozen=True, slots=True)
class Made:
    """What was made."""

    content: bytes
    format: Format
    rows: tuple[LedgerRow, ...]
    counts: Counter[tuple[Action, str]]
    unconverted: bool = False


def open_feed(content: bytes, url: str) -> XmlFeed | JsonFeed:
    """The feed that `content` holds.

    Raises:
        FormatError: it holds none.
    """
    document = open_document(content, url=url)
    if not isinstance(document, XmlFeed | JsonFeed):
        raise FormatError("a page or a text, no feed")
    return document


def feed_fault(content: bytes, url: str) -> str | None:
    """Why an answer of a publisher is no feed, in a clause; `None` if it is one, or more of one than we can read.

    A page that says "just a moment" with status 200 must not take the place of the last good copy, nor may what no
    reader's parser takes: broken beyond repair, or a bomb of entities.
    """
    try:
        open_feed(content, url)
    except FeedcleanError as fault:
        return None if feed_kind(content) and _is_readable(content) else fault.what
    return None


def _is_readable(content: bytes) -> bool:
    """Whether readers' parsers take some bytes: well-formed, no entities that grow beyond all measure, not too deep."""
    depth = 0

    def deeper(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > Limits().depth:
            raise RecursionError

    def back(_: object) -> None:
        nonlocal depth
        depth -= 1

    try:
        if feed_kind(content) is Format.JSONFEED:
            json.loads(content)
        else:
            parser = expat.ParserCreate()
            parser.StartElementHandler, parser.EndElementHandler = deeper, back
            parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError, RecursionError):
        return False
    return True


def feed_kind(content: bytes) -> Format | None:
    """What kind of feed some bytes look like by the first element in them, however broken the rest is."""
    head = content[:_HEAD].removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip()  # of UTF-16, what is ASCII
    if head.startswith(b"{"):
        return Format.JSONFEED if b"jsonfeed.org/version" in head else None
    place = head.find(b"<")
    while place >= 0:
        passed = next((end for start, end in _PASSED if head.startswith(start, place)), None)
        if passed is None:
            break
        place = head.find(b"<", place) if (place := head.find(passed, place + 2)) >= 0 else -1
    name = _ELEMENT.match(head, place) if place >= 0 else None
    return _KINDS.get(name[1].lower()) if name else None


def make(body: Body, order: Order, judge: Judge, now: float) -> Made:
    """The copy for an order.

    Raises:
        FeedcleanError: it cannot be made.
    """
    feed = open_feed(body.content, order.url)
    other = order.to is not None and order.to is not feed.format
    if not other:
        feed.relink(order.own, order.url)
    found = _outcomes(feed.items, judge, order.policy)
    carry_out(feed, found, order.policy)
    dropped = [number for number, outcome in enumerate(found) if order.drop and _is_bait(outcome)]
    for number in dropped:
        feed.remove(number)
    content = feed.to_bytes()
    whole = [_item_row(feed.items[number], found[number], judge.name, order.url, now) for number in dropped]
    rows = tuple(_once([*whole, *_rows(found, judge.name, order.url, now)]))
    counts = Counter((Action(row.action), row.label) for row in rows)
    form, unconverted = feed.format, False
    if other and order.to is not None:
        unconverted = True
        with suppress(FeedcleanError):  # a feed in another format than asked for is better than none
            content, form, unconverted = _converted(content, feed.format, order), order.to, False
        if unconverted:
            feed.relink(order.own, order.url)
            content = feed.to_bytes()
    return Made(content, form, rows, counts, unconverted)


def look(body: Body, order: Order, judge: Judge) -> Cleaned:
    """What is decided about each block of a feed.

    Raises:
        FeedcleanError: it cannot be cleaned.
    """
    return clean_document(open_feed(body.content, order.url), model=judge, policy=order.policy)


def _converted(content: bytes, form: Format, order: Order) -> bytes:
    assert order.to is not None  # noqa: S101 - as the caller has made sure
    feed = open_feed(convert(content, form, order.to.value, url=order.url), order.url)
    feed.relink(order.own, order.url)
    return feed.to_bytes()


def _outcomes(items: Sequence[Item], judge: Judge, policy: Policy) -> list[Outcome]:
    """What is to become of the items; only of a judge that pins can it be remembered."""
    if isinstance(judge, PinnedJudge):
        return judge.outcomes(items, policy)
    return outcomes(items, model=judge, policy=policy)


def _is_bait(outcome: Outcome) -> bool:
    return outcome.title is not None and outcome.title.label is TitleLabel.CLICKBAIT


def _rows(found: Sequence[Outcome], model: str, url: str, now: float) -> list[LedgerRow]:
    """What was done to blocks, as lines of the ledger."""
    return [
        LedgerRow(
            feed=url,
            item=cut.item,
            field=cut.field,
            action=cut.action.value,
            label=cut.label.value,
            probability=cut.probability,
            clues=tuple(clue.text for clue in cut.clues),
            text=cut.text,
            source=cut.source,
            block=block_key(cut.text, cut.source),
            model=model,
            first_seen=now,
        )
        for outcome in found
        for cut in outcome.cuts
    ]


def _item_row(item: Item, outcome: Outcome, model: str, url: str, now: float) -> LedgerRow:
    """An item that was dropped for its title, with its body as published."""
    decision = outcome.title
    assert decision is not None  # noqa: S101 - it is what the item was dropped for
    title = " ".join(headline(item).split())
    link = f'<a href="{html.escape(item.url)}">' if item.url else "<a>"
    bodies = sorted((body.text for body in item.bodies), key=len)
    source = "\n".join([f"<h2>{link}{html.escape(title)}</a></h2>", *bodies[-1:]])
    return LedgerRow(
        url, item.key, "title", Action.CUT.value, TitleLabel.CLICKBAIT.value, decision.probability,
        tuple(clue.text for clue in decision.verdict.clues) if decision.verdict else (),
        title, source, block_key(title, source), model, now,
    )  # fmt: skip


def _once(rows: Sequence[LedgerRow]) -> list[LedgerRow]:
    """Rows without those about a block that two fields of one item share."""
    return list({(row.item, row.block): row for row in reversed(rows)}.values())[::-1]
