"""What kind of document some bytes hold, told by what stands in them and not by their name.

markup first   <rss, <feed, <rdf:RDF …      XML feed (malformed: rescue)
               <html, <!DOCTYPE html, <p …  HTML page or a piece of one
               <urlset, <opml …             XML, but nothing to clean
{ or [         JSON Feed, or JSON that is none
headers first  mail, or a page saved as MHTML
else           binary, text with HTML tags in it, Markdown, or plain text
"""

from __future__ import annotations

import re

from feedclean.errors import FeedcleanError, FormatError, LimitError
from feedclean.formats.encodings import bom_of, wide
from feedclean.formats.front_matter import front_matter_of
from feedclean.formats.json_feed import open_json_feed
from feedclean.formats.limits import Limits, check_size
from feedclean.formats.markdown import is_markdown, open_markdown
from feedclean.formats.mime_signs import is_message
from feedclean.formats.plain_text import open_plain_text
from feedclean.formats.rescue import rescue
from feedclean.formats.sent_with import as_sent
from feedclean.formats.web_page import open_web_page
from feedclean.formats.xml_feed import open_xml_feed
from feedclean.formats.xml_names import FEED_ROOTS
from feedclean.types import Document

__all__ = ["open_document"]

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF file", "save the page as HTML or text"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"PK\x03\x04", "a zip file", "unpack it first"),
    (b"BZh", "a bzip2 file", "unpack it first"),
    (b"\xfd7zXZ", "an xz file", "unpack it first"),
    (b"7z\xbc\xaf", "a 7z file", "unpack it first"),
    (b"Rar!", "a RAR file", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file", "unpack it first"),
    (b"\x89PNG", "an image", ""),
    (b"GIF8", "an image", ""),
    (b"\xff\xd8\xff", "an image", ""),
    (b"RIFF", "a sound or image file", ""),
    (b"\x00\x00\x01\x00", "an image", ""),
    (b"OggS", "a sound file", ""),
    (b"ID3", "a sound file", ""),
    (b"\x7fELF", "a program", ""),
    (b"MZ\x90", "a program", ""),
    (b"SQLite format 3", "a database", ""),
    (b"\xd0\xcf\x11\xe0", "an old office file", "save it as HTML or text"),
)
_READ = "RSS, Atom, JSON Feed, HTML, MHTML, mails, Markdown and plain text are read"
_GLANCE = 200_000  # bytes of a text in which signs of Markdown are looked for
_HTML_NAME = re.compile(
    r"""(?:a|abbr|acronym|address|amp-img|area|article|aside|audio|b|base|big|blockquote|body|br|button|
        canvas|caption|center|cite|code|col|dd|del|details|dialog|div|dl|dt|em|embed|fieldset|
        figcaption|figure|font|footer|form|frame|frameset|h1|h2|h3|h4|h5|h6|head|header|hgroup|hr|
        html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|meta|nav|noscript|
        object|ol|p|param|picture|pre|q|s|samp|script|section|select|small|source|span|strike|
        strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea|tfoot|th|thead|time|title|
        tr|tt|u|ul|var|video)\Z""",
    re.VERBOSE,
)
# What may stand before the first element. An unclosed one reaches to the end: no position is looked at twice.
_PROLOG = re.compile(
    rb"""\s+|<\?[^>]*(?:>|\Z)|<!--(?:.*?-->|.*\Z)
       |<!DOCTYPE(?:\s+(?P<doctype>[\w:.-]+))?[^\[<>]*+(?:\[.*?\]\s*>|>)?""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_NAME = re.compile(rb"</?(?:([\w.-]+):)?([A-Za-z][\w.-]*)")
_FEED_TAG = re.compile(rb"<(?:rss|feed|rdf:RDF)\b[^<>]{0,2000}?(?:xmlns|version)\b[^<>]{0,2000}>", re.IGNORECASE)
_HTML_TAG = re.compile(rb"</(?:p|div|a|b|i|em|strong|ul|ol|li|h[1-6]|table|span|article|section|body|html)\s*>"
                       rb"|<(?:p|br|hr)\s*/?>|<(?:p|a|img|div|span)\s[^<>]{0,2000}>", re.IGNORECASE)  # fmt: skip
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")


def open_document(
    data: bytes,
    *,
    where: str | None = None,
    url: str | None = None,
    charset: str | None = None,
    limits: Limits | None = None,
    in_place: bool = True,
) -> Document:
    """The document that `data` holds.

    Args:
        data: what a publisher sent, in any encoding, uncompressed.
        where: what errors call it: a path, a URL, `"-"`.
        url: where it was published; relative links are read against it.
        charset: the character set that was named when it was sent (`Content-Type`).
        limits: what reading it may cost.
        in_place: whether a whole page or a mail is itself the document, and not the article that it holds.

    Raises:
        LimitError: reading it would cost more.
        FormatError: it holds nothing that can be cleaned (empty, binary, another kind of XML or JSON, malformed
            beyond rescue, a page without an article).
    """
    try:
        return _open(data, url, charset, limits or Limits(), in_place)
    except FeedcleanError as fault:
        if where is not None:
            fault.at(where)
        raise


def _open(data: bytes, url: str | None, charset: str | None, limits: Limits, in_place: bool) -> Document:
    check_size(data, limits)
    plain = _plain(data)
    start = plain.lstrip()
    if not start:
        raise FormatError("empty", hint=_READ)
    for magic, what, hint in _MAGIC:
        if data.startswith(magic):
            raise FormatError(what, hint=hint or _READ)
    if is_message(start):
        from feedclean.formats.mail import open_mail

        return open_mail(start, url=url, limits=limits, in_place=in_place)
    if charset is not None:
        data = as_sent(data, charset)
        plain = _plain(data)
        start = plain.lstrip()
    if start[:1] == b"<":
        return _open_markup(data, start, url, limits, in_place)
    if start[:1] in (b"{", b"["):
        document = _open_json(data, start, url, limits)
        if document is not None:
            return document
    return _open_text(data, plain, url, limits, in_place)


def _open_text(data: bytes, plain: bytes, url: str | None, limits: Limits, in_place: bool) -> Document:
    if _is_binary(plain):
        raise FormatError("a binary file", hint=_READ)
    if _FEED_TAG.search(plain, 0, 65_536):
        return _open_feed(data, url, limits)
    head = plain[:_GLANCE].decode("utf-8", "replace")
    if not front_matter_of(head) and _HTML_TAG.search(plain):
        return _open_page(data, url, limits, in_place)
    if is_markdown(head):
        return open_markdown(data, url=url, limits=limits)
    return open_plain_text(data, url=url, limits=limits)


def _open_markup(data: bytes, start: bytes, url: str | None, limits: Limits, in_place: bool) -> Document:
    declared = start.startswith(b"<?xml")
    position, doctype = 0, b""
    while found := _PROLOG.match(start, position):
        doctype = doctype or (found["doctype"] or b"").lower()
        position = found.end()
    root = _NAME.match(start, position)
    name = root[2].decode().lower() if root else ""
    if doctype == b"html" or name == "html":
        return _open_page(data, url, limits, in_place)
    if name in FEED_ROOTS:
        return _open_feed(data, url, limits)
    if not _HTML_NAME.match(name) or root is None or root[1]:
        # Neither feed nor page by name: XML speaks for itself, and whatever is none may be a piece of a page.
        try:
            return open_xml_feed(data, url=url, limits=limits)
        except LimitError:
            raise
        except FormatError:
            if declared or (not _HTML_TAG.search(start) and name and "-" not in name):
                raise
    if _FEED_TAG.search(start, 0, 65_536) and not _HTML_NAME.match(name):
        return _open_feed(data, url, limits)
    return _open_page(data, url, limits, in_place)


def _open_page(data: bytes, url: str | None, limits: Limits, in_place: bool) -> Document:
    if in_place:
        return open_web_page(data, url=url, limits=limits)
    from feedclean.formats.article import open_page

    return open_page(data, url=url, limits=limits)


def _open_feed(data: bytes, url: str | None, limits: Limits) -> Document:
    try:
        return open_xml_feed(data, url=url, limits=limits)
    except LimitError:
        raise
    except FormatError as fault:
        feed = open_xml_feed(rescue(data, fault, limits), url=url, limits=limits)
        feed.rescued = fault.what
        return feed


def _open_json(data: bytes, start: bytes, url: str | None, limits: Limits) -> Document | None:
    try:
        return open_json_feed(data, url=url, limits=limits)
    except LimitError:
        raise
    except FormatError as fault:
        # "[Update] …" is how a text may begin; `{"` is not.
        if "malformed" in fault.what and not re.match(rb"\{\s*(?:\"|\})|\[\s*[\[{\"]", start):
            return None
        raise


def _plain(data: bytes) -> bytes:
    """The bytes in a superset of ASCII, so that one set of patterns fits all."""
    mark, marked = bom_of(data)
    name = marked or wide(data.lstrip(b"\r\n\t ")) or "utf-8"
    if name == "utf-8":
        return data[len(mark) :]
    return data[len(mark) :].decode(name, "replace").encode("utf-8", "replace")


def _is_binary(plain: bytes) -> bool:
    """Whether more than one in fifty of the first 8,192 bytes is a control character that no text uses."""
    head = plain[:8192]
    return len(_CONTROL.findall(head)) * 50 > len(head)
