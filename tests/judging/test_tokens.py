"""Tags lie where the HTML standard says that they do, in whatever text."""

from __future__ import annotations

import pytest
from hypothesis import given

from feedclean.judging.tokens import CLOSE, EMPTY, HIDDEN, OPEN, attributes, tags
from tests.strategies import any_html

CASES: dict[str, list[tuple[str, str, str]]] = {
    "<p>a</p>": [("<p>", OPEN, "p"), ("</p>", CLOSE, "p")],
    "<P CLASS=x>": [("<P CLASS=x>", OPEN, "p")],
    '<a title="a > b">x': [('<a title="a > b">', OPEN, "a")],
    "<a title='a > b'>x": [("<a title='a > b'>", OPEN, "a")],
    "<a href=a/>x": [("<a href=a/>", OPEN, "a")],
    "<a href='a'/>x": [("<a href='a'/>", EMPTY, "a")],
    "<br/><br><br />": [("<br/>", EMPTY, "br"), ("<br>", EMPTY, "br"), ("<br />", EMPTY, "br")],
    "</br>": [("</br>", CLOSE, "br")],
    "a < b <5 <": [],
    "<!-- <p> --><p>": [("<!-- <p> -->", HIDDEN, ""), ("<p>", OPEN, "p")],
    "<!--><p>": [("<!-->", HIDDEN, ""), ("<p>", OPEN, "p")],
    "<!---><p>": [("<!--->", HIDDEN, ""), ("<p>", OPEN, "p")],
    "<!-- a --!><p>": [("<!-- a --!>", HIDDEN, ""), ("<p>", OPEN, "p")],
    "<!-- never <p>": [("<!-- never <p>", HIDDEN, "")],
    "<!DOCTYPE html><p>": [("<!DOCTYPE html>", HIDDEN, ""), ("<p>", OPEN, "p")],
    "<?xml version='1'?>": [("<?xml version='1'?>", HIDDEN, "")],
    "</ p>": [("</ p>", HIDDEN, "")],
    "<script>a<b></p></script><p>": [("<script>a<b></p></script>", HIDDEN, "script"), ("<p>", OPEN, "p")],
    "<script>a</scripts></SCRIPT >b": [("<script>a</scripts></SCRIPT >", HIDDEN, "script")],
    "<style>never <p>": [("<style>never <p>", HIDDEN, "style")],
    "<textarea><p></textarea>": [("<textarea><p></textarea>", HIDDEN, "textarea")],
    "<plaintext></plaintext><p>": [("<plaintext></plaintext><p>", HIDDEN, "plaintext")],
    "<p class='never": [("<p class='never", OPEN, "p")],
    "<amp-img src=x>": [("<amp-img src=x>", OPEN, "amp-img")],
    '<a"b">': [('<a"b">', OPEN, 'a"b"')],
}


@pytest.mark.parametrize("text", CASES)
def test_a_tag_is_what_the_standard_says(text: str) -> None:
    assert [(text[tag.start : tag.end], tag.kind, tag.name) for tag in tags(text)] == CASES[text]


@given(any_html)
def test_tags_lie_in_order_and_do_not_overlap(text: str) -> None:
    """Every tag begins at a `<`, none is empty, and none begins before the one before it ends."""
    position = 0
    for tag in tags(text):
        assert position <= tag.start < tag.end <= len(text)
        assert text[tag.start] == "<"
        position = tag.end


@given(any_html)
def test_what_lies_between_two_tags_is_text(text: str) -> None:
    """No tag is overlooked: what is left over holds no `<` before a letter."""
    position = 0
    found = tags(text)
    for start, end in [*((tag.start, tag.end) for tag in found), (len(text), len(text))]:
        between = text[position:start]
        assert not any(
            between[place] == "<" and between[place + 1 : place + 2].isascii() and between[place + 1].isalpha()
            for place in range(len(between) - 1)
        )
        position = end


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("<p>", {}),
        ('<a href="x" rel=nofollow>', {"href": "x", "rel": "nofollow"}),
        ("<a HREF='x' href=y>", {"href": "x"}),
        ("<input disabled value = 'a b'/>", {"disabled": "", "value": "a b"}),
        ('<a title="1 > 0" href=x>', {"title": "1 > 0", "href": "x"}),
        ("<a\nhref=x?y=z&a>", {"href": "x?y=z&a"}),
    ],
)
def test_attributes_are_read_as_written(tag: str, expected: dict[str, str]) -> None:
    assert attributes(tag) == expected
