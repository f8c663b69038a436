"""From a publisher's socket through the real process to real readers."""

from __future__ import annotations

import html
import http.client
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxy.processes import Proxy, Publisher, running

pytestmark = pytest.mark.slow

_READERS = "see tests/services/readers.sh"
needs_newsboat = pytest.mark.skipif(shutil.which("newsboat") is None, reason=f"newsboat is not installed; {_READERS}")
needs_sfeed = pytest.mark.skipif(
    shutil.which("sfeed_update") is None or shutil.which("curl") is None, reason=f"sfeed is not installed; {_READERS}"
)
ROUND = 1.3  # seconds after which the proxy asks its publisher again, and answers anew


class Paper:
    """A feed with an advertisement in every item that is another one each time it is asked for."""

    def __init__(self, items: int = 3) -> None:
        self.items = items
        self.printed = 0

    def __call__(self) -> bytes:
        self.printed += 1
        items = "".join(map(self._item, reversed(range(self.items))))
        return f'<rss version="2.0"><channel><title>Paper</title><link>http://p.example/</link>{items}</channel></rss>'.encode()

    def _item(self, number: int) -> str:
        body = (
            f"<p>Company {number} earned {number + 4} million euros in the third quarter, a tenth more than before.</p>"
            f"<p>Ad {self.printed}: buy or sell? The free study number {self.printed * 7}.</p>"
            f"<p>Its shares closed unchanged.</p>"
        )
        return (
            f"<item><title>Company {number} reports</title><link>http://p.example/{number}</link>"
            f"<guid>urn:paper:{number}</guid><pubDate>Wed, 04 Mar 2026 07:3{number}:00 GMT</pubDate>"
            f"<description>{html.escape(body)}</description></item>"
        )


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    found = Publisher()
    found.content = Paper()
    yield found
    found.close()


class Newsboat:
    """A reader that knows what is unread."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "urls").write_text(f"{url}\n")
        (folder / "config").write_text("")

    def reload(self) -> None:
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        files = {"-C": "config", "-u": "urls", "-c": "cache.db"}
        options = [part for flag, name in files.items() for part in (flag, str(self.folder / name))]
        command = ["newsboat", *options, "-d", str(log), "-l", "2", "-x", "reload"]
        told = subprocess.run(command, capture_output=True, timeout=60, check=False, env={"HOME": str(self.folder)})
        assert told.returncode == 0, told
        assert not told.stderr, told.stderr
        assert "rror" not in log.read_text(errors="replace"), log.read_text(errors="replace")

    def items(self) -> list[tuple[str, int, str]]:
        """Id, whether it is unread, and content of every item."""
        with sqlite3.connect(self.folder / "cache.db") as store:
            found = store.execute("select guid, unread, content from rss_item where deleted = 0 order by guid")
            return list(found.fetchall())

    def read_all(self) -> None:
        with sqlite3.connect(self.folder / "cache.db") as store:
            store.execute("update rss_item set unread = 0")


class Sfeed:
    """A reader that collects items by id, title and link."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "sfeedrc").write_text(f'sfeedpath="{folder}/feeds"\nfeeds() {{\n  feed "paper" "{url}"\n}}\n')

    def reload(self) -> None:
        environment = {"HOME": str(self.folder), "PATH": "/usr/local/bin:/usr/bin:/bin"}
        command = ["sfeed_update", str(self.folder / "sfeedrc")]
        told = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
        assert told.returncode == 0 and b"FAIL" not in told.stdout + told.stderr, told

    def items(self) -> list[str]:
        """The lines, one an item."""
        return sorted((self.folder / "feeds" / "paper").read_text("utf-8").splitlines())


@needs_newsboat
@needs_sfeed
def test_two_readers_live_through_rotating_ads_an_outage_and_a_restart(tmp_path: Path, publisher: Publisher) -> None:
    """No duplicates, no item unread again, no error, no advertisement."""
    paper = Paper()
    publisher.content = paper
    with running(Proxy(tmp_path, {"paper": publisher.url})) as proxy:
        newsboat = Newsboat(tmp_path / "newsboat", f"{proxy.base}/feeds/paper")
        sfeed = Sfeed(tmp_path / "sfeed", f"{proxy.base}/feeds/paper")

        def reload(rounds: int = 2) -> None:
            for _ in range(rounds):  # the first has the copy renewed, the second gets the new one
                newsboat.reload()
                sfeed.reload()
                time.sleep(ROUND)

        reload(1)
        assert [guid for guid, _, _ in newsboat.items()] == [f"urn:paper:{number}" for number in range(3)]
        assert all(unread for _, unread, _ in newsboat.items())
        assert len(sfeed.items()) == 3
        first, collected = [content for _, _, content in newsboat.items()], sfeed.items()
        assert not [content for content in first if "free study" in content or "unchanged" not in content]
        newsboat.read_all()

        reload()
        assert paper.printed > 2, "the advertisements did not rotate"
        for mood in ("500", "reset", "cut", "hang"):
            publisher.mood = mood
            reload()
        proxy.stop(signal.SIGKILL)
        proxy.start()
        reload()
        assert "; stale=" in proxy.get("/feeds/paper")[1]["feedclean"]
        publisher.mood = "ok"
        assert proxy.stop() == 0
        proxy.start()
        reload(3)
        assert "; stale=" not in proxy.get("/feeds/paper")[1]["feedclean"]
        assert [(unread, content) for _, unread, content in newsboat.items()] == [(0, content) for content in first]
        assert sfeed.items() == collected

        paper.items = 4
        reload(3)
        assert [unread for _, unread, _ in newsboat.items()] == [0, 0, 0, 1]
        assert len(sfeed.items()) == 4 and set(collected) < set(sfeed.items())


def test_a_herd_costs_its_publisher_one_request(tmp_path: Path, publisher: Publisher) -> None:
    publisher.delay = 0.3
    with running(Proxy(tmp_path, {"paper": publisher.url}, floor=600)) as proxy:
        got: list[int] = []
        threads = [threading.Thread(target=lambda: got.append(proxy.get("/feeds/paper")[0])) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [200] * 100
        assert publisher.requests == 1


def test_what_is_under_way_is_finished_and_nothing_new_is_taken(tmp_path: Path, publisher: Publisher) -> None:
    publisher.delay = 1.5
    with running(Proxy(tmp_path, {"paper": publisher.url}, "stale_limit = 1000\n")) as proxy:
        got: list[int] = []
        asking = threading.Thread(target=lambda: got.append(proxy.get("/feeds/paper")[0]))
        idle = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        asking.start()
        time.sleep(0.5)
        began = time.monotonic()
        proxy.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", proxy.port), 2)
        assert proxy.process.wait(15) == 0
        assert time.monotonic() - began < 10
        asking.join()
        idle.close()
        assert got == [200]


def test_after_kill_every_feed_is_there_though_its_publisher_is_not(tmp_path: Path, publisher: Publisher) -> None:
    with running(Proxy(tmp_path, {"paper": publisher.url})) as proxy:
        _, headers, body = proxy.get("/feeds/paper")
        proxy.stop(signal.SIGKILL)
        publisher.close()
        proxy.start()
        began = time.monotonic()
        status, again, same = proxy.get("/feeds/paper")
        assert time.monotonic() - began < 1
        assert (status, same, again["etag"]) == (200, body, headers["etag"])
        assert b"Ad " in proxy.get("/removed/paper")[2]


def test_settings_are_taken_over_when_told_and_when_they_change(tmp_path: Path, publisher: Publisher) -> None:
    with running(Proxy(tmp_path, {"paper": publisher.url})) as proxy:
        assert proxy.get("/feeds/other")[0] == 404
        proxy.write({"paper": publisher.url, "other": publisher.url})
        proxy.process.send_signal(signal.SIGHUP)
        assert _soon(lambda: proxy.get("/feeds/other")[0] == 200, 2)
        proxy.settings.write_text("[proxy]\nprot = 1\n")
        assert _soon(lambda: any(line["event"] == "settings not taken over" for line in proxy.lines()), 6)
        assert proxy.get("/feeds/other")[0] == 200
        proxy.write({"third": publisher.url})
        assert _soon(lambda: proxy.get("/feeds/third")[0] == 200, 6)
        assert proxy.stop() == 0


def test_a_port_that_is_taken_is_said_in_a_line(tmp_path: Path, publisher: Publisher) -> None:
    with running(Proxy(tmp_path, {"paper": publisher.url})) as proxy:
        other = Proxy(tmp_path, {})
        other.port = proxy.port
        with pytest.raises(AssertionError, match="cannot listen there: address already in use"):
            _started(other)
        assert other.process.wait(5) == 2


def _started(proxy: Proxy) -> None:
    proxy.log = proxy.folder / "other.log"
    vars(proxy)["get"] = lambda path: (0, {}, b"")
    proxy.start("--port", str(proxy.port))


def _soon(happened: object, seconds: float) -> bool:
    assert callable(happened)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.1)
    return False


class Pitching:
    """A feed whose every item has the same pitch, for another company each; nobody has told the model of it."""

    pitch = "Is {} still worth its price? Our complimentary dossier has the answer, until {} free of charge"
    firms = (("Acme Holdings", "March 3"), ("Globex", "17 May"), ("Initech Systems", "Friday"))

    def __init__(self) -> None:
        self.items = 1

    def __call__(self) -> bytes:
        items = "".join(map(self._item, reversed(range(self.items))))
        return f'<rss version="2.0"><channel><title>Paper</title>{items}</channel></rss>'.encode()

    def _item(self, number: int) -> str:
        body = (
            f"<p>Company {number} earned {number + 4} million euros in the third quarter, a tenth more than before.</p>"
            f"<p>{self.pitch.format(*self.firms[number])}</p><p>Its shares closed unchanged on the day, up since.</p>"
        )
        return f"<item><title>Company {number}</title><guid>{number}</guid><description>{html.escape(body)}</description></item>"


def test_one_correction_removes_the_same_pitch_for_another_company_from_the_next_item(
    tmp_path: Path, publisher: Publisher
) -> None:
    """Without retraining, in the answer after it; and what was acknowledged is still known after `kill -9`."""
    paper = publisher.content = Pitching()
    with running(Proxy(tmp_path, {"paper": publisher.url})) as proxy:
        assert b"complimentary dossier" in proxy.get("/feeds/paper")[2]
        page = proxy.get("/items/paper")[2].decode()
        form = next(part for part in page.split("<p>") if part.startswith("Is Acme"))
        fields = {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)">', form)}
        assert proxy.post("/labels", {**fields, "label": "promo", "key": "0" * 64})[0] == 403
        assert proxy.post("/labels", {**fields, "label": "promo"}, Origin="http://evil.example")[0] == 403
        assert b"complimentary dossier" in proxy.get("/feeds/paper")[2]
        status, headers, _ = proxy.post("/labels", {**fields, "label": "promo"}, Origin="null")
        assert (status, headers["location"].partition("#")[0]) == (303, "/items/paper")
        proxy.stop(signal.SIGKILL)
        proxy.start()
        assert b"complimentary dossier" not in proxy.get("/feeds/paper")[2]
        paper.items = 3
        time.sleep(ROUND)
        proxy.get("/feeds/paper")
        time.sleep(ROUND)
        cleaned = proxy.get("/feeds/paper")[2]
        assert b"complimentary dossier" not in cleaned
        assert cleaned.count(b"a tenth more than before") == cleaned.count(b"closed unchanged") == 3
        assert proxy.get("/removed/paper")[2].count(b"labelled by you") == 3
