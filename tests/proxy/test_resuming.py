"""A feed that is gone (410) is not gone for ever: who runs the proxy can have it asked for again, and nobody else."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from feedclean.proxy.nouns import Outcome
from tests.proxy.client import Got, ask, go, post
from tests.proxy.houses import FEED, URL, Home


def gone(content: bytes | None = FEED, **settings: Any) -> Home:
    made = Home(**settings)
    made.refresher.has(
        content=content, failures=1, stopped=True, last_outcome=Outcome.GONE, last_reason="HTTP 410", last_success=None
    )
    return made


def button(got: Got) -> dict[str, str] | None:
    """The fields of the form that has a feed asked for again."""
    found = re.search(r'<form method="post" action="/resume"(.*?)</form>', got.body.decode(), re.DOTALL)
    if found is None:
        return None
    return {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)">', found[1])}


@pytest.mark.parametrize("path", ["/removed/news", "/items/news"])
def test_both_pages_about_a_feed_that_is_gone_say_so_and_have_it_asked_for_again(path: str) -> None:
    made = gone()
    page = go(ask(made.app, path))
    assert b"gone (HTTP 410). It is not asked for any more." in page.body
    fields = button(page)
    assert fields is not None
    asked = len(made.refresher.asked)
    got = go(post(made.app, "/resume", fields))
    assert (got.status, got.headers["location"]) == (303, path)
    assert not made.refresher.known[URL][0].stopped and made.refresher.asked[asked:] == [URL]
    again = go(ask(made.app, path))
    assert b"It is being asked for again" in again.body and button(again) is None


def test_a_feed_of_which_nothing_is_left_has_the_button_on_the_page_of_removals() -> None:
    made = gone(content=None)
    refused = go(ask(made.app, "/feeds/news"))
    assert (refused.status, refused.problem) == (410, "publisher-gone") and b"feedclean resume" in refused.body
    assert button(go(ask(made.app, "/removed/news"))) is not None


def test_a_feed_that_is_backing_off_says_when_it_is_asked_for_and_can_be_asked_for_now() -> None:
    made = Home()
    made.refresher.has(failures=4, last_outcome=Outcome.UNREACHABLE, last_reason="<no route>")
    page = go(ask(made.app, "/removed/news"))
    assert re.search(rb"\(&lt;no route&gt;, 4 times in a row\). It is asked for again after 20\d\d-", page.body)
    fields = button(page)
    assert fields is not None and go(post(made.app, "/resume", fields)).status == 303
    assert made.refresher.known[URL][0].failures == 0


def test_a_feed_that_is_well_has_no_such_button() -> None:
    made = Home()
    for path in ("/removed/news", "/items/news"):
        assert b"standing" not in go(ask(made.app, path)).body


def test_who_may_not_correct_is_told_nothing_and_sees_no_button() -> None:
    got = go(ask(gone().app, "/removed/news", peer="192.0.2.1"))
    assert got.status == 200 and b"standing" not in got.body


@pytest.mark.parametrize(
    ("headers", "change", "status"),
    [
        ({"peer": "192.0.2.1"}, {}, 403),
        ({"host": "rebound.example"}, {}, 403),
        ({"origin": "https://evil.example"}, {}, 403),
        ({}, {"key": "x"}, 403),
        ({}, {"feed": "https://other.example/"}, 403),
        ({}, {"back": "https://evil.example/"}, 400),
        ({}, {"label": "promo"}, 400),
    ],
)
def test_nobody_else_and_no_other_form_has_a_feed_asked_for(
    headers: dict[str, str], change: dict[str, str], status: int
) -> None:
    made = gone()
    fields = button(go(ask(made.app, "/removed/news")))
    assert fields is not None
    asked = list(made.refresher.asked)
    assert go(post(made.app, "/resume", {**fields, **change}, **headers)).status == status
    assert made.refresher.known[URL][0].stopped and made.refresher.asked == asked


def test_no_get_has_a_feed_asked_for() -> None:
    made = gone()
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert go(ask(made.app, "/resume", method=method)).status == 405
    assert made.refresher.known[URL][0].stopped
