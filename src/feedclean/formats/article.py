"""A saved article: what is news on a whole page, to be judged like any other text and written as a page to read.

page ── whole? ──no──> as it is (web_page.py)
         │yes
         ├─ nothing but an article ──> as it is
         ├─ written by us ───────────> its article, which is taken on trust
         └─ else ──> extraction.py ──> Article ── to_bytes ──> reader_page.py
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from feedclean.formats.captions import lift_captions, put_down_captions
from feedclean.formats.inline_data import lift, put_down
from feedclean.formats.limits import Limits, check_size, check_tags
from feedclean.formats.metadata import Metadata, read_metadata
from feedclean.formats.one_item import OneItem
from feedclean.formats.reader_page import headed, is_reader_page, parted, reader_page, without_title
from feedclean.formats.text_codec import declared_charset, decode, readable
from feedclean.formats.web_page import MARK, open_web_page, title_mark
from feedclean.formats.xml_repair import declared_encoding
from feedclean.types import Document, Field, Format, Item, Markup

__all__ = ["Article", "open_page", "page_article"]

_WHOLE = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
# What stands around articles, or does something: on a page without any of it there is nothing to be taken away.
_AROUND = re.compile(
    r"""<(?:script|style|nav|aside|header|footer|form|i?frame|object|embed|button|input|select|textarea|svg|template
           |noscript|dialog|menu|canvas|video|audio|base|math)\b
      | <[^<>]*[\s"'/](?:on[a-z]+\s*=|style\s*=|(?:rel|http-equiv)\s*=\s*["']?(?:stylesheet|preload|refresh|import))
      | javascript:|data:""",
    re.IGNORECASE | re.VERBOSE,
)
_MARKED = re.compile(rf'<meta name="{MARK}" content="([a-z]+ [01]\.\d\d)">')
_LONG = 200_000  # characters; a page with less around its article than that is rare, and none is as long
_LINKED = 300  # characters of source for each link that a bare article has


def open_page(data: bytes, *, url: str | None = None, limits: Limits | None = None) -> Document:
    """The article of the page that `data` holds; `url` is where it came from.

    A piece of a page, and a page that is nothing but its article, is the document itself.

    Raises:
        LimitError: it is too large, or nested too deep.
        FormatError: it holds no article.
    """
    limits = limits or Limits()
    check_size(data, limits)
    check_tags(data, limits)
    text, _ = decode(data, declared_charset(data) or declared_encoding(data))
    if not _WHOLE.search(text) or _is_bare(text):
        return open_web_page(data, url=url, limits=limits)
    return page_article(text, url=url)


def page_article(source: str, *, url: str | None = None) -> Article:
    """The article of a whole page in characters.

    Args:
        source: the page.
        url: where it was published.

    Raises:
        LimitError: it is nested too deep.
        FormatError: it holds no article.
    """
    head = read_metadata(source, url)
    held: list[str] = []
    if is_reader_page(source):
        text, extracted = parted(source)
        text = lift(lift_captions(text), held)
        marked = _MARKED.search(source, 0, 20_000)
        mark = marked[1] if marked else ""
        return Article((Field("article", text, Markup.HTML),), head, extracted=extracted, held=held, mark=mark)
    from feedclean.formats.extraction import extract

    found = extract(lift(source, held), head.url or url, known=head)
    text = readable(found.html)
    known = replace(found.metadata, title=headed(text, found.metadata.title))
    return Article((Field("article", text, Markup.HTML),), known, extracted=found.chosen, held=held)


def _is_bare(text: str) -> bool:
    if len(text) > _LONG or "<script" in text or text.lower().count("<a ") * _LINKED > len(text) + 2 * _LINKED:
        return False
    return not _AROUND.search(text)


class Article(OneItem):
    """One article in memory; it is written as a page to read."""

    rescued = ""

    def __init__(
        self,
        bodies: Sequence[Field],
        metadata: Metadata,
        *,
        extracted: bool = False,
        held: Sequence[str] = (),
        mark: str = "",
    ) -> None:
        self.metadata = metadata
        self._held = held
        title = Field("title", metadata.title, Markup.TEXT) if metadata.title else None
        item = Item(metadata.url or "0", title, tuple(bodies), metadata.url, metadata.language)
        super().__init__(Format.HTML, item)
        self.extracted = extracted
        self._mark = mark

    def to_bytes(self) -> bytes:
        """A page to read, in UTF-8; made safe whoever wrote it, because anybody can begin a page as ours do."""
        from feedclean.formats.sanitize import paragraphs, safe_html

        texts = [
            text if body.markup is Markup.HTML else paragraphs(text)
            for text, body in zip(self._texts, self.items[0].bodies, strict=True)
        ]
        body = put_down_captions(put_down(safe_html("\n".join(texts), self.metadata.url), self._held))
        metadata = replace(self.metadata, title=self._new_title)
        body = without_title(body.strip(), self.metadata.title)
        body = body if "<pre" in body else _GAPS.sub("\n", body)
        mark = title_mark(self._mark or "")
        return reader_page(metadata, body, extracted=self.extracted, mark=mark).encode("utf-8", "replace")


_GAPS = re.compile(r"\n{2,}")
