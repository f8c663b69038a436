"""Counters for whoever runs the proxy, in a registry of their own."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ..types import Action

__all__ = ["Metrics"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What is counted."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = made = CollectorRegistry()
        self._requests = Counter("feedclean_requests", "Answers", ["route", "status"], registry=made)
        self._seconds = Histogram(
            "feedclean_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=made
        )
        self._events = Counter("feedclean_events", "What happened, in a word", ["event"], registry=made)
        self._bypassed = Counter("feedclean_bypassed", "Answers as published", ["reason"], registry=made)
        self._answers: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._blocks = Counter("feedclean_blocks", "Blocks acted upon", ["action", "label"], registry=made)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """An answer was sent."""
        found = self._answers.get((route, status))
        if found is None:  # looking them up costs more than counting
            found = self._answers[route, status] = (
                self._requests.labels(route, str(status)),
                self._seconds.labels(route),
            )
        found[0].inc()
        found[1].observe(seconds)

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

    def gauge(self, name: str, told: str, read: Callable[[], float]) -> None:
        """Have a value read whenever the metrics are."""
        Gauge(f"feedclean_{name}", told, registry=self._registry).set_function(read)

    def text(self) -> bytes:
        """As Prometheus reads them."""
        return generate_latest(self._registry)
