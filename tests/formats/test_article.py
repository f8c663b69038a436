"""Whole pages: what is taken for the article, and the page to read that comes out."""

from __future__ import annotations

import copy
import html
import re

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedclean.cleaning import clean
from feedclean.errors import FormatError, LimitError
from feedclean.formats.article import Article
from feedclean.formats.article_emphasis import _read, put_emphasis
from feedclean.formats.convert import convert
from feedclean.formats.sniff import open_document
from feedclean.formats.web_page import WebPage
from feedclean.types import Cleaned, Format
from tests.fakes import KeywordJudge
from tests.formats.saved import NACHRICHTEN, NEWS, PIXEL, page, single_file
from tests.strategies import any_html

AROUND = ("Most read", "Imprint", "Home", "track()", "color: red")


def cleaned(source: str, **options: bool) -> Cleaned:
    return clean(source, model=KeywordJudge(0.998), **options)  # type: ignore[arg-type]


def article(source: str | bytes, url: str | None = None) -> Article:
    found = open_document(source if isinstance(source, bytes) else source.encode(), in_place=False, url=url)
    assert isinstance(found, Article)
    return found


@pytest.mark.parametrize("paragraphs", [NEWS, NACHRICHTEN])
def test_a_whole_page_becomes_its_article(paragraphs: tuple[str, ...]) -> None:
    """Every paragraph of it, and nothing of what stands around it."""
    text = cleaned(page(paragraphs)).content.decode()
    assert all(f"<p>{one}</p>" in text for one in paragraphs)
    assert not any(one in text.split("<body>")[1] for one in AROUND)


def test_what_is_known_comes_along() -> None:
    known = article(page()).metadata
    assert known.title == "Tarnwick earns more"
    assert known.authors == ("Oona Kestleby",)
    assert known.published == "2026-03-12T14:22:07+01:00"
    assert (known.site, known.language, known.url) == ("Ledger Lane", "en", "https://ledgerlane.example/a")


def test_a_page_that_says_little_in_its_head_is_searched() -> None:
    """The date stands in a `<time>`, the author behind a link; nothing of it in the head."""
    source = page(head="").replace(
        "</h1>",
        '</h1><p>By <a rel="author" href="/o">Oona Kestleby</a> <time datetime="2026-03-12">March 12</time></p>',
    )
    known = article(source).metadata
    assert known.published == "2026-03-12T00:00:00Z"
    assert known.title == "Tarnwick earns more"


def test_a_page_to_read_runs_and_asks_for_nothing() -> None:
    text = cleaned(
        page().replace("<p>Analysts", '<p onmouseover="x()"><iframe src="//e.example"></iframe>Analysts')
    ).content.decode()
    assert not re.search(r"<(?:script|iframe|link rel=\"stylesheet|form)|\son\w+=", text)
    assert "default-src &#x27;none&#x27;" in text
    assert 'href="https://ledgerlane.example/b?x=1"' in text  # the article's own links work from anywhere


def test_an_ad_in_the_article_is_cut() -> None:
    result = cleaned(page())
    assert article(page()).extracted
    assert "PROMO" not in result.content.decode()
    assert [cut.text[:5] for cut in result.ledger] == ["PROMO"]


def test_cleaning_a_page_to_read_changes_nothing_more() -> None:
    first = cleaned(page()).content
    assert clean(first, model=KeywordJudge(0.998)).content == first
    assert article(first).extracted, "what was an extractor's choice stays one"


def test_a_page_that_is_nothing_but_its_article_stays_as_it_is() -> None:
    source = "<!DOCTYPE html><html><head><title>T</title></head><body>\n" + "".join(f"<p >{one}</p>\n" for one in NEWS)
    assert cleaned(source).content.decode() == source
    assert cleaned(source.replace("<p >Analysts", "<p >PROMO")).content.decode() == re.sub(
        r"<p >Analysts.*</p>\n", "\n", source
    )


def test_a_piece_of_a_page_stays_one() -> None:
    found = open_document(b"<nav><a href=x>Home</a></nav><p>News</p><script>x()</script>", in_place=False)
    assert isinstance(found, WebPage)


def test_in_place_everything_else_keeps_its_bytes() -> None:
    source = page().replace("<p>Analysts", "<P  class=x>Analysts")
    cut = re.sub(r'<p class="promo">.*?</p>', "", source)
    assert cleaned(source, in_place=True).content.decode() == cut


@pytest.mark.parametrize(
    "source",
    [
        '<html><head><script>x()</script></head><body><div id="root"></div><noscript>Turn on JavaScript, please.</noscript></body></html>',
        "<html><body><script>x()</script></body></html>",
        "<html><head><title>Log in</title></head><body><form><label>Name<input></label><button>Log in</button></form></body></html>",
        "<html><body><style>x</style><ul>" + "".join(f'<li><a href="/{n}">Story number {n} about shares</a></li>' for n in range(50)) + "</ul></body></html>",
        "<html><frameset><frame src=a></frameset></html>",
    ],
)  # fmt: skip
def test_a_page_without_an_article_is_told(source: str) -> None:
    with pytest.raises(FormatError, match=r"no article in this page; --in-place"):
        cleaned(source)


def test_a_short_page_keeps_all_of_its_article() -> None:
    """Where there is too little for an extractor, its own markup is kept, without what stands around it."""
    source = (
        '<html><head><script>x()</script></head><body><nav><a href="/">Home</a></nav><article><h1>Acme wins</h1>'
        '<p class="lead">Acme earned 4 million.</p><p>It was more.</p></article><footer>Imprint</footer></body></html>'
    )
    found = article(source)
    assert (
        found.items[0].bodies[0].text
        == '<article><h1>Acme wins</h1><p class="lead">Acme earned 4 million.</p><p>It was more.</p></article>'
    )
    assert not found.extracted


def test_pictures_and_fonts_inside_a_page_are_no_text() -> None:
    """A page that SingleFile has saved, whose font says "buy or sell?" 50,000 times."""
    found = article(single_file())
    assert len(found.to_bytes()) < 12_000
    assert found.metadata.url == "https://ledgerlane.example/a"
    assert all(one in found.items[0].bodies[0].text for one in NEWS)


@pytest.mark.parametrize(
    ("comment", "url"),
    [
        ("<!-- saved from url=(0036)https://ledgerlane.example/saved -->", "https://ledgerlane.example/saved"),
        (
            "<!--\n Page saved with SingleFile \n url: https://ledgerlane.example/single \n-->",
            "https://ledgerlane.example/single",
        ),
    ],
)
def test_where_a_page_was_saved_from_is_read(comment: str, url: str) -> None:
    source = (
        page()
        .replace('<link rel="canonical" href="https://ledgerlane.example/a">', "")
        .replace("<head>", f"{comment}<head>")
    )
    assert article(source).metadata.url == url


@pytest.mark.parametrize("charset", ["windows-1252", "iso-8859-15", "utf-16"])
def test_a_page_is_read_in_its_own_encoding(charset: str) -> None:
    source = page(NACHRICHTEN, lang="de").replace('charset="utf-8"', f'charset="{charset}"')
    assert "für das laufende Jahr" in article(source.encode(charset)).to_bytes().decode()


def test_bytes_that_are_wrong_in_their_encoding_lose_nothing_else() -> None:
    data = page(NACHRICHTEN).encode().replace("für".encode(), b"f\xffr", 1)
    text = article(data).to_bytes().decode()
    assert "f\ufffdr das laufende Jahr" in text and "Gießerei" in text


def test_elements_nested_too_deep_are_refused_at_once() -> None:
    source = "<html><body><script>x()</script>" + "<div>" * 5_000 + NEWS[0]
    with pytest.raises(LimitError, match="nested more than 200 deep"):
        article(source)


def test_a_clickbait_title_is_noted_in_the_head() -> None:
    source = page(title="You will not guess what Tarnwick earns?!", head="")
    text = cleaned(source).content.decode()
    assert '<meta name="feedclean:title" content="clickbait 0.96">' in text
    assert text.count("You will not guess") == 2  # in the head and above the text, not again in it


def test_a_page_of_so_many_elements_that_its_article_would_take_long_to_find_is_refused() -> None:
    source = page().replace("<h1>", "<i>x</i>" * 40_000 + "<h1>")
    with pytest.raises(LimitError, match="more than 40,000 elements") as caught:
        article(source)
    assert "--in-place" in str(caught.value)
    assert clean(source, model=KeywordJudge(0.998), in_place=True).content


def test_the_article_is_html() -> None:
    assert cleaned(page()).format is Format.HTML


def test_the_pictures_of_an_article_stand_where_they_stood() -> None:
    """Those among its paragraphs; no icons, and nothing of other articles."""
    first, second = "https://img.example/1.jpg", "/2.jpg"
    source = (
        page()
        .replace(
            "<h1>", f'<figure><img data-src="{first}" src="data:image/gif;base64,R0lG" alt="A robot"></figure><h1>'
        )
        .replace(
            "<p>The order",
            f'<div><a href="/2.jpg"><img src="{second}"></a></div><img class="icon" src="/i.png"><p>The order',
        )
        .replace("<h3>Most read", '<img src="/other.jpg"><h3>Most read')
        .replace(
            "<p>Analysts",
            '<img width="1" height="1" src="/count.gif"><a href="/ad"><img src="/ad.png"> Buy now</a><p>Analysts',
        )
    )
    text = article(source).to_bytes().decode()
    assert re.findall(r'<img src="([^"]*)"', text) == [first, "https://ledgerlane.example/2.jpg"]
    assert 'alt="A robot"' in text
    assert text.index(first) < text.index(NEWS[0]) < text.index(NEWS[1]) < text.index("/2.jpg") < text.index(NEWS[2])


def test_the_caption_of_a_picture_stands_below_it_and_goes_with_it() -> None:
    """It is no text of the article that would be judged by itself; a page of ours that is read again is the same."""
    said = 'Kestleby & Sons: "the <1> yard"'
    figure = (
        f'<figure><img src="/1.jpg" alt="A yard"><figcaption>{html.escape(said)} <a href="/x">(Photo)</a></figcaption>'
        "</figure><p>The order"
    )
    made = article(page().replace("<p>The order", figure))
    assert "(Photo)" not in re.sub(r"<[^<>]*>", "", made.items[0].bodies[0].text)
    text = made.to_bytes().decode()
    caption = html.escape(f"{said} (Photo)", quote=False)
    assert 'alt="A yard"></figure>' not in text and f"<figcaption>{caption}</figcaption></figure>" in text
    assert open_document(text.encode(), in_place=False).to_bytes().decode() == text
    assert said in convert(text.encode(), Format.HTML, "text").decode()


def test_a_caption_that_is_found_among_the_paragraphs_is_not_said_twice() -> None:
    figure = f'<figure><img src="/1.jpg"><figcaption>{NEWS[1]}</figcaption></figure><p>The order'
    text = article(page().replace("<p>The order", figure, 1)).to_bytes().decode()
    assert "/1.jpg" in text and text.count(NEWS[1]) == 1


def test_the_emphasis_of_an_article_stands_where_it_stood() -> None:
    one, two, three = NEWS[:3]
    words = one.split()
    marked = f"<b>{words[0]}  {words[1]}</b> {words[2]} <a href='/x'>{words[3]} <em>{words[4]}</em></a> <i>{' '.join(words[5:])}</i>"
    source = page().replace(f"<p>{one}", f"<p>{marked}").replace(f"<p>{two}", f"<p><strong>{two}</strong>")
    text = article(source).to_bytes().decode()
    assert f"<strong>{words[0]} {words[1]}</strong> {words[2]} <a" in " ".join(text.split())
    assert f"{words[3]} <em>{words[4]}</em></a> <em>{' '.join(words[5:])}</em></p>" in text
    assert f"<p><strong>{two}</strong></p>" in text and f"<p>{three}</p>" in text
    assert plain(text) == plain(article(page()).to_bytes().decode())


@given(st.lists(st.sampled_from([*"Änu &", "<b>", "</b>", "<i>", "</i>", "<a>", "</a>", "\n ", "<br>", "<!--x-->"])))
def test_emphasis_stands_at_the_very_letters_that_had_it_and_changes_none(pieces: list[str]) -> None:
    tree = lxml.html.fromstring(f"<div><p>{''.join(pieces)}</p><p>Another</p></div>")
    body = copy.deepcopy(tree)
    etree.strip_tags(body, "b", "i")
    etree.strip_tags(body, etree.Comment)
    before = ["".join(one.itertext()) for one in body]
    put_emphasis(tree, body)
    assert ["".join(one.itertext()) for one in body] == before
    for told, there in zip(body.iter("p"), tree.iter("p"), strict=True):
        assert _read(told) == _read(there)
        assert all(one.text and one.text == one.text.strip() for one in told.iter("strong", "em"))


def plain(text: str) -> str:
    return "".join(html.unescape(re.sub(r"<[^<>]*>", "", text)).split())


def test_a_picture_that_a_page_carries_with_it_is_kept_and_nothing_else() -> None:
    text = article(single_file()).to_bytes().decode()
    assert text.count(f'src="data:image/png;base64,{PIXEL}') == 1
    assert "font/woff2" not in text and "inline.invalid" not in text
    again = article(text)
    again.replace(0, 0, again.items[0].bodies[0].text.replace(NEWS[0], "Less."))
    assert PIXEL in again.to_bytes().decode()
    hostile = single_file().replace("data:image/png", "data:image/svg+xml")
    assert "data:image" not in article(hostile).to_bytes().decode()
    forged = page().replace("<p>Analysts", '<img src="https://inline.invalid/7"><p>Analysts')
    assert "inline.invalid" not in article(forged).to_bytes().decode()


@pytest.mark.parametrize(
    "live",
    [
        "<script>x()</script>",
        '<p onclick="x()">',
        '<img src="a.jpg"onerror=x()>',
        '<a href="java&#x73;cript:x()">more</a>',
        "<style>p { display: none }</style>",
    ],
)
@pytest.mark.parametrize("place", ["</title>", "</header>", "<article>", "</article>"])
def test_a_page_that_only_pretends_to_be_ours_is_made_safe(place: str, live: str) -> None:
    forged = cleaned(page()).content.decode().replace(place, live + place)
    for made in (cleaned(forged).content, convert(forged.encode(), Format.HTML, "html")):
        assert not re.search(r"<script|on(?:click|error)=|cript:|<style>p", made.decode())


def test_a_page_of_ours_stays_as_it_is_and_so_does_its_note() -> None:
    first = cleaned(page()).content
    noted = first.replace(b"<style>", b'<meta name="feedclean:title" content="clickbait 0.93">\n<style>', 1)
    for ours in (first, noted):
        assert open_document(ours, in_place=False).to_bytes() == ours
        assert convert(ours, Format.HTML, "html") == ours


@given(st.lists(any_html, max_size=4), st.booleans())
def test_any_page_is_a_safe_article_or_an_error(pieces: list[str], long: bool) -> None:
    source = (
        "<html><body><script>x()</script>"
        + "".join(pieces)
        + "".join(f"<p>{one}</p>" for one in NEWS * long)
        + '<img src="a.jpg">'
    )
    try:
        once = cleaned(source)
    except FormatError:
        return
    # Not of what its text says, which may well be about tags.
    tags = "".join(re.findall(r"<[^<>]*>", once.content.decode().split("<article>")[1]))
    assert not re.search(r"<(?:script|iframe|object|form|style)|\son\w+=|javascript:", tags)
    assert clean(once.content, model=KeywordJudge(0.998)).content
