"""Corrections: they hold at once and for all of a template, and only those who may can make them."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from feedclean.errors import StoreError
from feedclean.proxy.block_keys import block_key, title_key
from feedclean.proxy.nouns import LabelRow
from feedclean.settings import Open
from feedclean.types import Label
from tests.proxy.client import Got, ask, go, post
from tests.proxy.houses import URL, Home
from tests.proxy.test_pages import EVIL, TAGS, Seen

PITCH = "Get our free report on {} before {} and save 40 percent on the first year"
NEWS = "<p>{} earned 4 million euros in the third quarter, a tenth more than a year before.</p>"


def feed(*items: str) -> bytes:
    """A feed with the items given, each with enough news around to be cut from."""
    inner = "".join(
        f"<item><guid>urn:{number}</guid><title>Item {number}</title><link>https://news.example/{number}</link>"
        f"<description>{html.escape(NEWS.format(f'Firm {number}') + item + NEWS.format(f'House {number}'))}"
        "</description></item>"
        for number, item in enumerate(items)
    )
    return f'<rss version="2.0"><channel><title>News</title>{inner}</channel></rss>'.encode()


def home(*items: str, **settings: Any) -> Home:
    made = Home(pinned=True, **settings)
    made.refresher.has(content=feed(*items))
    return made


def forms(got: Got) -> list[dict[str, str]]:
    """The fields of every form of a page, without the button."""
    return [
        {
            name: html.unescape(value)
            for name, value in re.findall(r'name="(\w+)" value="([^"]*)">', form)
            if name != "label"
        }
        for form in re.findall(r'<form method="post" action="/labels">(.*?)</form>', got.body.decode(), re.DOTALL)
    ]


def form_about(got: Got, text: str) -> dict[str, str]:
    """The form for the block that shows some text."""
    return next(one for one in forms(got) if one.get("block") == block_key(text, text))


def say(made: Home, label: str, fields: dict[str, str], **headers: Any) -> Got:
    return go(post(made.app, "/labels", {**fields, "label": label}, **headers))


def served(made: Home) -> str:
    got = go(ask(made.app, "/feeds/news"))
    assert got.status == 200
    return got.body.decode()


# ── It works at once ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_missed_is_gone_from_the_next_answer_and_so_is_the_same_pitch_for_another_company() -> None:
    acme, globex = PITCH.format("Acme Holdings", "March 3"), PITCH.format("Globex", "17 May")
    made = home(f"<p>{acme}</p>")
    assert acme in served(made)
    got = say(made, "promo", form_about(go(ask(made.app, "/items/news")), acme))
    assert (got.status, got.headers["location"]) == (303, f"/items/news#{block_key(acme, acme)}")
    assert acme not in served(made)
    made.refresher.has(content=feed(f"<p>{acme}</p>", f"<p>{globex}</p>"))
    made.clock.turn(2)
    assert "Globex" not in served(made) and "earned 4 million" in served(made)
    shown = go(ask(made.app, "/removed/news")).body.decode()
    assert shown.count("labelled by you") == 2 and "promo, 100 %, cut" in shown


def test_what_was_wrongly_removed_is_back_at_once() -> None:
    made = home("<p>PROMO is the name of this firm</p>")
    assert "PROMO is" not in served(made)
    page = go(ask(made.app, "/removed/news"))
    got = say(made, "editorial", forms(page)[0])
    assert got.status == 303
    assert "PROMO is" in served(made)
    again = go(ask(made.app, "/removed/news")).body.decode()
    assert "You said: news." in again and "Undo" in again


def test_what_was_said_can_be_taken_back() -> None:
    acme = PITCH.format("Acme Holdings", "March 3")
    made = home(f"<p>{acme}</p>")
    fields = form_about(go(ask(made.app, "/items/news")), acme)
    say(made, "promo", fields)
    assert acme not in served(made)
    assert b"You said: an ad." in go(ask(made.app, "/items/news")).body
    say(made, "undo", fields)
    assert acme in served(made) and not made.store.said


def test_a_title_is_corrected_too() -> None:
    made = home("<p>x</p>")
    fields = next(one for one in forms(go(ask(made.app, "/items/news"))) if "title" in one)
    assert say(made, "clickbait", fields).status == 303
    assert made.store.said[title_key("Item 0")].label == "clickbait"
    assert b'<h2 id="' in go(ask(made.app, "/items/news")).body
    assert say(made, "promo", fields).problem == "no-such-label"


def test_a_label_says_what_it_stood_in() -> None:
    acme = PITCH.format("Acme Holdings", "March 3")
    made = home(f"<p>{acme}</p>")
    say(made, "promo", form_about(go(ask(made.app, "/items/news")), acme))
    assert list(made.store.said.values()) == [
        LabelRow(block_key(acme, acme), "promo", acme, f"<p>{acme}</p>", URL, made.clock.now(), "urn:0", "Item 0", "")
    ]


def test_what_is_said_elsewhere_is_heeded_too() -> None:
    """In another proxy on the same store, or with `feedclean label`."""
    acme = PITCH.format("Acme Holdings", "March 3")
    made = home(f"<p>{acme}</p>")
    assert acme in served(made)
    made.store.label(LabelRow("b", "promo", acme, acme, URL, 1.0))
    go(made.house.heed_labels())
    assert acme not in served(made)
    generation = made.house.generation
    go(made.house.heed_labels())
    assert made.house.generation == generation


def test_any_feed_is_corrected_by_those_who_may_have_it_cleaned() -> None:
    other = "https://other.example/rss"
    acme = PITCH.format("Acme Holdings", "March 3")
    made = home()
    made.refresher.has(other, feed(f"<p>{acme}</p>"))
    page = go(ask(made.app, f"/items?url={other}"))
    got = say(made, "promo", form_about(page, acme))
    assert got.status == 303 and got.headers["location"].startswith("/items?url=https%3A%2F%2Fother.example%2Frss#")
    assert acme not in go(ask(made.app, f"/feed?url={other}")).body.decode()


# ── Who may ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def made() -> Home:
    return home(f"<p>{PITCH.format('Acme Holdings', 'March 3')}</p>")


@pytest.fixture
def fields(made: Home) -> dict[str, str]:
    return form_about(go(ask(made.app, "/items/news")), PITCH.format("Acme Holdings", "March 3"))


@pytest.mark.parametrize(
    "headers",
    [{"peer": "192.0.2.1"}, {"host": "rebound.example"}, {"x_forwarded_for": "192.0.2.1"}, {"origin": "https://evil.example"},
     {"origin": "http://["}],
)  # fmt: skip
def test_nobody_else_changes_anything(made: Home, fields: dict[str, str], headers: dict[str, str]) -> None:
    """Neither others, nor pages of others in one's own browser (O2), not even with a form of ours."""
    got = say(made, "promo", fields, **headers)
    assert (got.status, made.store.said) == (403, {})


@pytest.mark.parametrize("change", [{"key": "x"}, {"key": "0" * 64}, {"key": "é"}, {"feed": "https://other.example/"}])
def test_a_form_that_we_did_not_make_changes_nothing(
    made: Home, fields: dict[str, str], change: dict[str, str]
) -> None:
    got = say(made, "promo", {**fields, **change})
    assert (got.status, got.problem, made.store.said) == (403, "not-our-form", {})


@pytest.mark.parametrize("origin", ["null", "http://127.0.0.1:8420"])
def test_our_own_pages_have_no_origin_or_ours(made: Home, fields: dict[str, str], origin: str) -> None:
    assert say(made, "promo", fields, origin=origin).status == 303


def test_no_get_changes_anything(made: Home, fields: dict[str, str]) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert go(ask(made.app, "/labels", method=method)).status == 405
    assert not made.store.said


def test_with_a_token_corrections_can_be_made_from_anywhere() -> None:
    acme, token = PITCH.format("Acme Holdings", "March 3"), "t" * 20
    made = home(f"<p>{acme}</p>", token=token, public_url="https://proxy.example", open=Open.TOKEN)
    assert go(ask(made.app, "/items/news", peer="192.0.2.1")).status == 403
    assert b"<form" not in go(ask(made.app, "/removed/news", peer="192.0.2.1")).body
    page = go(ask(made.app, f"/items/news?token={token}", peer="192.0.2.1"))
    fields = form_about(page, acme)
    assert say(made, "promo", {**fields, "token": "wrong"}, peer="192.0.2.1").status == 403
    got = say(made, "promo", fields, peer="192.0.2.1", origin="https://proxy.example")
    assert (got.status, got.headers["location"].partition("#")[0]) == (303, f"/items/news?token={token}")
    assert token not in made.output.getvalue()


def test_who_may_not_correct_sees_no_buttons(made: Home) -> None:
    go(ask(made.app, "/feeds/news"))
    got = go(ask(made.app, "/removed/news", peer="192.0.2.1"))
    assert b"<form" not in got.body and "form-action 'none'" in got.headers["content-security-policy"]


# ── What is no correction ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"label": "advert"}, 400),
        ({"label": "clickbait"}, 400),
        ({"back": "https://evil.example/"}, 400),
        ({"back": "//evil.example/"}, 400),
        ({"back": "/removed/x\r\nset-cookie: a=b"}, 400),
        ({"block": "0" * 32}, 404),
        ({"item": "urn:7"}, 404),
        ({"removal": "0" * 40}, 404),
        ({"surprise": "1"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(
    made: Home, fields: dict[str, str], change: dict[str, str], status: int
) -> None:
    got = say(made, change.get("label", "promo"), {**fields, **change})
    assert (got.status, made.store.said) == (status, {})


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"label", 400), (b"label=promo", 400), (b"a=1&" * 40, 400), (b"\xff=1", 400), (b"x" * 70_000, 413)],
)
def test_a_body_that_is_no_form_is_refused(made: Home, content: bytes, status: int) -> None:
    assert go(post(made.app, "/labels", content)).status == status


def test_another_media_type_is_refused(made: Home, fields: dict[str, str]) -> None:
    """Among them those that a page of others could send, too."""
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        assert say(made, "promo", fields, content_type=kind).status == 415


def test_a_field_twice_is_refused(made: Home, fields: dict[str, str]) -> None:
    query = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    assert go(post(made.app, "/labels", query + b"&label=promo&label=editorial")).status == 400


def test_while_the_store_fails_nothing_is_said_to_be_done(made: Home, fields: dict[str, str]) -> None:
    made.store.broken = True
    got = say(made, "promo", fields)
    assert (got.status, got.problem) == (503, "store-failed")
    with pytest.raises(StoreError):
        go(made.house.heed_labels())
    assert go(ask(made.app, "/items/news")).status == 503


def test_a_feed_that_cannot_be_taken_apart_says_so() -> None:
    made = home()
    made.refresher.has(content=b"<html>no feed</html>")
    assert go(ask(made.app, "/items/news")).problem == "not-cleaned"
    made.refresher.has(content=None)
    assert go(ask(made.app, "/items/news")).status == 503
    assert go(ask(made.app, "/items/none")).problem == "no-such-feed"


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_in_a_feed_becomes_markup(evil: str) -> None:
    made = home()
    clean = html.escape(evil.translate({0: "", 0xD800: ""}))
    item = f"<item><guid>{clean}</guid><title>{clean}</title><link>{clean}</link><description>{html.escape(f'<p>{clean}</p>')}</description></item>"
    made.refresher.has(content=f'<rss version="2.0"><channel><title>t</title>{item}</channel></rss>'.encode())
    got = go(ask(made.app, "/items/news"))
    assert got.status == 200
    page = Seen(got.body)
    assert page.tags <= TAGS
    assert not [name for name in page.attributes if name.startswith("on") or name in {"style", "srcdoc", "src"}]
    assert not [link for link in page.links if re.match(r"\s*(?!https?:)[a-z]+:", link, re.IGNORECASE)]


def test_every_label_has_a_word_for_people() -> None:
    from feedclean.proxy.pages.forms import told_label

    assert all(told_label(label.value) for label in Label)
