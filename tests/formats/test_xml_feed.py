"""XML feeds: read strictly, mended lightly, edited in place."""

from __future__ import annotations

import io
import time
import xml.parsers.expat
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import canonicalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedclean.errors import FormatError, LimitError
from feedclean.formats.limits import Limits
from feedclean.formats.xml_feed import _ABSOLUTE, XmlFeed, open_xml_feed
from feedclean.types import Markup, TitleLabel

ATOM = "http://www.w3.org/2005/Atom"
ITEM = "<item><title>{title}</title><link>http://e/1</link><description>{body}</description></item>"


def rss(items: str, before: str = "", root: str = "") -> bytes:
    return f'{before}<rss version="2.0"{root}><channel><title>t</title>{items}</channel></rss>'.encode()


def item(title: str = "x", body: str = "y") -> str:
    return ITEM.format(title=title, body=body)


def atom(entry: str, root: str = "") -> bytes:
    return f'<feed xmlns="{ATOM}"{root}><title>t</title><entry>{entry}</entry></feed>'.encode()


def title_of(feed: XmlFeed, number: int = 0) -> str:
    title = feed.items[number].title
    return title.text if title else ""


def strict(data: bytes) -> Any:
    """The root as two engines read it."""
    xml.parsers.expat.ParserCreate().Parse(data, True)
    return etree.fromstring(data)


def c14n(data: bytes) -> str:
    return canonicalize(etree.tostring(etree.fromstring(data).getroottree(), encoding="unicode"), with_comments=True)


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("AT&T&nbsp;caf&eacute; &mdash; Q3", "AT&T\u00a0caf\u00e9 \u2014 Q3"),
        ("R&D &amp; M&A &unknown; &#8217;&#X41;", "R&D & M&A &unknown; \u2019A"),
        ("a&#x0;b&#xD800;c&#xFFFFFFFF;d", "abcd"),
        ("a\x0bb\x00c", "abc"),
        ("&LT; &lang;", "< \u2329"),
    ],
)
def test_small_faults_are_mended_in_place(written: str, read: str) -> None:
    """Ampersands, HTML's names and forbidden characters cost no element and no other character."""
    data = rss(item(title=written) + '<x:tick xmlns:x="urn:x" a="1&2">AMZN</x:tick><!-- R&D --><![CDATA[&nbsp;]]>')
    feed = open_xml_feed(data)
    assert title_of(feed) == read
    written_back = feed.to_bytes()
    root = strict(written_back)
    tick = root.find(".//{urn:x}tick")
    assert tick.get("a") == "1&2" and tick.text == "AMZN"
    assert b"<!-- R&D -->" in written_back and b"<![CDATA[&nbsp;]]>" in written_back
    assert open_xml_feed(written_back).to_bytes() == written_back


def test_undeclared_prefixes_are_declared() -> None:
    """Known prefixes get their namespace, others one of ours, and nothing is lost."""
    feed = open_xml_feed(rss("<item><content:encoded>c</content:encoded><foo:bar a='1'>AMZN</foo:bar></item>"))
    assert [field.name for field in feed.items[0].bodies] == ["content:encoded"]
    assert b'<foo:bar a="1">AMZN</foo:bar>' in feed.to_bytes()


def test_internal_text_entities_are_expanded_and_the_doctype_is_kept() -> None:
    """Harmless declarations work as their author meant them."""
    doctype = '<!DOCTYPE rss [<!ENTITY corp "ACME Corp"><!ENTITY nbsp "&#160;">]>'
    feed = open_xml_feed(
        rss(item(title="&corp;&nbsp;wins &eacute;"), '<?xml version="1.0" standalone="yes"?>' + doctype)
    )
    assert title_of(feed) == "ACME Corp\u00a0wins \u00e9"
    assert b'<!ENTITY corp "ACME Corp">' in feed.to_bytes()
    assert b"standalone='yes'" in feed.to_bytes()


def test_the_netscape_doctype_does_not_hinder_named_entities() -> None:
    """RSS 0.91 names a DTD that is never fetched; its entities are known anyway."""
    doctype = (
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">'
    )
    assert title_of(open_xml_feed(rss(item(title="caf&eacute;"), doctype))) == "caf\u00e9"


@pytest.mark.parametrize("kind", ["entity", "dtd", "parameter", "attribute"])
def test_no_file_is_ever_read(tmp_path: Path, kind: str) -> None:
    """External entities, DTDs and parameter entities stay outside, and their references stay visible text."""
    canary = tmp_path / "canary"
    canary.write_text('<!ENTITY x "LEAKED">' if kind != "entity" else "LEAKED")
    place = canary.as_uri()
    doctype = {
        "entity": f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{place}">]>',
        "attribute": f'<!DOCTYPE rss SYSTEM "{place}" [<!ENTITY y "z">]>',
        "dtd": f'<!DOCTYPE rss SYSTEM "{place}">',
        "parameter": f'<!DOCTYPE rss [<!ENTITY % p SYSTEM "{place}"> %p;]>',
    }[kind]
    feed = open_xml_feed(rss(item(title="[&x;]"), doctype))
    assert title_of(feed) == "[&x;]"
    assert b"LEAKED" not in feed.to_bytes()


@pytest.mark.parametrize("where", ["text", "attribute", "quadratic"])
def test_entity_bombs_are_cheap(where: str) -> None:
    """Amplification is refused within half a second."""
    entities = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    body = {"text": "<item><title>&a9;</title></item>", "attribute": '<item a="&a9;"/>'}.get(
        where, "<item>" + "&q;" * 40000
    )
    big = f'<!ENTITY q "{"A" * 60000}">'
    start = time.process_time()
    with pytest.raises(LimitError, match="too costly"):
        open_xml_feed(rss(body, f"<!DOCTYPE rss [{entities}{big}]>"))
    assert time.process_time() - start < 0.5


def test_deep_and_crowded_feeds_are_refused() -> None:
    """Depth, attributes and elements have ceilings, and a lower one can be asked for."""
    with pytest.raises(LimitError, match="depth"):
        open_xml_feed(rss("<a>" * 1000 + "</a>" * 1000))
    with pytest.raises(LimitError, match="nested more than 20"):
        open_xml_feed(rss("<a>" * 30 + "</a>" * 30), limits=Limits(depth=20))
    crowd = " ".join(f'a{i}="1"' for i in range(60_000))
    with pytest.raises(LimitError, match="attributes on one tag"):
        open_xml_feed(rss(f"<item {crowd}/>"))
    with pytest.raises(LimitError, match="more than 10 elements"):
        open_xml_feed(rss("<a/>" * 30), limits=Limits(elements=10))


def test_a_text_with_many_equal_signs_is_no_crowd() -> None:
    """Only attributes of one tag count."""
    feed = open_xml_feed(rss(item(body="a=b " * 60_000)))
    assert len(feed.items[0].bodies[0].text) == 240_000


@pytest.mark.parametrize(
    ("declared", "encoded"),
    [
        ("utf-8", "cp1252"),
        ("us-ascii", "utf-8"),
        ("x-klingon", "utf-8"),
        ("utf-16", "utf-8"),
        ("idna", "utf-8"),
        ("iso-8859-1", "utf-8-sig"),
        ("utf-8", "utf-16"),
        ("IBM037", "cp037"),
        ("windows-1252", "cp1252"),
    ],
)
def test_bytes_that_contradict_their_declaration_are_read_as_what_they_are(declared: str, encoded: str) -> None:
    """A wrong declaration costs no character."""
    text = rss(item(title="caf\u00e9"), f'<?xml version="1.0" encoding="{declared}"?>').decode()
    feed = open_xml_feed(text.encode(encoded))
    assert title_of(feed) == "caf\u00e9"
    assert "caf\u00e9" in feed.to_bytes().decode("utf-8")


def test_facts_of_an_item_are_found_in_every_vocabulary() -> None:
    """Key, address and language, by whatever name."""
    rdf = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="c"><dc:language>de</dc:language></channel>'
        b'<item rdf:about="http://e/1"><title>T</title><description>D</description></item></rdf:RDF>'
    )
    found = open_xml_feed(rdf).items[0]
    assert (found.key, found.url, found.language) == ("http://e/1", "http://e/1", "de")
    assert [field.name for field in found.bodies] == ["description"]
    content = '<id>i</id><content type="text/html" mode="escaped">&lt;p&gt;x</content>'
    old = atom(content).replace(ATOM.encode(), b"http://purl.org/atom/ns#")
    assert open_xml_feed(old).items[0].bodies[0].markup is Markup.HTML
    bare = open_xml_feed(
        rss("<item/><item><guid>not a link</guid></item><item><link>/x</link></item>"), url="http://h/f"
    )
    assert [found.key for found in bare.items] == ["0", "not a link", "http://h/x"]


def test_every_element_that_holds_a_text_to_clean_is_a_body() -> None:
    """The vocabularies that carry article texts are known; pictures and base64 are not texts."""
    names = (
        ' xmlns:c="http://purl.org/rss/1.0/modules/content/" xmlns:m="http://search.yahoo.com/mrss/"'
        f' xmlns:a="{ATOM}" xmlns:x="http://www.w3.org/1999/xhtml" xmlns:i="http://www.itunes.com/dtds/podcast-1.0.dtd"'
        ' xmlns:d="http://purl.org/dc/elements/1.1/"'
    )
    feed = open_xml_feed(
        rss(
            "<item><description>1</description><c:encoded>2</c:encoded>"
            "<m:group><m:content><m:description>3</m:description></m:content></m:group>"
            "<a:summary type='html'>4</a:summary><a:content type='text'>5</a:content><x:body><x:p>6</x:p></x:body>"
            "<i:summary>7</i:summary><d:description>8</d:description>"
            "<a:content src='x' type='image/png'/><a:content type='image/png'>aGk=</a:content><m:title>no</m:title>"
            "</item>",
            root=names,
        )
    )
    assert [field.text for field in feed.items[0].bodies] == ["1", "2", "3", "4", "5", "<p>6</p>", "7", "8"]


# ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_xhtml_is_read_as_html_and_written_as_elements() -> None:
    """Names lose their prefix, empty elements close as HTML wants it, and new markup becomes elements again."""
    source = atom(
        '<title type="xhtml"><h:div><h:b>A</h:b> title</h:div></title><content type="xhtml"><h:div>'
        '<h:p class="a">1 &lt; 2</h:p><h:p/><h:br/><svg xmlns="http://www.w3.org/2000/svg"><path d="M0"/></svg>'
        "</h:div></content>",
        ' xmlns:h="http://www.w3.org/1999/xhtml"',
    )
    feed = open_xml_feed(source)
    body = feed.items[0].bodies[0]
    assert body.text == (
        '<p class="a">1 &lt; 2</p><p></p><br/><svg xmlns="http://www.w3.org/2000/svg"><path d="M0"></path></svg>'
    )
    feed.replace(0, 0, body.text.replace("<p></p>", "<p>new&nbsp;one</p>"))
    feed.replace(0, None, f"[Ad] {title_of(feed)}")
    written = feed.to_bytes()
    root = strict(written)
    added = root.findall(".//{http://www.w3.org/1999/xhtml}p")
    assert [paragraph.text for paragraph in added] == ["1 < 2", "new\u00a0one"]
    assert root.find(".//{http://www.w3.org/2000/svg}path") is not None
    assert title_of(open_xml_feed(written)) == "[Ad] A title"
    assert root.find(f".//{{{ATOM}}}title//{{http://www.w3.org/1999/xhtml}}b") is not None


def test_inline_markup_that_is_not_well_formed_is_refused_and_changes_nothing() -> None:
    """A tree cannot hold an open tag."""
    source = atom('<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div></content>')
    feed = open_xml_feed(source)
    for wrong in ("<p>open", "</div><div>", "<b><i></b></i>"):
        with pytest.raises(FormatError):
            feed.replace(0, 0, wrong)
    assert feed.to_bytes() == source


def test_naked_markup_in_a_description_is_edited_as_elements() -> None:
    """Some publishers forget to escape."""
    feed = open_xml_feed(rss("<item><description>Words <p>one</p><p>two</p></description></item>"))
    assert feed.items[0].bodies[0].text == "Words <p>one</p><p>two</p>"
    feed.replace(0, 0, "Words <p>one</p>")
    assert b"<description>Words <p>one</p></description>" in feed.to_bytes()


def test_only_what_was_replaced_changes() -> None:
    """Comments, processing instructions, foreign elements and the other items are the same after canonicalisation."""
    source = (
        rss(
            item(body="<![CDATA[<p>ad</p>]]>")
            + '<x:t xmlns:x="urn:x" b="2" a="1">&#13;\u00a0</x:t><?keep me?>'
            + item(),
            '<?xml version="1.0"?><!-- before --><?pi before?>',
        )
        + b"<!-- after --><?pi after?>"
    )
    feed = open_xml_feed(source)
    feed.replace(0, 0, "<p>kept</p>")
    assert c14n(feed.to_bytes()) == c14n(source.replace(b"<p>ad</p>", b"<p>kept</p>"))
    assert b"<description><![CDATA[<p>kept</p>]]></description>" in feed.to_bytes()


def test_a_comment_inside_a_text_survives_a_new_text() -> None:
    """The publisher's comment is not the text."""
    feed = open_xml_feed(rss("<item><description>one <!-- c -->two</description></item>"))
    assert feed.items[0].bodies[0].text == "one two"
    feed.replace(0, 0, "three")
    assert b"<description>three<!-- c --></description>" in feed.to_bytes()


def test_characters_that_xml_forbids_never_reach_the_feed() -> None:
    """Whatever a caller passes, the feed stays well-formed."""
    feed = open_xml_feed(rss(item()))
    feed.replace(0, 0, "a\x00b\ud800c\ufffed")
    feed.replace(0, None, "t\x1b")
    again = open_xml_feed(feed.to_bytes())
    assert (again.items[0].bodies[0].text, title_of(again)) == ("abcd", "t")


MARKS = {
    "rss": (rss(item()), b'<category xmlns:feedclean="urn:feedclean" domain="urn:feedclean:title" '),
    "rss 0.91": (rss(item()).replace(b"2.0", b"0.91"), b"<dc:subject "),
    "atom": (atom("<title>x</title>"), b'scheme="urn:feedclean:title" term="clickbait" label="clickbait" '),
    "atom 0.3": (atom("<title>x</title>").replace(ATOM.encode(), b"http://purl.org/atom/ns#"), b"<dc:subject "),
    "rdf": (
        b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><item><title>x</title></item></r:RDF>',
        b"<dc:subject ",
    ),
}


@pytest.mark.parametrize("kind", MARKS)
def test_a_title_is_marked_once_beside_it(kind: str) -> None:
    """The mark follows the title, is updated in place, and goes without a trace."""
    source, sign = MARKS[kind]
    feed = open_xml_feed(source)
    feed.mark_title(0, TitleLabel.CLICKBAIT, 0.5)
    feed.mark_title(0, TitleLabel.CLICKBAIT, 0.934)
    once = feed.to_bytes()
    assert sign in once and once.count(b'feedclean:probability="0.93"') == 1
    assert b"x</title><" in once
    again = open_xml_feed(once)
    again.mark_title(0, TitleLabel.CLICKBAIT, 0.93)
    assert again.to_bytes() == once
    again.mark_title(0, TitleLabel.PLAIN, 0.1)
    assert c14n(again.to_bytes()) == c14n(source)


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=30
)


@given(st.lists(st.tuples(WORDS, WORDS, st.booleans()), max_size=4), WORDS)
def test_a_new_text_is_read_back_as_it_was_given(held: list[tuple[str, str, bool]], new: str) -> None:
    """Escaped or CDATA, every text survives writing, and cleaning twice writes the same bytes."""
    from xml.sax.saxutils import escape

    def wrap(text: str, *, cdata: bool) -> str:
        return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>" if cdata else escape(text)

    source = rss("".join(item(wrap(title, cdata=cdata), wrap(body, cdata=cdata)) for title, body, cdata in held))
    feed = open_xml_feed(source)
    assert feed.to_bytes() == source
    assert [[field.text for field in found.bodies] for found in feed.items] == [
        [body] if body.strip() else [] for _, body, _ in held
    ]
    for number, found in enumerate(feed.items):
        if found.bodies:
            feed.replace(number, 0, new)
    written = feed.to_bytes()
    strict(written)
    again = open_xml_feed(written)
    expected = [new for found in feed.items if found.bodies]
    assert [field.text for found in again.items for field in found.bodies] == [
        text for text in expected if text.strip()
    ]
    assert again.to_bytes() == written


def test_many_items_take_linear_time() -> None:
    """Ten times the items take about ten times as long."""

    def seconds(count: int) -> float:
        data = rss(item() * count)
        start = time.process_time()
        open_xml_feed(data).to_bytes()
        return time.process_time() - start

    seconds(100)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.005)


def test_a_feed_without_change_is_written_as_it_came_even_from_a_stream_of_bytes() -> None:
    """Bytes in, the same bytes out, with a mark or without."""
    for source in (
        rss(item()),
        b"\xef\xbb\xbf" + rss(item()),
        rss(item(), "<?xml version='1.0' encoding='UTF-8'?>\r\n"),
    ):
        assert open_xml_feed(io.BytesIO(source).getvalue()).to_bytes() == source


def test_names_that_only_half_of_all_parsers_know_are_not_passed_on() -> None:
    """Such a feed is well-formed for libxml2, but not for expat: it is refused here, and goes to the rescue."""
    with pytest.raises(FormatError, match="not well-formed at line 1: not well-formed"):
        open_xml_feed(rss("<item><ti\u02dcle>x</ti\u02dcle></item>"))
    strict(open_xml_feed(rss("<item><stra\u00dfe a\u00e4='\u02dc'>\u02dc</stra\u00dfe></item>")).to_bytes())


def test_entries_go_by_either_name_in_every_vocabulary() -> None:
    """`<entry>` in RSS and `<item>` in Atom exist."""
    assert len(open_xml_feed(rss("<entry/><item/>")).items) == 2
    assert len(open_xml_feed(f'<feed xmlns="{ATOM}"><item/><entry/></feed>'.encode()).items) == 2


@given(
    st.sampled_from(
        ["https://a.example", "http://a.b:80", "HTTPS://A.b", "http://[::1]", "http://u@h", "//a.b", "feed:x"]
    ),
    st.text("ab./?#;:@%&=~-_()![]',*+$ \té", max_size=8),
)
def test_an_address_that_needs_no_reading_is_the_one_that_reading_gives(host: str, path: str) -> None:
    link = f"{host}/{path}"
    assert not _ABSOLUTE.match(link) or urljoin("https://x.example/feed/", link) == link == urljoin("", link)
