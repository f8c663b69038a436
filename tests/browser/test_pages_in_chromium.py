"""Pages in a real browser: they work without scripts, and nothing that a publisher writes runs in them."""

from __future__ import annotations

import asyncio
import html
import os
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import PROGRAM, Tab, tab
from tests.proxy.processes import COMMAND as FAKE
from tests.proxy.processes import Proxy, Publisher, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed; see tests/services/readers.sh"),
]


class Canary:
    """A server that hears of every script that runs; and, at `/bare`, a page with no wall at all."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.page = b""
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bare = self.path == "/bare"
                if not bare:
                    canary.heard.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(canary.page if bare else b"")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as inherited
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def payloads(self) -> list[str]:
        """Ways to have a script run, or something loaded."""
        run = f"new Image().src='{self.base}/ran'"
        return [
            f"<script>{run}</script>",
            f'<img src="x:" onerror="{run}">',
            f'"><svg onload="{run}"></svg>',
            f'\'><details open ontoggle="{run}">x</details>',
            f"</pre></blockquote></style></title></textarea><script>{run}</script>",
            f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={run}&gt;">',
            f'<iframe srcdoc="<script>{html.escape(run)}</script>"></iframe>',
            f'<a href="javascript:{run}">click</a>',
            f'<form action="{self.base}/sent"><input autofocus onfocus="{run}"><button>x</button></form>',
            f'<link rel="stylesheet" href="{self.base}/style"><img src="{self.base}/picture">',
            f'<meta http-equiv="refresh" content="0;url={self.base}/went">',
            f'<noscript><p title="</noscript><img src=x: onerror={run}>"></noscript>',
        ]

    def close(self) -> None:
        """Hear nothing more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    found = Canary()
    yield found
    found.close()


@pytest.fixture
def publisher(canary: Canary) -> Iterator[Publisher]:
    """A feed with every payload in a title, an id, a link, a block that is cut and one that stays."""
    found = Publisher()
    items = "".join(
        f"<item><title>{html.escape(evil)}</title><guid>{html.escape(evil)}</guid><link>{html.escape(evil)}</link>"
        f"<description>{html.escape(f'<p>Acme earned 4 million euros in the third quarter, a tenth more.</p><p>Act now! {evil}</p><div>{evil}</div>')}"
        "</description></item>"
        for evil in canary.payloads()
    )
    run = f"new Image().src='{canary.base}/ran'"
    content = (
        '<?xml-stylesheet type="text/xsl" href="/x.xsl"?><rss version="2.0" xmlns:h="http://www.w3.org/1999/xhtml">'
        f"<channel><title>Evil</title><h:script>{html.escape(run)}</h:script>{items}</channel></rss>"
    ).encode()
    found.content = lambda: content
    yield found
    found.close()


def browse(folder: Path, visit: Callable[[Tab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with tab(folder) as found:
            await visit(found)

    asyncio.run(run())


def test_the_canary_hears_what_runs_where_there_is_no_wall(tmp_path: Path, canary: Canary) -> None:
    """Else the other tests would prove nothing."""
    canary.page = "".join(f"<div>{evil}</div>" for evil in canary.payloads()[:4]).encode()

    async def visit(page: Tab) -> None:
        await page.go(f"{canary.base}/bare")

    browse(tmp_path, visit)
    assert canary.heard.count("/ran") >= 1


def test_nothing_runs_or_loads_on_any_page(tmp_path: Path, canary: Canary, publisher: Publisher) -> None:
    """With both walls, and behind the first alone: the same pages without the headers."""
    with running(Proxy(tmp_path, {"evil": publisher.url})) as proxy:
        pages = [
            "/feeds/evil",
            "/feeds/evil.atom",
            "/feeds/evil.json",
            "/removed/evil",
            "/removed/evil.atom",
            "/",
            "/none",
        ]
        bodies = {path: proxy.get(path)[2] for path in pages}
        assert bodies["/removed/evil"].count(b"<article") >= 10

        async def visit(page: Tab) -> None:
            for path in pages:
                await page.go(f"{proxy.base}{path}")
            await page.go(f"{proxy.base}/removed/evil")
            for element in ("summary", "article", "pre"):
                await page.click(element, loads=False)
            assert not page.dialogs
            for path in ("/removed/evil", "/", "/none"):
                canary.page = bodies[path]
                await page.go(f"{canary.base}/bare")
            assert not page.dialogs

        browse(tmp_path, visit)
    assert [path for path in canary.heard if path != "/favicon.ico"] == []


def test_an_address_is_made_and_what_was_removed_is_seen_without_scripts(tmp_path: Path, publisher: Publisher) -> None:
    with running(Proxy(tmp_path, {"evil": publisher.url})) as proxy:

        async def visit(page: Tab) -> None:
            await page.go(f"{proxy.base}/")
            await page.write("input[name=url]", "https://other.example/rss?a=1&b=2")
            await page.press_enter()
            assert f"{proxy.base}/feed?url=https%3A%2F%2Fother.example%2Frss%3Fa%3D1%26b%3D2" in await page.html(
                "output"
            )
            await page.go(f"{proxy.base}/")
            await page.write("input[name=url]", publisher.url)
            await page.click("button")
            assert f"{proxy.base}/feeds/evil" in await page.html("output")
            proxy.get("/feeds/evil")
            await page.click("#removed")
            shown = await page.html("body")
            assert "Act now!" in shown and "promo, 99 %, cut" in shown
            styled = await page.do("CSS.enable")
            assert styled == {}
            style = await page.do("CSS.getComputedStyleForNode", nodeId=await page.find("body"))
            width = next(one["value"] for one in style["computedStyle"] if one["name"] == "max-width")
            assert width.endswith("px"), "the style was not applied"
            await page.click("p a")
            refused = [event for event in page.events if event["method"] == "Log.entryAdded"]
            assert not [event for event in refused if "Content Security Policy" in str(event)]

        browse(tmp_path, visit)


def test_a_click_corrects_what_was_cut_and_what_was_missed(tmp_path: Path, publisher: Publisher) -> None:
    """Without scripts, in a sandbox, and it holds for the next answer."""
    missed = "Is {} still worth its price? Our complimentary dossier has the answer, until {} free of charge"
    texts = [
        missed.format("Acme Holdings", "March 3"),
        missed.format("Globex", "17 May"),
        "Act now! is what the union said.",
    ]
    items = "".join(
        f"<item><title>Item {number}</title><guid>{number}</guid><description>"
        f"{html.escape(f'<p>Firm {number} earned 4 million euros in the third quarter, a tenth more than a year before, it said.</p><p>{text}</p><p>Its shares closed unchanged.</p>')}"
        "</description></item>"
        for number, text in enumerate(texts)
    )
    publisher.content = f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode
    with running(Proxy(tmp_path, {"news": publisher.url})) as proxy:

        async def visit(page: Tab) -> None:
            before = proxy.get("/feeds/news")[2]
            assert b"complimentary" in before and b"the union" not in before
            await page.go(f"{proxy.base}/removed/news")
            await page.click("button[value=editorial]")
            assert "You said: news." in await page.html("article")
            await page.click("#items")
            await page.click("article:first-of-type .block + .block button[value=promo]")
            shown = await page.html("article:first-of-type")
            assert "You said: an ad." in shown and "labelled by you" in shown
            assert "labelled by you" in await page.html("article:nth-of-type(2)")
            refused = [event for event in page.events if event["method"] == "Log.entryAdded"]
            assert not [event for event in refused if "Content Security Policy" in str(event)]

        browse(tmp_path, visit)
        after = proxy.get("/feeds/news")[2]
        assert b"complimentary" not in after and b"the union" in after


def test_a_key_labels_and_another_one_takes_it_back(tmp_path: Path) -> None:
    """The page of `feedclean label`, with the one script that may run; what a publisher wrote still runs nowhere."""
    texts = (
        "Copper prices fell while miners went on strike.",
        "<script>document.title = 'ran'</script>Act now, they said.",
    )
    source = tmp_path / "page.html"
    source.write_text("".join(f"<p>{html.escape(text)}</p>" for text in texts))
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(FAKE), "label", str(source), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    address = next(found[0].decode() for line in process.stderr if (found := re.search(rb"http://\S+", line)))

    async def visit(page: Tab) -> None:
        await page.go(address)
        first = await page.html("#asked")
        await page.press("2")
        second = await page.html("#asked")
        assert second != first and "1 answered" in await page.html("body")
        await page.press("u")
        assert await page.html("#asked") == first
        await page.press("3")
        await page.click("button[value=editorial]")
        assert "Nothing left to ask" in await page.html("body")
        assert "ran" not in await page.html("title") and not page.dialogs
        refused = [event for event in page.events if event["method"] == "Log.entryAdded"]
        assert not [event for event in refused if "Content Security Policy" in str(event)]

    try:
        browse(tmp_path, visit)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0
