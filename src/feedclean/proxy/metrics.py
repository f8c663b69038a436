"""Counters for whoever runs the proxy, in a registry of their own."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ..types import Action

__all__ = ["Metrics"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What is counted."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = made = CollectorRegistry()
        self._answers = _Answers()
        made.register(self._answers)
        self._events = Counter("feedclean_events", "What happened, in a word", ["event"], registry=made)
        self._bypassed = Counter("feedclean_bypassed", "Answers as published", ["reason"], registry=made)
        self._shadow = Counter(
            "feedclean_shadow_blocks", "Blocks that the shadow would treat otherwise", ["would"], registry=made
        )
        self._blocks = Counter("feedclean_blocks", "Blocks acted upon", ["action", "label"], registry=made)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """An answer was sent; to be told in the event loop."""
        self._answers.add(route, status, seconds)

    def event(self, name: str) -> None:
        """Something happened."""
        self._events.labels(name).inc()

    def bypassed(self, reason: str) -> None:
        """A reader got the publisher's own bytes."""
        self._bypassed.labels(reason).inc()

    def cuts(self, counts: Counts[tuple[Action, str]]) -> None:
        """A feed was cleaned."""
        for (action, label), count in counts.items():
            self._blocks.labels(action.value, label).inc(count)

    def shadow(self, counts: Counts[str]) -> None:
        """A model in the shadow has looked at a feed."""
        for kind, count in counts.items():
            self._shadow.labels(kind).inc(count)

    def gauge(self, name: str, told: str, read: Callable[[], float]) -> None:
        """Have a value read whenever the metrics are."""
        Gauge(f"feedclean_{name}", told, registry=self._registry).set_function(read)

    def text(self) -> bytes:
        """As Prometheus reads them."""
        return generate_latest(self._registry)


class _Answers(Collector):
    """Answers and how long they took. The library's own counters, with their locks, cost as much as an answer."""

    def __init__(self) -> None:
        self._counts: Counts[tuple[str, int]] = Counts()
        self._times: dict[str, tuple[list[int], list[float]]] = {}  # by route: answers in each bucket, seconds of all

    def add(self, route: str, status: int, seconds: float) -> None:
        """Count one."""
        self._counts[route, status] += 1
        found = self._times.get(route)
        if found is None:
            found = self._times[route] = ([0] * (len(_SECONDS) + 1), [0.0])
        found[0][bisect_left(_SECONDS, seconds)] += 1
        found[1][0] += seconds

    def collect(self) -> Iterator[Metric]:
        """As Prometheus has it: each bucket counts what is in the smaller ones, too."""
        answers = CounterMetricFamily("feedclean_requests", "Answers", labels=["route", "status"])
        for (route, status), count in self._counts.items():
            answers.add_metric([route, str(status)], count)
        times = HistogramMetricFamily("feedclean_request_seconds", "Time to answer", labels=["route"])
        bounds = [*map(str, map(float, _SECONDS)), "+Inf"]
        for route, (counts, (total,)) in self._times.items():
            times.add_metric([route], list(zip(bounds, map(float, accumulate(counts)), strict=True)), total)
        yield from (answers, times)
