"""What the result of a source is called in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from ..bulk import Outcome, Target
from ..types import Format

__all__ = ["places"]

_SUFFIX = {
    Target.RSS: ".rss",
    Target.ATOM: ".atom",
    Target.JSONFEED: ".json",
    Target.JSONL: ".jsonl",
    Target.JSON: ".json",
    Target.HTML: ".html",
    Target.MARKDOWN: ".md",
    Target.TEXT: ".txt",
}
_NATIVE = {
    Format.RSS: ".rss",
    Format.ATOM: ".atom",
    Format.JSONFEED: ".json",
    Format.HTML: ".html",
    Format.MHTML: ".mhtml",
    Format.EML: ".eml",
    Format.MARKDOWN: ".md",
    Format.TEXT: ".txt",
}
_MAILS = frozenset((".eml", ".mht", ".mhtml"))


def places(outcome: Outcome) -> Iterator[PurePath]:
    """Where a result may stand in a folder, best first, without end."""
    source = outcome.source
    path = source.path or source.place
    given = PurePath(*(part for part in path.relative_to(path.anchor).parts if part != ".."))
    suffix = _suffix(outcome)
    for place in (source.place, given):
        if suffix is None:
            yield place
        else:
            yield place.with_suffix(suffix)
            yield place.with_name(place.name + suffix)
    number = 2
    while True:
        yield source.place.with_name(f"{source.place.stem}-{number}{suffix or source.place.suffix}")
        number += 1


def _suffix(outcome: Outcome) -> str | None:
    """The ending that tells the new format; `None` if the source's own name still does."""
    if outcome.target is not None:
        return _SUFFIX[outcome.target]
    if outcome.cleaned is None:
        return None
    source = outcome.source
    # A mail whose text has become a page is no mail any more.
    unlike = outcome.cleaned.format is Format.HTML and source.place.suffix.lower() in _MAILS
    # Standard input has no name, and what was published at an address got its name before it was known what it is.
    ours = source.path is None and (source.url is not None or not source.place.suffix)
    return _NATIVE[outcome.cleaned.format] if ours or unlike else None
