"""The page of `feedclean label`: it asks, keeps, undoes, and answers nobody but whoever started it."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from typing import Any

import pytest
from starlette.types import ASGIApp

from feedclean.errors import StoreError
from feedclean.proxy.labelling import create_labelling
from feedclean.proxy.logs import set_up
from feedclean.types import Label, Progress, Question
from tests.proxy.client import Got, ask, go, post
from tests.proxy.test_pages import EVIL, TAGS, Seen

TOKEN = "t" * 24


def question(text: str = "Words", **facts: Any) -> Question:
    given: dict[str, Any] = {
        "text": text, "source": f"<p>{text}</p>", "before": ("Before it",), "after": ("After it",), "guess": Label.PROMO,
        "probability": 0.63, "acted": 0.63, "doubt": 0.9, "unsure": True, "origin": "page.html", "title": "Acme",
    }  # fmt: skip
    return Question(**{**given, **facts})


class Asking:
    """Labelling in a list."""

    def __init__(self, *questions: Question) -> None:
        self.questions = questions
        self.answers: list[tuple[int, Label | None]] = []
        self.broken = False

    @property
    def number(self) -> int | None:
        return len(self.answers) if len(self.answers) < len(self.questions) else None

    @property
    def question(self) -> Question | None:
        return None if self.number is None else self.questions[self.number]

    @property
    def progress(self) -> Progress:
        return Progress(len(self.answers), 0, len(self.questions) - len(self.answers))

    def answer(self, number: int, label: Label) -> None:
        if self.broken:
            raise StoreError("no space left on the disk")
        if number == self.number:
            self.answers.append((number, label))

    def skip(self, number: int) -> None:
        if number == self.number:
            self.answers.append((number, None))

    def undo(self) -> bool:
        return bool(self.answers and self.answers.pop())


def app(session: Asking) -> ASGIApp:
    return create_labelling(session, TOKEN, set_up("warning", io.StringIO()))


def shown(session: Asking) -> Got:
    return go(ask(app(session), f"/?token={TOKEN}"))


def say(session: Asking, answer: str, number: int = 0, **headers: Any) -> Got:
    fields = {"token": headers.pop("token", TOKEN), "number": str(number), "answer": answer}
    return go(post(app(session), "/answer", fields, **headers))


def test_a_block_is_asked_about_where_it_stands_with_the_models_guess() -> None:
    text = shown(Asking(question(), question("Other"))).body.decode()
    for part in ("Before it", "Words", "After it", "Acme", "promo 63 %, not sure", "0 answered, at most 2 left"):
        assert part in text
    assert re.findall(r'value="(\w+)" data-key="(\w)"', text) == [
        ("editorial", "1"), ("promo", "2"), ("teaser", "3"), ("boilerplate", "4"), ("disclosure", "5"),
        ("skip", "s"), ("undo", "u"),
    ]  # fmt: skip


def test_an_answer_leads_to_the_next_question_and_can_be_undone() -> None:
    session = Asking(question(), question("Other"))
    got = say(session, "teaser")
    assert (got.status, got.headers["location"]) == (303, f"/?token={TOKEN}")
    assert session.answers == [(0, Label.TEASER)] and b"Other" in shown(session).body
    say(session, "skip", 1)
    assert b"Nothing left to ask" in shown(session).body
    say(session, "undo", -1)
    say(session, "undo", 1)
    assert not session.answers


def test_a_click_that_comes_twice_labels_one_block() -> None:
    session = Asking(question(), question("Other"))
    say(session, "promo")
    assert say(session, "promo").status == 303
    assert len(session.answers) == 1


def test_what_could_not_be_kept_is_said_once() -> None:
    session = Asking(question())
    application = app(session)
    session.broken = True
    fields = {"token": TOKEN, "number": "0", "answer": "promo"}
    assert go(post(application, "/answer", fields)).status == 303
    assert b"could not be kept: no space left on the disk" in go(ask(application, f"/?token={TOKEN}")).body
    assert b"could not be kept" not in go(ask(application, f"/?token={TOKEN}")).body


@pytest.mark.parametrize(
    "headers",
    [{"token": "wrong"}, {"token": "é"}, {"peer": "192.0.2.1"}, {"host": "rebound.example"}, {"via": "1.1 x"},
     {"origin": "https://evil.example"}],
)  # fmt: skip
def test_nobody_else_is_answered(headers: dict[str, Any]) -> None:
    session = Asking(question())
    got = say(session, "promo", **headers)
    assert (got.status, got.problem, session.answers) == (403, "not-yours", [])
    token = headers.pop("token", TOKEN)
    if token.isascii():
        assert go(ask(app(session), f"/?token={token}", **headers)).status == 403
    assert go(ask(app(session), "/")).status == 403


@pytest.mark.parametrize(("answer", "number"), [("advert", "0"), ("promo", "x"), ("", "0")])
def test_what_is_no_answer_is_refused(answer: str, number: str) -> None:
    session = Asking(question())
    got = go(post(app(session), "/answer", {"token": TOKEN, "number": number, "answer": answer}))
    assert (got.status, session.answers) == (400, [])
    assert go(ask(app(session), f"/answer?token={TOKEN}")).status == 405


def test_the_one_script_is_the_one_that_the_policy_allows() -> None:
    got = shown(Asking(question()))
    (script,) = re.findall(r"<script>(.*?)</script>", got.body.decode(), re.DOTALL)
    policy = got.headers["content-security-policy"]
    wanted = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{wanted}'" in policy and "unsafe" not in policy and "default-src 'none'" in policy
    assert policy.endswith("sandbox allow-forms allow-scripts")


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_in_a_document_becomes_markup(evil: str) -> None:
    facts = dict.fromkeys(("source", "origin", "title", "url"), evil)
    page = Seen(shown(Asking(question(evil, before=(evil,), after=(evil,), **facts))).body)
    assert page.tags <= TAGS | {"progress", "kbd", "script"}
    assert not [name for name in page.attributes if name.startswith("on") or name in {"style", "srcdoc", "src"}]
    assert not [link for link in page.links if re.match(r"\s*(?!https?:)[a-z]+:", link, re.IGNORECASE)]
