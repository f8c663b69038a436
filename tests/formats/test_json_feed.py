"""JSON Feeds, edited in their own text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.errors import FormatError, LimitError
from feedclean.formats.json_feed import open_json_feed
from feedclean.formats.json_spans import locate
from feedclean.types import TitleLabel

VERSION = "https://jsonfeed.org/version/1.1"


def feed(*items: object, **facts: object) -> bytes:
    return json.dumps({"version": VERSION, "title": "t", **facts, "items": list(items)}).encode()


def test_numbers_escapes_and_order_stay_as_written() -> None:
    """Only the text that changes is written anew."""
    source = (
        b'{ "version" : "https:\\/\\/jsonfeed.org\\/version\\/1", "x": [1.10, 1e400, 123456789012345678901234567890],\n'
        b'\t"items": [ {"id": 1, "content_html": "<p>old \\u00e9</p>", "content_html": "<p>new</p>"} , 7 ] ,'
        b' "y": "\\ud800" }\r\n'
    )
    document = open_json_feed(source)
    assert document.items[0].bodies[0].text == "<p>new</p>"  # of equal keys the last one counts
    document.replace(0, 0, 'a "b"\n\u2028\u00e9')
    assert document.to_bytes() == source.replace(b'"<p>new</p>"', '"a \\"b\\"\\n\u2028\u00e9"'.encode())


def test_facts_of_items_are_read_whatever_their_type() -> None:
    """Wrong types are no crash; what is no text is no field."""
    document = open_json_feed(
        feed(
            {"id": 3, "title": 4, "content_html": None, "summary": "s", "language": 5, "url": ["x"]},
            {"url": "/x", "title": "\ud800", "content_text": "t"},
            {},
            None,
            language="en",
        ),
        url="http://h/feed",
    )
    first, second, third = document.items
    assert (first.key, first.title, [field.name for field in first.bodies]) == ("3", None, ["summary"])
    assert (second.key, second.url, second.language) == ("http://h/x", "http://h/x", "en")
    assert second.title is not None and second.title.text == "\ufffd"
    assert (third.key, third.bodies) == ("2", ())


@pytest.mark.parametrize(
    ("item", "marked"),
    [
        ("{}", '{"tags": ["clickbait"], "_feedclean": MARK}'),
        ('{"tags": []}', '{"tags": ["clickbait"], "_feedclean": MARK}'),
        ('{"tags": ["a"], "b": 1}', '{"tags": ["a", "clickbait"], "b": 1, "_feedclean": MARK}'),
        ('{"tags": ["clickbait"]}', '{"tags": ["clickbait"], "_feedclean": MARK}'),
        ('{"tags": null}', '{"tags": ["clickbait"], "_feedclean": MARK}'),
        ('{"_feedclean": {"x": 1}}', '{"_feedclean": {"title": TITLE, "x": 1}, "tags": ["clickbait"]}'),
    ],
)
def test_a_title_is_marked_once(item: str, marked: str) -> None:
    """A tag for readers and a probability for programs; the same mark again changes nothing."""
    title = '{"label": "clickbait", "probability": 0.93}'
    source = f'{{"version": "{VERSION}", "items": [{item}]}}'
    document = open_json_feed(source.encode())
    document.mark_title(0, TitleLabel.CLICKBAIT, 0.7)
    document.mark_title(0, TitleLabel.CLICKBAIT, 0.934)
    once = document.to_bytes()
    wanted = marked.replace("MARK", f'{{"title": {title}}}').replace("TITLE", title)
    assert once.decode() == source.replace(item, wanted)
    again = open_json_feed(once)
    again.mark_title(0, TitleLabel.CLICKBAIT, 0.93)
    assert again.to_bytes() == once
    again.mark_title(0, TitleLabel.PLAIN, 0.1)
    assert b"clickbait" not in again.to_bytes()


def test_what_is_no_json_is_refused_with_its_line() -> None:
    """NaN, nesting, wrong bytes and digits without end are refused or read, never a crash."""
    for wrong, told in (
        (b'{"version":\n"https://jsonfeed.org/version/1",,', "line 2"),
        (b'{"version":"\xff"}', "no utf-8 at byte"),
        (feed(x=1).replace(b"1}", b"-Infinity}").replace(b'"x": 1', b'"x": -Infinity'), "-Infinity is no number"),
    ):
        with pytest.raises(FormatError, match=told):
            open_json_feed(wrong)
    with pytest.raises(LimitError, match="nested more than 256"):
        open_json_feed(b'{"version":"https://jsonfeed.org/version/1","items":' + b"[" * 100_000)
    assert open_json_feed(feed().replace(b'"t"', b"1" * 100_000)).items == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-32-be"])
def test_other_encodings_are_written_as_utf_8(encoding: str) -> None:
    """RFC 8259 knows no other."""
    source = feed({"id": "\u00e9"}).decode()
    assert open_json_feed(source.encode(encoding)).to_bytes() == source.encode()


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(JSONS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_every_value_is_found_where_it_stands(value: object, indent: int | str | None, ascii_only: bool) -> None:
    """The characters between start and end of a node are its value."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    def check(node: object, held: object) -> None:
        assert json.loads(text[node.start : node.end]) == held  # type: ignore[attr-defined]
        if isinstance(held, dict):
            for key, inner in held.items():
                check(node.members[key], inner)  # type: ignore[attr-defined]
        elif isinstance(held, list):
            for found, inner in zip(node.elements, held, strict=True):  # type: ignore[attr-defined]
                check(found, inner)

    check(locate(text), value)


@given(st.text(), st.text(min_size=1))
def test_a_new_text_is_read_back_as_it_was_given(old: str, new: str) -> None:
    """And nothing else changes."""
    item = {"id": "a", "content_html": f"x{old}", "z": old}
    document = open_json_feed(feed(item))
    document.replace(0, 0, f"y{new}")
    assert json.loads(document.to_bytes())["items"] == [{**item, "content_html": f"y{new}"}]
