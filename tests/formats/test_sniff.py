"""What a document is, is told by its content."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.errors import FeedcleanError, FormatError, LimitError
from feedclean.formats.limits import Limits
from feedclean.formats.sniff import open_document
from feedclean.types import Format

FEED = '<rss version="2.0"><channel><title>t</title><item><title>x</title></item></channel></rss>'
JSON = json.dumps({"version": "https://jsonfeed.org/version/1", "title": "t", "items": []})

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
