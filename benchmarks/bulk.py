"""Two processes against one, on the same pages: `clean_many` with `jobs=2` and `jobs=1`.

The bar is 1.7 times the work. Starting the processes is part of it, as it is for whoever waits for a folder.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path, PurePath

from common import arguments, documents, in_turns, model_folder, rows, show

_BAR = 1.7
_EACH = 4  # documents of the corpus on a page: about 4 KB, 40 blocks


def pages(count: int) -> Iterator[str]:
    """Pages of invented news, none like another."""
    known = [one for one in documents() if one.get("title") and len(one["blocks"]) > 2]
    draw = random.Random(0)  # noqa: S311  the same pages on every run
    for _ in range(count):
        chosen = draw.sample(known, _EACH)
        body = "".join(f"<h2>{escape(one['title'])}</h2>" + "".join(b["html"] for b in one["blocks"]) for one in chosen)
        yield f"<html><head><title>{escape(chosen[0]['title'])}</title></head><body>{body}</body></html>"


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__ or "", runs=3)
    parser.add_argument("--pages", type=int, default=3000, help="how many pages (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        from feedclean.bulk import Options, Source, clean_many

        folder = Path(spare)
        model = model_folder(options.model, folder / "model")
        sources = []
        for number, text in enumerate(pages(options.pages)):
            path = folder / f"{number}.html"
            path.write_text(text, "utf-8")
            sources.append(Source(path.name, path, PurePath(path.name), size=len(text)))

        def timed(jobs: int) -> Callable[[], float]:
            def run() -> float:
                from joblib.externals.loky import get_reusable_executor

                start = time.perf_counter()
                done = sum(
                    outcome.fault is None
                    for outcome in clean_many(sources, options=Options(model=model, blocks=False), jobs=jobs)
                )
                seconds = time.perf_counter() - start
                assert done == len(sources)  # noqa: S101  a benchmark of faults would be a fast one
                if jobs > 1:
                    get_reusable_executor().shutdown(wait=True)  # so that the next run starts its processes, too
                return seconds

            return run

        found = rows(in_turns({"one process": timed(1), "two processes": timed(2)}, options.runs), "one process")
    gain = 1 / found[1]["ratio"]
    facts = {
        "python": sys.version.split()[0],
        "model": model.name,
        "pages": f"{len(sources):,}, {sum(source.size for source in sources) / len(sources) / 1000:.1f} kB each",
        "load": f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; with others at work the ratio says little",
        "pages a second": ", ".join(f"{len(sources) / row['median_ms'] * 1e3:,.0f} by {row['what']}" for row in found),
        "two do": f"{gain:.2f} times the work of one (bar: {_BAR})",
    }
    show(found, facts, options.json)


if __name__ == "__main__":
    main()
