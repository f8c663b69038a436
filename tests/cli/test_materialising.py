"""`feedclean corpus fetch`: what is published is downloaded once, put together with its labels, and never half written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from typer.testing import Result

from feedclean.learning import corpus
from feedclean.learning.annotations import annotation, documents
from feedclean.learning.matching import digest
from feedclean.learning.pieces import Page
from tests.cli.conftest import Run
from tests.cli.test_clean import one_line

COMMIT = "3" * 40
HANGS_UP = 0  # for a status
PAGES = {
    name: f"<html><body><h1>{name} rises</h1><div class='story'><p>{name} earned 4 %.</p><p>Buy {name} now!</p></div></body>"
    for name in ("Acme", "Globex", "Initech")
}
NEWS = [{"id": "n/1", "title": "Acme", "text": "Acme is well. Read our report!"}]
SOURCES = {
    "pages": {"repository": "who/pages", "form": "html", "commit": COMMIT, "path": "html/{document}.html.gz"},
    "news": {
        "repository": "who/news",
        "form": "json",
        "files": {"all.json": COMMIT},
        "fields": {"document": "id", "title": "title", "text": "text"},
    },
}


class Repositories(BaseHTTPRequestHandler):
    """Files at commits, each as a status and a body."""

    files: ClassVar[dict[str, tuple[int, bytes]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        assert self.headers["User-Agent"].startswith("feedclean/")
        status, body = self.files.get(self.path, (404, b"no"))
        if status == HANGS_UP:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def at(name: str) -> str:
    return f"/who/pages/{COMMIT}/html/{name}.html.gz"


@contextmanager
def repositories() -> Iterator[str]:
    Repositories.asked.clear()
    Repositories.files.clear()
    Repositories.files |= {at(name): (200, gzip.compress(page.encode())) for name, page in PAGES.items()}
    Repositories.files[f"/who/news/{COMMIT}/all.json"] = (200, json.dumps(NEWS).encode())
    with ThreadingHTTPServer(("127.0.0.1", 0), Repositories) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def labelled(name: str) -> dict[str, Any]:
    pieces = list(Page(PAGES[name].encode()).blocks())
    blocks = [
        {"index": place + 7, "digest": digest(piece.text), "html": piece.html, "label": label}
        | ({"containers": list(piece.containers)} if piece.containers else {})
        for place, (piece, label) in enumerate(zip(pieces, ("editorial", "editorial", "promo"), strict=True))
    ]
    source = {"set": "pages", "document": name}
    return {"id": name, "lang": "en", "kind": "article", "style": "real-x", "source": source, "blocks": blocks}


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where files are published, on this machine, which may be fetched from."""
    monkeypatch.setenv("FEEDCLEAN_PROXY_ALLOW_NETWORKS", "127.0.0.0/8")
    with repositories() as address:
        yield address


@pytest.fixture
def fetch(run: Run, repository: str) -> Run:
    """`feedclean corpus fetch` for annotations of three pages and two sentences of an article."""
    sentences = [
        {"index": place, "digest": digest(text), "html": text, "label": label}
        for place, (text, label) in enumerate((("Acme is well.", "editorial"), ("Read our report!", "promo")))
    ]
    article = {**labelled("Acme"), "id": "news", "title_label": "plain", "source": {"set": "news", "document": "n/1"}}
    annotate("dev/news.jsonl", {**article, "blocks": sentences})
    annotate("pages.jsonl", *map(labelled, PAGES))
    table(repository)

    def invoke(*arguments: str | Path) -> Result:
        return run("corpus", "fetch", "annotations", "-o", "real", "--cache", "kept", *arguments)

    return invoke


def annotate(name: str, *labelled: dict[str, Any]) -> None:
    path = Path("annotations", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(annotation(one)) + "\n" for one in labelled), encoding="utf-8")


def table(address: str) -> None:
    told = {"address": f"{address}/{{repository}}/{{commit}}/{{path}}", "sources": SOURCES}
    Path("annotations/sources.json").write_text(json.dumps(told), encoding="utf-8")


def written() -> list[str]:
    return sorted(str(path.relative_to("real")) for path in Path("real").rglob("*") if path.is_file())


def test_pages_are_downloaded_once_and_become_the_same_as_from_a_folder(fetch: Run, run: Run) -> None:
    result = fetch()
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[-1] == "feedclean: 4 documents, 11 blocks; 0 blocks were not found again"
    assert "feedclean: pages: 3 documents, 9 blocks; 0 blocks were not found again" in result.stderr
    assert written() == ["dev/news.jsonl", "pages.jsonl"]
    (news,) = documents(Path("real/dev/news.jsonl"))
    assert news["title"] == "Acme" and [block["html"] for block in news["blocks"]] == [
        "Acme is well.",
        "Read our report!",
    ]
    Path("there").mkdir()
    Path("there/a.jsonl").write_text("".join(json.dumps(labelled(name)) + "\n" for name in PAGES), encoding="utf-8")
    assert run("corpus", "fetch", "annotations/pages.jsonl", "--from", "there", "-o", "same").exit_code == 0
    assert corpus.load([Path("real/pages.jsonl")]) == corpus.load([Path("same/pages.jsonl")])
    assert list(documents(Path("real/pages.jsonl"))) == list(documents(Path("same/pages.jsonl")))
    assert len(Repositories.asked) == 4
    assert fetch().exit_code == 0 and len(Repositories.asked) == 4


def test_what_is_kept_needs_no_network(fetch: Run) -> None:
    fetch()
    table("http://127.0.0.1:9")
    result = fetch("-o", "again")
    assert result.exit_code == 0, result.stderr
    assert Path("again/pages.jsonl").read_bytes() == Path("real/pages.jsonl").read_bytes()


def test_without_a_network_one_line_says_so_and_nothing_is_written(fetch: Run) -> None:
    table("http://127.0.0.1:9")
    result = fetch()
    assert (result.exit_code, result.stdout, Path("real").exists(), Path("kept").exists()) == (1, "", False, False)
    told = one_line(result.stderr.replace("feedclean: downloading 4 files\n", ""))
    assert told.startswith("http://127.0.0.1:9: cannot be fetched: no connection (")
    assert "4 files are still to come" in told and "--from DIR" in told


def test_a_run_that_was_broken_off_goes_on_and_leaves_what_was_there(fetch: Run) -> None:
    Path("real").mkdir()
    Path("real/pages.jsonl").write_text("old", encoding="utf-8")
    good = dict(Repositories.files)
    Repositories.files[at("Globex")] = (503, b"later")
    result = fetch()
    assert result.exit_code == 1 and "answered 503; 2 files are still to come" in result.stderr
    assert Repositories.asked[-1] == at("Globex"), "nobody who wants to be left alone is asked again"
    assert Path("real/pages.jsonl").read_text(encoding="utf-8") == "old"
    Repositories.files |= good
    Repositories.asked.clear()
    assert fetch().exit_code == 0
    assert Repositories.asked == [at("Globex"), at("Initech")]


def test_missing_files_are_told_for_each_source_and_the_others_used(fetch: Run) -> None:
    for name in ("Acme", "Initech"):
        del Repositories.files[at(name)]
    Repositories.files[f"/who/news/{COMMIT}/all.json"] = (200, b"[]")
    result = fetch()
    assert result.exit_code == 1
    assert (
        "pages: 1 documents, 3 blocks, 2 documents missing; 0 blocks were not found again; "
        "html/Acme.html.gz and 1 more: answered 404"
    ) in result.stderr
    assert (
        "news: 0 documents, 0 blocks, 1 documents missing; 0 blocks were not found again; not in its files"
        in result.stderr
    )
    assert [one["id"] for one in documents(Path("real/pages.jsonl"))] == ["Globex"]


def test_blocks_that_differ_are_counted_and_left_out_and_a_wrong_page_is_not_kept(fetch: Run) -> None:
    Repositories.files[at("Acme")] = (200, PAGES["Acme"].replace("earned", "lost").encode())
    Repositories.files[at("Globex")] = (200, b"<p>Please log in to this network.</p>")
    result = fetch()
    assert result.exit_code == 0 and "pages: 2 documents, 5 blocks; 4 blocks were not found again" in result.stderr
    first, _ = documents(Path("real/pages.jsonl"))
    assert [block["index"] for block in first["blocks"]] == [7, 9]
    Repositories.asked.clear()
    fetch()
    assert Repositories.asked == [at("Globex")]


def test_a_file_that_cannot_be_read_is_told_and_asked_for_again(fetch: Run) -> None:
    Repositories.files[at("Acme")] = (200, b"\x1f\x8b\x08torn")
    result = fetch()
    assert result.exit_code == 1 and "html/Acme.html.gz: cannot be unpacked" in result.stderr
    Repositories.files[at("Acme")] = (200, PAGES["Acme"].encode())
    assert fetch().exit_code == 0


def test_one_answer_that_is_lost_does_not_cost_the_others(fetch: Run) -> None:
    Repositories.files[at("Acme")] = (HANGS_UP, b"")
    result = fetch()
    assert result.exit_code == 1 and "html/Acme.html.gz: connection lost" in result.stderr
    assert len(list(documents(Path("real/pages.jsonl")))) == 2


def test_a_set_that_the_table_does_not_know_is_missing(fetch: Run) -> None:
    annotate("more.jsonl", {**labelled("Acme"), "source": {"set": "others", "document": "x"}})
    result = fetch()
    assert result.exit_code == 1 and "others: 0 documents" in result.stderr
    assert "sources.json does not say where they are" in result.stderr


def test_only_public_addresses_are_asked(fetch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FEEDCLEAN_PROXY_ALLOW_NETWORKS")
    result = fetch()
    assert result.exit_code == 1 and "not a public address" in result.stderr
    assert not Repositories.asked and not Path("real").exists()


def test_a_folder_that_cannot_keep_anything_is_named(fetch: Run) -> None:
    Path("kept").write_text("in the way", encoding="utf-8")
    result = fetch()
    assert result.exit_code == 4 and "kept" in result.stderr and "--cache" in result.stderr
    assert not Path("real").exists()


def test_annotations_without_a_table_can_only_be_put_together_from_a_folder(fetch: Run) -> None:
    Path("annotations/sources.json").unlink()
    result = fetch()
    assert result.exit_code == 1 and "no sources.json there" in one_line(result.stderr)
    assert not Repositories.asked


@pytest.mark.parametrize("way", [(), ("--from", ".")])
def test_annotations_that_are_not_there_are_named(run: Run, way: tuple[str, ...]) -> None:
    result = run("corpus", "fetch", *way)
    assert result.exit_code == 1
    assert one_line(result.stderr).startswith(
        "training_data/annotations: no such file or folder; run this in a checkout"
    )


def test_the_help_teaches_both_ways(run: Run) -> None:
    told = run("corpus", "fetch", "--help").stdout
    for words in ("corpus fetch --from DIR", "downloaded", "--cache", "Exit codes: 0"):
        assert words in told
