"""JSON Feed 1.0 and 1.1, edited in its own text: only the values that change are written anew."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import urljoin

from feedclean.errors import FormatError, LimitError
from feedclean.formats.encodings import bom_of, wide
from feedclean.formats.feed_links import relink_json
from feedclean.formats.json_spans import Node, check_depth, locate, without
from feedclean.formats.limits import Limits, check_size
from feedclean.types import Field, Format, Item, Markup, TitleLabel

__all__ = ["JsonFeed", "load_json", "open_json_feed"]

VERSION = "jsonfeed.org/version/"
EXTENSION = "_feedclean"

_BODIES = (("content_html", Markup.HTML), ("content_text", Markup.TEXT), ("summary", Markup.TEXT))
_SURROGATES = re.compile("[\ud800-\udfff]")


def open_json_feed(data: bytes, *, url: str | None = None, limits: Limits | None = None) -> JsonFeed:
    """The feed that `data` holds; `url` is where it came from.

    Raises:
        LimitError: it is too large or too deep.
        FormatError: it is malformed, or another kind of JSON.
    """
    text, value = load_json(data, limits or Limits())
    if not is_feed(value):
        raise FormatError("JSON, but no JSON Feed", hint="a feed has a version of https://jsonfeed.org and items")
    if not isinstance(value.get("items", []), list):
        raise FormatError("malformed JSON Feed: its items are no list")
    _, marked = bom_of(data)
    pristine = marked in (None, "utf-8") and wide(data) is None
    return JsonFeed(text, value, data if pristine else None, url)


def load_json(data: bytes, limits: Limits) -> tuple[str, Any]:
    """The characters of a JSON document and its value.

    Raises:
        LimitError: it is too large or too deep.
        FormatError: it is malformed; `NaN` and `Infinity` are no JSON.
    """
    check_size(data, limits)
    mark, marked = bom_of(data)
    body = data[len(mark) :]
    try:
        text = body.decode(marked or wide(body) or "utf-8")
        check_depth(text, limits.depth)
        return text, json.loads(text, parse_constant=_no_constant, parse_int=_integer)
    except UnicodeDecodeError as fault:
        raise FormatError(f"malformed JSON: no {fault.encoding} at byte {fault.start}") from fault
    except json.JSONDecodeError as fault:
        raise FormatError(f"malformed JSON at line {fault.lineno}: {fault.msg}") from fault
    except RecursionError as fault:
        raise LimitError("JSON nested too deep") from fault


def is_feed(value: Any) -> bool:
    """Whether a JSON value is a JSON Feed of any version."""
    return isinstance(value, dict) and isinstance(value.get("version"), str) and VERSION in value["version"]


class JsonFeed:
    """A feed as its source text and the places in it that may change."""

    rescued = ""
    extracted = False

    def __init__(self, text: str, value: dict[str, Any], original: bytes | None, url: str | None = None) -> None:
        self._text = text
        self._value = value
        self._original = original
        self._places: Node | None = None  # found only when something is to be changed
        self._edits: dict[tuple[int, str], str] = {}
        self._marks: dict[int, str | None] = {}
        self._removed: set[int] = set()
        self._links: tuple[str | None, str | None] | None = None
        self._raw: list[dict[str, Any]] = []
        self._indices: list[int] = []  # beside `items`: where in the source's list
        self._items: list[Item] = []
        language = _two(value.get("language"))
        for index, raw in enumerate(value.get("items") or []):
            if isinstance(raw, dict):
                self._indices.append(index)
                self._raw.append(raw)
                self._items.append(_item(len(self._items), raw, language, url))

    @property
    def format(self) -> Format:
        """JSON Feed."""
        return Format.JSONFEED

    @property
    def items(self) -> Sequence[Item]:
        """The items as read, in the order of the feed."""
        return self._items

    def replace(self, item: int, body: int | None, text: str) -> None:
        """Give a body, or the title (`None`), new text."""
        field = self._items[item].title if body is None else self._items[item].bodies[body]
        if field is None:
            raise IndexError(f"item {item} has no title")
        if text == field.text:
            self._edits.pop((item, field.name), None)
        else:
            self._edits[item, field.name] = text

    def mark_title(self, item: int, label: TitleLabel, probability: float) -> None:
        """Add the tag `clickbait`, and the probability in the extension `_feedclean`."""
        self._items[item]
        self._marks[item] = None if label is TitleLabel.PLAIN else f"{probability:.2f}"

    def relink(self, own: str | None, via: str | None) -> None:
        """Let the feed say that it is served at `own`, and by its publisher at `via`; see `feed_links.py`."""
        self._links = own, via

    def remove(self, item: int) -> None:
        """Take an item out of what `to_bytes` writes; `items` stay as read, and so do their numbers."""
        self._items[item]
        self._removed.add(item)

    def to_bytes(self) -> bytes:
        """The feed in UTF-8: the very bytes it was read from, if they were UTF-8 and nothing was changed."""
        patches = self._patches()
        if not patches and self._original is not None:
            return self._original
        parts: list[str] = []
        position = 0
        for start, end, new in sorted(patches):
            parts += self._text[position:start], new
            position = end
        parts.append(self._text[position:])
        return "".join(parts).encode()

    def _patches(self) -> list[tuple[int, int, str]]:
        """What to write where: (start, end, new characters)."""
        if not self._edits and not self._marks and not self._removed and not self._links:
            return []
        if self._places is None:
            self._places = locate(self._text)
        patches = relink_json(self._value, self._places, *self._links) if self._links else []
        if not self._items:
            return patches
        listed = (self._places.members or {})["items"].elements or []
        patches += without(listed, {self._indices[item] for item in self._removed})
        for (item, name), text in self._edits.items():
            if item in self._removed:
                continue
            node = (listed[self._indices[item]].members or {})[name]
            patches.append((node.start, node.end, _quoted(text)))
        for item, probability in self._marks.items():
            if item in self._removed:
                continue
            patches += _mark(listed[self._indices[item]], self._raw[item], probability)
        return patches


def _mark(node: Node, raw: dict[str, Any], probability: str | None) -> list[tuple[int, int, str]]:
    """The patches that make an item say that its title is clickbait, or (`None`) say so no more."""
    members = node.members or {}
    extension = raw.get(EXTENSION)
    if probability is None and not (isinstance(extension, dict) and "title" in extension):
        return []
    label = TitleLabel.CLICKBAIT.value
    title = f'{{"label": "{label}", "probability": {probability}}}' if probability else None
    patches: list[tuple[int, int, str]] = []
    added = ""
    tags = raw.get("tags")
    if not isinstance(tags, list):
        if "tags" not in members:
            added += f', "tags": ["{label}"]' if title else ""
        elif title:  # not a list: against the standard, and of no use to anyone
            patches.append((members["tags"].start, members["tags"].end, f'["{label}"]'))
    elif title and label not in tags:
        end = members["tags"].end - 1
        patches.append((end, end, f'"{label}"' if not tags else f', "{label}"'))
    elif not title and label in tags:
        kept = [tag for tag in tags if tag != label]
        patches.append((members["tags"].start, members["tags"].end, json.dumps(kept, ensure_ascii=False)))
    if EXTENSION not in members:
        added += f', "{EXTENSION}": {{"title": {title}}}'
    else:
        rest = {key: value for key, value in extension.items() if key != "title"} if isinstance(extension, dict) else {}
        new = json.dumps(rest, ensure_ascii=False)
        if title:
            new = f'{{"title": {title}{", " + new[1:-1] if rest else ""}}}'
        patches.append((members[EXTENSION].start, members[EXTENSION].end, new))
    if added:
        end = node.end - 1
        patches.append((end, end, added if members else added[2:]))
    return patches


def _item(number: int, raw: dict[str, Any], language: str | None, url: str | None) -> Item:
    bodies = tuple(
        Field(name, _clean(raw[name]), markup)
        for name, markup in _BODIES
        if isinstance(raw.get(name), str) and raw[name].strip()
    )
    named = raw.get("title")
    title = Field("title", _clean(named), Markup.TEXT) if isinstance(named, str) and named.strip() else None
    link = raw.get("url") or raw.get("external_url")
    link = _join(url, _clean(link)) if isinstance(link, str) else None
    key = raw.get("id")
    known = _clean(str(key)) if isinstance(key, str | int | float) and key != "" else link
    return Item(known or str(number), title, bodies, link, _two(raw.get("language")) or language)


def _clean(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text)


def _quoted(text: str) -> str:
    return json.dumps(_clean(text), ensure_ascii=False)


def _join(url: str | None, link: str) -> str:
    try:
        return urljoin(url or "", link)
    except ValueError:
        return link


def _two(name: Any) -> str | None:
    code = name.strip()[:2].lower() if isinstance(name, str) else ""
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def _no_constant(name: str) -> NoReturn:
    raise FormatError(f"malformed JSON: {name} is no number")


def _integer(digits: str) -> int | str:
    # Python refuses thousands of digits, and no reader needs their value.
    return int(digits) if len(digits) < 1000 else digits
