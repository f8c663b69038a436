"""What a page says about its article as linked data: the `application/ld+json` scripts that search engines read."""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["linked_article", "names_of"]

_SCRIPT = re.compile(r"ld\+json[^<>]{0,200}>")
_ARTICLE = re.compile(r"(?:\w*Article|BlogPosting|LiveBlogPosting|Report|Review)\Z")
_MOST, _LONGEST = 20, 400_000  # scripts that are read, and characters of one
_DEEP = 6  # containers around an article in them; one or two is what publishers use


def linked_article(source: str) -> dict[str, Any]:
    """The first article that linked data of a page describes, as its JSON gives it; empty if there is none."""
    for data in _scripts(source):
        for found in _objects(data, _DEEP):
            kinds = found.get("@type")
            listed = kinds if isinstance(kinds, list) else [kinds]
            if any(isinstance(kind, str) and _ARTICLE.match(kind) for kind in listed):
                return found
    return {}


def names_of(value: Any) -> list[str]:
    """The names of people or organisations, whichever way they are written."""
    if isinstance(value, list):
        return [name for one in value[:_MOST] for name in names_of(one)]
    if isinstance(value, dict):
        value = value.get("name")
        return names_of(value) if isinstance(value, (str, list)) else []
    said = " ".join(html.unescape(value).split()) if isinstance(value, str) else ""
    return [said] if said and len(said) < 200 and not said.startswith(("http:", "https:")) else []


def _scripts(source: str) -> Iterator[Any]:
    position = 0
    for _ in range(_MOST):
        # A plain search first: it is many times faster than a pattern, and most of a page is something else.
        start = source.find("ld+json", position)
        found = _SCRIPT.match(source, start) if start != -1 else None
        if found is None:
            return
        end = source.find("</script", found.end())
        position = end if end != -1 else len(source)
        if position - found.end() < _LONGEST:
            with contextlib.suppress(ValueError, RecursionError):
                yield json.loads(source[found.end() : position], strict=False)


def _objects(value: Any, deep: int) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = [value.get("@graph"), value.get("mainEntity")]
    if isinstance(value, list) and deep:
        for one in value[:100]:
            yield from _objects(one, deep - 1)
