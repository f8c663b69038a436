"""The partition: nothing is lost, and what a reader sees as one unit is one block."""

from __future__ import annotations

import pytest
from hypothesis import given

from feedclean.judging.blocks import judged, split, whole
from feedclean.types import Block, Kind, Markup
from tests.strategies import any_html, bodies, plain_texts

HTML, TEXT = Markup.HTML, Markup.TEXT


def shown(text: str, markup: Markup = HTML) -> list[tuple[Kind, str]]:
    """Kind and visible text of the judged blocks."""
    return [(block.kind, block.text) for block in split(text, markup).blocks if judged(block)]


def texts(text: str, markup: Markup = HTML) -> list[str]:
    return [block.text for block in split(text, markup).blocks if judged(block)]


def around(text: str) -> dict[str, str]:
    """For each judged block its own element and those around it, outermost first."""
    return {
        block.text: " ".join([*(name.partition(".")[0] for name in reversed(block.containers)), block.tag or "-"])
        for block in split(text, HTML).blocks
        if judged(block)
    }


# ── Laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(any_html)
def test_html_is_partitioned_without_loss(text: str) -> None:
    assert "".join(block.source for block in split(text, HTML).blocks) == text


@given(plain_texts)
def test_plain_text_is_partitioned_without_loss(text: str) -> None:
    assert "".join(block.source for block in split(text, TEXT).blocks) == text


@given(any_html)
def test_no_block_is_empty_and_glue_shows_nothing(text: str) -> None:
    """Whatever a reader sees stands in a block that is judged (or settled); glue holds neither words nor pictures."""
    for block in split(text, HTML).blocks:
        assert block.source
        if block.kind is Kind.GLUE:
            assert not block.text
            assert not block.images
        elif block.kind not in (Kind.SETTLED, Kind.TANGLE):
            assert block.text or block.images


@given(any_html)
def test_every_container_stands_in_an_earlier_one(text: str) -> None:
    """Scopes are a tree, numbered from the outside in."""
    partition = split(text, HTML)
    assert all(-1 <= parent < number for number, parent in enumerate(partition.parents))
    assert all(-1 <= block.scope < len(partition.parents) for block in partition.blocks)


@given(bodies)
def test_balanced_bodies_hold_no_tangle(text: str) -> None:
    """With every end tag that the standard demands, every block can be cut."""
    assert Kind.TANGLE not in {block.kind for block in split(text, HTML).blocks}


@given(bodies)
def test_a_block_alone_is_the_same_block(text: str) -> None:
    """What labelled data hold, block by block, reads as it does in its place."""
    for block in split(text, HTML).blocks:
        if judged(block):
            alone = whole(block.source, block.containers)
            assert (alone.source, alone.text, alone.links) == (block.source, block.text, block.links)
            assert alone.images == block.images


@given(plain_texts)
def test_plain_text_blocks_begin_and_end_with_words(text: str) -> None:
    for block in split(text, TEXT).blocks:
        if block.kind is not Kind.GLUE:
            assert block.source == block.source.strip()
            assert block.text == " ".join(block.source.split())


# ── What is one unit ──────────────────────────────────────────────────────────────────────────────────────────────────

UNITS: dict[str, list[tuple[Kind, str]]] = {
    "": [],
    " \n ": [],
    "bare": [(Kind.TEXT, "bare")],
    "<p>a</p>\n<p>b</p>": [(Kind.PARAGRAPH, "a"), (Kind.PARAGRAPH, "b")],
    "<h2>a</h2><p>b</p>": [(Kind.HEADING, "a"), (Kind.PARAGRAPH, "b")],
    "<ul><li>a</li><li>b</li></ul>": [(Kind.LIST_ITEM, "a"), (Kind.LIST_ITEM, "b")],
    "<dl><dt>a<dd>b</dl>": [(Kind.LIST_ITEM, "a"), (Kind.LIST_ITEM, "b")],
    "<figure><img src=x><figcaption>a</figcaption></figure>": [(Kind.IMAGE, ""), (Kind.CAPTION, "a")],
    "<blockquote>a</blockquote>": [(Kind.QUOTE, "a")],
    "<blockquote><p>a</p><p>b</p></blockquote>": [(Kind.PARAGRAPH, "a"), (Kind.PARAGRAPH, "b")],
    "<pre>a  b</pre>": [(Kind.CODE, "a b")],
    "<p><img src=x></p>": [(Kind.IMAGE, "")],
    "<p><iframe src=x></iframe></p>": [(Kind.IMAGE, "")],
    '<p><a href="x">a</a></p>': [(Kind.LINK, "a")],
    '<p>words before <a href="x">a</a></p>': [(Kind.PARAGRAPH, "words before a")],
    "<div>a<p>b</p>c</div>": [(Kind.TEXT, "a"), (Kind.PARAGRAPH, "b"), (Kind.TEXT, "c")],
    "<div><div><div>a</div></div></div>": [(Kind.PARAGRAPH, "a")],
    "<p>a<br>b</p>": [(Kind.PARAGRAPH, "a b")],
    "<p>a<br><br>b</p>": [(Kind.TEXT, "a"), (Kind.TEXT, "b")],
    "a<br><br>b<br>c<br/> <BR>d": [(Kind.TEXT, "a"), (Kind.TEXT, "b c"), (Kind.TEXT, "d")],
    "a<hr>b": [(Kind.TEXT, "a"), (Kind.TEXT, "b")],
    "<table><tr><td>a<td>1<tr><td>b<td>2</table>": [(Kind.TABLE, "a 1 b 2")],
    "<table><tr><td><p>a</p></td></tr></table>": [(Kind.PARAGRAPH, "a")],
    "<script>x</script><!-- y --><style>z</style>": [],
    "<p>a<script>x</script><!-- y -->b</p>": [(Kind.PARAGRAPH, "ab")],
    "<p></p><p>&nbsp;</p><div><span> </span></div>": [],
    "<p>a &amp; b&nbsp;&lt;c&gt; &copy;</p>": [(Kind.PARAGRAPH, "a & b <c> ©")],
    "<p>1 < 2 and 3 > 2</p>": [(Kind.PARAGRAPH, "1 < 2 and 3 > 2")],
}


@pytest.mark.parametrize("text", UNITS)
def test_a_visual_unit_is_one_block(text: str) -> None:
    assert shown(text) == UNITS[text]


PLAIN: dict[str, list[tuple[Kind, str]]] = {
    "": [],
    " \n\n ": [],
    "a\nb\n\nc": [(Kind.PARAGRAPH, "a b"), (Kind.PARAGRAPH, "c")],
    "a\r\n\r\nb": [(Kind.PARAGRAPH, "a"), (Kind.PARAGRAPH, "b")],
    "a:\n- b\n- c d\n  e\n\nf": [
        (Kind.PARAGRAPH, "a:"),
        (Kind.LIST_ITEM, "- b"),
        (Kind.LIST_ITEM, "- c d e"),
        (Kind.PARAGRAPH, "f"),
    ],
    "a\n* b\n• c\n1. d\n12) e": [
        (Kind.PARAGRAPH, "a"),
        *((Kind.LIST_ITEM, item) for item in ("* b", "• c", "1. d", "12) e")),
    ],
    "3.5 percent\n-5 percent": [(Kind.PARAGRAPH, "3.5 percent -5 percent")],
    "<p>a</p>": [(Kind.PARAGRAPH, "<p>a</p>")],
}


@pytest.mark.parametrize("text", PLAIN)
def test_a_paragraph_or_bullet_of_plain_text_is_one_block(text: str) -> None:
    assert shown(text, TEXT) == PLAIN[text]


# ── Optional end tags (HTML standard, 13.1.2.4) ───────────────────────────────────────────────────────────────────────

IMPLIED: dict[str, dict[str, str]] = {
    "<p>a<p>b": {"a": "p", "b": "p"},
    "<p>a<div>b</div>c": {"a": "p", "b": "div", "c": "-"},
    "<p>a<h2>b</h2>": {"a": "p", "b": "h2"},
    "<p>a<ul><li>b</ul>": {"a": "p", "b": "ul li"},
    "<p>a<blockquote>b</blockquote>": {"a": "p", "b": "blockquote"},
    "<p>a<pre>b</pre><p>c": {"a": "p", "b": "pre", "c": "p"},
    "<p>a<hr>b": {"a": "p", "b": "-"},
    "<div><p>a</div>b": {"a": "div p", "b": "-"},
    "<section><p>a<p>b</section><p>c": {"a": "section p", "b": "section p", "c": "p"},
    "<ul><li>a<li>b</ul>": {"a": "ul li", "b": "ul li"},
    "<ul><li>a<ul><li>b<li>c</ul><li>d</ul>": {"a": "ul li -", "b": "ul li ul li", "c": "ul li ul li", "d": "ul li"},
    "<ol><li><p>a<li><p>b</ol>": {"a": "ol li p", "b": "ol li p"},
    "<ul><li><div>a</div><li>b</ul>": {"a": "ul li div", "b": "ul li"},
    "<dl><dt>a<dd>b<dt>c<dd>d</dl>": {"a": "dl dt", "b": "dl dd", "c": "dl dt", "d": "dl dd"},
    "<dl><dd><p>a<dd>b</dl>": {"a": "dl dd p", "b": "dl dd"},
    "<dl><dd>a<dl><dt>b<dd>c</dl><dd>d</dl>": {"a": "dl dd -", "b": "dl dd dl dt", "c": "dl dd dl dd", "d": "dl dd"},
    "<table><tr><td><p>a<td><p>b</table>c": {"a": "table tr td p", "b": "table tr td p", "c": "-"},
    "<table><tr><td><p>a<tr><td><p>b</table>c": {"a": "table tr td p", "b": "table tr td p", "c": "-"},
    "<table><thead><tr><th><p>a<tbody><tr><td><p>b<tfoot><tr><td><p>c</table>": {
        "a": "table thead tr th p",
        "b": "table tbody tr td p",
        "c": "table tfoot tr td p",
    },
    "<table><tr><td><table><tr><td><p>a<td><p>b</table><td><p>c</table>": {
        "a": "table tr td table tr td p",
        "b": "table tr td table tr td p",
        "c": "table tr td p",
    },
    "<p><select><option>a<option>b</select></p><p>c</p>": {"ab": "p", "c": "p"},
    "<ruby>a<rt>b<rp>c</ruby><p>d": {"abc": "-", "d": "p"},
    "<html><head><title>t</title><body><p>a</body></html>": {"a": "html body p"},
}


@pytest.mark.parametrize("text", IMPLIED)
def test_a_missing_end_tag_is_where_the_standard_puts_it(text: str) -> None:
    found, expected = around(text), IMPLIED[text]
    assert found == expected
    assert Kind.TANGLE not in {block.kind for block in split(text, HTML).blocks}


# ── Tags that do not balance ──────────────────────────────────────────────────────────────────────────────────────────

TANGLES: dict[str, list[str]] = {
    "<div><p>a</p>": ["a"],
    "<p>a</p><div><p>b</p><p>c</p>": ["b c"],
    "<b><p>a</p></b><p>b</p>": [],
    "<p>a</p><b><p>b</b></p><p>c</p>": ["b"],
    "<div><section><p>a</p></div></section><p>b</p>": ["a"],
    "<p>a</p></div><p>b</p>": [],
    "<p><b>a</p><p>b</b></p><p>c</p>": ["a b"],
}


@pytest.mark.parametrize("text", TANGLES)
def test_the_smallest_region_that_does_not_balance_is_one_tangle(text: str) -> None:
    assert [block.text for block in split(text, HTML).blocks if block.kind is Kind.TANGLE] == TANGLES[text]


# ── Details of a block ────────────────────────────────────────────────────────────────────────────────────────────────


def only(text: str) -> Block:
    (block,) = (block for block in split(text, HTML).blocks if judged(block))
    return block


def test_links_are_told_with_target_text_and_rel() -> None:
    block = only('<p>see <a href="/x?a=1&amp;b=2" rel="sponsored nofollow"><b>this</b> page</a> and <a>that</a></p>')
    assert [(link.href, link.text, link.rel) for link in block.links] == [
        ("/x?a=1&b=2", "this page", "sponsored nofollow"),
        ("", "that", ""),
    ]


def test_names_are_class_id_and_role_in_the_order_of_the_attributes() -> None:
    block = only('<div id="outer" class="box wide"><p class="lead" role="note">a</p><p></p></div>')
    assert block.names == ("lead", "note")
    assert block.containers == ("div.box.wide.outer",)


def test_what_a_cleaning_marked_is_settled() -> None:
    """Marks are known again wherever they may stand."""
    for text in (
        '<p><mark data-feedclean="promo">promo 97 %</mark> a</p>',
        '<details data-feedclean="promo"><summary>promo 97 %</summary><p>a</p></details>',
        '<div data-feedclean="promo"><mark data-feedclean="promo">promo 97 %</mark> <table><tr><td>a</table></div>',
        '<mark data-feedclean="promo">promo 97 %</mark> a',
    ):
        assert [block.kind for block in split(text, HTML).blocks if block.kind is not Kind.GLUE] == [Kind.SETTLED]
    assert [block.kind for block in split("[promo 97 %] a\n- [teaser 60 %] b", TEXT).blocks] == [
        Kind.SETTLED,
        Kind.GLUE,
        Kind.SETTLED,
    ]


@pytest.mark.parametrize("markup", Markup)
def test_deep_nesting_and_long_rows_are_read(markup: Markup) -> None:
    """Depth costs no recursion."""
    for text in ("<div>" * 20_000 + "a" + "</div>" * 20_000, "<p>a</p>" * 5_000, "<ul><li>a" * 5_000, "a\n\n" * 5_000):
        assert "".join(block.source for block in split(text, markup).blocks) == text
