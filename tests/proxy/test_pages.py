"""Pages: what they show, and that nothing they are given can become markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import feedparser
import pytest

from feedclean.proxy.nouns import LedgerRow
from feedclean.proxy.pages.layout import STYLE
from feedclean.settings import FeedSettings, Open
from tests.proxy.client import ask, go
from tests.proxy.houses import URL, Home

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</pre></blockquote></style><iframe srcdoc='<script>alert(1)</script>'>",
    "javascript:alert(1)",
    '<a href="java\tscript:alert(1)">x</a>',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "\x00<scr\x00ipt>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<form action=https://evil.example><button>x</button></form>",
    "half a pair \ud800 of surrogates",
)  # fmt: skip
TAGS = set("html head meta title link style body h1 h2 p a form label input select option button output article div "
           "blockquote details summary pre small em strong table tr td".split())  # fmt: skip


class Seen(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "action", "src"}]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def row(number: int = 0, **facts: Any) -> LedgerRow:
    given: dict[str, Any] = {
        "feed": URL, "item": f"https://news.example/{number}", "field": "description", "action": "cut",
        "label": "promo", "probability": 0.967, "clues": ("buy now", "free study"), "text": f"PROMO {number}",
        "source": f"<p>PROMO {number}</p>", "block": f"{number:032x}", "model": "m", "first_seen": 1_772_620_200.0,
    }  # fmt: skip
    return LedgerRow(**{**given, **facts})


def test_the_style_is_the_one_that_the_policy_allows() -> None:
    got = go(ask(Home().app, "/"))
    (style,) = re.findall(r"<style>(.*?)</style>", got.body.decode(), re.DOTALL)
    assert style == STYLE
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in got.headers["content-security-policy"]


def test_an_address_becomes_one_to_subscribe_to() -> None:
    home = Home(feeds={})
    text = go(ask(home.app, f"/?url={quote('https://Other.example/rss?a=1&b=2', safe='')}&to=json")).body.decode()
    address = f"http://127.0.0.1:8420/feed?url={quote('https://other.example/rss?a=1&b=2', safe='')}&to=json"
    assert address.replace("&", "&amp;") in text
    home.refresher.has(parse_qs(urlsplit(address).query)["url"][0])
    assert go(ask(home.app, address.removeprefix("http://127.0.0.1:8420"))).status == 200


def test_a_bare_host_is_taken_for_https_and_a_known_feed_goes_by_its_name() -> None:
    assert b"url=https%3A%2F%2Fother.example%2F" in go(ask(Home().app, "/?url=other.example")).body
    assert b"http://127.0.0.1:8420/feeds/news.rss<" in go(ask(Home().app, f"/?url={URL}&to=rss")).body


def test_what_is_no_address_is_said_beside_the_form() -> None:
    for typed in ("ftp://x.example/", "http://a b/", "http://[", "https://u:p@x.example/"):
        text = go(ask(Home().app, f"/?url={quote(typed, safe='')}")).body.decode()
        assert "That is no address of a feed" in text and 'id="address"' not in text


def test_addresses_are_signed_only_for_those_who_show_the_token() -> None:
    home = Home(open=Open.SIGNED, secret="s" * 16, token="t" * 16, public_url="https://proxy.example")
    for path, signed in (("/?url=other.example", False), (f"/?url=other.example&token={'t' * 16}", True)):
        text = go(ask(home.app, path)).body.decode()
        assert ("&amp;sig=" in text) is signed
        assert ("/feeds/news" in text) is signed


def test_feeds_are_listed_for_those_who_may_see_them() -> None:
    home = Home()
    assert b"News &amp; &lt;b&gt;more&lt;/b&gt;" in go(ask(home.app, "/")).body
    assert b"/feeds/news" not in go(ask(home.app, "/", peer="192.0.2.1")).body


def test_what_was_removed_is_shown_with_label_probability_clues_and_source() -> None:
    home = Home()
    home.store.note([row()])
    text = go(ask(home.app, "/removed/news")).body.decode()
    for part in ("promo, 97 %, cut", "PROMO 0", "buy now, free study", "&lt;p&gt;PROMO 0&lt;/p&gt;", "description"):
        assert part in text


def test_long_lists_have_pages_without_gap_or_overlap() -> None:
    home = Home()
    home.store.note([row(number) for number in range(250)])
    seen: list[str] = []
    path = "/removed/news"
    for _ in range(5):
        text = go(ask(home.app, path)).body.decode()
        seen += re.findall(r"<blockquote>(PROMO \d+)", text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        if following is None:
            break
        path = following[1]
    assert seen == [f"PROMO {number}" for number in reversed(range(250))]


@pytest.mark.parametrize("suffix", ["atom", "rss", "json"])
def test_what_was_removed_is_a_feed_too(suffix: str) -> None:
    home = Home()
    home.store.note([row(number) for number in range(3)])
    got = go(ask(home.app, f"/removed/news.{suffix}"))
    again = go(ask(home.app, f"/removed/news.{suffix}", if_none_match=got.headers["etag"]))
    assert again.status == 304
    if suffix == "json":
        items = json.loads(got.body)["items"]
        assert [item["title"][:20] for item in items] == ["promo, 97 %, cut: PR"] * 3
        assert json.loads(got.body)["feed_url"].endswith("/removed/news.json")
        return
    found = feedparser.parse(BytesIO(got.body))
    assert not found.bozo and len(found.entries) == 3
    assert found.entries[0].id.startswith("urn:feedclean:removed:")
    assert found.entries[0].link == "https://news.example/2"


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_given_becomes_markup(evil: str) -> None:
    """Title, id, text, source, clues, labels and addresses, whatever they hold (H3)."""
    home = Home(feeds={"news": FeedSettings(url=URL, title=evil.replace("\x00", ""))})
    facts: dict[str, Any] = dict.fromkeys(("item", "field", "action", "label", "text", "source", "model"), evil)
    home.store.note([row(**facts, clues=(evil,))])
    typed = quote(evil, safe="", errors="surrogatepass")
    for path in ("/", "/removed/news", f"/?url={typed}", f"/?url=https://x.example/{typed}", f"/?url={URL}"):
        got = go(ask(home.app, path))
        assert got.status == 200
        page = Seen(got.body)
        assert page.tags <= TAGS
        assert not [name for name in page.attributes if name.startswith("on") or name in {"style", "srcdoc", "src"}]
        assert not [link for link in page.links if re.match(r"\s*(?!https?:|data:,$)[a-z]+:", link, re.IGNORECASE)]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("suffix", ["atom", "rss", "json"])
def test_the_feed_of_removals_is_safe_to_show(evil: str, suffix: str) -> None:
    home = Home()
    home.store.note([row(item=evil, text=evil, source=evil, clues=(evil,))])
    got = go(ask(home.app, f"/removed/news.{suffix}"))
    assert got.status == 200
    if suffix == "json":
        contents = [item["content_html"] for item in json.loads(got.body)["items"]]
    else:
        read: Any = feedparser.parse(BytesIO(got.body), sanitize_html=False)
        assert not read.bozo
        contents = [(entry.get("content") or [{"value": entry.get("summary")}])[0]["value"] for entry in read.entries]
    for content in contents:
        page = Seen(content.encode())
        assert not page.tags & {"script", "iframe", "svg", "math", "style", "form", "button"}
        assert not [name for name in page.attributes if name.startswith("on")]
        assert not [link for link in page.links if "script:" in link]
