"""Answers of a moment ago: the same as those that were made for the reader, and for nobody else (R12)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedclean.proxy.access import sign
from feedclean.proxy.hot import Few
from feedclean.settings import Open
from tests.proxy.client import Got, ask, go
from tests.proxy.houses import URL, Home

TOKEN = "a token of the proxy".replace(" ", "-")
SECRET = TOKEN[::-1]
ANY = f"/feed?url={quote(URL, safe='')}"
OUTSIDE = "203.0.113.5"

_FORMS = st.fixed_dictionaries(
    {},
    optional={
        "accept_encoding": st.sampled_from(["gzip", "br, gzip", "identity", "zstd;q=0.1", ""]),
        "if_none_match": st.sampled_from(['"x"', "*", 'W/"x", "y"', ""]),
        "if_modified_since": st.sampled_from(["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT", "?"]),
        "user_agent": st.sampled_from(["a", "b"]),
        "x_forwarded_host": st.just("evil.example"),
    },
)


def _told(got: Got) -> object:
    if got.status >= 400:  # its text has the number of the request
        return got.status
    return got.status, {name: value for name, value in got.headers.items() if name != "x-request-id"}, got.body


@settings(max_examples=25)
@given(
    path=st.sampled_from(["/feeds/news", "/feeds/news.json", ANY]), requests=st.lists(_FORMS, min_size=1, max_size=4)
)
def test_what_was_asked_before_changes_no_answer(path: str, requests: list[dict[str, str]]) -> None:
    home = Home()
    for method in ("GET", "HEAD"):
        for headers in requests:
            warm = go(ask(home.app, path, method=method, **headers))
            assert _told(warm) == _told(go(ask(Home().app, path, method=method, **headers)))


@pytest.mark.parametrize("headers", [{"x_forwarded_for": "127.0.0.1"}, {"host": "evil.example"}, {"via": "1.1 x"}])
def test_an_answer_to_this_machine_is_none_to_others(headers: dict[str, str]) -> None:
    home = Home()
    assert go(ask(home.app, ANY)).status == 200
    assert go(ask(home.app, ANY, peer=OUTSIDE)).status == 403
    assert go(ask(home.app, ANY, **headers)).status == 403
    assert go(ask(home.app, ANY)).status == 200


def test_an_answer_to_a_token_is_none_to_others() -> None:
    home = Home(open=Open.TOKEN, token=TOKEN)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    for _ in range(2):
        assert go(ask(home.app, ANY, peer=OUTSIDE, **bearer)).headers["cache-control"].startswith("private")
        assert go(ask(home.app, ANY, peer=OUTSIDE)).status == 401


def test_a_signature_is_asked_for_each_time() -> None:
    home = Home(open=Open.SIGNED, secret=SECRET)
    signed = f"{ANY}&sig={sign(SECRET, URL)}"
    for _ in range(2):
        assert go(ask(home.app, signed, peer=OUTSIDE)).status == 200
        assert go(ask(home.app, signed[:-1], peer=OUTSIDE)).status == 403


def test_other_settings_hold_for_the_next_request() -> None:
    home = Home()
    assert go(ask(home.app, ANY)).status == 200
    home.house.apply(replace(home.house.settings, proxy=replace(home.house.settings.proxy, open=Open.OFF)))
    assert go(ask(home.app, ANY)).status == 403


def test_news_is_looked_for_each_second_however_many_ask_in_whatever_words() -> None:
    home = Home()
    for number in range(20):
        got = go(ask(home.app, ANY, authorization=f"Basic {number}"))
        assert got.status == 200
        home.clock.turn(0.4)
    assert len(home.refresher.asked) == 7


def test_a_crowd_that_asks_at_once_has_it_looked_for_once() -> None:
    async def crowd() -> list[Got]:
        home = Home()
        gate, known = asyncio.Event(), home.refresher.current

        async def slow(url: str, *, wait: bool, more: bool) -> object:
            await gate.wait()
            return await known(url, wait=wait, more=more)

        vars(home.refresher)["current"] = slow
        tasks = [asyncio.create_task(ask(home.app, "/feeds/news", authorization=str(n))) for n in range(50)]
        await asyncio.sleep(0.01)
        tasks[0].cancel()  # a reader that goes away
        gate.set()
        found = await asyncio.gather(*tasks[1:])
        assert len(home.refresher.asked) == 1
        return list(found)

    assert {got.status for got in go(crowd())} == {200}


def test_a_loop_is_found_in_an_answer_of_a_moment_ago() -> None:
    home = Home(is_own_request=lambda headers: "mine" in headers.get("cdn-loop", ""))
    assert go(ask(home.app, "/feeds/news")).status == 200
    assert go(ask(home.app, "/feeds/news", cdn_loop="mine")).status == 508


def test_few_forgets_what_is_over_and_what_is_too_much() -> None:
    few: Few[str, int] = Few(2, 1.0)
    few.keep("a", 1, 0.0)
    few.keep("b", 2, 0.5)
    assert (few.get("a", 0.9), few.get("a", 1.0), few.get("b", 1.0)) == (1, None, 2)
    few.keep("c", 3, 0.6)
    assert (few.get("a", 0.6), few.get("b", 0.6), few.get("c", 0.6)) == (None, 2, 3)
    assert few.get("b", 0.4) is None  # a clock that went back makes nothing good for longer
