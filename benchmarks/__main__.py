"""All figures of the README, one benchmark after the other; each is a script of its own with `--help`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

for name in ("startup", "scoring", "feed", "serving", "bulk"):
    print(f"\n── {name}", flush=True)
    subprocess.run([sys.executable, str(Path(__file__).with_name(f"{name}.py")), *sys.argv[1:]], check=True)
