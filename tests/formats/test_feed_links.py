"""What a feed says about its own address, and items that go: everything else stays as it was."""

from __future__ import annotations

import json

import pytest

from feedclean.formats.json_feed import open_json_feed
from feedclean.formats.xml_feed import open_xml_feed

OWN, VIA = "http://proxy.example/feeds/x?a=1&b=2", "https://news.example/feed"
RSS = """<rss version="2.0" xmlns:a="http://www.w3.org/2005/Atom"><channel><title>News</title>
  <a:link href="https://news.example/feed" rel="self" type="application/rss+xml"/><link>https://news.example/</link>
  <a:link rel="hub" href="https://hub.example/"/><cloud domain="x"/><a:link rel="next" href="?page=2"/>
  <item><guid>1</guid><a:link rel="self" href="https://news.example/1.xml"/></item><item><guid>2</guid></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><link rel="alternate" href="https://news.example/"/>
  <link rel="self" href="https://news.example/feed"/><link rel="via" href="https://first.example/"/>
  <link rel="HUB" href="https://hub.example/"/><updated>2026-03-04T07:30:00Z</updated>
  <entry><id>1</id><title>a</title><link rel="self" href="x"/></entry><entry><id>2</id><title>b</title></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
  <channel rdf:about="x"><title>News</title><items><rdf:Seq><rdf:li rdf:resource="1"/><rdf:li rdf:resource="2"/></rdf:Seq>
  </items></channel><item rdf:about="1"><title>a</title></item><item rdf:about="2"><title>b</title></item></rdf:RDF>"""
JSON = """{ "version": "https://jsonfeed.org/version/1.1", "title": "News", "feed_url": "https://news.example/feed",
  "hubs": [{"type": "WebSub", "url": "https://hub.example/"}], "big": 1.50,
  "items": [ {"id": "1", "content_text": "a"}, {"id": "2", "content_text": "b"} , {"id": "3", "content_text": "c"}]}"""


@pytest.mark.parametrize("source", [RSS, ATOM, RDF])
def test_self_and_via_are_said_once_and_hubs_go(source: str) -> None:
    feed = open_xml_feed(source.encode())
    feed.relink(OWN, VIA)
    written = feed.to_bytes().decode()
    head = written[: written.index("<item" if "<item" in written.replace("<items", "") else "<entry")]
    assert written.count('href="http://proxy.example/feeds/x?a=1&amp;b=2"') == 1
    assert head.count(f'rel="via" href="{VIA}"') == 1
    assert "hub.example" not in written.lower() and "cloud" not in written
    if source is not RDF:
        assert 'rel="self" href="https://news.example/1.xml"' in written or 'rel="self" href="x"' in written
    if source is ATOM:
        assert "https://first.example/" in written
    if source is RSS:
        assert "?page=2" in written


REMARKS = RSS.replace("<title>", "<!-- made by hand --><?generator x?><title>").replace(
    "<cloud", "<!-- no cloud --><cloud"
)


@pytest.mark.parametrize("source", [RSS, ATOM, RDF, REMARKS, JSON])
def test_doing_it_twice_changes_nothing_more(source: str) -> None:
    def once(data: bytes) -> bytes:
        feed = open_json_feed(data) if source is JSON else open_xml_feed(data)
        feed.relink(OWN, VIA)
        return feed.to_bytes()

    first = once(source.encode())
    assert first != source.encode()
    assert once(first) == first


def test_without_an_address_of_its_own_a_copy_claims_none() -> None:
    feed = open_xml_feed(RSS.encode())
    feed.relink(None, VIA)
    written = feed.to_bytes().decode()
    head = written[: written.index("<item")]
    assert 'rel="self"' not in head and f'rel="via" href="{VIA}"' in head


def test_a_json_feed_keeps_its_source_around_what_changes() -> None:
    feed = open_json_feed(JSON.encode())
    feed.relink(OWN, VIA)
    written = feed.to_bytes().decode()
    value = json.loads(written)
    assert (value["feed_url"], value["hubs"], value["_feedclean"]) == (OWN, [], {"via": VIA})
    assert '"big": 1.50' in written and '} , {"id": "3"' in written


@pytest.mark.parametrize("gone", [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]])
def test_items_go_from_a_json_feed_and_leave_it_well_formed(gone: list[int]) -> None:
    feed = open_json_feed(JSON.encode())
    feed.replace(1, 0, "new")
    for number in gone:
        feed.remove(number)
    left = [item["id"] for item in json.loads(feed.to_bytes())["items"]]
    assert left == [str(number + 1) for number in range(3) if number not in gone]


@pytest.mark.parametrize("source", [RSS, ATOM, RDF])
def test_items_go_from_an_xml_feed(source: str) -> None:
    feed = open_xml_feed(source.encode())
    feed.remove(0)
    feed.remove(0)
    again = open_xml_feed(feed.to_bytes())
    assert [item.key for item in again.items] == ["2"]
    if source is RDF:
        assert b'resource="1"' not in feed.to_bytes() and b'resource="2"' in feed.to_bytes()


def test_a_document_that_is_an_entry_alone_has_no_head() -> None:
    entry = b'<entry xmlns="http://www.w3.org/2005/Atom"><id>1</id><title>a</title></entry>'
    feed = open_xml_feed(entry)
    feed.relink(OWN, VIA)
    feed.remove(0)
    assert feed.to_bytes() == entry
