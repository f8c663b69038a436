"""What cleaning adds to a feed: on first sight against feedparser, and again against parsing and serialising it.

The second time is the proxy's: it has judged the feed before, and one of its items is new. Parsing and serialising is
what the proxy does with a feed that it does not clean (told what it is, opened, relinked, written), and bare lxml's.
"""

from __future__ import annotations

import io
import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

from common import arguments, documents, in_turns, model_folder, rows, show

_ITEMS, _BYTES = 98, 75_000
_BARE = "lxml: parse and serialise"


def feed(items: int = _ITEMS, size: int = _BYTES) -> bytes:
    """A feed of 98 items, about 75 KB, with the texts of the corpus."""
    entries: list[str] = []
    used = 200
    for number, document in enumerate(one for one in documents() if one.get("title") and len(one["blocks"]) > 2):
        if number == items:
            break
        head = (
            f"<item><title>{escape(document['title'])}</title><link>https://news.example/{number}</link>"
            f"<guid>https://news.example/{number}</guid><pubDate>Wed, 04 Mar 2026 12:00:00 GMT</pubDate><description>"
        )
        room = used + (size - used) / (items - number) - len(head.encode()) - 30
        body = ""
        for block in document["blocks"]:
            more = escape(block["html"])
            if body and used + len((body + more).encode()) > room:
                break
            body += more
        used += len((head + body).encode()) + 30
        entries.append(f"{head}{body}</description></item>")
    title = "<title>News</title><link>https://news.example/</link><description>Invented</description>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{title}{"".join(entries)}</channel></rss>'.encode()


def again(data: bytes, number: int) -> bytes:
    """The feed with one item more, another one for each number."""
    item = (
        f"<item><title>Order {number} for the yard</title><guid>https://news.example/new/{number}</guid><description>"
        + escape(f"<p>The yard has won an order for {number} ferries.</p><p>Read our free report {number} now!</p>")
        + "</description></item>"
    )
    head, first, rest = data.partition(b"<item>")
    return head + item.encode() + first + rest


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", runs=15).parse_args()
    with tempfile.TemporaryDirectory() as spare:
        import feedparser  # type: ignore[import-untyped]
        from lxml import etree

        from feedclean import clean, load_model
        from feedclean.judging.policy import Policy
        from feedclean.proxy.answer import Order
        from feedclean.proxy.making import make, open_feed
        from feedclean.proxy.nouns import Body
        from feedclean.proxy.pins import PinnedJudge

        model = load_model(model_folder(options.model, Path(spare) / "model"))
        data, url = feed(), "https://news.example/feed"
        judge, numbers = PinnedJudge(model), itertools.count()
        order = Order(url, Policy(), own="http://127.0.0.1:8420/feeds/news")

        def served(content: bytes) -> object:
            return make(Body(url, content, "application/rss+xml", 0.0, ""), order, judge, 0.0)

        def handed_on(content: bytes) -> object:
            opened = open_feed(content, url)
            opened.relink(order.own, url)
            return opened.to_bytes()

        def timed(task: Callable[[bytes], object], prepared: Callable[[], bytes]) -> Callable[[], float]:
            def run() -> float:
                content = prepared()
                start = time.perf_counter()
                task(content)
                return time.perf_counter() - start

            return run

        served(data)
        first = {
            "feedparser.parse": timed(lambda content: feedparser.parse(io.BytesIO(content)), lambda: data),
            "feedclean.clean, first sight": timed(lambda content: clean(content, model=model), lambda: data),
        }
        second = {
            "the proxy: open and serialise": timed(handed_on, lambda: data),
            "the proxy: cleaning again, one new item": timed(served, lambda: again(data, next(numbers))),
            "the proxy: cleaning again, nothing new": timed(served, lambda: data),
        }
        bare = timed(
            lambda content: etree.tostring(etree.fromstring(content), encoding="utf-8", xml_declaration=True),
            lambda: data,
        )
        taken = in_turns({**first, **second, _BARE: bare}, options.runs)
        found = [
            *rows({name: taken[name] for name in first}, "feedparser.parse"),
            *rows({name: taken[name] for name in second}, "the proxy: open and serialise"),
            *rows({name: taken[name] for name in (_BARE, *second)}, _BARE),
        ]
        cuts = len(clean(data, model=model).ledger)
    facts = {
        "python": sys.version.split()[0],
        "model": model.name,
        "feed": f"{data.count(b'<item>')} items, {len(data):,} bytes, {cuts} blocks cut",
    }
    show(found, facts, options.json)


if __name__ == "__main__":
    main()
