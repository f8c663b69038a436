"""Mails (newsletters) and pages saved as MHTML, which are written like mails.

What is shown of a mail is its text: of alternatives the HTML one, else the plain one; of several texts all. Attachments
are not looked at, but for mails inside a mail (what is forwarded is what it is about) and for the pictures that a text
shows. A page in MHTML goes the way of other pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.header import Header
from email.message import Message
from email.utils import getaddresses

from feedclean.errors import FormatError
from feedclean.formats.article import Article, page_article
from feedclean.formats.encodings import known
from feedclean.formats.inline_data import lift
from feedclean.formats.limits import Limits, check_size, check_tags
from feedclean.formats.mail_pictures import inlined
from feedclean.formats.metadata import Metadata, filled, moment, read_metadata
from feedclean.formats.mime import Part, decoded, decoded_header, parse_parts
from feedclean.formats.one_item import OneItem
from feedclean.formats.text_codec import Codec, declared_charset, decode, readable
from feedclean.formats.web_page import visible
from feedclean.types import Document, Field, Format, Item, Markup

__all__ = ["Mail", "open_mail"]

_SHOWN = ("text/html", "text/plain")
_LOCATED = re.compile(r"(?:https?|file|cid):", re.IGNORECASE)
_SUBJECT = re.compile(rb"^(Subject:[ \t]*)([^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_MARK = re.compile(rb"^X-Feedclean-Title:[^\n]*\n", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Text:
    """A part that is shown, in characters."""

    part: Part
    text: str
    codec: Codec

    @property
    def markup(self) -> Markup:
        return Markup.HTML if self.part.kind == "text/html" else Markup.TEXT


def open_mail(data: bytes, *, url: str | None = None, limits: Limits | None = None, in_place: bool = False) -> Document:
    """The text of a mail, or the article of a page saved as MHTML.

    Args:
        data: the mail.
        url: where it was published, if it does not say so itself.
        limits: what reading it may cost.
        in_place: whether the mail itself is the document.

    Raises:
        LimitError: it is too large, or its parts are nested too deep.
        FormatError: it holds no text.
    """
    limits = limits or Limits()
    check_size(data, limits)
    top, parts = parse_parts(data, limits)
    page = _page(top, parts)
    shown = [_read(page, data)] if page else _shown(parts, data)
    if not shown:
        told = "no text in this mail" if parts else "a mail without its text"
        raise FormatError(told, hint="attachments are not read; save what you want cleaned as HTML or text")
    for one in shown:
        check_tags(one.text.encode("utf-8", "replace"), limits)
    cut_off = "" if all(one.part.ended for one in shown) else "its text breaks off"
    metadata = _metadata(top, shown, page, url)
    if in_place:
        return Mail(data, top, shown, metadata, Format.MHTML if page else Format.EML)
    if page:
        article = page_article(shown[0].text, url=metadata.url)
        article.rescued = cut_off
        return article
    held: list[str] = []
    pages = [readable(one.text) for one in shown if one.markup is Markup.HTML]
    html = iter([lift(text, held) for text in inlined(pages, parts, data, limits)])
    fields = tuple(
        Field(one.part.kind, next(html) if one.markup is Markup.HTML else readable(one.text), one.markup)
        for one in shown
    )
    article = Article(fields, metadata, held=held)
    article.rescued = cut_off
    return article


def _page(top: Message, parts: Sequence[Part]) -> Part | None:
    """The page of an MHTML file: what the file says is its start, else its first HTML part with an address."""
    if top.get_content_type() != "multipart/related":
        return None
    pages = [part for part in parts if part.kind == "text/html" and _LOCATED.match(_located(part))]
    start = top.get_param("start")
    wanted = str(top.get("snapshot-content-location", "")).strip()
    for part in pages:
        if (start and str(part.headers.get("content-id", "")).strip() == start) or (
            wanted and _located(part) == wanted
        ):
            return part
    return pages[0] if pages else None


def _located(part: Part) -> str:
    return "".join(str(part.headers.get("content-location", "")).split())


def _shown(parts: Sequence[Part], data: bytes) -> list[_Text]:
    """The texts that a mail reader would show."""
    texts = [_read(part, data) for part in parts if part.kind in _SHOWN and not part.attached]
    texts = [one for one in texts if visible(one.text)]
    named = [one for one in texts if not one.part.headers.get_filename()]
    texts = named or texts
    chosen: dict[int, int] = {}  # which child of each set of alternatives
    for one in texts:
        for number, kind, child in one.part.containers:
            if kind == "multipart/alternative" and (number not in chosen or one.markup is Markup.HTML):
                chosen[number] = child
    return [one for one in texts if all(chosen.get(number, child) == child for number, _, child in one.part.containers)]


def _read(part: Part, data: bytes) -> _Text:
    content = part.payload(data)
    text, codec = decode(content, _charset(part, content))
    return _Text(part, text, codec)


def _charset(part: Part, content: bytes) -> str | None:
    """What the characters of a part are in: as its header claims, unless they speak against it."""
    claimed = known(part.charset) if part.charset else None
    if claimed is None:
        return declared_charset(content)
    # Every byte is a character in an eight-bit set; a text that is UTF-8 throughout was not written in one.
    if claimed.startswith(("iso8859", "cp125", "latin", "ascii")) and not content.isascii():
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return claimed
        return "utf-8"
    return claimed


def _metadata(top: Message, shown: Sequence[_Text], page: Part | None, url: str | None) -> Metadata:
    subject = decoded_header(top, "subject")
    if page:
        located = _located(page)
        address = url or (located if located.startswith(("http:", "https:")) else None)
        return filled(replace(read_metadata(shown[0].text, address), title=""), Metadata(title=subject))
    # Parted first and decoded then: an encoded name may hold a comma.
    sender = getaddresses([" ".join(str(top.get("from", "")).split())])
    name, address = (decoded(one) for one in sender[0]) if sender else ("", "")
    archived = decoded_header(top, "archived-at").strip("<>")
    html = next((one.text for one in shown if one.markup is Markup.HTML), "")
    language = decoded_header(top, "content-language")[:2].lower()
    said = Metadata(
        title=subject,
        authors=(name or address,) if name or address else (),
        published=moment(decoded_header(top, "date")),
        language=language if language.isalpha() else None,
        site=re.sub(r"\s*<[^<>]*>", "", decoded_header(top, "list-id")).strip('"') or None,
        url=archived if archived.startswith(("http:", "https:")) else url,
    )
    head = read_metadata(html) if html else Metadata()
    return filled(said, Metadata(title=head.title, language=head.language))


class Mail(OneItem):
    """A mail or an MHTML file as it is: only the payloads of the texts that change are written anew.

    Its title is the subject; a mark of it is a header, in place of an earlier one.
    """

    def __init__(self, data: bytes, top: Message, shown: Sequence[_Text], metadata: Metadata, kind: Format) -> None:
        self._original = data
        self._shown = shown
        key = " ".join(str(top.get("message-id", "")).split()) or metadata.url or "0"
        title = Field("Subject", metadata.title, Markup.TEXT) if metadata.title else None
        bodies = tuple(Field(one.part.kind, one.text, one.markup) for one in shown)
        super().__init__(kind, Item(key, title, bodies, metadata.url, metadata.language))

    def to_bytes(self) -> bytes:
        """The mail with what was replaced.

        Raises:
            FormatError: a signature would no longer hold, or a text cannot be written back.
        """
        pieces: list[bytes] = []
        position = 0
        for one, text in zip(self._shown, self._texts, strict=True):
            if text != one.text:
                pieces += (self._original[position : one.part.start], _written(one, text, self._original))
                position = one.part.end
        return self._with_headers(b"".join((*pieces, self._original[position:])))

    def _with_headers(self, data: bytes) -> bytes:
        if self._new_title == self._title and self._mark is None:
            return data
        end = min((place for place in (data.find(b"\n\n"), data.find(b"\n\r\n")) if place != -1), default=-1) + 1
        if not end:
            return data
        head = data[:end]
        if self._mark is not None:
            mark = f"X-Feedclean-Title: {self._mark}".encode() + (b"\r\n" if b"\r\n" in head else b"\n")
            head = _MARK.sub(b"", head) + mark * bool(self._mark)
        if self._new_title != self._title:
            written = Header(self._new_title, "utf-8" if not self._new_title.isascii() else "ascii").encode().encode()
            head = _SUBJECT.sub(lambda found: found[1] + written, head, count=1)
        return head + data[end:]


def _written(one: _Text, text: str, data: bytes) -> bytes:
    """A new payload."""
    if any(kind == "multipart/signed" for _, kind, _ in one.part.containers):
        raise FormatError("a signed mail: with anything cut, its signature would not hold", hint=_APART)
    html = one.markup is Markup.HTML
    content = one.codec.encode(text, html=html)
    if not html and one.codec.encode(text, html=False).decode(one.codec.name, "replace") != text:
        raise FormatError(f"new characters that {one.codec.name} lacks", hint=_APART)
    return one.part.encoded(content, data)


_APART = "clean it without --in-place"
