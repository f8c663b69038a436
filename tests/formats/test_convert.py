"""Conversion: what a feed says survives, what could run does not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from feedclean.errors import FormatError
from feedclean.formats.convert import TARGETS, convert
from feedclean.formats.feed_reader import read_feed
from feedclean.formats.front_matter import front_matter_of, read_front_matter
from feedclean.formats.sniff import open_document
from feedclean.types import Format

GOLDEN = Path(__file__).parent / "golden"
FORMATS = {"rss": Format.RSS, "atom": Format.ATOM, "jsonfeed": Format.JSONFEED}


def through(data: bytes, *path: str) -> bytes:
    """`data`, of the first format, as each of the others in turn."""
    for source, to in pairwise(path):
        data = convert(data, FORMATS[source], to)
        assert open_document(data).format is FORMATS[to]
        assert open_document(data).to_bytes() == data
    return data


# ── Round trips ─────────────────────────────────────────────────────────────────────────────────────────────────────

PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Co", "Cn", "Zl", "Zp", "Zs"], include_characters=" "),
    min_size=1,
    max_size=20,
).map(lambda text: " ".join(text.split()) or "x")
LINKS = st.from_regex(r"https?://[a-z]{1,8}\.example/[a-z0-9/]{0,10}(\?[a-z]=[0-9]&[a-z]=%20)?", fullmatch=True)
IDS = st.one_of(LINKS, PLAIN, st.from_regex(r"(tag|urn):[a-z.]{1,9},2024:[a-z0-9]{1,5}", fullmatch=True))
DATES = st.integers(10**7, 4 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))
ENCLOSURES = st.tuples(LINKS, st.integers(0, 10**9), st.sampled_from(["audio/mpeg", "image/png"]))
ITEMS = st.lists(
    st.fixed_dictionaries(
        {
            "title": PLAIN,
            "link": st.none() | LINKS,
            "id": IDS,
            "permalink": st.sampled_from([None, "true", "false"]),
            "date": DATES,
            "enclosures": st.lists(ENCLOSURES, max_size=2, unique_by=lambda held: held[0]),
        }
    ),
    max_size=3,
)


def as_rss(items: list[dict[str, Any]]) -> bytes:
    def one(item: dict[str, Any]) -> str:
        permalink = f' isPermaLink="{item["permalink"]}"' if item["permalink"] else ""
        link = f"<link>{escape(item['link'])}</link>" if item["link"] else ""
        enclosures = "".join(
            f'<enclosure url={quoteattr(url)} length="{length}" type="{kind}"/>'
            for url, length, kind in item["enclosures"]
        )
        date = item["date"].strftime("%a, %d %b %Y %H:%M:%S GMT")
        return (
            f"<item><title>{escape(escape(item['title']))}</title>{link}<guid{permalink}>{escape(item['id'])}</guid>"
            f"<pubDate>{date}</pubDate>{enclosures}</item>"
        )

    return f'<rss version="2.0"><channel><title>t</title>{"".join(map(one, items))}</channel></rss>'.encode()


def told(data: bytes) -> list[dict[str, Any]]:
    """What an RSS feed says, read without any of our code but the escaping of titles."""
    items = []
    for item in etree.fromstring(data).iter("item"):
        guid = item.find("guid")
        assert guid is not None
        permalink = guid.get("isPermaLink", "true") == "true"
        link = item.findtext("link") or (guid.text if permalink and (guid.text or "").startswith("http") else None)
        items.append(
            {
                "title": html.fromstring(f"<p>{item.findtext('title')}</p>").text_content(),
                "link": link,
                "id": guid.text,
                "permalink": permalink and (guid.text or "").startswith("http"),
                "date": item.findtext("pubDate"),
                "enclosures": [dict(held.attrib) for held in item.iter("enclosure")],
            }
        )
    return items


@settings(max_examples=60)
@given(ITEMS, st.sampled_from([("atom",), ("jsonfeed",), ("atom", "jsonfeed"), ("jsonfeed", "atom")]))
def test_a_round_trip_keeps_what_identifies_an_item(items: list[dict[str, Any]], way: tuple[str, ...]) -> None:
    """Id, permalink, link, title, date and enclosures come back as they were."""
    source = as_rss(items)
    assert told(through(source, "rss", *way, "rss")) == told(source)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("to", FORMATS)
def test_full_feeds_keep_ids_titles_and_texts(source: str, to: str) -> None:
    """Every item of the golden feeds is found again, with its texts."""
    name = {"rss": "full.rss", "atom": "full.atom", "jsonfeed": "full.json"}[source]
    data = (GOLDEN / name).read_bytes()
    before, after = open_document(data).items, open_document(convert(data, FORMATS[source], to)).items
    assert [item.title and item.title.text for item in after] == [item.title and item.title.text for item in before]
    assert [item.url for item in after] == [item.url for item in before]
    for old, new in zip(before, after, strict=True):
        assert new.key == old.key or new.key.startswith("urn:uuid:")
        fullest = max((field.text for field in old.bodies), key=len, default="")
        assert any(fullest == field.text for field in new.bodies) or not fullest


def test_an_address_with_attributes_is_still_the_address() -> None:
    """RSS has no other place for it than its plain link, and the first of several is the one."""
    links = '<link href="http://e/1" title="t" hreflang="de"/><link href="http://e/2" hreflang="en"/>'
    source = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id>{links}</entry></feed>'.encode()
    written = convert(source, Format.ATOM, "rss")
    assert b"<link>http://e/1</link>" in written and b'href="http://e/2"' in written
    assert open_document(through(source, "atom", "rss", "atom")).items[0].url == "http://e/1"


def test_foreign_elements_survive_between_feeds() -> None:
    """A ticker is news."""
    written = convert((GOLDEN / "full.rss").read_bytes(), Format.RSS, "atom")
    assert b'<stock:ticker exchange="VIE">QUAY</stock:ticker>' in written


def test_what_a_feed_needs_is_derived_and_never_from_the_clock() -> None:
    """An Atom feed of a poor RSS feed is complete, and the same tomorrow."""
    poor = (
        b"<rss version='2.0'><channel><item><title>a</title></item><item><link>http://e/x</link></item></channel></rss>"
    )
    first, second = (convert(poor, Format.RSS, "atom", url="http://h.example/f") for _ in range(2))
    assert first == second
    root = etree.fromstring(first)
    name = "{http://www.w3.org/2005/Atom}"
    for element in [root, *root.iter(f"{name}entry")]:
        ident, updated = element.findtext(f"{name}id"), element.findtext(f"{name}updated")
        assert ident is not None and ident.startswith("urn:uuid:")
        assert updated == "1970-01-01T00:00:00Z"
    assert root.findtext(f"{name}title") == "e"
    assert root.find(f"{name}author") is not None


@pytest.mark.parametrize(
    ("written", "rss", "iso"),
    [
        ("Tue, 05 Mar 2024 08:00:00 +0100", "Tue, 05 Mar 2024 08:00:00 +0100", "2024-03-05T07:00:00Z"),
        ("2024-03-05T08:00:00+01:00", "Tue, 05 Mar 2024 08:00:00 +0100", "2024-03-05T08:00:00+01:00"),
        ("2024-03-05", "Tue, 05 Mar 2024 00:00:00 GMT", "2024-03-05T00:00:00Z"),
        ("whenever", "whenever", None),
    ],
)
def test_dates_are_written_as_each_format_wants_them(written: str, rss: str, iso: str | None) -> None:
    """As they were if that is right already; else as the same moment."""
    source = f"<rss version='2.0'><channel><item><title>t</title><pubDate>{written}</pubDate></item></channel></rss>"
    as_json = json.loads(convert(source.encode(), Format.RSS, "jsonfeed"))["items"][0]
    assert as_json.get("date_published") == iso
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>a</id><published>{written}</published></entry></feed>"
    assert f"<pubDate>{rss}</pubDate>".encode() in convert(atom.encode(), Format.ATOM, "rss")


def test_lines_have_one_object_an_item_with_always_the_same_keys() -> None:
    """For tables and pipes."""
    keys = ["id", "url", "title", "published", "updated", "authors", "language", "tags", "content_html", "content_text"]
    for name, source in (("full.rss", Format.RSS), ("full.atom", Format.ATOM), ("full.json", Format.JSONFEED)):
        lines = convert((GOLDEN / name).read_bytes(), source, "jsonl").decode().splitlines()
        assert [list(json.loads(line)) for line in lines] == [keys] * len(lines)
        assert len(lines) > 1


# ── Articles ────────────────────────────────────────────────────────────────────────────────────────────────────────

ARTICLE = b"""<html lang="de"><head><title>Zinsen</title><link rel="canonical" href="https://e.example/z">
<meta property="article:published_time" content="2024-03-05T08:00:00+01:00"><style>p{}</style></head><body>
<script>alert(1)</script><h1>Zinsen</h1><p onclick="x()">Die <a href="/b">Bank</a>.</p><pre>a
  b</pre><ul><li>eins</li><li>zwei</li></ul><table><tr><th>x</th><td>1</td></tr></table></body></html>"""


def test_an_article_becomes_a_feed_of_one_item() -> None:
    """With its address as id, its own date, and its body made safe."""
    found = open_document(convert(ARTICLE, Format.HTML, "rss"))
    assert (found.items[0].key, found.items[0].url) == ("https://e.example/z", "https://e.example/z")
    assert 'href="https://e.example/b"' in found.items[0].bodies[0].text
    assert "alert" not in found.items[0].bodies[0].text and "onclick" not in found.items[0].bodies[0].text
    line = json.loads(convert(ARTICLE, Format.HTML, "jsonl"))
    assert (line["published"], line["language"], line["title"]) == ("2024-03-05T08:00:00+01:00", "de", "Zinsen")


def test_an_article_can_be_read_as_text_and_as_markdown() -> None:
    """Paragraphs, lists, tables and code keep their form."""
    text = convert(ARTICLE, Format.HTML, "text").decode()
    assert "Die Bank (https://e.example/b).\n\na\n  b\n\n- eins\n- zwei\n\nx\t1\n" in text
    markdown = convert(ARTICLE, Format.HTML, "markdown").decode()
    for piece in ("# Zinsen", "[Bank](https://e.example/b)", "- eins", "```"):
        assert piece in markdown
    said = convert(b"One & <two>\n\nthree", Format.TEXT, "html")
    assert b"<p>One &amp; &lt;two&gt;</p>\n<p>three</p>" in said


@pytest.mark.parametrize(
    "title", ["&lt;b&gt;Bold&lt;/b&gt; bets", "Margins &lt; 5 %", '"&gt;&lt;img src=x onerror=x()&gt;']
)
def test_an_article_whose_title_speaks_about_tags_is_still_one_article(title: str) -> None:
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>One.</p></body></html>".encode()
    written = convert(page, Format.HTML, "markdown").decode()
    assert read_front_matter(front_matter_of(written)).title == unescape(title)
    assert written.count("\n# ") == 1 and "## " not in written
    assert convert(page, Format.HTML, "html").decode().count("<h1>") == 1


def test_very_deep_pages_convert_in_a_moment() -> None:
    """Whatever is recursive is kept from them."""
    deep = b"<html><body>" + b"<div>" * 20_000 + b"x" + b"</div>" * 20_000
    for to in TARGETS:
        assert b"x" in convert(deep, Format.HTML, to)


def test_text_cannot_become_markup() -> None:
    """Markdown of plain text shows the text, whatever it spells."""
    text = b"[x](javascript:alert(1)) <script>alert(1)</script> `a` <javascript:alert(1)>"
    written = convert(text, Format.TEXT, "markdown").decode()
    assert "](java" not in written.replace("\\]", "") and "<" not in written.replace("\\<", "")


# ── Safety ──────────────────────────────────────────────────────────────────────────────────────────────────────────

BAD_URLS = [
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "\u2028javascript:alert(1)",
    "\u00adjavascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
]
BAD_TEXTS = ["<script>alert(1)</script>Hi", "<img src=x onerror=alert(1)>Hi", '"><svg onload=alert(1)>Hi']


def poisoned(url: str, text: str) -> bytes:
    u, t, a = escape(url), escape(text), quoteattr(url)
    names = ' xmlns:m="http://search.yahoo.com/mrss/" xmlns:i="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    names += ' xmlns:x="http://www.w3.org/1999/xhtml" xmlns:atom="http://www.w3.org/2005/Atom"'
    return (
        f'<rss version="2.0"{names}><channel><title>{t}</title><link>{u}</link><description>{t}</description>'
        f"<image><url>{u}</url><title>{t}</title><link>{u}</link></image><generator>{t}</generator>"
        f"<item><title>{t}</title><link>{u}</link><guid>{u}</guid><author>{t}</author>"
        f"<category domain={a}>{t}</category>"
        f"<comments>{u}</comments><source url={a}>{t}</source><enclosure url={a} type={quoteattr(text)} length='1'/>"
        f"<m:content url={a}><m:description>{t}</m:description><x:script>alert(1)</x:script></m:content>"
        f"<m:thumbnail url={a}/><i:author>{t}</i:author><i:image href={a}/><i:new>{u}</i:new>"
        f"<atom:link href={a} rel='related'/>"
        f"<atom:author><atom:name>{t}</atom:name><atom:uri>{u}</atom:uri></atom:author>"
        f"<description>ok</description></item></channel></rss>"
    ).encode()


EXECUTABLE = re.compile(r"(?:java|vb)script:|data:text|file:///", re.IGNORECASE)


@pytest.mark.parametrize("to", ["atom", "jsonfeed", "jsonl", "html", "markdown", "text"])
@pytest.mark.parametrize("url", BAD_URLS)
def test_no_address_that_runs_comes_out_of_any_field(url: str, to: str) -> None:
    """Links, ids, enclosures, pictures, people, categories, extensions: only http, https and mailto."""
    written = convert(poisoned(url, "plain"), Format.RSS, to).decode()
    bare = re.sub(r"[\s\u00ad\u2028]|\\t|&#9;", "", written)
    assert not EXECUTABLE.search(bare), written
    back = convert(convert(poisoned(url, "plain"), Format.RSS, "atom"), Format.ATOM, "rss").decode()
    assert not EXECUTABLE.search(re.sub(r"[\s\u00ad\u2028]", "", back))


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_no_tag_comes_out_of_a_plain_field(text: str) -> None:
    """Titles, names and categories are text, once and twice unescaped."""
    source = poisoned("http://e.example/", text)
    written = convert(source, Format.RSS, "atom")
    for again in (written, convert(written, Format.ATOM, "rss")):
        shown = [held for node in etree.fromstring(again).iter() for held in (node.text or "", *node.attrib.values())]
        assert not [held for held in shown if re.search(r"<(?:script|img|svg)|onerror", str(held))]
        assert read_feed(again).entries[0].title.endswith("Hi")
    for item in json.loads(convert(source, Format.RSS, "jsonfeed"))["items"]:
        assert "<" not in item["title"]


def test_the_page_of_a_feed_runs_nothing_and_says_so() -> None:
    """Bodies are made safe, and the policy forbids the rest."""
    body = '<p onclick=x>ok<script>alert(1)</script><a href="javascript:x">l</a><iframe srcdoc="<script>"></iframe></p>'
    source = json.dumps({"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "content_html": body}]})
    page = convert(source.encode(), Format.JSONFEED, "html").decode()
    root = html.fromstring(page)
    assert not root.xpath("//script|//iframe|//@onclick|//@srcdoc|//a[@href]")
    policy = root.xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)")
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "script" not in policy


def test_the_same_format_is_handed_on() -> None:
    """Editing in place keeps more than any conversion."""
    for name, source, to in (("full.rss", Format.RSS, "rss"), ("full.json", Format.JSONFEED, "jsonfeed")):
        data = (GOLDEN / name).read_bytes()
        assert convert(data, source, to) == data
    with pytest.raises(FormatError, match="one of rss, atom"):
        convert(b"x", Format.TEXT, "pdf")


@given(st.binary(max_size=40), st.sampled_from([to for to in TARGETS if to != "text"]))
def test_any_text_converts(data: bytes, to: str) -> None:
    """To UTF-8, whatever it was."""
    convert(data, Format.TEXT, to).decode()
