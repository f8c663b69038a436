"""Where a link leads is told from its address, and never by the name of a host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.judging.links import home, target

HOME = "www.news.example"
KINDS = {
    "": "none",
    "#": "none",
    "#top": "anchor",
    "javascript:void(0)": "script",
    "JavaScript:void(0)": "script",
    "data:text/html,x": "script",
    "mailto:desk@news.example": "mail",
    "tel:+491234": "mail",
    "/markets": "same",
    "story.html": "same",
    "?page=2": "same",
    "https://www.news.example/a": "same",
    "https://news.example/a": "same",
    "https://shop.news.example/a": "same",
    "HTTPS://NEWS.EXAMPLE/A": "same",
    "//news.example/a": "same",
    "https://news.example:8080/a": "same",
    "https://other.example/a": "other",
    "https://news.example.other.test/a": "other",
    "https://notnews.example/a": "other",
    "//cdn.test/x": "other",
    "http://[broken": "none",
    "http://[::1]/x": "other",
}


@pytest.mark.parametrize(("href", "kind"), KINDS.items())
def test_kind_of_target(href: str, kind: str) -> None:
    assert target(href, HOME).kind == kind


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("www.paper.co.uk", "shop.paper.co.uk", True),
        ("paper.co.uk", "other.co.uk", False),
        ("www.paper.com.au", "paper.com.au", True),
        ("www.zdf.de", "zdf.de", True),
        ("boerse.ard.de", "www.ard.de", True),
        ("ard.de", "zdf.de", False),
        ("news.example.", "news.example", True),
        ("localhost", "localhost", True),
    ],
)
def test_a_site_is_a_registered_name_with_all_that_stands_before_it(one: str, other: str, same: bool) -> None:
    assert (target(f"https://{one}/x", other).kind == "same") is same


def test_without_a_home_every_host_is_another() -> None:
    assert target("https://news.example/a", "").kind == "other"


@pytest.mark.parametrize(
    ("href", "told"),
    [
        ("https://x.test/go/123", "redirects"),
        ("https://x.test/out.php", "redirects"),
        ("https://x.test/click/", "redirects"),
        ("https://x.test/a?url=https%3A%2F%2Fy.test", "redirects"),
        ("https://x.test/a?utm_source=feed", "tracked"),
        ("https://x.test/a?b=1&gclid=7", "tracked"),
        ("https://x.test/a?aff_id=7", "affiliate"),
        ("https://x.test/a?b=1&Coupon=SAVE", "affiliate"),
    ],
)
def test_detours_tracking_and_partners_are_seen(href: str, told: str) -> None:
    assert getattr(target(href, HOME), told) is True


@pytest.mark.parametrize(
    "href", ["https://x.test/gold", "https://x.test/outlook/2025", "https://x.test/a?b=src", "https://x.test/a#ref=1"]
)
def test_innocent_addresses_are_left_alone(href: str) -> None:
    found = target(href, HOME)
    assert not (found.redirects or found.tracked or found.affiliate)


def test_path_tells_slug_depth_and_section() -> None:
    found = target("https://x.test/markets/stocks/acme-beats-its-own-forecast-again.html", HOME)
    assert (found.slug, found.depth, found.words) == (6, 3, ("markets", "stocks"))


def test_words_never_hold_the_host() -> None:
    assert target("https://brandname.test/newsletter", HOME).words == ("newsletter",)


def test_of_an_endless_address_only_the_beginning_is_read() -> None:
    beginning = "https://x.test/" + "a" * 1985
    assert target(beginning + "/b" * 10**6, HOME) == target(beginning, HOME)


@given(st.text(max_size=60), st.sampled_from(["", HOME, "..", "[", "a.b.c.d"]))
def test_any_address_has_a_target(href: str, home: str) -> None:
    found = target(href, home)
    assert found.kind
    assert 0 <= found.slug <= 20 and 0 <= found.depth <= 8 and len(found.words) <= 6


@given(st.one_of(st.none(), st.text(max_size=40)))
def test_any_url_has_a_host_or_none(url: str | None) -> None:
    assert home(url, ()) == home(url, ()).lower()


@pytest.mark.parametrize(
    ("url", "name"), [(None, ""), ("", ""), ("https://News.Example/x", "news.example"), ("http://[x", ""), ("/a", "")]
)
def test_host_of_url(url: str | None, name: str) -> None:
    assert home(url, ()) == name
