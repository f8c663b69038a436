"""Documents of one's own, with what the model thinks of their blocks: a start for labelling, not a label.

Every block has a `guess` and its probability; training does not learn from guesses (`corpus.Example`).
"""

from __future__ import annotations

import hashlib
import html
import re
from urllib.parse import urlsplit

from ..types import Cleaned, CleanedItem, Format, Judged, Kind, Label, Markup, TitleLabel
from .documents import Document

__all__ = ["UNKNOWN", "prelabelled", "slug"]

UNKNOWN = "und"  # language of a document that declares none (ISO 639-2, "undetermined")
_ORDER = tuple(Label)
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def prelabelled(
    cleaned: Cleaned, origin: str, *, style: str | None = None, language: str | None = None
) -> list[Document]:
    """The items of a document, in the schema of `docs/labelling.md`.

    Args:
        cleaned: the document, judged.
        origin: where it comes from; it is noted, so that others know it for a real page.
        style: what folds are grouped by; the host that an item is published at, or else the origin, if `None`.
        language: ISO 639-1; what an item declares if `None`.

    Returns:
        One document for each item that has a block; the same item gives the same id.
    """
    return [
        document
        for item in cleaned.items
        if (document := _document(item, cleaned.format, origin, style, language)) is not None
    ]


def slug(origin: str) -> str:
    """A style for what comes from an address or a file.

    >>> slug("https://www.example.com/markets/1"), slug("saved pages/Page 1.html")
    ('example-com', 'saved-pages-page-1-html')
    """
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        host = ""
    return _NOT_SLUG.sub("-", (host.removeprefix("www.") or origin).lower()).strip("-")[:60] or "own"


def _document(item: CleanedItem, form: Format, origin: str, style: str | None, language: str | None) -> Document | None:
    bodies = [_blocks(body, field.markup) for body, field in zip(item.bodies, item.item.bodies, strict=True)]
    blocks = max(bodies, key=lambda body: sum(len(block["html"]) for block in body), default=[])
    if not blocks:
        return None
    title = item.title.block.text if item.title else ""
    language = language or item.item.language or UNKNOWN
    style = style or slug(item.item.url or origin)
    key = hashlib.sha256(f"{origin}\0{item.item.key}\0{title}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    document: Document = {
        "id": f"{language}-{style}-{key}",
        "lang": language,
        "kind": "article" if form in {Format.HTML, Format.TEXT} else "feed_item",
        "style": style,
        "title": title,
    }
    if item.title is not None:
        document["title_guess"] = (item.title.decision.label or TitleLabel.PLAIN).value
    return {**document, "source": {"set": "own", "document": item.item.url or origin}, "blocks": blocks}


def _blocks(body: tuple[Judged, ...], markup: Markup) -> list[Document]:
    found: list[Document] = []
    for one in body:
        verdict = one.decision.verdict
        if verdict is None or one.block.kind is Kind.SETTLED or not one.block.source.strip():
            continue
        probability, label = max(zip(verdict.probabilities, _ORDER, strict=True), key=lambda pair: pair[0])
        source = one.block.source if markup is Markup.HTML else html.escape(one.block.source, quote=False)
        block: Document = {"html": source, "guess": label.value, "probability": round(min(probability, 1.0), 4)}
        found.append({**block, "containers": list(one.block.containers)} if one.block.containers else block)
    return found
