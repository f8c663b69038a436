"""A running proxy takes another model without dropping a request, keeps what was decided, and can have a shadow."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from feedclean import model_home
from feedclean.judging.policy import Policy
from feedclean.model_files import load_model, promote, save_model
from feedclean.proxy.answer import Order
from feedclean.proxy.making import make
from feedclean.proxy.metrics import Metrics
from feedclean.proxy.nouns import Body
from feedclean.proxy.recall import SystemClock
from feedclean.proxy.shadow import Shadow
from feedclean.types import Label, Passage, Verdict
from tests.fakes import KeywordJudge
from tests.proxy.houses import FEED, URL, Home, reset_logs
from tests.proxy.processes import Proxy, Publisher, running


class Blind(KeywordJudge):
    """Finds nothing."""

    name = "blind 0"
    thresholds = dict.fromkeys(Label, 0.999)


def feed(*items: int) -> bytes:
    told = "".join(
        f"<item><guid>{number}</guid><title>Company {number} reports</title><description>"
        + html.escape(
            f"<p>Company {number} earned {number + 4} million euros in the third quarter, a tenth more than before, and its "
            "board proposed a dividend.</p><p>The shares closed unchanged in Frankfurt.</p>"
            "<p>Ad</p><p><strong>Company shares: buy or sell? Our free study tells you. "
            '<a href="https://ads.example/study?ref=1">Carry on here ...</a></strong></p>'
        )
        + "</description></item>"
        for number in items
    )
    return f'<rss version="2.0"><channel><title>Paper</title>{told}</channel></rss>'.encode()


# ── The shadow ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def home() -> Home:
    return Home()


def _settled(shadow: Shadow) -> None:
    shadow._thread.shutdown(wait=True)


def test_the_shadow_counts_and_logs_what_it_would_have_done_and_changes_nothing(home: Home) -> None:
    body, order = Body(URL, FEED, "application/rss+xml", 0.0, "d"), Order(URL, Policy())
    made = make(body, order, KeywordJudge(), 0.0)
    assert made.rows
    shadow = Shadow(Blind(), SystemClock(), home.metrics, home.house.log)
    try:
        shadow.look(body, order, made)
        shadow.look(body, order, made)  # once for each copy
        _settled(shadow)
    finally:
        reset_logs()
    told = home.metrics.text().decode()
    assert f'feedclean_shadow_blocks_total{{would="less"}} {float(len(made.rows))}' in told
    assert 'feedclean_events_total{event="shadow"} 1.0' in told
    (line,) = [line for line in home.lines if line["event"] == "shadow"]
    assert line["less"] == len(made.rows) and line["model"] == "blind 0" and line["spare"]


def test_a_shadow_that_agrees_is_silent_and_one_that_fails_is_told_of(home: Home) -> None:
    class Broken(KeywordJudge):
        def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
            raise RuntimeError("as asked")

    body, order = Body(URL, FEED, "application/rss+xml", 0.0, "d"), Order(URL, Policy())
    made = make(body, order, KeywordJudge(), 0.0)
    try:
        for judge in (KeywordJudge(), Broken()):
            shadow = Shadow(judge, SystemClock(), home.metrics, home.house.log)
            shadow.look(body, order, made)
            _settled(shadow)
    finally:
        reset_logs()
    assert [line.get("reason") for line in home.lines if line["event"] == "shadow"] == ["RuntimeError: as asked"]


def test_a_busy_shadow_skips_and_never_makes_anybody_wait() -> None:
    go = threading.Event()

    class Slow(KeywordJudge):
        def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
            go.wait(10)
            return super().judge_titles(passages)

    metrics, home = Metrics(), Home()
    reset_logs()
    shadow = Shadow(Slow(), SystemClock(), metrics, home.house.log)
    order = Order(URL, Policy())
    made = make(Body(URL, FEED, "", 0.0, "0"), order, KeywordJudge(), 0.0)
    for number in range(20):
        shadow.look(Body(URL, FEED, "", 0.0, str(number)), order, made)  # returns though nothing is done
    assert 'feedclean_events_total{event="shadow-skipped"} 12.0' in metrics.text().decode()
    go.set()
    _settled(shadow)
    assert 'feedclean_events_total{event="shadow"} 8.0' in metrics.text().decode()


# ── A real process ───────────────────────────────────────────────────────────────────────────────────────────────


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
def test_a_running_proxy_takes_another_model_and_no_reader_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promoted while readers ask: every answer is whole, old items stay, new ones are the new model's."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TEST_REAL_MODELS", "1")
    shipped = load_model("default")
    card = {key: value for key, value in shipped.card.items() if key != "weights"}
    save_model(model_home.own("strict"), _arrays(), {**card, "name": "strict", "thresholds": dict.fromkeys(Label, 1.0)})
    publisher = Publisher()
    items = [1]
    publisher.content = lambda: feed(*items)
    answers: list[tuple[int, str]] = []
    ended = threading.Event()
    with running(Proxy(tmp_path, {"paper": publisher.url})) as proxy:

        def read() -> None:
            while not ended.is_set():
                status, headers, _ = proxy.get("/feeds/paper")
                answers.append((status, headers["feedclean"]))
                time.sleep(0.02)

        def model() -> str:
            return proxy.get("/feeds/paper")[1]["feedclean"].rpartition("model=")[2]

        before = proxy.get("/feeds/paper")[2]
        assert b"free study" not in before and b"dividend" in before
        assert model() == shipped.name
        reader = threading.Thread(target=read)
        reader.start()
        try:
            strict = promote("strict")
            until(lambda: model() == strict)
        finally:
            ended.set()
            reader.join()
        assert answers and {status for status, _ in answers} == {200}
        assert not [told for _, told in answers if "bypassed" in told]
        assert {told.rpartition("model=")[2] for _, told in answers} <= {shipped.name, strict}
        assert proxy.get("/feeds/paper")[2] == before  # the old item, by the old decision

        items.append(2)
        until(lambda: b"Company 2" in proxy.get("/feeds/paper")[2])
        assert proxy.get("/feeds/paper")[2].count(b"free study") == 1  # the new item, by the new model

        (model_home.home() / "in-use.json").write_text("{", "utf-8")
        until(lambda: any(line["event"] == "model not taken over" for line in proxy.lines()))
        assert model() == strict

        proxy.write({"paper": publisher.url}, '[model]\nuse = "strict"\nshadow = "default"\n')
        until(lambda: any(line["event"] == "shadow taken over" for line in proxy.lines()))
        items.append(3)
        until(lambda: b"Company 3" in proxy.get("/feeds/paper")[2])
        until(lambda: any(line["event"] == "shadow" for line in proxy.lines()))
        (line, *_) = [line for line in proxy.lines() if line["event"] == "shadow"]
        assert line["more"] >= 1 and line["model"] == shipped.name
        assert proxy.stop() == 0
    publisher.close()


def _arrays() -> dict[str, NDArray[Any]]:
    from feedclean.model_files import _arrays as read

    folder = model_home.shipped()
    assert folder is not None
    return read((folder / "weights.npz").read_bytes())
