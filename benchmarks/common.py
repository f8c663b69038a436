"""What the benchmarks share: a model, texts, interleaved runs, and a table."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core; read when numpy is imported
sys.path.insert(0, str(ROOT / "src"))


def arguments(description: str, runs: int) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=runs, help="how often each is run, in turns (default: %(default)s)")
    parser.add_argument("--model", help="folder of the model; random weights take its place where there is none")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    return parser


def model_folder(path: str | None, spare: Path) -> Path:
    """The model to use: the one asked for, the shipped one, or random weights written to `spare`."""
    from feedclean.model_files import save_model

    if path or (ROOT / "models/default/card.json").is_file():
        return Path(path) if path else ROOT / "models/default"
    print("no trained model here: speed is measured with random weights", file=sys.stderr)
    save_model(spare, *_random())
    return spare


def installed() -> list[str]:
    """The command as it is installed beside this Python, or as a module of the checkout."""
    script = Path(sys.executable).with_name("feedclean")
    if script.is_file():
        return [str(script)]
    start = "import sys; sys.path.insert(0, 'src'); sys.argv[0] = 'feedclean'; from feedclean.cli import main; main()"
    return [sys.executable, "-c", start]


def _random() -> tuple[dict[str, Any], dict[str, Any]]:
    import numpy as np

    from feedclean.judging import context, features
    from feedclean.judging.model import SHAPES

    random = np.random.default_rng(0)
    sides = {"labels": len(context.LABELS), "fits": 3, "units": 64, "words": 9}
    arrays: dict[str, Any] = {}
    for name, shape in SHAPES.items():
        sizes = tuple(sides[side.split()[-1]] if isinstance(side, str) else side for side in shape)
        drawn = random.normal(0, 0.1, sizes)
        if name.endswith("_weights"):
            arrays[name] = (drawn * 100).astype(np.int8 if "text" in name else np.int16)
        elif name.endswith(("_scale", "_step")):
            arrays[name] = (np.abs(drawn) + 0.5).astype(np.float32)
        else:
            arrays[name] = drawn.astype(np.float32)
    arrays["common_words"] = np.arange(9, dtype=np.uint64)
    card = {
        "name": "random",
        "feature_version": features.VERSION,
        "labels": list(context.LABELS),
        "thresholds": dict.fromkeys(context.LABELS, 0.98),
        "title_threshold": 0.98,
    }
    return arrays, card


def documents() -> Iterator[dict[str, Any]]:
    """The written documents of the corpus, in a fixed order."""
    for path in sorted((ROOT / "training_data").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                yield json.loads(line)


def in_turns(tasks: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """Seconds of every task, run in turns so that a busy moment hits all alike; the first turn warms up."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for run in range(runs + 1):
        for name, task in tasks.items():
            seconds = task()
            if run:
                taken[name].append(seconds)
    return taken


def rows(taken: Mapping[str, Sequence[float]], base: str) -> list[dict[str, Any]]:
    """Median, quartiles and the ratio of the medians to that of `base`."""
    against = statistics.median(taken[base])
    found = []
    for name, seconds in taken.items():
        low, middle, high = statistics.quantiles(seconds, n=4) if len(seconds) > 1 else [seconds[0]] * 3
        ms = {"median_ms": middle * 1e3, "quartiles_ms": [low * 1e3, high * 1e3]}
        found.append({"what": name, **ms, "ratio": middle / against, "runs": len(seconds)})
    return found


def show(found: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], as_json: bool) -> None:
    """Print the result."""
    if as_json:
        print(json.dumps({**facts, "rows": list(found)}))
        return
    for name, value in facts.items():
        print(f"{name}: {value}")
    print(f"{'':44}{'median':>11}{'quartiles':>19}{'ratio':>8}")
    for row in found:
        low, high = row["quartiles_ms"]
        print(f"{row['what']:44}{row['median_ms']:8.2f} ms{low:9.2f} - {high:7.2f}{row['ratio']:8.2f}")
