"""What a rule would have done: on history, each movement as it was known when it was declared.

Only what was examined has a result. What a rule would have found among the movements that nobody
looked at is estimated where choices were logged with their propensity, and is not known otherwise.
"""

from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros, iso
from features.errors import InputError
from features.ledger import RuleEstimate, RuleProposed
from features.rows import feature_rows
from features.timeline import Timeline
from models.bundle import Bundle
from models.left_out import Sample
from models.proportions import wilson_interval
from models.rules import LiveRule, RuleSet, check_known, sha256_of_rule
from models.selective import find_rate
from models.unexamined import LoggedChoices, Measured, random_slice
from training.choices import chosen_of
from training.judged import first_not_learned
from training.labels import LABELS

Floats = NDArray[np.float64]
Chosen = NDArray[np.bool_]

NO_CHOICES = (
    "not assessable: no log of choices was given (--choices), so nobody knows how the examined "
    "were chosen"
)


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """Movements of which some were examined, of which in some something was found."""

    movements: int
    examined: int
    """With a matured label."""
    found: int
    find_rate: tuple[float, float] | None
    """Wilson's 95 % interval of found in examined; None when none was."""


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """The rule beside the model, when both may name as many movements."""

    model: str
    """Kind and version."""
    since: Micros
    """The model learned from nothing that became known since."""
    caution: str | None
    both: Count
    only_rule: Count
    only_model: Count


class RuleBacktest(msgspec.Struct, frozen=True, kw_only=True):
    rule: str
    version: int
    sha256: str
    kind: str
    estimate: RuleEstimate
    """What an approval records."""
    simulated: bool
    share: float
    """Of all movements that it would have matched, in [0, 1]."""
    per_week: float
    failed: int
    """Movements of which it was neither true nor false although nothing was missing."""
    matched: Count
    all: Count
    """Every movement of the time, for comparison."""
    overlap: Overlap | None
    overlap_reason: str | None
    """Why there is none."""
    beyond: tuple[Measured, ...] = ()
    """The find rate among all that it matches, examined or not, by every estimator."""
    beyond_reason: str | None = None


class Span(NamedTuple):
    """The time that is looked at."""

    since: Micros
    until: Micros
    """Movements that became known in ``[since, until)``."""
    maturity_days: int
    """Examinations of the last days before ``until`` are no labels yet."""

    @property
    def matured_before(self) -> Micros:
        # until 2026-03-01, maturity 30 days -> examined before 2026-01-30
        return self.until - self.maturity_days * MICROS_PER_DAY

    @property
    def weeks(self) -> float:
        return (self.until - self.since) / (7 * MICROS_PER_DAY)


class _Window(NamedTuple):
    """The movements of the time, by the instant they became known."""

    frame: pd.DataFrame
    """Rows of ``Timeline.movements``."""
    matched: Chosen
    labels: Floats
    """1.0, 0.0, or NaN where nobody looked or the result has not matured."""

    def among(self, chosen: Chosen) -> Count:
        labels = self.labels[chosen]
        examined, found = int(np.isfinite(labels).sum()), int(np.nansum(labels))
        return Count(
            movements=int(chosen.sum()),
            examined=examined,
            found=found,
            find_rate=wilson_interval(found, examined) if examined else None,
        )


def backtest_rule(
    timeline: Timeline,
    rule: RuleProposed,
    span: Span,
    bundle: Bundle | None,
    choices: pd.DataFrame | None = None,
) -> RuleBacktest:
    """
    Args:
        timeline: of events with ``available_at < span.until``; history before ``since`` counts.
        bundle: the model to compare with; None when none is promoted.
        choices: as ``read_choices`` gives them; None without a log.

    Raises:
        InputError: no movement became known in that time.
        RuleRefused: an attribute that the rule reads was never declared.
    """
    check_known(rule, timeline.attributes(rule.kind))
    window, failed = _window(timeline, rule, span)
    of_rule = window.among(window.matched)
    movements = len(window.frame)
    overlap = _overlap(timeline, window, bundle)
    beyond = _beyond(timeline, window, span, choices)
    return RuleBacktest(
        rule=rule.name,
        version=rule.version,
        sha256=sha256_of_rule(rule),
        kind=rule.kind,
        estimate=RuleEstimate(
            since=span.since,
            until=span.until,
            movements=movements,
            matched=of_rule.movements,
            examined=of_rule.examined,
            found=of_rule.found,
        ),
        simulated=bool(window.frame["simulated"].any()),
        share=of_rule.movements / movements,
        per_week=of_rule.movements / span.weeks,
        failed=failed,
        matched=of_rule,
        all=window.among(np.ones(movements, dtype=bool)),
        overlap=overlap if isinstance(overlap, Overlap) else None,
        overlap_reason=overlap if isinstance(overlap, str) else None,
        beyond=beyond if isinstance(beyond, tuple) else (),
        beyond_reason=beyond if isinstance(beyond, str) else None,
    )


def _window(timeline: Timeline, rule: RuleProposed, span: Span) -> tuple[_Window, int]:
    """Which movements of the time the rule matches, and of how many it failed to say."""
    frame = timeline.of_kind(rule.kind)
    frame = frame[(frame["available_at"] >= span.since) & (frame["available_at"] < span.until)]
    if frame.empty:
        raise InputError(
            f"no {rule.kind} became known from {iso(span.since)[:10]} to {iso(span.until)[:10]}; "
            "give another --since or --until"
        )
    rules = RuleSet(rule.kind, [_as_live(rule)])
    declared = timeline.first_declared(frame)
    rows = feature_rows(timeline, declared, frame["available_at"].to_numpy(), rules.catalogue)
    said = [rules.evaluate(one, row) for one, row in zip(declared, rows, strict=True)]
    matched = np.array([bool(one.met) for one in said], dtype=bool)
    labels = _labels(timeline, frame, span.matured_before)
    return _Window(frame, matched, labels), sum(bool(one.failed) for one in said)


def _as_live(rule: RuleProposed) -> LiveRule:
    return LiveRule(rule, sha256_of_rule(rule), "shadow")


def _labels(timeline: Timeline, frame: pd.DataFrame, matured_before: Micros) -> Floats:
    """As ``training.labels``: whatever is no label is NaN and never 0."""
    outcomes = timeline.outcomes
    matured = outcomes[outcomes["examined_at"] < matured_before].set_index("movement")["outcome"]
    return np.asarray(frame["movement"].map(matured.map(LABELS)), dtype=np.float64)


def _overlap(timeline: Timeline, window: _Window, bundle: Bundle | None) -> Overlap | str:
    """On movements that the model did not learn from, or why there are none."""
    if bundle is None:
        return "no model of the kind is promoted"
    known = window.frame["available_at"].to_numpy(np.int64)
    since, caution = bundle.manifest.trained_until, None
    if not np.any(window.matched & (known >= since)):
        since = first_not_learned(bundle)
        caution = "of the model's own test slice, whose results were known when people chose it"
    unseen = np.flatnonzero(known >= since)
    volume = int(window.matched[unseen].sum())
    if not volume:
        return (
            f"the rule matches nothing that became known since {iso(since)[:10]}, and {bundle.kind}"
            f" version {bundle.version} learned from all before"
        )
    frame = window.frame.iloc[unseen]
    declared, as_of = timeline.first_declared(frame), known[unseen]
    probability = bundle.probabilities(feature_rows(timeline, declared, as_of, bundle.catalogue))
    highest = unseen[np.argsort(-probability, kind="stable")[:volume]]
    by_model, by_rule = np.zeros(len(known), dtype=bool), np.zeros(len(known), dtype=bool)
    by_model[highest] = True
    by_rule[unseen] = window.matched[unseen]
    return Overlap(
        model=f"{bundle.kind} version {bundle.version}",
        since=since,
        caution=caution,
        both=window.among(by_rule & by_model),
        only_rule=window.among(by_rule & ~by_model),
        only_model=window.among(by_model & ~by_rule),
    )


def _beyond(
    timeline: Timeline, window: _Window, span: Span, choices: pd.DataFrame | None
) -> tuple[Measured, ...] | str:
    if choices is None:
        return NO_CHOICES
    since, until, maturity_days = span
    kind = window.frame["kind"].iloc[0]
    chosen = chosen_of(
        timeline, choices, kind, since=since, until=until, maturity_days=maturity_days
    )
    names = window.frame["movement"][window.matched]
    within = chosen.movements["movement"].isin(names).to_numpy(bool)
    if not within.any():
        return "not assessable: the rule matches none of the movements whose choice was logged"
    log = chosen.log
    matched = LoggedChoices(
        Sample(
            referred=log.sample.referred[within],
            found=log.sample.found[within],
            propensity=log.sample.propensity[within],
        ),
        log.explored[within],
        log.exploration[within],
    )
    return (
        Measured(name="find rate among all it matches", estimates=find_rate(matched.sample)),
        Measured(
            name="find rate among all it matches, from the random slice",
            estimates=find_rate(random_slice(matched)),
        ),
    )
