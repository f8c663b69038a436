"""Annotated blocks are found again in pages and articles, however those were cut when they were annotated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.errors import CorpusError
from feedclean.judging.blocks import whole
from feedclean.learning.articles import Article, articles_in
from feedclean.learning.matching import digest, found_again
from feedclean.learning.pieces import Page, Piece
from feedclean.learning.sources import Source
from tests.strategies import bodies, rubble, torn_bodies

PAGE = """<html><head><title>Acme</title><style>p{}</style></head><body class="site"><nav><ul><li>Home</li><li>Shop</li></ul>
</nav><div class="story main" id="top" data-x="1"><h1 style="x">Acme   rises</h1><!-- no --><p>Revenue rose
<a href='/a"b' onclick="x">4&nbsp;%</a>.<img src="a.png"></p>Said <b>Acme</b>.<p>First<br><br>second<br><br>third.</p>
<table><tr><th>Year</th><th>Sales</th></tr><tr><td>2024</td><td>4</td></tr></table>
<form><label for="x">Subscribe</label><button type="submit">No <svg><text>drawn</text></svg> thanks</button></form>
<p>Share</p></div><footer role="contentinfo"><p>Share</p></footer></body></html>"""


def digests(*texts: str) -> list[str]:
    return [digest(text) for text in texts]


def found(page: str, *texts: str) -> list[Piece]:
    pieces = found_again(digests(*texts), Page(page.encode()))
    assert [piece and piece.text for piece in pieces] == list(texts)
    return [piece for piece in pieces if piece is not None]


def test_a_block_comes_with_its_markup_and_what_it_stands_in() -> None:
    heading, paragraph = found(PAGE, "Acme rises", "Revenue rose 4 % .".replace(" .", "."))
    assert (heading.html, heading.containers) == ("<h1>Acme rises</h1>", ("div.story.main.top", "body.site", "html"))
    assert paragraph.html == '<p>Revenue rose <a href="/a&quot;b">4&nbsp;%</a>.</p>'


def test_text_that_stands_in_a_container_has_it_as_its_element() -> None:
    (piece,) = found(PAGE, "Said Acme.")
    assert piece.html == '<div class="story main" id="top">Said <b>Acme</b>.</div>'
    assert piece.containers == ("body.site", "html")


def test_paragraphs_that_were_annotated_as_one_are_joined() -> None:
    (piece,) = found(PAGE, "First second third.")
    assert piece.html == "<p>First<br><br>second<br><br>third.</p>"
    assert [piece.html for piece in found(PAGE, "First", "second third.")] == [
        "<p>First</p>",
        "<p>second<br><br>third.</p>",
    ]


def test_what_was_annotated_by_itself_is_found_inside_a_block() -> None:
    cells = found(PAGE, "Year", "Sales", "2024", "4")
    assert [cell.html for cell in cells] == ["<th>Year</th>", "<th>Sales</th>", "<td>2024</td>", "<td>4</td>"]
    assert cells[2].containers[:2] == ("tr", "table")
    label, button = found(PAGE, "Subscribe", "No thanks")
    assert label.html == "<label>Subscribe</label>"
    assert (button.html, button.containers[0]) == ('<button type="submit">No thanks</button>', "form")


def test_a_region_that_does_not_balance_is_looked_into() -> None:
    page = "<div><section class=a><p>One.</p><p>Two.</p></div><p>Three.</p></section>"
    assert [piece.html for piece in found(page, "One.", "Two.", "Three.")] == [
        f"<p>{n}.</p>" for n in ("One", "Two", "Three")
    ]


def test_of_two_with_the_same_text_the_one_beside_the_others_is_taken() -> None:
    page = "<nav>Share</nav><p>Old</p><div>Share</div><h1>News</h1><p>Text</p><b>Share</b>"
    first, *_, last = found(page, "Share", "News", "Text", "Share")
    assert (first.html, last.html) == ("<div>Share</div>", "<b>Share</b>")


def test_what_is_not_there_or_out_of_order_is_left_out() -> None:
    page = Page(b"<p>a</p><p>b</p><p>c</p><p>d</p>")
    assert [piece and piece.text for piece in found_again(digests("d", "a", "x", "b", "c"), page)] == [
        None,
        "a",
        None,
        "b",
        "c",
    ]


@pytest.mark.parametrize("page", ["", "<p>", "<object><p>a</p>b</object>", "<svg>", "</p>", "<br><br>", "plain"])
def test_any_page_can_be_taken_apart(page: str) -> None:
    pieces = (*Page(page.encode()).blocks(), *Page(page.encode()).others())
    assert all(piece.html for piece in pieces if piece.text)


@given(st.one_of(bodies, torn_bodies(), rubble))
def test_every_block_is_found_again_in_its_place_with_its_text(text: str) -> None:
    page = Page(text.encode())
    pieces = list(page.blocks())
    assert found_again([digest(piece.text) for piece in pieces], page).count(None) == 0
    for piece in (*pieces, *page.others()):
        assert whole(piece.html, piece.containers).text == piece.text


@given(st.lists(st.text("abc", max_size=2), max_size=12), st.lists(st.text("abc", max_size=2), max_size=12))
def test_what_is_found_is_in_order(wanted: list[str], there: list[str]) -> None:
    class Written:
        title = ""

        def blocks(self) -> list[Piece]:
            return [Piece(place, text, text) for place, text in enumerate(there)]

        def others(self) -> list[Piece]:
            return []

    pieces = found_again(digests(*wanted), Written())  # type: ignore[arg-type]
    places = [piece.start for piece in pieces if piece is not None]
    assert places == sorted(set(places))
    assert all(piece is None or piece.text == text for piece, text in zip(pieces, wanted, strict=True))
    assert bool(places) == bool(set(wanted) & set(there))


# ── Articles without markup ───────────────────────────────────────────────────────────────────────────────────────


def test_paragraphs_sentences_and_several_of_either_are_found() -> None:
    text = 'Acme rose 4 %. "It is fine." Sales fell! Read R&D <here>\n\n\nSecond  paragraph.\nThird.'
    wanted = ("Acme rose 4 %.", '"It is fine." Sales fell!', "Read R&D <here>", "Second paragraph. Third.")
    pieces = found_again(digests(*wanted), Article("Acme", text))
    assert [piece and piece.text for piece in pieces] == list(wanted)
    assert pieces[2] is not None and pieces[2].html == "Read R&amp;D &lt;here&gt;"


def test_a_tree_of_paragraphs_is_read_with_what_its_nodes_show() -> None:
    symbol = {"type": "symbol", "params": {"symbol": "NYSE:X", "text": "NYSE:ACM"}}
    link = {"type": "url", "params": {"url": "https://x.example", "linkText": "here"}}
    items = [{"type": "*", "children": [text]} for text in ("One", "Two")]
    tree = {
        "type": "root",
        "children": [
            {"type": "p", "children": ["Acme ", symbol, ", see ", link, {"type": "b", "children": [" now"]}]},
            {"type": "p", "children": []},
            {"type": "list", "children": items},
        ],
    }
    article = Article("", tree)
    assert [piece.text for piece in article.blocks()] == ["Acme NYSE:ACM, see here now", "One", "Two"]
    for list_text in ("One Two", "OneTwo"):
        assert found_again(digests(list_text), article) != [None]


JSON = Source("a/b", "json", files={"x": "0" * 40}, fields={"document": "id", "title": "name", "text": "body"})
CSV = Source("a/b", "csv", files={"x": "0" * 40}, fields={"document": "id", "title": "name", "text": "body"})


@pytest.mark.parametrize(
    ("source", "data"),
    [
        (JSON, b'{"ACM": [{"id": "1", "name": "T", "body": "News."}, {"id": "1", "body": "Again."}, {"id": 2}]}'),
        (CSV, b'\xef\xbb\xbfid,name,body\r\n1,T,"News.\r\nMore"\r\n1,T,Again.\r\n'),
    ],
    ids=["json", "csv"],
)
def test_entries_are_found_wherever_they_stand_and_the_first_counts(source: Source, data: bytes) -> None:
    articles = articles_in(data, source)
    assert list(articles) == ["1"] and articles["1"].title == "T"
    assert next(articles["1"].blocks()).text == "News."


@pytest.mark.parametrize("data", [b"\xff", b"[" * 100_000, b"{", b""])
def test_a_collection_that_cannot_be_read_is_one_fault(data: bytes) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        articles_in(data, JSON)
