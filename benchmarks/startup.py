"""How long a shell user waits: cold processes, against what importing numpy alone takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from common import ROOT, arguments, in_turns, installed, model_folder, rows, show

_BASE = 'python -c "import numpy"'


def _run(command: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return seconds


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", runs=15).parse_args()
    with tempfile.TemporaryDirectory() as spare:
        model = model_folder(options.model, Path(spare) / "model")
        command = installed()
        tasks: dict[str, Callable[[], float]] = {
            _BASE: partial(_run, [sys.executable, "-c", "import numpy"]),
            "feedclean --help": partial(_run, [*command, "--help"]),
            **{
                f"feedclean clean {name}": partial(_run, [*command, "clean", "--model", str(model), name])
                for name in ("examples/article.html", "examples/page.html")
            },
        }
        taken = in_turns(tasks, options.runs)
    show(rows(taken, _BASE), {"python": sys.version.split()[0], "model": model.name}, options.json)


if __name__ == "__main__":
    main()
