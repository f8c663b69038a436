"""How many blocks a core judges in a second: from text to verdict, and hashing the texts alone."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from common import arguments, documents, in_turns, model_folder, rows, show

_LENGTH, _SLACK = 260, 25  # characters of a block
_BATCH, _ITEM = 100, 10  # blocks of a batch, and of an item in it


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", runs=15).parse_args()
    with tempfile.TemporaryDirectory() as spare:
        from feedclean.judging import ngrams
        from feedclean.judging.blocks import whole
        from feedclean.model_files import load_model
        from feedclean.types import Block, Passage

        model = load_model(model_folder(options.model, Path(spare) / "model"))
        blocks: list[Block] = []
        for document in documents():
            for one in document["blocks"]:
                block = whole(one["html"], one.get("containers", ()))
                if abs(len(block.text) - _LENGTH) <= _SLACK:
                    blocks.append(block)
        batches = []
        for start in range(0, len(blocks) - _BATCH + 1, _BATCH):
            items = [blocks[place : place + _ITEM] for place in range(start, start + _BATCH, _ITEM)]
            batches.append([Passage(tuple(own), "Acme shares rise", "https://news.example/a") for own in items])

        def hashing(batch: list[Passage]) -> None:
            ngrams.grams(ngrams.read([block.text for passage in batch for block in passage.blocks]), *ngrams.TEXT)

        def each(task: Callable[[list[Passage]], object]) -> float:
            """Seconds of the median batch."""
            taken = []
            for batch in batches:
                start = time.perf_counter()
                task(batch)
                taken.append(time.perf_counter() - start)
            return statistics.median(taken)

        tasks = {"hashing only": partial(each, hashing), "text to verdict": partial(each, model.judge)}
        found = rows(in_turns(tasks, options.runs), "hashing only")
    for row in found:
        row["blocks_per_second"] = round(_BATCH * 1e3 / row["median_ms"])
    facts = {
        "python": sys.version.split()[0],
        "model": model.name,
        "batches": f"{len(batches)} of {_BATCH} blocks",
        "characters of a block": round(statistics.mean(len(block.text) for block in blocks)),
        "blocks per second": " / ".join(f"{row['what']} {row['blocks_per_second']:,}" for row in found),
    }
    show(found, facts, options.json)


if __name__ == "__main__":
    main()
