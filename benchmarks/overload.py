"""When ten times as many new feeds are asked for as can be cleaned: who is served, and how fast the others are refused.

A proxy is asked for feeds that it has never seen, first by as many clients as keep it busy (its peak), then ten times
as often; beside that, one client asks for a feed that was served before. At the end new ones are asked for until one is
served. All figures are of many requests, so there is one run.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from common import arguments, installed, model_folder
from load import quantile
from serving import free_port, running, samples

_FEEDS, _ITEMS, _BYTES = 4000, 10, 7_500
_CLIENTS, _PEAK, _OVER, _FACTOR = 6, 5.0, 8.0, 10  # clients, seconds, seconds, times the peak

Got = tuple[int, float, bool]  # status, seconds, whether it was handed on uncleaned


async def ask(port: int, number: int) -> Got:
    """Ask for one feed on a connection of its own."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /feeds/n{number} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return int(head[9:12]), time.perf_counter() - began, b"feedclean: bypassed" in head


async def keep_busy(port: int, numbers: Iterator[int], seconds: float) -> list[Got]:
    """As many as some clients get that ask again as soon as they have their answer."""
    found: list[Got] = []
    until = time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < until:
            found.append(await ask(port, next(numbers)))

    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    return found


async def at_rate(port: int, numbers: Iterator[int], rate: float, seconds: float) -> list[Got]:
    """So many a second, whether they are answered or not."""
    began, tasks = time.perf_counter(), list[asyncio.Task[Got]]()
    while (passed := time.perf_counter() - began) < seconds:
        for number in [next(numbers, None) for _ in range(int(passed * rate) - len(tasks))]:
            if number is not None:
                tasks.append(asyncio.create_task(ask(port, number)))
        await asyncio.sleep(0.005)
    return await asyncio.gather(*tasks)


async def ask_now_and_then(port: int, number: int, seconds: float) -> list[Got]:
    """One feed, fifty times a second."""
    found: list[Got] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        found.append(await ask(port, number))
        await asyncio.sleep(0.02)
    return found


async def measure(port: int) -> dict[str, str]:
    """All of it."""
    numbers, last = iter(range(_FEEDS - 100)), iter(range(_FEEDS - 100, _FEEDS))
    known = next(numbers)
    await ask(port, known)
    await keep_busy(port, numbers, 1.0)
    peak = len(await keep_busy(port, numbers, _PEAK)) / _PEAK
    over, beside = await asyncio.gather(
        at_rate(port, numbers, _FACTOR * peak, _OVER), ask_now_and_then(port, known, _OVER)
    )
    served = [one for one in over if one[0] == HTTPStatus.OK]
    refused = [one[1] for one in over if one[0] == HTTPStatus.SERVICE_UNAVAILABLE]
    began = time.perf_counter()
    for number in last:
        if (await ask(port, number))[0] == HTTPStatus.OK:
            break
        await asyncio.sleep(0.05)
    return {
        "peak": f"{peak:.0f} new feeds a second",
        f"asked for {_FACTOR} times that": f"{len(over):,} in {_OVER:g} s: {len(served)} served "
        f"({len(served) / _OVER / peak:.0%} of the peak), {sum(one[2] for one in served)} of them uncleaned, "
        f"{len(refused)} told to come again, {len(over) - len(served) - len(refused)} else",
        "those told to come again": _times(refused),
        "a feed that was served before": f"{sum(one[0] == HTTPStatus.OK for one in beside)} of {len(beside)}, "
        + _times([one[1] for one in beside]),
        "new feeds are served again after": f"{time.perf_counter() - began:.1f} s",
    }


def _times(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    return (
        f"median {statistics.median(seconds) * 1e3:.0f} ms, 99 % within {quantile(sorted(seconds), 0.99) * 1e3:.0f} ms"
    )


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", runs=1).parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = Path(spare) / "feeds"
        folder.mkdir()
        samples(folder, _FEEDS, _ITEMS, _BYTES)
        model, port = model_folder(options.model, Path(spare) / "model"), free_port()
        serve = [*installed(), "serve", "--samples", str(folder), "--port", str(port), "--model", str(model)]
        with running(serve, port, folder):
            facts: dict[str, Any] = asyncio.run(measure(port))
    facts = {"python": sys.version.split()[0], "model": model.name, **facts}
    print(json.dumps(facts) if options.json else "\n".join(f"{name}: {value}" for name, value in facts.items()))


if __name__ == "__main__":
    main()
