"""What serving costs: a cached feed against a constant body from the same server, its tail at half load, and memory.

The servers are processes of their own, and so is the client (`load.py`). Both servers are asked in short turns, so that
a busy moment hits both alike; beside the answers a second, those for a second of the server's own processor time are
compared, which the rest of the machine cannot change.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from common import ROOT, arguments, installed, model_folder, rows, show
from feed import feed

_SECONDS = 0.4  # of one turn
_FEEDS, _FEED_BYTES, _FEED_ITEMS = 1000, 40_000, 50
_CONNECTIONS = 16


def constant(port: int, size: int) -> None:
    """Serve a constant body from the proxy's own server until the end."""
    from feedclean.proxy.server import make_server

    body = b"x" * size
    headers = [(b"content-type", b"application/rss+xml"), (b"content-length", str(size).encode())]

    async def app(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    asyncio.run(make_server(app, "127.0.0.1", port).serve())


@contextlib.contextmanager
def running(command: Sequence[str], port: int, folder: Path) -> Iterator[int]:
    """A server as a process that answers; its number."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "FEEDCLEAN_STORE_URL": f"sqlite:///{folder}/store.db"}
    with (folder / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log, env=environment) as run:
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if run.poll() is not None:
                    sys.exit(f"the server did not start: {(folder / 'log').read_text()[-400:]}")
                time.sleep(0.05)
            yield run.pid
        finally:
            run.terminate()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def load(port: int, path: str, rate: float = 0.0, seconds: float = _SECONDS) -> dict[str, Any]:
    """What a client of its own measures."""
    script = str(Path(__file__).with_name("load.py"))
    given = ["--seconds", str(seconds), "--connections", str(_CONNECTIONS), "--rate", str(rate)]
    done = subprocess.run(
        [sys.executable, script, str(port), path, *given], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{path}: {done.stderr.strip()}")
    return dict(json.loads(done.stdout))


def ask(port: int, path: str) -> bytes:
    """One answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        sys.exit(f"{path}: {answer.status}: {body[:200]!r}")
    return body


def resident(process: int, what: str = "VmRSS") -> float:
    """Resident memory of a process, MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def worked(process: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def samples(folder: Path, count: int, items: int, size: int) -> None:
    """Feeds, no two with the same words."""
    one = feed(items, size)
    for number in range(count):
        mark = f"n{number}".encode()
        own = one.replace(b"</p>", b" (" + mark + b")</p>").replace(b"&lt;/p&gt;", b" (" + mark + b")&lt;/p&gt;")
        (folder / f"{mark.decode()}.xml").write_bytes(own.replace(b"news.example/", b"news.example/" + mark + b"/"))


def cached(runs: int, model: Path, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A cached answer against a constant body, and how long answers take at half of what there can be."""
    samples(folder, 1, 98, 75_000)
    port, other, path = free_port(), free_port(), "/feeds/n0"
    serve = [*installed(), "serve", "--samples", str(folder), "--port", str(port), "--model", str(model)]
    with running(serve, port, folder) as proxy:
        size = len(ask(port, path))
        with running([sys.executable, __file__, "--constant", str(other), str(size)], other, folder) as plain:
            servers = {"a constant body": (plain, other, "/"), "a cached feed": (proxy, port, path)}
            taken: dict[str, list[float]] = {name: [] for name in servers}
            effort = dict.fromkeys(servers, 0.0)  # seconds of processor time for an answer
            for run in range(runs + 1):
                for name, (process, at, what) in servers.items():
                    before = worked(process)
                    got = load(at, what)
                    if run:
                        taken[name].append(1 / got["per_second"])
                        effort[name] += (worked(process) - before) / got["requests"] / runs
        half = 0.5 / statistics.median(taken["a cached feed"])
        tails = sorted(load(port, path, half, 2.0)["ms"]["p99"] for _ in range(5))
    shares = [first / second for first, second in zip(*taken.values(), strict=True)]
    low, middle, high = statistics.quantiles(shares, n=4) if len(shares) > 1 else shares * 3
    facts = {
        "a cached feed": f"{size:,} bytes, {2 * half:,.0f} answers a second, {middle:.2f} of the constant body's "
        f"(quartiles {low:.2f} - {high:.2f}); for a second of processor time {_ratio(effort):.2f} of its",
        f"at half of that ({half:,.0f} a second)": f"99 % within {statistics.median(tails):.1f} ms "
        f"(five runs, {tails[0]:.1f} - {tails[-1]:.1f} ms)",
    }
    return rows(taken, "a constant body"), facts


def _ratio(effort: Mapping[str, float]) -> float:
    first, second = effort.values()
    return first / second


def memory(model: Path, folder: Path) -> dict[str, Any]:
    """Resident memory once a thousand feeds have been fetched, cleaned and given out twice."""
    samples(folder, _FEEDS, _FEED_ITEMS, _FEED_BYTES)
    port = free_port()
    serve = [*installed(), "serve", "--samples", str(folder), "--port", str(port), "--model", str(model)]
    with running(serve, port, folder) as process:
        idle = resident(process)
        for _ in range(2):
            for number in range(_FEEDS):
                ask(port, f"/feeds/n{number}")
        after, most = resident(process), resident(process, "VmHWM")
    told = f"{after:.0f} MB resident ({most:.0f} MB at most; {idle:.0f} MB before)"
    return {f"{_FEEDS:,} feeds of {_FEED_ITEMS} items": told}


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--constant"]:
        constant(*map(int, sys.argv[2:4]))
        return
    parser = arguments(__doc__ or "", runs=21)
    parser.add_argument("--no-memory", action="store_true", help="leave out the thousand feeds, which take a minute")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        model = model_folder(options.model, Path(spare) / "model")
        for name in ("one", "many"):
            (Path(spare) / name).mkdir()
        found, facts = cached(options.runs, model, Path(spare) / "one")
        if not options.no_memory:
            facts |= memory(model, Path(spare) / "many")
    show(found, {"python": sys.version.split()[0], "model": model.name, **facts}, options.json)


if __name__ == "__main__":
    main()
