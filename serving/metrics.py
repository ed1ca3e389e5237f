"""Counters for Prometheus, added up over all workers; labels are kinds, bands and codes only.

BentoML's own request metrics are off: they label by path, which holds score ids and whatever an
unknown client asks for.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import prometheus_client
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead


class Counters:
    """One per process: Prometheus refuses a second counter of one name."""

    def __init__(self) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        self.scores = self._counter("scores", "Scores answered", "kind", "band", "status")
        self.replays = self._counter("replays", "Scores answered from the audit table", "kind")
        self.outcomes = self._counter("outcomes", "Outcomes received", "status")
        self.decisions = self._counter("decisions", "Decisions received", "status")
        self.problems = self._counter("problems", "Requests refused", "code")
        self.credentials_refused = self._counter(
            "credentials_refused", "Credentials refused (401)", "reason"
        )
        self.challenger_failures = self._counter(
            "challenger_failures", "Times a challenger was refused or said nothing", "kind", "why"
        )
        self._history_position = self._gauge(
            "history_position", "Last event that the slowest worker's history has heard", "livemin"
        )
        self._ledger_position = self._gauge(
            "ledger_position", "Last event of the ledger", "livemax"
        )
        self._history_lag = self._gauge(
            "history_lag_seconds", "Age of the first event that a worker has not heard", "livemax"
        )
        self._suspended = self._gauge(
            "suspended", "1 while no model may speak about the kind", "livemax", "kind"
        )

    def show_lag(self, position: int, last_position: int, seconds: float) -> None:
        """Of this worker, as ``features.history.resuming.Lag`` has it."""
        self._history_position.set(position)
        self._ledger_position.set(last_position)
        self._history_lag.set(seconds)

    def show_suspended(self, suspended: Mapping[str, bool]) -> None:
        """Of each kind."""
        for kind, now in suspended.items():
            self._suspended.labels(kind).set(now)

    def exposition(self) -> bytes:
        """All workers' counts in the text format; this process's when it is the only one."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = prometheus_client.CollectorRegistry()
            _forget_dead_workers(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has no types
        return prometheus_client.generate_latest(registry)

    def _counter(self, name: str, documentation: str, *labels: str) -> prometheus_client.Counter:
        return prometheus_client.Counter(
            f"foreland_{name}", documentation, labels, registry=self._registry
        )

    def _gauge(
        self,
        name: str,
        documentation: str,
        over_workers: Literal["livemin", "livemax"],
        *labels: str,
    ) -> prometheus_client.Gauge:
        return prometheus_client.Gauge(
            f"foreland_{name}",
            documentation,
            labels,
            registry=self._registry,
            multiprocess_mode=over_workers,
        )


def _forget_dead_workers(directory: Path) -> None:
    """Gauges of a worker that was killed would stand for ever: nobody else takes them away."""
    for path in directory.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # it has no types
