"""The command line.

    app       the commands: parse, call one function, print, exit code
    batch     `clean`: finding (spool, fetching) -> bulk -> outputs, ledger, show; progress, report
    training  `corpus`, `train` and `evaluate`, around `feedclean.learning`
    faults    exit codes, and every fault as one line

`feedclean --help` has to answer at once, so whatever costs time to import (numpy, lxml, rich) is imported where it is
used.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; what `feedclean` and `python -m feedclean` start."""
    try:
        from .app import main as run
    except KeyboardInterrupt:  # to import the commands is most of a short run
        sys.stderr.write("feedclean: interrupted\n")
        sys.exit(130)
    run()
