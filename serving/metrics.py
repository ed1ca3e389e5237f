"""Counters for Prometheus, added up over all workers; labels are kinds, bands and codes only.

BentoML's own request metrics are off: they label by path, which holds score ids and whatever an
unknown client asks for.
"""

import os

import prometheus_client
from prometheus_client.multiprocess import MultiProcessCollector


class Counters:
    """One per process: Prometheus refuses a second counter of one name."""

    def __init__(self) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        self.scores = self._counter("scores", "Scores answered", "kind", "band", "status")
        self.replays = self._counter("replays", "Scores answered from the audit table", "kind")
        self.outcomes = self._counter("outcomes", "Outcomes received", "status")
        self.problems = self._counter("problems", "Requests refused", "code")

    def exposition(self) -> bytes:
        """All workers' counts in the text format; this process's when it is the only one."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = prometheus_client.CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has no types
        return prometheus_client.generate_latest(registry)

    def _counter(self, name: str, documentation: str, *labels: str) -> prometheus_client.Counter:
        return prometheus_client.Counter(
            f"foreland_{name}", documentation, labels, registry=self._registry
        )
