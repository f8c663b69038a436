"""What a document is, is told by its content."""

from __future__ import annotations

import gzip
import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.errors import FeedcleanError, FormatError, LimitError
from feedclean.formats.limits import Limits
from feedclean.formats.sent_with import as_sent
from feedclean.formats.sniff import open_document
from feedclean.types import Format

FEED = '<rss version="2.0"><channel><title>t</title><item><title>x</title></item></channel></rss>'
JSON = json.dumps({"version": "https://jsonfeed.org/version/1", "title": "t", "items": []})

RUSSIAN = "Выручка Харроумира выросла в третьем квартале на четыре процента."
POLISH = "Spółka poinformowała, że przychody wzrosły, łącznie z Anglią i źródłami."
JAPANESE = "同社は火曜日、第三四半期の売上高が増加したと発表した。"
GERMAN = "Die Größe des Umsatzes überraschte."

KINDS: list[tuple[bytes, Format]] = [
    (FEED.encode(), Format.RSS),
    (b"<?xml version='1.0'?><!-- <html> --><?go?>\n" + FEED.encode(), Format.RSS),
    (b"\xef\xbb\xbf  \n" + FEED.encode(), Format.RSS),
    (FEED.encode("utf-16"), Format.RSS),
    (f"<?xml version='1.0' encoding='utf-16'?>{FEED}".encode(), Format.RSS),
    (f"<?xml version='1.0' encoding='cp037'?>{FEED}".encode("cp037"), Format.RSS),
    (b"Warning: cannot modify header\n" + FEED.encode(), Format.RSS),
    (b'<!DOCTYPE rss SYSTEM "x.dtd" [<!ENTITY a "<html>">]>' + FEED.encode(), Format.RSS),
    (b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><item/></rdf:RDF>', Format.RSS),
    (b'<feed xmlns="http://www.w3.org/2005/Atom"/>', Format.ATOM),
    (b'<a:feed xmlns:a="http://www.w3.org/2005/Atom"/>', Format.ATOM),
    (b'<entry xmlns="http://www.w3.org/2005/Atom"/>', Format.ATOM),
    (JSON.encode(), Format.JSONFEED),
    (JSON.encode("utf-8-sig"), Format.JSONFEED),
    (JSON.encode("utf-16"), Format.JSONFEED),
    (b"<!doctype html><title>x</title>", Format.HTML),
    (b"<html><p>x", Format.HTML),
    (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", Format.HTML),
    (b"<p>A piece of a page", Format.HTML),
    (b"<!-- a comment --><div>x</div>", Format.HTML),
    (b"<my-card>x</my-card>", Format.HTML),
    (b"</div>the rest of a page</p>", Format.HTML),
    (b"Words first, <b>then</b> tags", Format.HTML),
    (b"<!DOCTYPE html><p>".decode().encode("utf-16"), Format.HTML),
    (b"Just words.", Format.TEXT),
    (b"1 < 2 & 3 > 2", Format.TEXT),
    (b"[Update] The bank said", Format.TEXT),
    (b"{sic} The bank said", Format.TEXT),
    ("Stra\u00dfe".encode("latin-1"), Format.TEXT),
    ("Stra\u00dfe".encode("utf-16"), Format.TEXT),
]

REFUSED: list[tuple[bytes, str]] = [
    (b"", "empty; RSS"),
    (b" \r\n\t ", "empty; RSS"),
    (b"\xef\xbb\xbf", "empty; RSS"),
    (b"%PDF-1.7 ...", "a PDF file; save"),
    (gzip.compress(b"x", mtime=0), "a gzip file; unpack"),
    (b"PK\x03\x04\x00", "a zip file; unpack"),
    (b"\x89PNG\r\n", "an image"),
    (bytes(range(256)) * 8, "a binary file"),
    (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", "its root is <urlset>; this is a sitemap"),
    (b"<?xml version='1.0'?><opml version='2.0'><body/></opml>", "its root is <opml>; this is a list of feeds"),
    (b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>", "its root is <RDF>"),
    (b'{"a": 1}', "JSON, but no JSON Feed"),
    (b"[1, 2]", "JSON, but no JSON Feed"),
    (b'{"version": "https://jsonfeed.org/version/1",', "malformed JSON at line 1"),
    (b'{"version": "https://jsonfeed.org/version/1", "items": 3}', "its items are no list"),
    (b'{"version": "https://jsonfeed.org/version/1", "x": NaN}', "NaN is no number"),
    (b"<rss><channel></rss>", "not well-formed at line 1"),
]


@pytest.mark.parametrize(("data", "kind"), KINDS)
def test_content_tells_the_format(data: bytes, kind: Format) -> None:
    """Each kind of document is known by what it begins with, whatever its encoding says."""
    assert open_document(data).format is kind


@pytest.mark.parametrize(("data", "told"), REFUSED)
def test_what_holds_nothing_to_clean_is_refused_in_one_line(data: bytes, told: str) -> None:
    """The refusal names the source, the fault, and where possible what to do."""
    with pytest.raises(FormatError) as fault:
        open_document(data, where="feeds/a.xml")
    line = str(fault.value)
    assert line.startswith("feeds/a.xml: ")
    assert told in line
    assert "\n" not in line


def test_more_bytes_than_allowed_are_not_looked_at() -> None:
    """The size is checked first."""
    with pytest.raises(LimitError, match="7 bytes, more than the 6"):
        open_document(b"%PDFxxx", limits=Limits(bytes=6))


PIECES = st.sampled_from(
    [
        *b"< > </ <!-- --> <![CDATA[ ]]> <?xml ?> <!DOCTYPE [ ] &amp; & <rss> <channel> <item> <title>".split(),
        *b"<feed <entry> <html xmlns='http://www.w3.org/2005/Atom' <meta charset= shift_jis utf-16 <p =' % x".split(),
        *b'{"version":"https://jsonfeed.org/version/1","items":[ " { } , :'.split(),
        *(b" ", b"\n", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9", b"\xc3\xa9", b"\xe2\x80\xa8"),
    ]
)


@given(st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=14).map(b"".join)))
def test_any_bytes_give_a_document_or_a_format_error(data: bytes) -> None:
    """Nothing but our own errors leaves; a document writes what opens again and stays the same."""
    try:
        document = open_document(data, limits=Limits(seconds=2))
    except FormatError:
        return
    except FeedcleanError as other:
        raise AssertionError from other
    written = document.to_bytes()
    again = open_document(written)
    assert again.format is document.format
    assert again.to_bytes() == written


@pytest.mark.parametrize(
    ("text", "encoding", "sent", "meta"),
    [
        (RUSSIAN, "cp1251", "windows-1251", ""),
        (POLISH, "iso8859-2", "ISO-8859-2", ""),
        (JAPANESE, "cp932", "Shift_JIS", ""),
        (JAPANESE, "iso2022_jp", "iso-2022-jp", ""),
        (RUSSIAN, "koi8-r", "koi8-r", "windows-1251"),  # recoded on its way, and nobody told the page
        (RUSSIAN, "cp1251", "iso-8859-1", "windows-1251"),  # what servers say that do not know
        (RUSSIAN, "cp1251", "utf-8", "windows-1251"),
        (RUSSIAN, "cp1251", "no-such-set", "windows-1251"),
        (GERMAN, "utf-8", "iso-8859-15", ""),  # nothing is UTF-8 by chance
        (RUSSIAN, "utf-8", "utf-8", "windows-1251"),  # as in JSON lines, whose pages were characters once
    ],
)
def test_what_a_page_was_sent_with_tells_how_to_read_it(text: str, encoding: str, sent: str, meta: str) -> None:
    said = f"<meta charset={meta}>" if meta else ""
    page = f"<html><head>{said}<title>{text}</title></head><body><p>{text}</p></body></html>"
    for source in (page, page.replace("html>", "div>")):
        for in_place in (True, False):
            document = open_document(source.encode(encoding), charset=sent, in_place=in_place)
            assert text in document.items[0].bodies[0].text
            again = open_document(document.to_bytes())  # whoever reads it next is told nothing
            assert text in again.items[0].bodies[0].text


@pytest.mark.parametrize(
    "form", ["{}", "# Head\n\n{}", '<rss version="2.0"><channel><item><title>{}</title></item></channel></rss>']
)
def test_what_texts_and_feeds_were_sent_with_tells_how_to_read_them(form: str) -> None:
    document = open_document(form.format(RUSSIAN).encode("koi8-r"), charset="koi8-r")
    assert RUSSIAN in document.to_bytes().decode("utf-8-sig")


def test_what_xml_says_of_itself_is_truer_than_what_it_was_sent_with() -> None:
    data = f"<?xml version='1.0' encoding='windows-1251'?>{FEED.replace('>x<', f'>{RUSSIAN}<')}".encode("cp1251")
    title = open_document(data, charset="koi8-r").items[0].title
    assert title is not None and title.text == RUSSIAN


@pytest.mark.parametrize(
    ("encoding", "said", "sent"),
    [
        ("cp1251", "utf-8", "windows-1251"),  # recoded on its way, or written by a template
        ("koi8-r", "UTF-8", "koi8-r"),
        ("cp1251", "no-such-set", "windows-1251"),
        ("utf-8", "iso-8859-1", "utf-8"),  # nothing is UTF-8 by chance
        ("utf-8", "windows-1252", "UTF-8"),
        ("utf-8", "ascii", "utf-8"),
        ("utf-8", "utf-8", "windows-1251"),  # a server that says one and the same of all it sends
        ("utf-8", "utf-8", "iso-8859-1"),
        ("utf-8-sig", "windows-1251", "windows-1251"),
        ("cp1251", "windows-1251", "utf-8"),
        ("utf-16", "utf-16", "windows-1251"),
        ("utf-16", "utf-16", "utf-8"),
    ],
)
def test_what_xml_was_sent_with_counts_where_its_bytes_speak_against_its_declaration(
    encoding: str, said: str, sent: str
) -> None:
    data = f"<?xml version='1.0' encoding='{said}'?>{FEED.replace('>x<', f'>{RUSSIAN}<')}".encode(encoding)
    for form in (data, data.replace(b"encoding='", b'encoding = "').replace(b"'?>", b'"?>')):
        document = open_document(form, charset=sent)
        title = document.items[0].title
        assert title is not None and title.text == RUSSIAN
        again = open_document(document.to_bytes()).items[0].title  # whoever reads it next is told nothing
        assert again is not None and again.text == RUSSIAN


def test_a_byte_that_is_wrong_does_not_turn_a_feed_into_another_alphabet() -> None:
    data = f"<?xml version='1.0' encoding='utf-8'?>{FEED.replace('>x<', f'>{RUSSIAN}<')}".encode().replace(
        b"t<", b"\xfft<"
    )
    assert open_document(data, charset="koi8-r").to_bytes() == open_document(data).to_bytes()


@given(
    st.text(),
    st.sampled_from(["utf-8", "utf-16", "koi8-r", "windows-1252", "gb18030"]),
    st.sampled_from(
        ["utf-8", "windows-1251", "shift_jis", "utf-16", "utf-7", "idna", "iso-2022-jp", "iso-8859-1", "", "big5"]
    ),
)
def test_no_header_spoils_xml_that_tells_its_encoding_truly(text: str, said: str, sent: str) -> None:
    feed = f"<?xml version='1.0' encoding='{said}'?>{FEED.replace('>x<', f'>{RUSSIAN} {html.escape(text)}<')}"
    data = feed.encode(said, "xmlcharrefreplace" if said != "utf-8" and "16" not in said else "replace")
    assert as_sent(data, sent) is data


@given(
    st.binary(), st.sampled_from(["utf-8", "windows-1251", "shift_jis", "utf-16", "utf-7", "idna", "iso-2022-jp", ""])
)
def test_whatever_it_was_sent_with_any_bytes_give_a_document_or_a_format_error(data: bytes, charset: str) -> None:
    try:
        assert open_document(b"<p>" + data, charset=charset).items
    except FeedcleanError:
        return
