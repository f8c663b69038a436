"""A Dask scheduler and its workers on loopback, as processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_QUIET = ("--no-dashboard", "--host", "127.0.0.1")


@dataclass
class Cluster:
    """The scheduler's address, and the processes."""

    address: str
    scheduler: subprocess.Popen[str]
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def cluster(workers: int) -> Iterator[Cluster]:
    """A scheduler and some workers of one thread each, gone after the block."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", *_QUIET]
    scheduler = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    running: list[subprocess.Popen[bytes]] = []
    try:
        assert scheduler.stderr is not None
        address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://127[\d.:]+", line)))
        for _ in range(workers):
            command = [
                sys.executable,
                "-m",
                "distributed.cli.dask_worker",
                address,
                "--nthreads",
                "1",
                "--no-nanny",
                *_QUIET,
            ]
            running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment))
        yield Cluster(address, scheduler, running)
    finally:
        processes: list[subprocess.Popen[Any]] = [*running, scheduler]
        for process in processes:
            process.kill()
            process.wait()
        if scheduler.stderr is not None:
            scheduler.stderr.close()
