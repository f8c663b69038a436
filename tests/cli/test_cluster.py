"""`feedclean clean --engine dask`: the same results, whoever dies."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bulk.cluster import cluster
from tests.cli.conftest import Run, Start, page
from tests.cli.test_batch import shown

pytestmark = pytest.mark.slow

_MANY = 160


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_cluster_that_loses_a_worker_does_all_and_one_that_loses_its_scheduler_can_be_taken_up_again(
    start: Start, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(_MANY):
        (tmp_path / f"in/{number:03}.html").write_text(page(f"This is {number}. " * 300))
    command = ("clean", (tmp_path / "in").as_uri(), "--engine", "dask", "--scheduler")
    with cluster(2) as dask:
        process = start(*command, dask.address, "-o", (tmp_path / "one").as_uri())
        _wait_for((tmp_path / "one/009.html").exists)
        dask.workers[0].kill()
        _, told = process.communicate(timeout=60)
        assert (process.returncode, told) == (
            0,
            f"feedclean: {_MANY} documents cleaned; {_MANY} blocks cut ({_MANY} promo)\n".encode(),
        )
        process = start(*command, dask.address, "-o", "two")
        _wait_for((tmp_path / "two/009.html").exists)
        dask.scheduler.kill()
        _, told = process.communicate(timeout=60)
        address = dask.address
    done, lost = told.decode().splitlines()
    assert process.returncode == 1
    assert " documents done; the same command with --resume does the rest" in done
    assert lost.startswith(f"feedclean: {address}: the Dask scheduler was lost; what is done stays done; ")
    assert run("clean", "in", "-o", "two", "--resume").exit_code == 0
    assert shown("one") == shown("two") == shown("in")
    assert all(
        path.read_bytes() == (tmp_path / "two" / path.name).read_bytes() for path in (tmp_path / "one").glob("*")
    )
    dead = run("clean", "in", "-o", "three", "--engine", "dask", "--scheduler", address)
    assert (dead.exit_code, dead.stderr) == (
        1,
        f"feedclean: {address}: no Dask scheduler answers there; start one with `dask scheduler`\n",
    )
