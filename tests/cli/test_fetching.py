"""`feedclean clean https://…`: through the guard, whatever leads there."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from tests.cli.conftest import Run, page
from tests.cli.test_clean import one_line
from tests.cli.test_outputs import tree


class Publisher(BaseHTTPRequestHandler):
    """A page, redirects to places that nobody may reach, and a refusal."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("User-Agent", "")))
        targets = {"/moved": "/page", "/cloud": "http://169.254.169.254/latest/", "/file": "file:///etc/passwd"}
        if target := targets.get(self.path):
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()
            return
        body = page('See <a href="other">the other</a>.').encode()
        if self.path == "/russian":
            body = page("Выручка выросла.").encode("koi8-r")
        if self.path == "/feed":
            story = html.escape(page("Выручка выросла."))
            item = f"<item><title>Отчёт</title><description>{story}</description></item>"
            body = f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{item}</channel></rss>'.encode(
                "koi8-r"
            )
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header(
            "Content-Type", "text/html; charset=koi8-r" if self.path in {"/russian", "/feed"} else "text/html"
        )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def publisher() -> Iterator[str]:
    Publisher.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be fetched from."""
    monkeypatch.setenv("FEEDCLEAN_PROXY_ALLOW_NETWORKS", "127.0.0.0/8")


def test_a_page_is_fetched_and_cleaned_at_its_address(run: Run, home: None) -> None:
    with publisher() as origin:
        result = run("clean", f"{origin}/moved", "--to", "markdown")
        assert result.exit_code == 0, result.stderr
        assert f"[the other]({origin}/other)" in result.stdout and "free study" not in result.stdout
        assert run("clean", f"{origin}/page", f"{origin}/gone", "-o", "out").exit_code == 1
    (name,) = [name for name in tree("out") if name.endswith(".html")]
    assert name.startswith("127.0.0.1/page-")
    assert Publisher.asked[0][1].startswith("feedclean/")


def test_the_character_set_of_the_answer_is_heeded(run: Run, home: None) -> None:
    with publisher() as origin:
        assert "Выручка выросла." in run("clean", f"{origin}/russian", "--to", "text").stdout
        feed = run("clean", f"{origin}/feed")
        assert "Выручка выросла." in feed.stdout and "Отчёт" in feed.stdout


@pytest.mark.parametrize("place", ["/cloud", "/file"])
def test_redirects_are_checked_too(run: Run, home: None, place: str) -> None:
    with publisher() as origin:
        result = run("clean", f"{origin}{place}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "only public addresses are fetched" in one_line(result.stderr)


@pytest.mark.parametrize(
    "address",
    [
        "{origin}/page",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://0x7f000001:{port}/",
        "http://10.0.0.1/",
    ],
)
def test_addresses_that_are_not_public_are_refused_in_one_line_and_nobody_is_asked(run: Run, address: str) -> None:
    with publisher() as origin:
        result = run("clean", address.format(origin=origin, port=origin.rpartition(":")[2]))
    assert (result.exit_code, result.stdout, Publisher.asked) == (1, "", [])
    assert "allow_networks in the settings opens networks of your own" in one_line(result.stderr)


@pytest.mark.parametrize("address", ["ftp://news.example/a", "zip://a::https://news.example/a", "github://a:b@c/d"])
def test_no_other_client_of_the_web_is_used(run: Run, address: str) -> None:
    result = run("clean", address)
    assert result.exit_code == 2 and "addresses are not taken" in one_line(result.stderr)


def test_documents_are_read_from_and_results_put_at_fsspec_addresses(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    import fsspec

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    memory = fsspec.filesystem("memory")
    for name in ("a.html", "deep/b.html", "c.txt"):
        memory.pipe_file(f"/pages/{name}", page(f"This is {name}.").encode())
    result = run("clean", "memory://pages/**/*.html", "-o", "memory://out", "--resume")
    assert result.exit_code == 0, result.stderr
    assert sorted(memory.find("/out")) == ["/out/a.html", "/out/deep/b.html"]
    assert b"free study" not in memory.cat_file("/out/deep/b.html")
    memory.pipe_file("/pages/d.html", page("New.").encode())
    told = run("clean", "memory://pages", "-o", "memory://out", "--resume").stderr
    assert told.startswith("feedclean: 2 documents cleaned; 2 done before; ")
    assert "memory://nowhere: nothing is there" in run("clean", "memory://nowhere", "-o", "memory://out").stderr
    memory.rm("/pages", recursive=True)
    memory.rm("/out", recursive=True)
