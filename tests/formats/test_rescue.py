"""Feeds that no XML parser takes: read by feedparser under limits, written anew, entry by entry the same."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
from lxml import etree

from feedclean.errors import FormatError, LimitError
from feedclean.formats import rescue as rescue_module
from feedclean.formats.feed_reader import read_feed, regenerate
from feedclean.formats.limits import Limits
from feedclean.formats.rescue import rescue
from feedclean.formats.sniff import open_document
from feedclean.types import Format

COMPLAINT = FormatError("not well-formed at line 7: mismatch")

BROKEN = {
    "rss": b"""<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tick="urn:tick"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Wire &amp; Co</title><link>http://e/</link>
<item><title>Rates &lt;b&gt;rise&lt;/b&gt; &amp;amp; fall</title><link>http://e/1?a=1&amp;b=2</link>
<guid isPermaLink="false">g1</guid><pubDate>Tue, 05 Mar 2024 08:00:00 +0100</pubDate>
<author>ada@e.org (Ada Quay)</author><category domain="d">QUAY</category><description>&lt;p&gt;Short&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>Long & wide</p>]]></content:encoded><tick:symbol>QUAY</tick:symbol>
<enclosure url="http://e/a.mp3" length="5" type="audio/mpeg"/></item>
<item><guid>http://e/2</guid><title>Two</title><dc:creator>Ben</dc:creator><dc:date>2024-03-05</dc:date>
<description>never closed</item><item><title>Three</title></channel></rss>""",
    "atom": b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://e/dir/">
<title type="html">A &lt;b&gt;blog&lt;/b&gt;</title><entry><title type="html">One &amp;amp; &lt;i&gt;only&lt;/i&gt;</title>
<id>urn:1</id><link href="1"/><link rel="enclosure" href="1.mp3" type="audio/mpeg" length="7"/>
<published>2024-03-05T08:00:00+01:00</published><updated>2024-03-06</updated>
<author><name>Ada</name><email>ada@e.org</email><uri>http://ada</uri></author><author><name>Ben</name></author>
<category term="QUAY" scheme="s" label="Quay"/><summary>short</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Long <b>text</b></p></div></content></entry>
<entry><title>Two</title><id>urn:2</id><content type="html">&lt;p&gt;x</content><bad></entry></feed>""",
}


def facts(entry: Any) -> dict[str, Any]:
    def detail(key: str) -> Any:
        held = entry.get(f"{key}_detail")
        return held and {name: held.get(name) for name in ("type", "value", "base")}

    names = ("title", "link", "id", "guidislink", "author", "summary")
    return {
        **{name: entry.get(name) for name in names},
        **{name: dict.get(entry, name) for name in ("published", "updated")},
        **{name: [dict(held) for held in entry.get(name, [])] for name in ("links", "authors", "enclosures", "tags")},
        "title_detail": detail("title"),
        "summary_detail": detail("summary"),
        "author_detail": dict(entry.get("author_detail") or {}),
        "content": [{name: held.get(name) for name in ("type", "value", "base")} for held in entry.get("content", [])],
    }


@pytest.mark.parametrize("kind", BROKEN)
def test_a_rescued_feed_has_the_same_entries(kind: str) -> None:
    """What feedparser reads from the broken feed, it reads from the mended one, entry by entry."""
    written = open_document(BROKEN[kind]).to_bytes()
    etree.fromstring(written)
    before, after = read_feed(BROKEN[kind]), read_feed(written)
    assert [facts(entry) for entry in after.entries] == [facts(entry) for entry in before.entries]
    assert len(after.entries) > 1
    assert after.feed.title == before.feed.title
    assert open_document(written).to_bytes() == written


def test_a_rescued_feed_keeps_its_vocabulary_and_its_tickers() -> None:
    """RSS stays RSS, Atom stays Atom, and simple foreign elements survive."""
    rss, atom = (open_document(BROKEN[kind]) for kind in ("rss", "atom"))
    assert (rss.format, atom.format) == (Format.RSS, Format.ATOM)
    assert b'xmlns:tick="urn:tick"' in rss.to_bytes() and b"<tick:symbol>QUAY</tick:symbol>" in rss.to_bytes()
    assert [field.name for field in rss.items[0].bodies] == ["description", "content:encoded"]


def test_characters_that_xml_forbids_do_not_come_out() -> None:
    """Not even those that feedparser lets through, or trips over."""
    title = b"<title>a&#xD800;b&#x1;c\x02d</title>"
    data = b"<rss version='2.0'><channel>" + title + b"<item>" + title + b"<b></item></channel></rss>"
    assert [node.text for node in etree.fromstring(regenerate(data)).iter("title")] == ["abcd", "abcd"]
    assert len(open_document(data).items) == 1


def test_what_leaves_nothing_is_refused_with_the_parsers_own_complaint() -> None:
    """The line number is what helps a publisher."""
    with pytest.raises(FormatError, match=r"line 1: .*nothing could be saved of it; mend the feed") as fault:
        open_document(b"<rss></channel>")
    assert not isinstance(fault.value, LimitError)


@pytest.mark.parametrize(
    ("data", "limits", "told"),
    [
        (b"<rss>" + b"x" * 100, Limits(rescue_bytes=100), "bytes are more than the 100"),
        (b"<rss><a " + b"a=1 " * 2000, Limits(), "attributes on one tag"),
        (b"<rss>" + b"<a>" * 3000, Limits(), "tags that are not closed"),
    ],
)
def test_limits_stand_before_feedparser(data: bytes, limits: Limits, told: str) -> None:
    """No worker is started for what would only burn it."""
    rescue_module._worker._stop()
    with pytest.raises(LimitError, match=told):
        rescue(data, COMPLAINT, limits)
    assert rescue_module._worker._process is None


@pytest.mark.parametrize(
    "between", [b"<![CDATA[<b>]]>", b"<!-- <b> -->", b"<br/>", b"<BR>", b'<img src="a.png">', b"<p></p>", b"</p>"]
)
def test_only_tags_that_stay_open_count_as_open(between: bytes) -> None:
    data = b"<rss><channel><item><title>One</title><description>" + between * 3000 + b"</description></item>"
    assert b"One" in rescue(data, COMPLAINT, Limits())


@pytest.mark.parametrize("around", ["<![CDATA[%s]]>", "<!-- %s -->", "<?note %s ?>"])
def test_only_tags_have_attributes(around: str) -> None:
    rulers = around % (("=" * 70 + "\n") * 20)
    data = f"<rss><channel><item><title>One</title><description>{rulers}</description></item>".encode()
    assert b"One" in rescue(data, COMPLAINT, Limits())


def test_the_worker_is_kept_and_killed_at_the_deadline() -> None:
    """A bomb costs its deadline and no more, and the next feed gets a new worker."""
    rescue(BROKEN["rss"], COMPLAINT, Limits())
    first = rescue_module._worker._process
    rescue(BROKEN["atom"], COMPLAINT, Limits())
    assert rescue_module._worker._process is first
    bomb = b'<rss version="2.0"><channel>' + b"<item><title>x</title></item>" * 100_000 + b"<b>"
    start = time.monotonic()
    with pytest.raises(LimitError, match=r"more than 0\.5 s"):
        rescue(bomb, COMPLAINT, Limits(seconds=0.5))
    assert time.monotonic() - start < 1.5
    assert first is not None and first.poll() is not None
    assert rescue(BROKEN["rss"], COMPLAINT, Limits())


def test_a_worker_that_somebody_ended_is_replaced() -> None:
    """Nobody notices."""
    rescue(BROKEN["rss"], COMPLAINT, Limits())
    process = rescue_module._worker._process
    assert process is not None
    process.kill()
    process.wait()
    assert rescue(BROKEN["rss"], COMPLAINT, Limits())


def test_threads_take_turns() -> None:
    """Each gets the answer to its own question."""
    answers: dict[int, bytes] = {}

    def ask(number: int) -> None:
        data = (
            f"<rss version='2.0'><channel><title>t</title><item><title>n{number}</title><b></item></channel>".encode()
        )
        answers[number] = rescue(data, COMPLAINT, Limits())

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"<title>n{number}</title>".encode() in answers[number] for number in range(12))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_gets_a_worker_of_its_own() -> None:
    """Two processes never talk to one worker."""
    rescue(BROKEN["rss"], COMPLAINT, Limits())
    mine = rescue_module._worker._process
    child = os.fork()
    if child == 0:
        right = rescue_module._worker._process is None and bool(rescue(BROKEN["atom"], COMPLAINT, Limits()))
        rescue_module._worker._stop()
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert rescue_module._worker._process is mine
    assert rescue(BROKEN["rss"], COMPLAINT, Limits())


def test_the_worker_ends_with_its_parent() -> None:
    """Its input ends, and so does it."""
    rescue(BROKEN["rss"], COMPLAINT, Limits())
    process = rescue_module._worker._process
    assert process is not None and process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=5) == 0
    rescue_module._worker._stop()
