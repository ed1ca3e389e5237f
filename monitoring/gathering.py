"""Collects one period's findings, kind by kind, while the annex's process works beside it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY, Micros
from features.ledger import ApprovalGiven, Ledger, Recorded
from features.timeline import Timeline, timeline_of
from models.bundle import Bundle
from models.pins import load_pinned, read_pin
from models.trust import Trusted
from monitoring import drift, performance, quality
from monitoring.annex import AnnexResult, AnnexWriter, sample
from monitoring.findings import REFERENCE_DAYS, Approval, KindFindings, Served
from monitoring.page import KIND_WORDS
from monitoring.periods import Period
from monitoring.scored import Scored, movements_between, score_period
from training.approvers import is_authenticated

ANNEX_FEATURES = 20
"""Features in the annex beside the score: two to three seconds a kind."""


Approvals = Mapping[tuple[str, int, str], tuple[Approval, ...]]
"""By kind, version and the bundle's sha256."""


class Gathering:
    """Computes findings and hands samples to the annex; nothing is written but the annex."""

    def __init__(
        self,
        *,
        timeline: Timeline,
        assessments: pd.DataFrame,
        approvals: Approvals,
        pins: Path,
        trusted: Trusted,
        period: Period,
        annex: AnnexWriter | None,
        annex_folder: Path,
    ) -> None:
        self._timeline = timeline
        self._assessments = assessments
        self._approvals = approvals
        self._pins = pins
        self._trusted = trusted
        self._period = period
        self._annex = annex
        self._annex_folder = annex_folder
        self._found: list[KindFindings] = []

    def compute(self, kind: str) -> None:
        """Everything about one kind, but for the annex, which is only asked for."""
        served = self._served(kind)
        bundle = served.bundle if served else None
        before = self._before(kind, bundle)
        sampled = before.iloc[sample(len(before))]
        scored = score_period(
            self._timeline, self._assessments, bundle, kind, self._period, sampled
        )
        judged = scored.for_performance
        self._found.append(
            KindFindings(
                kind=kind,
                served=served,
                scored=scored,
                volumes=performance.volumes(scored.frame),
                rates=performance.find_rates(judged),
                top=performance.top_of_ranking(judged),
                outcomes=performance.outcomes(scored.frame),
                lag=performance.label_lag(scored.frame, self._period.end),
                drift=self._drift(scored, bundle),
                missing=quality.missing_shares(
                    kind, list(scored.movements["payload"]), list(before["payload"])
                ),
                checks=quality.failed_checks(kind, list(scored.movements["payload"])),
                annex=None,
            )
        )
        if bundle is not None and len(scored.frame) and len(before) and self._annex is not None:
            self._ask_for_annex(self._annex, scored, bundle)

    def findings(self) -> tuple[KindFindings, ...]:
        """What was computed, with the annex's results; waits for the annex."""
        results: dict[str, AnnexResult] = {} if self._annex is None else self._annex.results()
        return tuple(f._replace(annex=results.get(f.kind)) for f in self._found)

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

    def _drift(self, scored: Scored, bundle: Bundle | None) -> pd.DataFrame | None:
        if bundle is None or scored.rows is None:
            return None
        return drift.drift_table(bundle, scored.frame["probability"].to_numpy(), scored.rows)

    def _ask_for_annex(self, annex: AnnexWriter, scored: Scored, bundle: Bundle) -> None:
        reference = scored.earlier_rows
        assert scored.rows is not None
        assert reference is not None
        chosen = sample(len(scored.frame))
        names = drift.most_useful(bundle, ANNEX_FEATURES)
        places = [bundle.catalogue.names.index(name) for name in names]
        probabilities = scored.frame["probability"].to_numpy()[chosen]
        banner = None
        if bundle.manifest.simulated or scored.frame["simulated"].any():
            banner = f"Simulated: {KIND_WORDS[scored.kind]} of a border that does not exist."
        annex.submit(
            scored.kind,
            ("score", *names),
            np.column_stack([bundle.probabilities(reference), reference[:, places]]),
            np.column_stack([probabilities, scored.rows[chosen][:, places]]),
            self._annex_folder / f"{scored.kind}.html",
            banner=banner,
        )


def read_ledger(
    ledger: Ledger,
    as_of: Micros,
    approver_keys: Mapping[str, str],
    hear: Callable[[Recorded], None],
) -> tuple[Timeline, Approvals]:
    """What was known before ``as_of``, in one pass: movements, outcomes, who approved what when.

    Args:
        hear: is told every event of that pass.
    """
    approvals: dict[tuple[str, int, str], tuple[Approval, ...]] = {}

    def noting_approvals() -> Iterator[Recorded]:
        for event in ledger.read(available_before=as_of):
            hear(event)
            given = event.payload
            if isinstance(given, ApprovalGiven):
                key = (given.kind, given.version, given.bundle_sha256)
                signed = is_authenticated(given, event.occurred_at, approver_keys)
                approval = Approval(given.approver, event.occurred_at, signed)
                approvals[key] = (*approvals.get(key, ()), approval)
            yield event

    return timeline_of(noting_approvals(), as_of), approvals
