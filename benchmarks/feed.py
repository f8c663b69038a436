"""What cleaning adds to a feed: a whole cleaning against feedparser reading the same bytes."""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

from common import arguments, documents, in_turns, model_folder, rows, show

_ITEMS, _BYTES = 98, 75_000


def feed() -> bytes:
    """A feed of 98 items, about 75 KB, with the texts of the corpus."""
    entries: list[str] = []
    used = 200
    for number, document in enumerate(one for one in documents() if one.get("title") and len(one["blocks"]) > 2):
        if number == _ITEMS:
            break
        head = (
            f"<item><title>{escape(document['title'])}</title><link>https://news.example/{number}</link>"
            f"<guid>https://news.example/{number}</guid><pubDate>Wed, 04 Mar 2026 12:00:00 GMT</pubDate><description>"
        )
        room = used + (_BYTES - used) / (_ITEMS - number) - len(head.encode()) - 30
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


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", runs=15).parse_args()
    with tempfile.TemporaryDirectory() as spare:
        import feedparser  # type: ignore[import-untyped]

        from feedclean import clean, load_model

        model = load_model(model_folder(options.model, Path(spare) / "model"))
        data = feed()

        def timed(task: Callable[[], object]) -> Callable[[], float]:
            def run() -> float:
                start = time.perf_counter()
                task()
                return time.perf_counter() - start

            return run

        base = "feedparser.parse"
        tasks = {
            base: timed(lambda: feedparser.parse(io.BytesIO(data))),
            "feedclean.clean": timed(lambda: clean(data, model=model)),
        }
        found = rows(in_turns(tasks, options.runs), base)
        cuts = len(clean(data, model=model).ledger)
    facts = {
        "python": sys.version.split()[0],
        "model": model.name,
        "feed": f"{data.count(b'<item>')} items, {len(data):,} bytes, {cuts} blocks cut",
    }
    show(found, facts, options.json)


if __name__ == "__main__":
    main()
