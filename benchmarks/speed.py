"""How long a cold command takes, and how long a document takes in a warm process.

    python benchmarks/speed.py [RUNS]

Cold: wall-clock time of a whole process, as the median over RUNS (15 unless given), and as a ratio to
`python -c "import numpy"` on the same machine, measured in turn with it so that a busy moment hits both.
Warm: CPU time of `clean` for each example, the best of RUNS.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from feedclean import clean, load_model

EXAMPLES = Path(__file__).parents[1] / "examples"
COLD = {
    "import numpy": ["-c", "import numpy"],
    "feedclean --help": ["-m", "feedclean", "--help"],
    "feedclean clean examples/article.html": ["-m", "feedclean", "clean", str(EXAMPLES / "article.html")],
    "feedclean clean examples/feed.xml": ["-m", "feedclean", "clean", str(EXAMPLES / "feed.xml")],
}


def cold(runs: int) -> dict[str, float]:
    """Median seconds of each command."""
    taken: dict[str, list[float]] = {name: [] for name in COLD}
    for _ in range(runs):
        for name, arguments in COLD.items():
            begin = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            taken[name].append(time.perf_counter() - begin)
    return {name: statistics.median(found) for name, found in taken.items()}


def warm(path: Path, runs: int) -> tuple[float, int]:
    """Seconds of CPU time to clean a document, and how many items it has."""
    model, data = load_model(), path.read_bytes()
    items = len(clean(data, model=model).items)
    best = float("inf")
    for _ in range(runs):
        begin = time.process_time()
        clean(data, model=model)
        best = min(best, time.process_time() - begin)
    return best, items


def main() -> None:
    """Print both tables."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    seconds = cold(runs)
    print(f"cold, median of {runs}")
    for name, median in seconds.items():
        print(f"  {name:<40} {median * 1000:7.0f} ms  {median / seconds['import numpy']:5.1f} x numpy")
    print(f"warm, best of {runs}")
    for path in sorted(EXAMPLES.glob("*.*")):
        best, items = warm(path, runs)
        size = path.stat().st_size / 1024
        print(
            f"  {path.name:<16} {size:6.1f} KiB {items:4} items {best * 1000:7.1f} ms  {size / 1024 / best:5.2f} MiB/s"
        )


if __name__ == "__main__":
    main()
