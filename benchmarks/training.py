"""Memory and time of training on a corpus of any size: the written documents, repeated with other words and ids."""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import arguments, documents


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__ or "", runs=1)
    parser.add_argument("--blocks", type=int, default=100_000, help="of the corpus (default: %(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="two folds and single fits: less time, and somewhat less memory"
    )
    options = parser.parse_args()

    from feedclean.learning.training import Recipe, train

    recipe = Recipe(folds=2, fits=1, fold_fits=1, epochs=3, title_epochs=3) if options.quick else Recipe()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "enlarged.jsonl"
        _write(path, options.blocks)
        peak, ended = [0.0], threading.Event()
        watch = threading.Thread(target=_watch, args=(peak, ended), daemon=True)
        watch.start()
        began = time.perf_counter()
        trained = train([path], recipe=recipe, say=lambda told: print(told, file=sys.stderr, flush=True))
        took = time.perf_counter() - began
        ended.set()
        watch.join()
    print(f"blocks: {trained.card['data']['written']['blocks']:,}")
    print(f"seconds: {took:.0f} with {recipe.jobs} processes")
    print(f"peak memory of all processes: {peak[0] / 2**30:.1f} GiB")


def _write(path: Path, blocks: int) -> None:
    import json

    count = 0
    with path.open("w", encoding="utf-8") as file:
        for document in _endless():
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
            count += len(document["blocks"])
            if count >= blocks:
                return


def _endless() -> Iterator[dict[str, Any]]:
    """The corpus again and again; long words differ from one time to the next, as they do between publishers."""
    again = 0
    while True:
        for document in documents():
            for block in document["blocks"]:
                if again:
                    block["html"] = re.sub(r"\b([a-zäöü]{7,})(?![^<]*>)", rf"\1{'abcdefgh'[again % 8]}", block["html"])
            style = f"{document['style']}-{again}"
            yield {**document, "id": f"{document['id']}-{again}", "style": style}
        again += 1


def _watch(peak: list[float], ended: threading.Event) -> None:
    """The most that this process and its children have in memory, what they share counted once (Linux)."""
    while not ended.wait(0.5):
        peak[0] = max(peak[0], float(sum(map(_proportional, _family()))))


def _family() -> set[int]:
    import os

    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family, grown = {os.getpid()}, True
    while grown:
        new = {child for child, parent in parents.items() if parent in family} - family
        family |= new
        grown = bool(new)
    return family


def _proportional(process: int) -> int:
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()
