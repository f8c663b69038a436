"""The application: what a reader gets, whatever happens behind it."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.errors import ModelError
from feedclean.proxy.access import Caller, is_known, sign
from feedclean.proxy.negotiation import CODINGS, chosen, same_as
from feedclean.proxy.nouns import Outcome
from feedclean.settings import FeedSettings, Open, ProxySettings, Rules, TitleRule
from feedclean.types import Label, Passage, Verdict
from tests.fakes import KeywordJudge
from tests.proxy.client import Got, ask, go
from tests.proxy.houses import FEED, URL, Home

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ANY = f"/feed?url={quote(URL, safe='')}"
ROUTES = ("/", ANY, "/feeds/news", "/feeds/news.json", "/removed/news", "/removed/news.atom", f"/removed?url={URL}",
          "/items/news", f"/items?url={URL}", "/items/none", "/labels",
          "/healthz", "/readyz", "/metrics", "/favicon.ico", "/robots.txt",
          "/nothing", "/feeds/none", "/removed/none", "/feed", "/feed?url=ftp://x/", "/feeds/news?x=1")  # fmt: skip


class BrokenJudge(KeywordJudge):
    """Judges nothing."""

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        raise ModelError("the weights are not finite")


# ── What is served ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_is_cleaned_and_says_so() -> None:
    home = Home()
    got = go(ask(home.app, "/feeds/news"))
    assert got.status == 200
    assert b"PROMO" not in got.body and b"The shares rose." in got.body
    assert got.headers["feedclean"] == "cleaned; cut=1; model=keywords 0"
    assert got.headers["content-type"] == "application/rss+xml; charset=utf-8"


def test_what_names_an_item_and_dates_it_is_untouched() -> None:
    body = go(ask(Home().app, "/feeds/news")).body
    assert b"<guid>urn:1</guid>" in body and b"<pubDate>Wed, 04 Mar 2026 07:30:00 GMT</pubDate>" in body


def test_self_is_where_the_reader_finds_it_and_the_publisher_is_via() -> None:
    """A hub or a cloud would tell of news that the copy does not have yet, so they go."""
    body = go(ask(Home(public_url="https://proxy.example/clean").app, "/feeds/news")).body.decode()
    assert '<atom:link rel="self" href="https://proxy.example/clean/feeds/news"/>' in body
    assert f'<atom:link rel="via" href="{URL}"/>' in body
    assert "hub" not in body and "<cloud" not in body


@pytest.mark.parametrize(
    ("suffix", "kind", "sign"),
    [("rss", "rss+xml", b"<rss"), ("atom", "atom+xml", b"<feed"), ("json", "feed+json", b'{\n  "version"')],
)
def test_a_feed_can_be_had_in_another_format(suffix: str, kind: str, sign: bytes) -> None:
    home = Home()
    by_name, by_parameter = go(ask(home.app, f"/feeds/news.{suffix}")), go(ask(home.app, f"{ANY}&to={suffix}"))
    for got in (by_name, by_parameter):
        assert got.headers["content-type"] == f"application/{kind}; charset=utf-8"
        assert sign in got.body and b"PROMO" not in got.body and URL.encode() in got.body
    assert f"/feeds/news.{suffix}".encode() in by_name.body


def test_the_same_feed_in_two_spellings_is_one() -> None:
    home = Home()
    for url in ("HTTPS://NEWS.example:443/feed#top", URL):
        assert go(ask(home.app, f"/feed?url={quote(url, safe='')}")).status == 200
    assert set(home.refresher.asked) == {URL}


def test_each_feed_has_its_own_policy() -> None:
    """The same publisher's feed, cleaned by name and left alone by address."""
    feeds = {"keep": FeedSettings(url=URL, keep=("promo",)), "cut": FeedSettings(url=URL)}  # type: ignore[arg-type]
    home = Home(feeds=feeds)
    assert b"PROMO" in go(ask(home.app, "/feeds/keep")).body
    assert b"PROMO" not in go(ask(home.app, "/feeds/cut")).body


def test_an_item_dropped_for_its_title_can_be_seen_among_the_removed() -> None:
    feeds = {"news": FeedSettings(url=URL, title_action=TitleRule.DROP_ITEM)}
    home = Home(feeds=feeds)
    bait = FEED.replace(b"<item>", b"<item><guid>urn:2</guid><title>You won't believe it?!</title></item><item>", 1)
    home.refresher.has(content=bait)
    got = go(ask(home.app, "/feeds/news"))
    assert b"urn:2" not in got.body and b"urn:1" in got.body
    assert "You won&#x27;t believe it?!" in go(ask(home.app, "/removed/news")).body.decode()


# ── Manners towards readers ──────────────────────────────────────────────────────────────────────────────────────────


def test_not_modified_has_no_body_and_the_same_tag() -> None:
    home = Home()
    first = go(ask(home.app, "/feeds/news"))
    again = go(ask(home.app, "/feeds/news", if_none_match=f'"other", W/{first.headers["etag"]}'))
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "content-length" not in again.headers and "content-type" not in again.headers
    for name in ("cache-control", "vary", "last-modified", "age", "feedclean"):
        assert again.headers[name] == first.headers[name]


def test_a_tag_of_another_coding_is_the_same_copy() -> None:
    home = Home()
    tag = go(ask(home.app, "/feeds/news", accept_encoding="gzip")).headers["etag"]
    assert tag.endswith('-gzip"')
    again = go(ask(home.app, "/feeds/news", if_none_match=tag))
    assert (again.status, again.headers["etag"]) == (304, tag)


def test_the_tag_changes_exactly_when_the_bytes_do() -> None:
    home = Home()
    first = go(ask(home.app, "/feeds/news"))
    home.clock.turn(5)
    home.refresher.has(content=FEED.replace(b"PROMO buy it now", b"PROMO buy another now"))  # only an ad rotates
    second = go(ask(home.app, "/feeds/news"))
    assert (first.body, first.headers["etag"]) == (second.body, second.headers["etag"])
    assert first.headers["last-modified"] == second.headers["last-modified"]
    home.clock.turn(5)
    home.refresher.has(content=FEED.replace(b"rose", b"fell"))
    third = go(ask(home.app, "/feeds/news"))
    assert third.headers["etag"] != first.headers["etag"]
    assert third.headers["last-modified"] != first.headers["last-modified"]


def test_since_a_date_is_answered_only_where_there_is_no_tag() -> None:
    home = Home()
    first = go(ask(home.app, "/feeds/news"))
    date = first.headers["last-modified"]
    assert go(ask(home.app, "/feeds/news", if_modified_since=date)).status == 304
    assert go(ask(home.app, "/feeds/news", if_modified_since=date, if_none_match='"other"')).status == 200
    assert go(ask(home.app, "/feeds/news", if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT")).status == 200
    assert go(ask(home.app, "/feeds/news", if_modified_since="yesterday")).status == 200


def test_a_date_outlives_a_restart() -> None:
    first = go(ask(Home().app, "/feeds/news"))
    later = Home()
    later.clock.turn(300)  # the same copy, made anew by another process
    again = go(ask(later.app, "/feeds/news", if_modified_since=first.headers["last-modified"]))
    assert (again.status, again.headers["last-modified"]) == (304, first.headers["last-modified"])
    assert parsedate_to_datetime(first.headers["last-modified"]).timestamp() == int(Home().clock.now() - 600)


def test_other_bytes_of_the_same_copy_have_another_date() -> None:
    home = Home()
    first = go(ask(home.app, "/feeds/news"))
    home.house.apply(replace(home.house.settings, defaults=Rules(keep=(Label.PROMO,))))
    second = go(ask(home.app, "/feeds/news", if_modified_since=first.headers["last-modified"]))
    assert second.status == 200 and second.body != first.body


@pytest.mark.parametrize("turned", [0, 1, 700, 1799])
def test_a_cache_has_the_copy_fresh_until_the_next_planned_fetch(turned: float) -> None:
    home = Home()
    home.clock.turn(turned)
    got = go(ask(home.app, "/feeds/news"))
    lifetime = int(got.headers["cache-control"].removeprefix("max-age="))
    assert lifetime - int(got.headers["age"]) == 1800 - turned


def test_head_is_get_without_the_body() -> None:
    home = Home()
    for path in ROUTES:
        got, head = go(ask(home.app, path)), go(ask(home.app, path, method="HEAD"))
        assert (head.status, head.body) == (got.status, b"")
        if got.status == 200 and path != "/metrics":
            assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.body))


def test_readers_are_told_to_come_back_when_there_may_be_news() -> None:
    home = Home()
    got = go(ask(home.app, "/feeds/news"))
    assert (got.headers["cache-control"], got.headers["age"]) == ("max-age=2400", "600")  # 1800 are left
    home.clock.turn(3000)
    late = go(ask(home.app, "/feeds/news"))
    assert (late.headers["cache-control"], late.headers["age"]) == ("max-age=0", "3600")


def test_a_clock_that_was_set_back_gives_no_nonsense() -> None:
    home = Home()
    home.clock.wall -= 365 * 86_400
    got = go(ask(home.app, "/feeds/news"))
    assert (got.headers["cache-control"], got.headers["age"]) == ("max-age=86400", "0")


@pytest.mark.parametrize(
    ("accepted", "coding", "unpack"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("gzip, br", "br", brotli.decompress),
        ("gzip;q=1, br;q=0.5", "gzip", gzip.decompress),
        ("zstd", "zstd", zstd.decompress),
        ("*", "zstd", zstd.decompress),
        ("identity", None, bytes),
        ("gzip;q=0", None, bytes),
        ("nonsense;;q=,", None, bytes),
        ("", None, bytes),
    ],
)
def test_a_copy_is_packed_as_the_reader_can_take_it(accepted: str, coding: str | None, unpack: type[bytes]) -> None:
    home = Home()
    plain = go(ask(home.app, "/feeds/news"))
    got = go(ask(home.app, "/feeds/news", accept_encoding=accepted))
    assert got.headers.get("content-encoding") == coding
    assert unpack(got.body) == plain.body
    assert got.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert (got.headers["etag"] == plain.headers["etag"]) is (coding is None)


def test_a_feed_that_takes_a_key_is_not_for_shared_caches() -> None:
    feeds = {"mine": FeedSettings(url=URL, headers={"Authorization": "Bearer x"})}
    assert go(ask(Home(feeds=feeds).app, "/feeds/mine")).headers["cache-control"].startswith("private, ")


# ── Failing open ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fault_in_cleaning_hands_on_the_publishers_bytes_and_says_why() -> None:
    home = Home(judge=BrokenJudge())
    got = go(ask(home.app, "/feeds/news"))
    assert (got.status, got.body) == (200, FEED)
    assert got.headers["feedclean"] == "bypassed; reason=model"
    assert b'feedclean_bypassed_total{reason="model"} 1.0' in home.metrics.text()
    assert [line["reason"] for line in home.lines if line["event"] == "bypassed"] == ["model"]


def test_a_feed_that_nobody_can_read_is_handed_on_as_no_page() -> None:
    """Whatever its publisher says it is: a browser must not show it."""
    home = Home()
    wide = "<feed xmlns='http://www.w3.org/2005/Atom'".encode("utf-16")
    for content in (b"<rss version='2.0'", b"<?xml version='1.0'?><!-- <html> --><rss><html><script>alert(1)", wide):
        home.refresher.has(content=content, kind="text/html; charset=utf-8")
        home.clock.turn(2)
        got = go(ask(home.app, "/feeds/news"))
        assert (got.status, got.body) == (200, content)
        assert got.headers["feedclean"] in {"bypassed; reason=format", "bypassed; reason=limit"}
        assert "html" not in got.headers["content-type"]


@pytest.mark.parametrize("path", ["/feeds/news", ANY])
def test_what_is_no_feed_is_not_handed_on_at_all(path: str) -> None:
    """Or the proxy would show what only it can reach to whoever asks (S9)."""
    home = Home()
    for content in (
        b"<html><!-- <rss> --><b>secret</b>",
        b"\x00\x01secret" * 100,
        b'{"key": "secret"}',
        b"secret <rss",
    ):
        home.refresher.has(content=content)
        for _ in range(2):
            home.clock.turn(2)
            got = go(ask(home.app, path))
            assert (got.status, got.problem, b"secret" in got.body) == (502, "no-feed", False)


def test_what_cannot_be_taken_down_is_not_removed() -> None:
    """A cut must be there to be seen: with a full disk, nothing is cut."""
    home = Home()
    home.store.broken = True
    got = go(ask(home.app, "/feeds/news"))
    assert (got.body, got.headers["feedclean"]) == (FEED, "bypassed; reason=store")
    home.store.broken = False
    home.clock.turn(10)
    assert b"PROMO" not in go(ask(home.app, "/feeds/news")).body


def test_a_charset_that_only_the_header_told_is_told_again() -> None:
    home = Home(judge=BrokenJudge())
    home.refresher.has(kind='application/xml; charset="iso-8859-1"; evil=\r\nX: y')
    assert go(ask(home.app, "/feeds/news")).headers["content-type"] == "application/rss+xml; charset=iso-8859-1"


@pytest.mark.parametrize("outcome", [Outcome.BROKEN, Outcome.UNREACHABLE, Outcome.GONE, Outcome.REFUSED, Outcome.BUSY])
def test_nothing_that_goes_wrong_upstream_is_an_error_while_there_is_a_copy(outcome: Outcome) -> None:
    home = Home()
    home.refresher.has(failures=4, last_outcome=outcome, stopped=outcome is Outcome.GONE)
    got = go(ask(home.app, "/feeds/news"))
    assert got.status == 200 and b"PROMO" not in got.body
    assert got.headers["feedclean"].endswith(f"; stale={outcome}" + ("; stopped" if outcome is Outcome.GONE else ""))


def test_a_reader_is_told_that_its_publisher_wants_a_pause_and_until_when() -> None:
    home = Home()
    home.refresher.has(last_outcome=Outcome.BUSY, next_fetch=home.clock.now() + 600)  # asked of another of its feeds
    got = go(ask(home.app, "/feeds/news"))
    assert got.status == 200 and got.headers["feedclean"].endswith("; stale=busy")
    assert int(got.headers["cache-control"].removeprefix("max-age=")) - int(got.headers["age"]) == 600
    home.refresher.has(content=None, last_outcome=Outcome.BUSY, last_success=None, next_fetch=home.clock.now() + 600)
    home.clock.turn(2)
    got = go(ask(home.app, "/feeds/news"))
    assert (got.status, got.headers["retry-after"]) == (503, "598")


def test_a_copy_is_too_old_only_in_an_outage() -> None:
    """Nobody asked for a year: then the copy is served while a new one is fetched."""
    home = Home(stale_limit=86_400.0)
    old = home.clock.now() - 365 * 86_400
    home.refresher.has(last_success=old)
    assert go(ask(home.app, "/feeds/news")).status == 200
    home.clock.turn(2)
    home.refresher.has(last_success=old, failures=9, last_outcome=Outcome.UNREACHABLE, last_reason="reset")
    got = go(ask(home.app, "/feeds/news"))
    assert (got.status, got.problem) == (504, "publisher-unreachable")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.BROKEN, 502), (Outcome.REFUSED, 502), (Outcome.TOO_MUCH, 502), (Outcome.UNREACHABLE, 504),
        (Outcome.BUSY, 503), (Outcome.GONE, 410), (Outcome.FORBIDDEN, 403), (None, 503),
    ],
)  # fmt: skip
def test_without_a_copy_the_refusal_says_what_and_when(outcome: Outcome | None, status: int) -> None:
    home = Home()
    reason = "a name\r\nSet-Cookie: x \x1b[31m<script>"
    home.refresher.has(content=None, last_outcome=outcome, last_reason=reason, failures=1)
    got = go(ask(home.app, "/feeds/news"))
    assert got.status == status and got.problem
    assert ("retry-after" in got.headers) is (status in {502, 503, 504})
    assert b"\x1b" not in got.body and b"\r" not in got.body and got.body.count(b"\n") == 1
    assert "Traceback" not in got.body.decode()


def test_an_unexpected_fault_is_a_refusal_without_its_trace() -> None:
    home = Home()
    home.refresher.crash = RuntimeError("secret detail\nsecond line")
    got = go(ask(home.app, "/feeds/news"))
    assert (got.status, got.problem) == (500, "unexpected")
    assert b"secret" not in got.body
    (line,) = [line for line in home.lines if line["event"] == "unexpected"]
    assert line["request"] == got.headers["x-request-id"] and "secret detail" in line["fault"]


# ── Who may what ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("peer", "headers", "may"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {"host": "localhost:8420"}, True),
        ("::ffff:127.0.0.1", {}, True),
        ("192.0.2.1", {}, False),
        ("192.0.2.1", {"x_forwarded_for": "127.0.0.1"}, False),
        ("127.0.0.1", {"x_forwarded_for": "192.0.2.1"}, False),
        ("127.0.0.1", {"forwarded": "for=192.0.2.1"}, False),
        ("127.0.0.1", {"host": "rebound.example"}, False),
        ("127.0.0.1", {"host": "["}, False),
        (None, {}, False),
    ],
)
def test_open_to_this_machine_alone_as_the_socket_says(peer: str | None, headers: dict[str, str], may: bool) -> None:
    home = Home()
    assert (go(ask(home.app, ANY, peer=peer, **headers)).status == 200) is may
    assert (go(ask(home.app, "/metrics", peer=peer, **headers)).status == 200) is may
    assert (b"<form" in go(ask(home.app, "/", peer=peer, **headers)).body) is may
    assert go(ask(home.app, "/feeds/news", peer=peer, **headers)).status == 200


def test_listening_elsewhere_closes_what_was_open_to_this_machine() -> None:
    got = go(ask(Home(host="0.0.0.0").app, ANY))  # noqa: S104
    assert (got.status, got.problem) == (403, "closed")


def test_a_token_is_taken_from_the_query_or_as_a_password() -> None:
    home = Home(open=Open.TOKEN, token="correct horse battery".replace(" ", "-"))
    token = home.house.settings.proxy.token or ""
    refused = go(ask(home.app, ANY))
    assert (refused.status, refused.problem) == (401, "no-token") and "Basic" in refused.headers["www-authenticate"]
    basic = b64encode(f"me:{token}".encode()).decode()
    shown: list[tuple[str, dict[str, str]]] = [
        (f"{ANY}&token={token}", {}),
        (ANY, {"authorization": f"Bearer {token}"}),
        (ANY, {"authorization": f"Basic {basic}"}),
    ]
    for path, headers in shown:
        got = go(ask(home.app, path, peer="192.0.2.1", **headers))
        assert got.status == 200 and got.headers["cache-control"].startswith("private")
    for path, headers in [(f"{ANY}&token=wrong", {}), (ANY, {"authorization": "Basic !"}), (f"{ANY}&token=%C3%A9", {})]:
        assert go(ask(home.app, path, **headers)).status == 401
    assert token not in home.output.getvalue()


def test_a_signature_is_for_one_address() -> None:
    home = Home(open=Open.SIGNED, secret="a secret of some length")  # noqa: S106
    good = sign("a secret of some length", URL)
    assert go(ask(home.app, f"{ANY}&sig={good}", peer="192.0.2.1")).status == 200
    assert go(ask(home.app, f"{ANY}&sig={good}&to=json", peer="192.0.2.1")).status == 200
    for path in (ANY, f"{ANY}&sig=", f"{ANY}&sig={good[:-1]}", f"/feed?url=https://other.example/&sig={good}"):
        assert (go(ask(home.app, path)).status, go(ask(home.app, path)).problem) == (403, "not-signed")


def test_off_is_off_whoever_asks() -> None:
    home = Home(open=Open.OFF, token="0123456789abcdef")  # noqa: S106
    assert go(ask(home.app, f"{ANY}&token=0123456789abcdef")).status == 403


def test_a_request_of_the_proxy_itself_is_a_loop() -> None:
    home = Home(is_own_request=lambda headers: headers.get("cdn-loop") == "me")
    assert go(ask(home.app, "/feeds/news", cdn_loop="me")).status == 508
    assert go(ask(home.app, "/feeds/news", cdn_loop="another")).status == 200


# ── Requests that make no sense, and too many ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/feed", "no-address"),
        ("/feed?url=", "no-address"),
        ("/feed?url=javascript:alert(1)", "no-address"),
        ("/feed?url=https://me:pw@news.example/", "no-address"),
        ("/feed?url=https://news.example/%0d%0aX:y", "no-address"),
        ("/feed?url=https://news.example/feed?a=1&b=2", "unknown-parameter"),
        ("/feed?url=https://a.example/&url=https://b.example/", "repeated-parameter"),
        (f"{ANY}&to=html", "no-such-format"),
        ("/feeds/../metrics", "not-found"),
        ("/feeds/news.html", "no-such-feed"),
        ("/feeds/.rss", "no-such-feed"),
        ("/removed/news?before=1", "no-such-page"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(path: str, kind: str) -> None:
    got = go(ask(Home().app, path))
    assert got.status in {400, 404} and got.problem == kind


def test_only_get_and_head_are_understood() -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "X"):
        for path in ("/", "/feeds/news", "/metrics"):
            got = go(ask(Home().app, path, method=method))
            assert (got.status, got.problem) == (405, "method-not-allowed")
            assert set(got.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_has_both_walls(path: str) -> None:
    """Nothing is sniffed, framed or run, on errors too; feeds are never pages (H6)."""
    for home in (Home(), Home(judge=BrokenJudge())):
        got = go(ask(home.app, path))
        policy = got.headers["content-security-policy"]
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "sandbox" in policy
        assert "script" not in policy and "unsafe" not in policy
        items = path.startswith("/items") and got.status == 200
        is_page = path in {"/", "/removed/news"} or path.startswith("/removed?") or items
        assert ("form-action 'self'" in policy) is is_page and ("form-action" in policy)
        assert ("html" in got.headers.get("content-type", "")) is is_page
        assert re.fullmatch("[0-9a-f]{12}", got.headers["x-request-id"])


def test_no_header_of_a_request_comes_back() -> None:
    """Nothing that is no part of the key changes an answer (R12)."""
    home = Home()
    plain = go(ask(home.app, "/feeds/news"))
    evil = {
        "x_forwarded_host": "evil.example",
        "x_forwarded_proto": "gopher",
        "host": "evil.example",
        "range": "bytes=0-1",
    }
    got = go(ask(home.app, "/feeds/news", **evil))
    assert got.status == 200 and got.body == plain.body and got.headers["etag"] == plain.headers["etag"]
    assert "evil" not in repr(got.raw)


def test_what_cannot_be_answered_now_is_told_to_come_again() -> None:
    async def many() -> list[Got]:
        home = Home(most=3)
        gate = asyncio.Event()
        known = home.refresher.current

        async def slow(url: str, *, wait: bool, more: bool) -> object:
            await gate.wait()
            return await known(url, wait=wait, more=more)

        vars(home.refresher)["current"] = slow
        tasks = [asyncio.create_task(ask(home.app, "/feeds/news")) for _ in range(10)]
        await asyncio.sleep(0.05)
        gate.set()
        return await asyncio.gather(*tasks)

    found = go(many())
    assert sorted(got.status for got in found) == [200] * 3 + [503] * 7
    assert {got.headers["retry-after"] for got in found if got.status == 503} == {"5"}
    assert {got.problem for got in found if got.status == 503} == {"overloaded"}


def test_what_was_given_before_is_given_whatever_else_is_asked() -> None:
    async def crowd() -> None:
        home = Home(most=1)
        assert (await ask(home.app, "/feeds/news")).status == 200
        gate, known = asyncio.Event(), home.refresher.current

        async def slow(url: str, *, wait: bool, more: bool) -> object:
            if url != URL:
                await gate.wait()
            return await known(url, wait=wait, more=more)

        vars(home.refresher)["current"] = slow
        other = f"/feed?url={quote(URL + '/other', safe='')}"
        task = asyncio.create_task(ask(home.app, other))
        await asyncio.sleep(0.01)
        assert [(await ask(home.app, path)).status for path in (other, ANY, "/")] == [503] * 3
        for _ in range(3):
            assert (await ask(home.app, "/feeds/news")).status == 200
            home.clock.turn(60)
        gate.set()
        await task

    go(crowd())


def test_an_answer_of_a_moment_ago_is_given_again() -> None:
    home = Home()
    for _ in range(5):
        go(ask(home.app, "/feeds/news"))
    assert len(home.refresher.asked) == 1
    home.clock.turn(1.5)
    go(ask(home.app, "/feeds/news"))
    assert len(home.refresher.asked) == 2


_HEADER = st.text(st.characters(max_codepoint=255), max_size=200)


@given(_HEADER, _HEADER, _HEADER, _HEADER)
def test_no_header_is_an_error(accepted: str, tags: str, since: str, authorization: str) -> None:
    assert chosen(accepted) in {"", *CODINGS}
    assert same_as("abc", 0.0, tags, since) in {None, '"abc"', *(f'"abc-{coding}"' for coding in CODINGS)}
    same_as("abc", 0.0, None, since)
    proxy = ProxySettings(token="0123456789abcdef")  # noqa: S106
    assert not is_known(proxy, Caller("192.0.2.1", {"authorization": authorization, "host": since}, tags or None))


@pytest.mark.parametrize("date", ["Mon, 01 Jan 0001 00:00:00 -0000", "Mon, 99 Foo 9999", "0", "9" * 50, "1 Jan 99999"])
def test_no_date_is_an_error(date: str) -> None:
    assert go(ask(Home().app, "/feeds/news", if_modified_since=date)).status in {200, 304}


# ── Those who watch ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_alive_is_not_ready() -> None:
    home = Home()
    assert [go(ask(home.app, path)).status for path in ("/healthz", "/readyz")] == [200, 200]
    home.store.broken = True
    assert [go(ask(home.app, path)).status for path in ("/healthz", "/readyz")] == [200, 503]


def test_a_store_that_fails_is_a_line_a_minute_not_one_a_request() -> None:
    home = Home(log_level="info", feeds={f"n{number}": FeedSettings(url=f"{URL}/{number}") for number in range(20)})
    home.store.broken = True
    for _ in range(6):
        for number in range(20):
            home.refresher.has(f"{URL}/{number}")
            assert b"PROMO" in go(ask(home.app, f"/feeds/n{number}")).body
        assert go(ask(home.app, "/readyz")).status == 503
        home.clock.turn(10)
    assert [line["event"] for line in home.lines] == ["bypassed", "request"]
    home.clock.turn(1)
    go(ask(home.app, "/readyz"))
    assert home.lines[-1]["unsaid"] == 5


def test_logs_are_lines_that_nothing_can_break_and_hold_no_secrets() -> None:
    home = Home()
    url = "https://news.example/feed?key=hunter2\x1b[31m"
    go(ask(home.app, f"/feed?url={quote(url, safe='')}"))
    home.house.log.info("x\r\ny", url="https://me:hunter2@news.example/?k=hunter2", note="token=hunter2 \x1b[0m\u2028")
    go(ask(home.app, f"/feed?url={quote('https://news.example/?key=hunter2', safe='')}"))
    text = home.output.getvalue()
    assert "hunter2" not in text and text.isascii() and "\x1b" not in text and "\r" not in text
    assert all(json.loads(line)["timestamp"] for line in text.splitlines())


def test_settings_that_change_change_the_next_answer() -> None:
    home = Home()
    assert b"PROMO" not in go(ask(home.app, "/feeds/news")).body
    feeds = {"news": FeedSettings(url=URL, keep=("promo",))}  # type: ignore[arg-type]
    home.house.apply(type(home.house.settings)(feeds=feeds))
    assert b"PROMO" in go(ask(home.app, "/feeds/news")).body
