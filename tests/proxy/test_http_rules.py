"""What RFC 9110 and RFC 9111 ask of whoever answers readers and their caches (R10, R11), route by route.

What of them does not apply, and what is done otherwise on purpose, is in docs/operating.md.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedclean.proxy.negotiation import another_than, same_as, tag
from tests.proxy.client import ask, go
from tests.proxy.houses import FEED, URL, Home

ANY = f"/feed?url={quote(URL, safe='')}"
CACHED = ["/feeds/news", "/feeds/news.atom", ANY, "/removed/news.atom"]
PAST, FUTURE = "Thu, 01 Jan 2009 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.mark.parametrize("path", CACHED)
def test_304_has_the_headers_that_200_would_have(path: str) -> None:
    """RFC 9110, 15.4.5: Cache-Control, Content-Location, Date, ETag, Expires and Vary."""
    home = Home()
    full = go(ask(home.app, path))
    again = go(ask(home.app, path, if_none_match=full.headers["etag"]))
    assert (again.status, again.body) == (304, b"") and "content-length" not in again.headers
    kept = ("cache-control", "etag", "vary", "last-modified", "age")
    assert all(again.headers.get(name) == full.headers.get(name) for name in kept)


@pytest.mark.parametrize("path", CACHED)
def test_part_of_a_feed_is_never_sent(path: str) -> None:
    """RFC 9110, 14.2: a server may ignore Range, and then answers in full and says nothing of ranges."""
    home = Home()
    full = go(ask(home.app, path))
    for more in ({}, {"if_range": full.headers["etag"]}, {"if_range": PAST}):
        for wanted in ("bytes=0-9", "bytes=-5", "bytes=5-1", "bytes=0-1,3-4", "items=1-2", "x"):
            got = go(ask(home.app, path, range=wanted, **more))
            assert (got.status, got.body) == (200, full.body)
            assert "content-range" not in got.headers and "accept-ranges" not in got.headers


@pytest.mark.parametrize("path", CACHED)
def test_head_says_what_get_would(path: str) -> None:
    """RFC 9110, 9.3.2; also in a coding, and with conditions."""
    home = Home()
    for headers in ({}, {"accept_encoding": "gzip"}, {"if_none_match": "*"}, {"range": "bytes=0-1"}):
        got, head = (go(ask(home.app, path, method=method, **headers)) for method in ("GET", "HEAD"))
        drop = {"x-request-id"}
        assert (head.status, head.body) == (got.status, b"")
        assert {k: v for k, v in head.headers.items() if k not in drop} == {
            k: v for k, v in got.headers.items() if k not in drop
        }


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_none_match": "{tag}"}, 304),
        ({"if_none_match": "W/{tag}"}, 304),  # weak comparison
        ({"if_none_match": '"a", {tag} , "b"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"other"'}, 200),
        ({"if_none_match": '"other"', "if_modified_since": FUTURE}, 200),  # the tag alone counts
        ({"if_none_match": "{tag}", "if_modified_since": PAST}, 304),
        ({"if_modified_since": FUTURE}, 304),
        ({"if_modified_since": PAST}, 200),
        ({"if_modified_since": "last week"}, 200),
        ({"if_match": "{tag}"}, 200),
        ({"if_match": "*"}, 200),
        ({"if_match": "W/{tag}"}, 412),  # strong comparison
        ({"if_match": '"other"'}, 412),
        ({"if_match": '"other"', "if_unmodified_since": FUTURE}, 412),
        ({"if_match": "{tag}", "if_unmodified_since": PAST}, 200),
        ({"if_match": '"other"', "if_none_match": "{tag}"}, 412),  # in this order (13.2.2)
        ({"if_unmodified_since": PAST}, 412),
        ({"if_unmodified_since": FUTURE}, 200),
        ({"if_unmodified_since": "?"}, 200),
    ],
)
def test_conditions_are_weighed_as_they_should_be(headers: dict[str, str], status: int) -> None:
    home = Home()
    own = go(ask(home.app, "/feeds/news")).headers["etag"]
    got = go(ask(home.app, "/feeds/news", **{name: value.format(tag=own) for name, value in headers.items()}))
    assert got.status == status
    assert not got.body if status == 304 else got.body


@given(st.text(st.characters(max_codepoint=255), max_size=60), st.text(max_size=40))
def test_no_client_has_and_lacks_the_same_copy(condition: str, date: str) -> None:
    """`If-Match` and `If-None-Match` with one value: at most one of the two is met, as weak tags are none to match."""
    known = same_as("abc", 0.0, condition, date) is not None
    assert not known or not another_than("abc", 0.0, condition, date) or "W/" in condition


def test_a_tag_names_bytes() -> None:
    """RFC 9110, 8.8.3: two answers with the same strong tag are the same, byte for byte."""
    home, seen = Home(), dict[str, bytes]()
    for content in (FEED, FEED.replace(b"rose", b"fell"), FEED):
        home.refresher.has(content=content)
        home.clock.turn(2)
        for coding in ("", "gzip", "br", "zstd"):
            got = go(ask(home.app, "/feeds/news", accept_encoding=coding))
            assert seen.setdefault(got.headers["etag"], got.body) == got.body
    assert len(seen) == 8
    assert len({tag("abc", coding) for coding in ("", "gzip", "br", "zstd")}) == 4


@given(turned=st.lists(st.floats(0, 4000), max_size=6), planned=st.floats(-10, 200_000))
@settings(max_examples=30)
def test_age_and_freshness_add_up_to_the_next_fetch_and_are_never_negative(turned: list[float], planned: float) -> None:
    """RFC 9111, 4.2: what is left of a copy's lifetime is `max-age` less `Age`."""
    home = Home()
    until = home.clock.now() + planned
    home.refresher.has(next_fetch=until)
    for seconds in turned:
        home.clock.turn(seconds)
        got = go(ask(home.app, "/feeds/news"))
        age, fresh = int(got.headers["age"]), int(re.fullmatch(r"max-age=(\d+)", got.headers["cache-control"])[1])  # type: ignore[index]
        left = min(max(until - home.clock.now(), 0), 86_400)
        assert abs(max(fresh - age, 0) - left) <= 2
        assert parsedate_to_datetime(got.headers["last-modified"]).timestamp() <= home.clock.now() - age + 1


def test_what_answers_depend_on_is_said() -> None:
    """RFC 9110, 12.5.5: `Vary` on every answer that could be another one, whichever it is."""
    home = Home()
    for headers in ({}, {"accept_encoding": "gzip"}, {"if_none_match": "*"}, {"accept_encoding": "identity"}):
        assert go(ask(home.app, "/feeds/news", **headers)).headers["vary"] == "Accept-Encoding"


def test_a_refusal_is_kept_by_no_cache() -> None:
    home = Home()
    home.refresher.has(content=None)
    for path in ("/feeds/news", "/feeds/none", "/feed", "/nowhere", "/feeds/news?x=1"):
        got = go(ask(home.app, path))
        assert got.status >= 400 and got.headers["cache-control"] == "no-store"


def test_a_reader_cannot_have_a_publisher_asked() -> None:
    """RFC 9111, 5.2.1: what a request says of caches is advice; one that could be made to ask would be an amplifier."""
    home = Home()
    for value in ("no-cache", "max-age=0", "no-store", "only-if-cached"):
        got = go(ask(home.app, "/feeds/news", cache_control=value, pragma="no-cache"))
        assert got.status == 200
    assert len(home.refresher.asked) == 1


# ── Addresses (R12) ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "spelling",
    ["HTTPS://news.example/feed", "https://NEWS.example/feed", "https://news.example:443/feed", "https://news.example./feed",
     "https://news.example/feed#part", "  https://news.example/feed "],
)  # fmt: skip
def test_spellings_of_one_address_are_one_feed(spelling: str) -> None:
    home = Home()
    plain = go(ask(home.app, ANY))
    got = go(ask(home.app, f"/feed?url={quote(spelling, safe='')}"))
    assert (got.headers["etag"], home.refresher.asked) == (plain.headers["etag"], [URL])


@pytest.mark.parametrize(
    "other",
    ["https://news.example/feed?a=1&b=2", "https://news.example/feed?b=2&a=1", "https://news.example/Feed",
     "https://news.example/feed/", "https://news.example:8443/feed", "http://news.example/feed"],
)  # fmt: skip
def test_what_may_be_another_feed_is_another(other: str) -> None:
    home = Home()
    home.refresher.has(other, content=FEED.replace(b"Acme earned", b"Other earned"))
    for _ in range(2):
        assert b"Other earned" in go(ask(home.app, f"/feed?url={quote(other, safe='')}")).body
        assert b"Acme earned" in go(ask(home.app, ANY)).body


@pytest.mark.parametrize("bad", ["https://news.example/feed\r\nX: y", "https://news.example/\x00", "https://a b/"])
def test_an_address_cannot_hold_a_line_of_its_own(bad: str) -> None:
    got = go(ask(Home().app, f"/feed?url={quote(bad, safe='')}"))
    assert (got.status, got.problem) == (400, "no-address")


# ── Whatever is asked ────────────────────────────────────────────────────────────────────────────────────────────────

_PATHS = st.one_of(
    st.sampled_from(["/", "/feed", "/feeds/news", "/removed", "/removed/news", "/metrics", "/readyz", "/labels"]),
    st.builds("/{}/{}".format, st.sampled_from(["feeds", "removed", "feed", ""]), st.text(max_size=20)),
    st.text(max_size=40).map(lambda text: f"/{text}"),
)
_QUERIES = st.one_of(
    st.just(""),
    st.lists(
        st.tuples(
            st.sampled_from(["url", "to", "sig", "token", "before", "x"]),
            st.one_of(
                st.text(max_size=30), st.sampled_from([URL, "atom", "rss", "json", "http://[::1", "//", "é" * 9])
            ),
        ),
        max_size=4,
    ).map(lambda pairs: "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in pairs)),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    st.binary(max_size=20).map(lambda raw: "url=" + "".join(f"%{byte:02x}" for byte in raw)),
)
_VALUES = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=60),
    st.sampled_from(["*", "0", "-1", "gzip;q=x", "Basic !!!!", "Bearer", "W/", "[::1", "a:b:c", FUTURE]),
)
_NAMES = ["host", "accept_encoding", "authorization", "if_none_match", "if_modified_since", "if_match", "range", "cookie",
          "if_unmodified_since", "x_forwarded_for", "forwarded", "cdn_loop", "origin", "content_type", "content_length"]  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "X"]),
    path=_PATHS,
    query=_QUERIES,
    headers=st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=4),
    peer=st.sampled_from(["127.0.0.1", "203.0.113.5", "::1", None, "not an address"]),
)
def test_whatever_is_asked_is_answered_and_never_by_a_fault_of_ours(
    method: str, path: str, query: str, headers: dict[str, str], peer: str | None
) -> None:
    """What schemathesis would find out with a description of the routes, and more."""
    home = Home()
    target = quote(path, safe="/") + (f"?{query}" if query else "")
    got = go(ask(home.app, target, method=method, peer=peer, **headers))
    assert got.status < 500 or (got.status in {502, 503, 504} and "retry-after" in got.headers)
    assert got.headers["x-content-type-options"] == "nosniff" and "content-security-policy" in got.headers
    assert all(value.isprintable() for _, value in got.headers.items())
    if got.status >= 400:
        assert got.headers["content-type"] == "application/problem+json"
    assert not [line for line in home.lines if line["event"] == "unexpected"]
