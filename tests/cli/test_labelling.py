"""`feedclean label` as a command: in a terminal, over the proxy's feeds, killed at any moment."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from feedclean import model_files
from feedclean.proxy.nouns import LabelRow
from feedclean.proxy.store import Store
from tests.cli.conftest import Run, Start, page
from tests.cli.fake_judge import FakeJudge
from tests.proxy.stores import body, state

NEWS = "Copper prices fell while miners in Chile went on strike for the second week."


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the answers go."""
    monkeypatch.setattr(model_files, "load_model", lambda path=None: FakeJudge())
    for name in ("FEEDCLEAN_CONFIG", "FEEDCLEAN_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data" / "feedclean" / "store.db"


def said(place: Path) -> list[LabelRow]:
    with closing(Store(str(place), clock=time.time)) as store:
        return store.all_labels()


def test_keys_label_skip_undo_and_quit(run: Run, place: Path) -> None:
    Path("a.html").write_text(page(NEWS))
    labelled = run("label", "a.html", "--terminal", input=b"2u1s\n3q11111")
    assert labelled.exit_code == 0 and "2 labels given" in labelled.stderr
    assert sorted(row.label for row in said(place)) == ["editorial", "teaser"]
    assert {row.feed for row in said(place)} == {"a.html"}
    shown = labelled.stdout
    assert "model: " in shown and "1 editorial  2 promo" in shown and "1 answered, 1 skipped, at most 1 left" in shown


def test_going_on_asks_only_what_is_left(run: Run, place: Path) -> None:
    Path("a.html").write_text(page(NEWS))
    run("label", "a.html", "--terminal", input=b"1")
    assert "3 blocks, 2 of them unlabelled" in run("label", "a.html", "--terminal", input=b"11").stderr
    assert "nothing to ask" in run("label", "a.html", "--terminal").stderr
    assert len(said(place)) == 3


def test_guesses_of_an_added_document_are_confirmed_and_exported(run: Run) -> None:
    Path("a.html").write_text(page(NEWS))
    run("corpus", "add", "a.html", "-o", "mine.jsonl")
    assert "3 labels given" in run("label", "mine.jsonl", "--terminal", input=b"111").stderr
    exported = run("corpus", "export-labels", "mine.jsonl")
    assert exported.stdout.count('"label": "editorial"') == 3 and '"guess"' not in exported.stdout
    assert "3 labels in 1 document, 3 of them in FILEs" in exported.stderr


def test_in_a_folder_files_of_documents_are_asked_about_and_their_labels_are_known(run: Run, place: Path) -> None:
    Path("saved").mkdir()
    Path("saved/a.html").write_text(page(NEWS))
    run("corpus", "add", "saved/a.html", "-o", "saved/mine.jsonl")
    document = json.loads(Path("saved/mine.jsonl").read_text())
    told = next(block for block in document["blocks"] if "Copper" in block["html"])
    told["label"] = told.pop("guess")
    told.pop("probability")
    Path("saved/mine.jsonl").write_text(json.dumps(document) + "\n" + '{"id": "half')
    labelled = run("label", "saved", "--terminal", input=b"1111")
    assert "saved/mine.jsonl:2: line: half a line" in labelled.stderr and "no page" not in labelled.stderr
    assert "2 labels given" in labelled.stderr and not any("Copper" in row.text for row in said(place))


def test_the_queue_is_what_the_proxy_was_unsure_of(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hesitant(FakeJudge):
        thresholds = dict.fromkeys(FakeJudge.thresholds, 0.999)

    monkeypatch.setattr(model_files, "load_model", lambda path=None: Hesitant())
    url = "https://x.example/feed"
    items = f"<item><title>T</title><description><![CDATA[<p>{NEWS}</p><p>Act now, it says.</p>]]></description></item>"
    feed = f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()
    place.parent.mkdir(parents=True)
    with closing(Store(str(place), clock=time.time)) as store:
        store.save(state(url), body(url, feed))
        store.save(state("https://y.example/feed"), body("https://y.example/feed", b"<html>no feed at all"))
        store.save(state("https://z.example/feed"), None)
    assert "1 block, 1 of them" in run("label", "--queue", "--terminal", input=b"1").stderr
    (row,) = said(place)
    assert (row.label, row.text, row.feed, row.title) == ("editorial", "Act now, it says.", url, "T")


def test_pages_in_json_lines_are_pages(run: Run, place: Path) -> None:
    """What `feedclean clean` takes for a container of them."""
    line = {"url": "https://x.example/1", "html": page(NEWS)}
    Path("pages.jsonl").write_text(json.dumps(line) + "\n")
    assert "3 labels given" in run("label", "pages.jsonl", "--terminal", input=b"111").stderr
    assert {row.feed for row in said(place)} == {"https://x.example/1"}


def test_what_makes_no_sense_is_one_line(run: Run) -> None:
    assert "standard input" in run("label", "-", "--terminal").stderr
    assert run("label", "--terminal").exit_code == 2
    assert "nowhere: no such file" in run("label", "nowhere", "--terminal").stderr
    Path("bad.jsonl").write_text('{"id": "half')
    assert "bad.jsonl:1: line: half a line" in run("label", "bad.jsonl", "--terminal").stderr


@pytest.mark.slow
def test_no_answer_is_lost_when_the_page_is_killed(start: Start, tmp_path: Path, place: Path) -> None:
    """The real process: every answer it has acknowledged is there after `kill -9`, and it goes on from there."""
    Path(tmp_path / "a.html").write_text(page(NEWS))
    for turn in range(2):
        process = start("label", "a.html", "--port", "0")
        port, token = _address(process)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", f"/?token={token}")
            text = connection.getresponse().read().decode()
            assert f"at most {3 - turn} left" in text
            (number,) = re.findall(r'name="number" value="(\d+)"', text)
            fields = urlencode({"token": token, "number": number, "answer": "editorial"})
            connection.request("POST", "/answer", fields, {"Content-Type": "application/x-www-form-urlencoded"})
            assert connection.getresponse().status == 303
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=20)
            connection.close()
        assert len(said(place)) == turn + 1


@pytest.mark.slow
def test_ctrl_c_ends_it_with_a_word(start: Start, tmp_path: Path) -> None:
    Path(tmp_path / "a.html").write_text(page(NEWS))
    process = start("label", "a.html", "--port", "0")
    _address(process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 0 and b"0 labels given" in told


def _address(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(rb"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", line)
        if found:
            return int(found[1]), found[2].decode()
    raise AssertionError("no address")
