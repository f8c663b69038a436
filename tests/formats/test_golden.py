"""Golden pairs: a full feed of each format beside what it holds, read in every way that it may arrive in."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import canonicalize

import pytest
from lxml import etree

from feedclean.formats.sniff import open_document
from feedclean.types import TitleLabel

GOLDEN = Path(__file__).parent / "golden"
NAMES = ["full.rss", "full.atom", "full.json"]
URL = "https://example.com/feed"


def expected(name: str) -> dict[str, object]:
    return runpy.run_path(str(GOLDEN / f"{name.replace('.', '_')}.py"))


def c14n(data: bytes) -> str:
    return canonicalize(etree.tostring(etree.fromstring(data).getroottree(), encoding="unicode"))


WAYS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode(),
    "with a mark": lambda text: text.encode("utf-8-sig"),
    "in UTF-16": lambda text: text.encode("utf-16"),
    "in UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "in UTF-32": lambda text: text.encode("utf-32"),
    "after blank lines": lambda text: b"\n \r\n" + text.encode(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_full_feed_holds_what_it_says(name: str, way: str) -> None:
    """However a feed is encoded, its items are the same, and it is written as the same feed in UTF-8."""
    text = (GOLDEN / name).read_text("utf-8")
    document = open_document(WAYS[way](text), url=URL)
    wanted = expected(name)
    assert document.format == wanted["FORMAT"]
    assert list(document.items) == wanted["ITEMS"]
    written = document.to_bytes()
    if name == "full.json":
        assert written.decode("utf-8-sig").strip() == text.strip()
    else:
        assert c14n(written) == c14n(text.encode())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_changed_is_the_same_bytes(name: str) -> None:
    """A feed in UTF-8 that nobody changes is handed on as it came, even if all its fields are set to what they are."""
    data = (GOLDEN / name).read_bytes()
    document = open_document(data)
    for number, item in enumerate(document.items):
        if item.title:
            document.replace(number, None, item.title.text)
        for body, field in enumerate(item.bodies):
            document.replace(number, body, field.text)
        document.mark_title(number, TitleLabel.PLAIN, 0.9)
    assert document.to_bytes() == data


@pytest.mark.parametrize("name", NAMES)
def test_every_field_can_be_changed_alone(name: str) -> None:
    """A new text is read back as it was given, and no other field is touched."""
    data = (GOLDEN / name).read_bytes()
    before = open_document(data).items
    for number, item in enumerate(before):
        for body in [None, *range(len(item.bodies))] if item.title else range(len(item.bodies)):
            document = open_document(data)
            new = "New &amp; better" if body is not None else "New & better ]]>"
            document.replace(number, body, new)
            after = open_document(document.to_bytes()).items
            changed = after[number].title if body is None else after[number].bodies[body]
            assert changed is not None
            assert changed.text == new
            texts = [[item.title, *item.bodies] for item in before]
            texts[number][0 if body is None else body + 1] = changed
            assert [[item.title, *item.bodies] for item in after] == texts


@pytest.mark.parametrize("name", NAMES)
def test_marking_twice_leaves_one_mark(name: str) -> None:
    """A second mark updates the first, the same mark changes nothing, and `PLAIN` takes it away again."""
    data = (GOLDEN / name).read_bytes()
    document = open_document(data)
    document.mark_title(0, TitleLabel.CLICKBAIT, 0.71)
    document.mark_title(0, TitleLabel.CLICKBAIT, 0.93)
    once = document.to_bytes()
    assert once.count(b"probability") == 1
    assert b"0.93" in once
    assert b"0.71" not in once
    again = open_document(once)
    again.mark_title(0, TitleLabel.CLICKBAIT, 0.93)
    assert again.to_bytes() == once
    assert list(again.items) == list(open_document(data).items)
    again.mark_title(0, TitleLabel.PLAIN, 0.93)
    bare = again.to_bytes()
    assert b"clickbait" not in bare
    if name != "full.json":
        assert c14n(bare) == c14n(data)


def test_a_title_keeps_its_spelling_behind_a_prefix() -> None:
    """A prefix is put before the publisher's own characters, whatever they are."""
    document = open_document((GOLDEN / "full.rss").read_bytes())
    for number in (0, 1):
        title = document.items[number].title
        assert title is not None
        document.replace(number, None, f"[<Ad>] {title.text}")
    written = document.to_bytes()
    assert b"<title>[&amp;lt;Ad&amp;gt;] Freight rates &amp;amp; fuel: what changed</title>" in written
    assert b"<title><![CDATA[[<Ad>] You won't believe this tariff]]></title>" in written


def test_character_data_stays_character_data() -> None:
    """A body in CDATA is written as CDATA, also if it must be split, and its neighbours keep theirs."""
    document = open_document((GOLDEN / "full.rss").read_bytes())
    document.replace(0, 1, "<p>a]]>b]]>]]</p>")
    written = document.to_bytes()
    assert b"<content:encoded><![CDATA[<p>a]]]]><![CDATA[>b]]]]><![CDATA[>]]</p>]]></content:encoded>" in written
    assert open_document(written).items[0].bodies[1].text == "<p>a]]>b]]>]]</p>"
