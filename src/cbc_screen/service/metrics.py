"""What the service counts, for Prometheus and for its log: requests, records and seconds; nothing of a person."""

from __future__ import annotations

from collections import Counter as Tally

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cbc_screen._version import __version__
from cbc_screen.service.versions import data_version

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counts of one application; labels are routes, statuses and words of this package."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "cbc_screen_requests", "Requests by route and status.", ("route", "status"), registry=self._registry
        )
        self._records = Counter(
            "cbc_screen_records", "Blood counts by what became of them.", ("outcome",), registry=self._registry
        )
        self._feedback = Counter(
            "cbc_screen_feedback", "Answers to cards by what was said.", ("answer",), registry=self._registry
        )
        self._time = Histogram(
            "cbc_screen_seconds", "Seconds of a request.", ("route",), registry=self._registry, buckets=_SECONDS
        )
        versions = Gauge("cbc_screen_info", "Versions.", ("version", "data_version"), registry=self._registry)
        versions.labels(__version__, data_version()).set(1)
        self._since: Tally[str] = Tally()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request by the pattern of its route, never by its path."""
        self._requests.labels(route, str(status)).inc()
        self._time.labels(route).observe(seconds)
        self._since[f"{route} {status}"] += 1

    def records(self, used: int, rejected: int) -> None:
        """Count blood counts."""
        for outcome, number in (("used", used), ("rejected", rejected)):
            if number:
                self._records.labels(outcome).inc(number)
                self._since[f"records {outcome}"] += number

    def feedback(self, answer: str) -> None:
        """Count an answer to a card."""
        self._feedback.labels(answer).inc()
        self._since[f"feedback {answer}"] += 1

    def text(self) -> bytes:
        """Return all counts as Prometheus reads them."""
        return generate_latest(self._registry)

    def since_last(self) -> dict[str, int]:
        """Return what was counted since this was last asked for."""
        found, self._since = dict(sorted(self._since.items())), Tally()
        return found
