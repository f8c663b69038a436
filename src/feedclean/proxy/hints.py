"""What a feed itself says about how often it wants to be read.

Read with a few patterns from what stands before the first item and after the last: it only ever makes the proxy wait
longer, up to a day, so a wrong reading costs nothing that a parser would be worth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Hints", "read_hints"]

_EDGE = 1 << 16  # bytes looked at, at either end
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_PERIODS = {"hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ITEM = re.compile(r"<(?:[\w.-]+:)?(?:item|entry)[\s>]")
_ITEM_END = re.compile(r"</(?:[\w.-]+:)?(?:item|entry)\s*>")
_WORD = re.compile(
    r"<(?:[\w.-]+:)?(?P<name>ttl|hour|day|updatePeriod|updateFrequency)(?:\s[^<>]*)?>"
    r"\s*+(?:<!\[CDATA\[\s*+)?(?P<value>[A-Za-z0-9]{1,12})(?:\.0*)?\s*+(?:\]\]>\s*+)?</"
)


@dataclass(frozen=True, slots=True)
class Hints:
    """When a publisher wants its feed to be left alone."""

    interval: float = 0.0  # seconds between two requests: the longer of `ttl` and `sy:updatePeriod/Frequency`
    skip_hours: frozenset[int] = frozenset()  # of the day in UTC, 0 to 23
    skip_days: frozenset[int] = frozenset()  # of the week in UTC, Monday is 0


def read_hints(body: bytes) -> Hints:
    """The hints in any bytes; none in what is no XML. Never raises."""
    text = _edges(body)
    found: dict[str, list[str]] = {}
    for match in _WORD.finditer(text):
        found.setdefault(match["name"], []).append(match["value"].lower())
    minutes = _number(found.get("ttl"))
    frequency = max(1, _number(found.get("updateFrequency")) or 1)
    period = _PERIODS.get(found.get("updatePeriod", [""])[0], 0)
    if not period and "updateFrequency" in found:
        period = _PERIODS["daily"]  # the default of the syndication module
    hours = frozenset(int(hour) % 24 for hour in found.get("hour", ()) if hour.isdecimal() and int(hour) <= 24)
    days = frozenset(_DAYS.index(day) for day in found.get("day", ()) if day in _DAYS)
    return Hints(max(60.0 * minutes, period / frequency), hours, days)


def _edges(body: bytes) -> str:
    """The characters before the first item and after the last, comments taken out."""
    wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(body[:2], "latin-1")  # names and figures are ASCII
    if len(body) <= 2 * _EDGE:
        head, tail = body.decode(wide, "replace"), ""
    else:
        start = len(body) - _EDGE
        head, tail = body[:_EDGE].decode(wide, "replace"), body[start - start % 2 :].decode(wide, "replace")
    head, tail = _COMMENT.sub("", head), _COMMENT.sub("", tail)
    first = _ITEM.search(head)
    if first is None:
        return head
    last = None
    for last in _ITEM_END.finditer(tail or head):  # noqa: B007 - the last one is wanted
        pass
    return head[: first.start()] + ((tail or head)[last.end() :] if last else "")


def _number(values: list[str] | None) -> int:
    """The first of some values as a number; 0 for what is none."""
    return int(values[0]) if values and values[0].isdecimal() else 0
