"""The facts at the top of a Markdown file: `key: value` lines between two lines of dashes, as YAML has them.

Read is what articles have there (words, quoted words, lists of them); what is written is YAML for any parser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from feedclean.formats.metadata import Metadata, moment

__all__ = ["front_matter_of", "read_front_matter", "retitled", "write_front_matter"]

_BLOCK = re.compile(
    r"\ufeff?---[ \t]*\r?\n((?:(?!(?:---|\.\.\.)[ \t]*\r?$)[^\n]*\n){0,500}?)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)",
    re.MULTILINE,
)
_LINE = re.compile(r"([A-Za-z_][\w-]{0,60})[ \t]*:(?:[ \t]+(.*?))?[ \t]*\r?$")
_LISTED = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,]+)""")
_LIVE = re.compile(r"<(?=[A-Za-z/!?])|(?<=\])\(|[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TITLE = re.compile(
    r"^(title[ \t]*:)[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*|\r?\n(?=\r?\n[ \t]))*(\r?\n)", re.IGNORECASE | re.MULTILINE
)
_FOLDED = re.compile(r"[|>][+-]?[1-9]?[+-]?")
_ENTRY = re.compile(r"[ \t]*-[ \t]+(.*?)[ \t]*\r?$")


def front_matter_of(source: str) -> str:
    """The front matter that a text begins with, its dashes included; empty if it has none."""
    found = _BLOCK.match(source)
    return found[0] if found and any(map(_LINE.match, found[1].split("\n"))) else ""


def read_front_matter(source: str) -> Metadata:
    """What front matter says about its article."""
    said: dict[str, list[str]] = {}
    key, folded = "", False  # folded: its text stands in the indented lines below
    for line in source.split("\n"):
        found, entry = _LINE.match(line), _ENTRY.match(line)
        if folded and line[:1] in (" ", "\t"):
            said[key] = [" ".join([*said[key], line.strip()])]
        elif entry and key:
            said[key].append(_plain(entry[1]))
        elif found:
            key = found[1].lower()
            folded = bool(_FOLDED.fullmatch(found[2] or ""))
            said[key] = [] if folded else _values(found[2] or "")
    given = {key: [value for value in values if value] for key, values in said.items()}
    address = _first(given, "url", "canonical_url", "canonical", "link", "source")
    language = _first(given, "language", "lang")[:2].lower()
    return Metadata(
        title=_first(given, "title"),
        authors=tuple(given.get("authors") or given.get("author") or ()),
        published=moment(_first(given, "published", "date", "date_published", "pubdate")),
        language=language if len(language) == 2 and language.isalpha() else None,
        site=_first(given, "site", "sitename", "publisher") or None,
        url=address if address.startswith(("http://", "https://")) else None,
        description=_first(given, "description", "summary", "excerpt") or None,
        tags=tuple(given.get("tags") or given.get("categories") or given.get("keywords") or ()),
    )


def write_front_matter(facts: Mapping[str, str | Sequence[str] | None]) -> str:
    """Front matter that says `facts`, without those that are empty; empty if nothing is known."""
    lines = [f"{key}: {_quoted(value)}\n" for key, value in facts.items() if value]
    return f"---\n{''.join(lines)}---\n" if lines else ""


def retitled(source: str, title: str) -> str:
    """Front matter with another title, and the rest as it was; without a title it stays as it is."""
    return _TITLE.sub(lambda found: f"{found[1]} {_quoted(title)}{found[2]}", source, count=1)


def _quoted(value: str | Sequence[str]) -> str:
    """As JSON quotes it, which YAML reads the same way; no markup even for those who take front matter for text."""
    return _LIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _values(written: str) -> list[str]:
    if written.startswith("[") and written.endswith("]"):
        return [_plain(one) for one in _LISTED.findall(written[1:-1])]
    return [_plain(written)]


def _plain(written: str) -> str:
    """A scalar: quoted as JSON or with single quotes, or as it stands."""
    written = written.strip()
    if written[:1] == '"' and written[-1:] == '"' and len(written) > 1:
        try:
            value = json.loads(written, strict=False)
        except ValueError:
            value = written[1:-1]
        return " ".join(value.split()) if isinstance(value, str) else ""
    if written[:1] == "'" and written[-1:] == "'" and len(written) > 1:
        return written[1:-1].replace("''", "'")
    return written


def _first(given: Mapping[str, list[str]], *keys: str) -> str:
    return next((given[key][0] for key in keys if given.get(key)), "")
