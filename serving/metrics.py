"""Counters for Prometheus, added up over all workers; labels are kinds, bands and codes only.

BentoML's own request metrics are off: they label by path, which holds score ids and whatever an
unknown client asks for.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

import prometheus_client
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper ends of the histogram's buckets."""


class Commits(NamedTuple):
    """Of one worker since it began."""

    commits: int
    records: int
    """What was recorded in them; over ``commits`` it is how many shared one fdatasync."""
    seconds: float


class Work(NamedTuple):
    """What one worker has to do, and has done since it began."""

    commits: Commits
    waiting: int
    in_progress: int
    versions: Mapping[str, int]
    """Kind to the version that serves it; 0 for none."""
    matches: Mapping[str, int] = MappingProxyType({})
    """By what was met in answers given for the first time, since it began."""
    reassessed: Mapping[str, int] = MappingProxyType({})
    """By why, since it began."""


class ExchangeWork(NamedTuple):
    """Of one worker: what it has sent to partner agencies since it began, and how they stand."""

    taken: int = 0
    refused: int = 0
    failing: int = 0
    """Partners that take nothing at present."""
    waiting: int = 0
    """Events of the ledger that the partner furthest behind was not told of yet."""


class Counters:
    """One per process: Prometheus refuses a second counter of one name."""

    def __init__(self) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        self.scores = self._counter("scores", "Scores answered", "kind", "band", "status")
        self.replays = self._counter("replays", "Scores answered from the audit table", "kind")
        self.outcomes = self._counter("outcomes", "Outcomes received", "status")
        self.decisions = self._counter("decisions", "Decisions received", "status")
        self.partner_events = self._counter(
            "partner_events", "Events received from partner agencies", "status"
        )
        self._exchanged = self._counter(
            "exchange_sent", "Events sent to partner agencies: taken, or refused for good", "status"
        )
        self._partners_failing = self._gauge(
            "exchange_partners_failing", "Partners that take nothing at present", "livesum"
        )
        self._exchange_waiting = self._gauge(
            "exchange_waiting_events",
            "Events of the ledger that the partner furthest behind was not told of",
            "livemax",
        )
        self.problems = self._counter("problems", "Requests refused", "code")
        self.credentials_refused = self._counter(
            "credentials_refused", "Credentials refused (401)", "reason"
        )
        self.challenger_failures = self._counter(
            "challenger_failures", "Times a challenger was refused or said nothing", "kind", "why"
        )
        self.rule_failures = self._counter(
            "rule_failures", "Times a rule could not be evaluated for a movement", "kind"
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

        self.durations = prometheus_client.Histogram(
            "foreland_request_duration_seconds",
            "From the gate to the answer, of requests that were admitted and not refused",
            ["operation"],
            registry=self._registry,
            buckets=SECONDS,
        )
        # Which of them is asked at every score: Prometheus would put each together anew.
        self.duration_of = lru_cache(256)(self.durations.labels)
        self.scores_of = lru_cache(256)(self.scores.labels)
        self.problems_of = lru_cache(256)(self.problems.labels)
        self._commits = self._counter("commits", "Commits of the ledger's database")
        self._records = self._counter("commit_records", "What was recorded in them")
        self._commit_seconds = self._counter("commit_seconds", "Seconds that they took")
        self._waiting = self._gauge("waiting_records", "Waiting for their commit", "livesum")
        self._in_progress = self._gauge(
            "requests_in_progress", "Requests being worked on", "livesum"
        )
        self._version = self._gauge(
            "model_version", "Version that serves the kind; 0 for none", "livemin", "kind"
        )
        self._memory = self._gauge("resident_bytes", "Memory of the largest worker", "livemax")
        self._matches = self._counter(
            "matches", "What movements met in answers given for the first time", "by"
        )
        self._reassessments = self._counter(
            "reassessments", "Assessments made again because something became known", "because"
        )
        self._shown = Work(Commits(0, 0, 0.0), 0, 0, {})
        self._exchange_shown = ExchangeWork()

    def show_work(self, work: Work) -> None:
        """Of this worker; called about once a second."""
        done, before = work.commits, self._shown.commits
        self._commits.inc(done.commits - before.commits)
        self._records.inc(done.records - before.records)
        self._commit_seconds.inc(done.seconds - before.seconds)
        _inc(self._matches, work.matches, self._shown.matches)
        _inc(self._reassessments, work.reassessed, self._shown.reassessed)
        self._shown = work
        self._waiting.set(work.waiting)
        self._in_progress.set(work.in_progress)
        for kind, version in work.versions.items():
            self._version.labels(kind).set(version)
        self._memory.set(_resident_bytes())

    def show_exchange(self, work: ExchangeWork) -> None:
        """Of this worker; called about once a second."""
        before = self._exchange_shown
        self._exchanged.labels("taken").inc(work.taken - before.taken)
        self._exchanged.labels("refused").inc(work.refused - before.refused)
        self._exchange_shown = work
        self._partners_failing.set(work.failing)
        self._exchange_waiting.set(work.waiting)

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
        over_workers: Literal["livemin", "livemax", "livesum"],
        *labels: str,
    ) -> prometheus_client.Gauge:
        return prometheus_client.Gauge(
            f"foreland_{name}",
            documentation,
            labels,
            registry=self._registry,
            multiprocess_mode=over_workers,
        )


def _inc(
    counter: prometheus_client.Counter, now: Mapping[str, int], before: Mapping[str, int]
) -> None:
    for label, count in now.items():
        counter.labels(label).inc(count - before.get(label, 0))


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _forget_dead_workers(directory: Path) -> None:
    """Gauges of a worker that was killed would stand for ever: nobody else takes them away."""
    for path in directory.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # it has no types
