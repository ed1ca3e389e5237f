"""Collects one period's findings, kind by kind, while the annex's process works beside it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.approvers import is_authenticated
from features.clock import MICROS_PER_DAY, Micros
from features.ledger import ApprovalGiven, DecisionTaken, Ledger, Recorded
from features.timeline import Timeline, timeline_of
from models.bundle import Bundle
from models.pins import load_pinned, read_pin
from models.trust import Trusted
from monitoring import drift, performance, quality
from monitoring.annex import AnnexWriter, Matrices
from monitoring.annex_jobs import AnnexJob, AnnexResult, Results, sample
from monitoring.chosen import chosen_frame
from monitoring.decided import decided_frame, decisions_frame
from monitoring.feeding import feeds_of
from monitoring.findings import REFERENCE_DAYS, Approval, KindFindings, Served
from monitoring.leads import led_finds
from monitoring.months import movements_of_earlier_months
from monitoring.over_time import Earlier, LatestResults, OverTime, over_time
from monitoring.page import KIND_WORDS
from monitoring.periods import Period
from monitoring.rankings import capacity_of
from monitoring.scored import Scored, movements_between, score_period
from monitoring.statistics.decisions import DecisionFindings, decision_findings
from monitoring.statistics.exploration import ExplorationFindings, exploration_findings
from monitoring.statistics.groups import group_table, memberships
from monitoring.tactics import trends_of, windows_of

ANNEX_FEATURES = 20
"""Features in the annex beside the score: two to three seconds a kind."""


Approvals = Mapping[tuple[str, int, str], tuple[Approval, ...]]
"""By kind, version and the bundle's sha256."""


class LedgerRead(NamedTuple):
    """What one pass over the ledger gives."""

    timeline: Timeline
    approvals: Approvals
    decisions: pd.DataFrame
    """As from ``monitoring.decided.decisions_frame``."""


class Gathering:
    """Computes findings and hands samples to the annex; nothing is written but the annex."""

    def __init__(
        self,
        *,
        ledger: LedgerRead,
        assessments: pd.DataFrame,
        choices: pd.DataFrame,
        pins: Path,
        trusted: Trusted,
        period: Period,
        annex: AnnexWriter | None,
        annex_folder: Path,
        workspace: Path,
    ) -> None:
        self._timeline, self._approvals, self._decisions = ledger
        self._assessments = assessments
        self._choices = choices
        self._pins = pins
        self._trusted = trusted
        self._period = period
        self._annex = annex
        self._annex_folder = annex_folder
        self._workspace = workspace
        self._found: list[KindFindings] = []

    def compute(self, kind: str) -> None:
        """Everything about one kind, but for the annex, which is only asked for.

        As soon as it can be: its process is the last to end.
        """
        served = self._served(kind)
        bundle = served.bundle if served else None
        before = self._before(kind, bundle)
        sampled = before.iloc[sample(len(before))]
        months = movements_of_earlier_months(self._timeline, kind, self._period)
        earlier = pd.concat([sampled, months[sampled.columns]], ignore_index=True)
        scored = score_period(
            self._timeline, self._assessments, bundle, kind, self._period, earlier
        )
        compared = _compared(months, scored.earlier_rows, len(sampled))
        scored = scored._replace(earlier_rows=compared.reference)
        months_over_time = self._over_time(scored, compared, bundle)
        if bundle is not None and len(scored.frame) and len(before) and self._annex is not None:
            latest = months_over_time.latest if months_over_time else None
            self._ask_for_annex(self._annex, scored, bundle, latest)
        trends, of_late = trends_of(
            self._timeline, kind, windows_of(self._period.start, self._period.end)
        )
        judged = scored.for_performance
        self._found.append(
            KindFindings(
                kind=kind,
                served=served,
                scored=scored,
                volumes=performance.volumes(scored.frame),
                rates=performance.find_rates(judged),
                top=capacity_of(self._timeline, scored, self._period),
                outcomes=performance.outcomes(scored.frame),
                lag=performance.label_lag(scored.frame, self._period.end),
                drift=self._drift(scored, bundle),
                missing=quality.missing_shares(
                    kind, list(scored.movements["payload"]), list(before["payload"])
                ),
                checks=quality.failed_checks(kind, list(scored.movements["payload"])),
                annex=None,
                feeds=feeds_of(self._timeline, kind, self._period) if len(scored.frame) else None,
                decisions=self._decided(kind),
                exploration=self._explored(kind),
                groups=self._groups(scored, bundle),
                trends=trends,
                trends_of_late=of_late,
                over_time=months_over_time,
                places=led_finds(self._timeline, kind, self._period),
            )
        )

    def findings(self) -> tuple[KindFindings, ...]:
        """What was computed, with the annex's results; waits for the annex."""
        results: dict[str, AnnexResult] = {} if self._annex is None else self._annex.results()
        return tuple(f._replace(annex=results.get(f.kind)) for f in self._found)

    def _over_time(
        self, scored: Scored, earlier: Earlier, bundle: Bundle | None
    ) -> OverTime | None:
        if scored.frame.empty:
            return None
        return over_time(
            self._timeline, self._assessments, self._choices, bundle, scored, earlier, self._period
        )

    def _served(self, kind: str) -> Served | None:
        pin = read_pin(self._pins, kind)
        bundle = load_pinned(self._pins, kind, self._trusted)
        if pin is None or bundle is None:
            return None
        key = (kind, pin.version, pin.bundle_sha256)
        return Served(pin, bundle, self._approvals.get(key, ()))

    def _before(self, kind: str, bundle: Bundle | None) -> pd.DataFrame:
        """Movements of the 90 days before the period, or before the end of training if earlier."""
        end = self._period.start
        if bundle is not None:
            end = min(end, bundle.manifest.trained_until)
        return movements_between(self._timeline, kind, end - REFERENCE_DAYS * MICROS_PER_DAY, end)

    def _decided(self, kind: str) -> DecisionFindings:
        outcomes = self._timeline.outcomes
        decided = decided_frame(self._decisions, self._assessments, self._choices, outcomes, kind)
        known = outcomes[outcomes["kind"] == kind]
        now, before = self._now_and_before(decided, "known_at")
        results, earlier = self._now_and_before(known, "available_at")
        return decision_findings(now, before, results["outcome"], earlier["outcome"])

    def _explored(self, kind: str) -> ExplorationFindings:
        start, end = self._period.start, self._period.end
        earlier = start - REFERENCE_DAYS * MICROS_PER_DAY
        now, before = (
            chosen_frame(self._choices, self._timeline.outcomes, kind, *bounds)
            for bounds in ((start, end), (earlier, start))
        )
        return exploration_findings(now, before)

    def _groups(self, scored: Scored, bundle: Bundle | None) -> pd.DataFrame | None:
        if bundle is None or scored.rows is None:
            return None
        judged = ~scored.frame["may_have_seen"].to_numpy(bool)
        frame = scored.frame[judged]
        groups = memberships(
            scored.kind,
            list(scored.movements["payload"][judged]),
            scored.rows[judged],
            bundle.catalogue.names,
        )
        return group_table(
            groups,
            (frame["band"] == "high").to_numpy(bool),
            frame["probability"].to_numpy(np.float64),
            frame["label"].to_numpy(np.float64),
        )

    def _now_and_before(self, frame: pd.DataFrame, instant: str) -> tuple[pd.DataFrame, ...]:
        """Rows whose ``instant`` lies in the period, and in the days before it."""
        instants = frame[instant].to_numpy(np.int64)
        start = self._period.start
        before = (instants >= start - REFERENCE_DAYS * MICROS_PER_DAY) & (instants < start)
        return frame[self._period.covers(instants)], frame[before]

    def _drift(self, scored: Scored, bundle: Bundle | None) -> pd.DataFrame | None:
        if bundle is None or scored.rows is None:
            return None
        return drift.drift_table(bundle, scored.frame["probability"].to_numpy(), scored.rows)

    def _ask_for_annex(
        self, annex: AnnexWriter, scored: Scored, bundle: Bundle, results: LatestResults | None
    ) -> None:
        reference = scored.earlier_rows
        assert scored.rows is not None
        assert reference is not None
        chosen = sample(len(scored.frame))
        switches = {f.name for f in bundle.catalogue.features if f.dtype == "switch"}
        names = drift.most_useful(bundle, ANNEX_FEATURES)
        places = [bundle.catalogue.names.index(name) for name in names]
        probabilities = scored.frame["probability"].to_numpy()[chosen]
        banner = None
        if bundle.manifest.simulated or scored.frame["simulated"].any():
            banner = f"Simulated: {KIND_WORDS[scored.kind]} of a border that does not exist."
        job = AnnexJob(
            kind=scored.kind,
            period=self._period.name,
            period_end=self._period.end,
            columns=("score", *names),
            switches=tuple(name for name in names if name in switches),
            reference="",
            current="",
            results=results
            and Results(
                month=results.month,
                matrix="",
                page=str(self._annex_folder / f"{scored.kind}-classification.html"),
                threshold=bundle.thresholds.high,
            ),
            page=str(self._annex_folder / f"{scored.kind}.html"),
            workspace=str(self._workspace),
            banner=banner,
        )
        matrices = Matrices(
            np.column_stack([bundle.probabilities(reference), reference[:, places]]),
            np.column_stack([probabilities, scored.rows[chosen][:, places]]),
            results and results.matrix,
        )
        annex.submit(job, matrices)


def _compared(months: pd.DataFrame, rows: NDArray[np.float64] | None, sampled: int) -> Earlier:
    """Rows of the sample come first, then those of the months; both were made in one pass."""
    if rows is None:
        return Earlier(months, None, None)
    return Earlier(months, rows[sampled:], rows[:sampled])


def read_ledger(
    ledger: Ledger,
    as_of: Micros,
    approver_keys: Mapping[str, str],
    hear: Callable[[Recorded], None],
) -> LedgerRead:
    """What was known before ``as_of``, in one pass.

    Args:
        hear: is told every event of that pass.
    """
    approvals: dict[tuple[str, int, str], tuple[Approval, ...]] = {}
    taken: list[tuple[DecisionTaken, Micros]] = []

    def noting_what_people_did() -> Iterator[Recorded]:
        for event in ledger.read(available_before=as_of):
            hear(event)
            given = event.payload
            if isinstance(given, ApprovalGiven):
                key = (given.kind, given.version, given.bundle_sha256)
                signed = is_authenticated(given, event.occurred_at, approver_keys)
                approval = Approval(given.approver, event.occurred_at, signed)
                approvals[key] = (*approvals.get(key, ()), approval)
            elif isinstance(given, DecisionTaken):
                taken.append((given, event.available_at))
            yield event

    timeline = timeline_of(noting_what_people_did(), as_of)
    return LedgerRead(timeline, approvals, decisions_frame(taken))
