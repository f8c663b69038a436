"""Pages and pieces of pages: the whole source is one body, and what is not changed stays byte for byte."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.formats.web_page import WebPage, open_web_page
from feedclean.types import TitleLabel

PAGE = (
    '<!DOCTYPE html>\r\n<html lang="de-AT"><head><!-- <title>no</title> --><script>"<title>no</title>"</script>\n'
    "<title>Zinsen &amp;\n Rohstoffe</title><link rel='canonical' href='/a?b=1&amp;c=2'></head>"
    "<body><svg><title>icon</title></svg><h1>Heading</h1><p>Text</p></body></html>"
)


def title_of(page: WebPage) -> str | None:
    title = page.items[0].title
    return title.text if title else None


def body_of(page: WebPage) -> str:
    return page.items[0].bodies[0].text


def test_the_facts_of_a_page_come_from_its_head() -> None:
    """Title, address and language; comments, scripts and drawings are passed over."""
    found = open_web_page(PAGE.encode(), url="https://h/x/y").items[0]
    assert found.title is not None and found.title.text == "Zinsen & Rohstoffe"
    assert (found.key, found.url, found.language) == ("https://h/a?b=1&c=2", "https://h/a?b=1&c=2", "de")
    assert found.bodies[0].text == PAGE


def test_a_page_without_a_title_is_called_by_its_first_heading() -> None:
    """A heading that shows nothing does not count."""
    page = open_web_page(b"<h1><img></h1><h1>Real <i>one</i></h1><h1>two</h1>")
    assert title_of(page) == "Real one"
    page.replace(0, None, "[Ad] Real one")
    assert page.to_bytes() == b"<h1><img></h1><h1>[Ad] Real <i>one</i></h1><h1>two</h1>"
    assert title_of(open_web_page(b"<p>none")) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("\u00e9\u20ac".encode(), "\u00e9\u20ac"),
        (b"\xef\xbb\xbf<p>\xc3\xa9", "<p>\u00e9"),
        (b"<p>\x93caf\xe9\x94", "<p>\u201ccaf\u00e9\u201d"),
        (b"<meta charset=iso-8859-1><p>\x80", "<meta charset=iso-8859-1><p>\u20ac"),
        ("<meta charset=shift_jis>\u682a".encode("shift_jis"), "<meta charset=shift_jis>\u682a"),
        ("<meta charset=utf-16>\u00e9".encode(), "<meta charset=utf-16>\u00e9"),
        ("<meta charset=idna>\u00e9".encode(), "<meta charset=idna>\u00e9"),
        ("<meta http-equiv=x content='text/html; charset=koi8-r'>\u0431".encode("koi8-r"), "\u0431"),
        ("<p>\u00e9".encode("utf-16"), "<p>\u00e9"),
        ("<?xml version='1.0' encoding='cp1251'?><html>\u0431".encode("cp1251"), "\u0431"),
    ],
)
def test_encodings_are_found_by_mark_declaration_and_fit(data: bytes, text: str) -> None:
    """And written back as they were."""
    page = open_web_page(data)
    assert body_of(page).endswith(text)
    page.replace(0, 0, body_of(page) + "<!---->")
    assert page.to_bytes().startswith(data)
    assert open_web_page(page.to_bytes()).items[0].bodies[0].text == body_of(page) + "<!---->"


def test_new_characters_that_the_encoding_lacks_become_references() -> None:
    """A page in ISO 8859-7 can still say snowman."""
    page = open_web_page("<meta charset=iso-8859-7><p>\u03b1".encode("iso-8859-7"))
    page.replace(0, 0, body_of(page) + "\u2603")
    assert page.to_bytes() == "<meta charset=iso-8859-7><p>\u03b1&#9731;".encode("iso-8859-7")


def test_one_wrong_byte_does_not_turn_a_page_into_another_alphabet() -> None:
    """Stray bytes stand as private-use characters and become the same bytes again."""
    data = "<p>\u00e9\u00e9\u00e9".encode() + b"\xff\x00 ok \xc3"
    page = open_web_page(data)
    assert body_of(page).startswith("<p>\u00e9\u00e9\u00e9")
    body_of(page).encode()  # no lone surrogates
    page.replace(0, 0, body_of(page).replace("ok", "fine"))
    assert page.to_bytes() == data.replace(b"ok", b"fine")


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"<meta charset=gb18030>", b"<meta charset=cp1252>", b"\xff\xfe"])
)
def test_any_bytes_survive_a_change_elsewhere(data: bytes, start: bytes) -> None:
    """What stands before a change is the same bytes after it, and what is unchanged is the same object of bytes."""
    data = start + data
    page = open_web_page(data)
    assert page.to_bytes() == data
    body_of(page).encode()
    if b"gb18030" not in start:  # two spellings of one character may become one
        page.replace(0, 0, body_of(page) + "+")
        assert page.to_bytes().startswith(data)


def test_a_title_is_marked_in_the_head_once() -> None:
    """One meta element before the end of the head, updated in place, and gone without a trace."""
    page = open_web_page(PAGE.encode())
    page.mark_title(0, TitleLabel.CLICKBAIT, 0.5)
    page.mark_title(0, TitleLabel.CLICKBAIT, 0.934)
    once = page.to_bytes()
    assert once == PAGE.replace("</head>", '<meta name="feedclean:title" content="clickbait 0.93"></head>').encode()
    again = open_web_page(once)
    again.mark_title(0, TitleLabel.CLICKBAIT, 0.93)
    assert again.to_bytes() == once
    again.mark_title(0, TitleLabel.CLICKBAIT, 0.7)
    assert again.to_bytes() == once.replace(b"0.93", b"0.70")
    again.mark_title(0, TitleLabel.PLAIN, 0.7)
    assert again.to_bytes() == PAGE.encode()
    bare = open_web_page(b"<p>no head")
    bare.mark_title(0, TitleLabel.CLICKBAIT, 0.9)
    assert bare.to_bytes() == b"<p>no head"


def test_title_body_and_mark_change_together_in_any_order() -> None:
    """Each finds its place in what the others left."""
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        page = open_web_page(PAGE.encode())
        for step in order:
            if step == 0:
                page.replace(0, 0, PAGE.replace("<p>Text</p>", ""))
            elif step == 1:
                page.replace(0, None, "<Ad> Zinsen & Rohstoffe")
            else:
                page.mark_title(0, TitleLabel.CLICKBAIT, 0.9)
        written = page.to_bytes().decode()
        assert "<p>" not in written
        assert "<title>&lt;Ad&gt; Zinsen &amp;\n Rohstoffe</title>" in written
        assert 'content="clickbait 0.90"></head>' in written


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<title>",
        "<h1>",
        "</h1>",
        "<script>",
        "<!--",
        '<link "',
        "<meta ",
        "<p '",
        "<base href=",
        "<svg",
        "\x00",
        "</head>",
    ],
)
def test_hostile_pages_take_linear_time(piece: str) -> None:
    """50,000 of anything are read and written in a moment."""
    data = b"<html>" + piece.encode() * 50_000
    start = time.process_time()
    page = open_web_page(data)
    page.mark_title(0, TitleLabel.CLICKBAIT, 0.9)
    page.replace(0, None, "new")
    page.to_bytes()
    assert time.process_time() - start < 2
