"""Which signals of the report notice that a simulated border changed, and after how many weeks.

    python -m tests.benchmarks.detection --seeds 201 202 203 > lines.jsonl
    python -m tests.benchmarks.detection --read lines.jsonl

Vehicles only; about a minute for each seed and scenario on one core. A small model learns from the
weeks before the change; then a report is made every four weeks, on what was known by its end.
Outcomes are those that stand in the end: an appeal counts from the start. Everything is simulated;
docs/monitoring.md has the table.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import Catalogue, catalogue_for
from features.clock import MICROS_PER_DAY, Micros, to_micros
from features.files.mapping import read_mapping
from features.ingest.loading import EventMaker
from features.ingest.sources import open_sources
from features.ledger.events import Recorded
from features.pseudonyms import load_pseudonyms
from features.rows import feature_rows
from features.simulate import SimulationReport, simulate
from features.timeline import SIMULATION, Timeline, timeline_of
from models.bands import thresholds_at_capacity
from models.bundle import Bundle, BundleParts, load_bundle, write_bundle
from models.calibration import fit_platt, similar_examinations
from models.defences import NONE
from models.reference import reference_of
from models.threats import ThreatShares, base_rates
from monitoring import drift, performance, quality
from monitoring.annex_jobs import sample
from monitoring.feeding import feeds_of
from monitoring.findings import REFERENCE_DAYS, KindFindings
from monitoring.leads import led_finds
from monitoring.months import movements_of_earlier_months
from monitoring.over_time import Earlier, over_time
from monitoring.periods import Period
from monitoring.rankings import capacity_of
from monitoring.scored import LABELS, Scored, movements_between, score_earlier
from monitoring.sections import drift as drift_section
from monitoring.sections import find_rate, volume
from monitoring.sections import performance as performance_section
from monitoring.sections import quality as quality_section
from monitoring.sections import trends as trends_section
from monitoring.tactics import trends_of, windows_of
from tests.benchmarks.undrawn import undrawn
from tests.small_models import KEY

Floats = NDArray[np.float64]

KIND = "vehicle"
START = datetime(2025, 1, 6, tzinfo=UTC)
CALIBRATED_FROM_WEEK, CHANGE_WEEK, WEEKS, EVERY = 10, 16, 40, 4
"""A report covers four weeks; the change comes on the first day of week 16 (feeds: week 20)."""
BEGINS = {"feed_gap": 20}
SCENARIOS = ("stationary", "drift", "new_tactic", "poisoned_feedback", "feed_gap")
RIGHT_AREAS = {
    "drift": frozenset({"drift", "performance"}),
    "new_tactic": frozenset({"trends", "drift"}),
    "poisoned_feedback": frozenset({"find_rate"}),
    "feed_gap": frozenset({"quality", "drift"}),
}
_NO_ANSWERS = pd.DataFrame(
    {
        name: pd.Series(dtype=dtype)
        for name, dtype in {
            "kind": "object", "movement": "object", "available_at": "int64", "as_of": "int64",
            "probability": "float64", "band": "object", "version": "Int64",
            "assessment": "int64",
        }.items()
    }
)  # fmt: skip
_NO_CHOICES = pd.DataFrame(
    {
        name: pd.Series(dtype=dtype)
        for name, dtype in {
            "kind": "object", "movement": "object", "available_at": "int64", "logged": "bool",
            "referred": "bool", "reason": "object", "exploration": "float64",
        }.items()
    }
)  # fmt: skip


class World(NamedTuple):
    """All that a run knows; what a report may see is cut from it."""

    timeline: Timeline
    row_of: dict[str, int]
    rows: Floats
    bundle: Bundle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[])
    parser.add_argument("--read", type=Path, help="lines of earlier runs, to make the table of")
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=SCENARIOS)
    parser.add_argument("--movements-per-day", type=int, default=600)
    asked = parser.parse_args()
    if asked.read is not None:
        print(table(pd.read_json(asked.read, lines=True)))
    for seed in asked.seeds:
        for scenario in asked.scenarios:
            with tempfile.TemporaryDirectory(prefix="foreland-") as scratch:
                world = _world(Path(scratch), scenario, seed, asked.movements_per_day)
            with undrawn():
                for week, fired in reports(world):
                    line = {"seed": seed, "scenario": scenario, "week": week, "fired": fired}
                    print(json.dumps(line), flush=True)


def table(lines: pd.DataFrame) -> str:
    """Markdown: of each scenario, in how many seeds and after how many weeks what was noticed.

    An onset is a signal that is amber or red in a report and was not in the one before.
    """
    rows = []
    for scenario, of_scenario in lines.groupby("scenario", sort=False):
        begins = BEGINS.get(str(scenario), CHANGE_WEEK)
        after = of_scenario[of_scenario["week"] > begins]
        areas = RIGHT_AREAS.get(str(scenario))
        right = [_in_areas(fired, areas) for fired in after["fired"]]
        first = after[right].groupby("seed")["week"].min() - begins
        seeds = after["seed"].nunique()
        years = seeds * EVERY * after["week"].nunique() / 52
        weeks = f"{first.median():g} ({first.max():g})" if len(first) else "never"
        onsets = sum(_onsets(part["fired"].tolist()) for _, part in after.groupby("seed"))
        most = after["fired"].map(list).explode().dropna().value_counts().head(3)
        named = ", ".join(f"{name} ({count})" for name, count in most.items())
        rows.append(
            f"| `{scenario}` | {len(first)} of {seeds} | {weeks} | {onsets / years:.1f} | {named} |"
        )
    head = "| scenario | noticed | weeks until: median (worst) | onsets a year | most often |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])


def _in_areas(fired: dict[str, str], areas: frozenset[str] | None) -> bool:
    return any(areas is None or name.partition(":")[0] in areas for name in fired)


def _onsets(reports_of_a_seed: list[dict[str, str]]) -> int:
    before = [{}, *reports_of_a_seed]
    return sum(len(now.keys() - then.keys()) for then, now in pairwise(before))


def reports(world: World) -> Iterator[tuple[int, dict[str, str]]]:
    """Week in which each report is made, and which of its signals are amber or red."""
    for week in range(CHANGE_WEEK + EVERY, WEEKS + 1, EVERY):
        period = Period(f"2025-W{week:02d}", _week(week - EVERY), _week(week))
        yield week, _fired(_findings(world, period), period)


def _fired(found: KindFindings, period: Period) -> dict[str, str]:
    sections = (
        section([found], period)
        for section in (
            volume.section, find_rate.section, performance_section.section, drift_section.section,
            quality_section.section, trends_section.section,
        )
    )  # fmt: skip
    signals = [
        signal
        for section in sections
        for part in section.parts
        for figure in part.figures
        for signal in figure.signals
    ]
    return {
        f"{signal.area}: {signal.name}": f"{signal.colour} {signal.value:.2f}"
        for signal in signals
        if signal.colour in {"amber", "red"}
    }


def _findings(world: World, period: Period) -> KindFindings:
    """As ``monitoring.gathering`` computes them, with rows that were made once for all reports."""
    timeline, bundle = world.timeline.before(period.end), world.bundle

    def scored(movements: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
        rows = world.rows[[world.row_of[name] for name in movements["movement"]]]
        until = period.end
        return score_earlier(timeline, _NO_ANSWERS, bundle, KIND, movements, rows, until), rows

    movements = movements_between(timeline, KIND, period.start, period.end)
    frame, rows = scored(movements)
    end = min(period.start, bundle.manifest.trained_until)
    before = movements_between(timeline, KIND, end - REFERENCE_DAYS * MICROS_PER_DAY, end)
    _, reference = scored(before.iloc[sample(len(before))].reset_index(drop=True))
    months = movements_of_earlier_months(timeline, KIND, period)
    months = months.assign(month=_four_weeks(months["available_at"].to_numpy(np.int64)))
    of_period = Scored(KIND, frame, movements, rows, reference)
    compared = Earlier(months, scored(months)[1], reference)
    lately, of_late = trends_of(timeline, KIND, windows_of(period.start, period.end))
    return KindFindings(
        kind=KIND,
        served=None,
        scored=of_period,
        volumes=performance.volumes(frame),
        rates=performance.find_rates(of_period.for_performance),
        top=capacity_of(timeline, of_period, period),
        outcomes=performance.outcomes(frame),
        lag=performance.label_lag(frame, period.end),
        drift=drift.drift_table(bundle, frame["probability"].to_numpy(), rows),
        missing=quality.missing_shares(KIND, list(movements["payload"]), list(before["payload"])),
        checks=quality.failed_checks(KIND, []),
        annex=None,
        feeds=feeds_of(timeline, KIND, period),
        trends=lately,
        trends_of_late=of_late,
        places=led_finds(timeline, KIND, period),
        over_time=over_time(
            timeline, _NO_ANSWERS, _NO_CHOICES, bundle, of_period, compared, period
        ),
    )


def _four_weeks(instants: NDArray[np.int64]) -> list[str]:
    """Names of reporting periods, in the order of time."""
    block = (instants - _week(0)) // (7 * EVERY * MICROS_PER_DAY)
    return [f"2025-W{EVERY * (int(number) + 1):02d}" for number in block]


def _week(number: int) -> Micros:
    return to_micros(START + timedelta(weeks=number))


def _world(home: Path, scenario: str, seed: int, per_day: int) -> World:
    made = simulate(
        home / "border", seed=seed, days=7 * (WEEKS + 1), movements_per_day=per_day,
        start=START.date(), scenario=scenario,
    )  # fmt: skip
    timeline = _timeline(home, made)
    movements = timeline.of_kind(KIND)
    catalogue = catalogue_for(KIND, timeline.attributes(KIND))
    known = movements["available_at"].to_numpy(np.int64)
    rows = feature_rows(timeline, timeline.first_declared(movements), known, catalogue)
    row_of = {name: place for place, name in enumerate(movements["movement"])}
    return World(timeline, row_of, rows, _bundle(home, timeline, rows, row_of, catalogue))


def _timeline(home: Path, made: SimulationReport) -> Timeline:
    """Straight from the files, as a ledger would give them back that took one after the other."""
    mapping, until = read_mapping(None, KIND), _week(WEEKS) + 1
    maker = EventMaker(mapping, load_pseudonyms(home / "keys"))
    sources = open_sources(KIND, made.movements[KIND], made.outcomes[KIND], mapping)
    events = (
        event
        for source in sources
        for batch in source.table.batches()
        for read in source.read(batch)
        for _, event in maker.events(read, SIMULATION)
    )
    recorded = [
        Recorded(
            position=position,
            source=event.source,
            event_id=event.event_id,
            occurred_at=event.occurred_at,
            available_at=event.available_at,
            backfill=True,
            payload=event.payload,
        )
        for position, event in enumerate(events, start=1)
        if event.available_at is not None and event.available_at < until
    ]
    return timeline_of(sorted(recorded, key=lambda event: event.available_at), until)


def _bundle(
    home: Path, timeline: Timeline, rows: Floats, row_of: dict[str, int], catalogue: Catalogue
) -> Bundle:
    """A small model of what was known before the change, calibrated on its last six weeks."""
    until = _week(CHANGE_WEEK)
    learned = timeline.before(until)
    outcomes = learned.outcomes[learned.outcomes["outcome"].isin(list(LABELS))]
    x = rows[[row_of[name] for name in outcomes["movement"]]]
    y = np.array(outcomes["outcome"].map(LABELS), dtype=np.float64)
    later = outcomes["examined_at"].to_numpy(np.int64) >= _week(CALIBRATED_FROM_WEEK)
    booster = _fitted(x[~later], y[~later], catalogue)
    margins = np.asarray(booster.predict(x[later], raw_score=True), dtype=np.float64)
    calibration = fit_platt(margins, y[later])
    window = rows[[row_of[name] for name in learned.of_kind(KIND)["movement"]]]
    all_margins = np.asarray(booster.predict(window, raw_score=True), dtype=np.float64)
    probabilities = calibration.probabilities(all_margins)
    parts = BundleParts(
        kind=KIND,
        version=1,
        model_text=booster.model_to_string(),
        defences=NONE,
        calibration=calibration,
        similar=similar_examinations(calibration.probabilities(margins), y[later]),
        threats=ThreatShares(base=base_rates(np.array([], dtype=np.int64)), finds=0),
        catalogue=catalogue,
        thresholds=thresholds_at_capacity(probabilities),
        reference=reference_of(catalogue.names, window, probabilities),
        golden_rows=window[:8],
        metrics={},
        card="made for a benchmark",
        datasheet="made for a benchmark",
        trained_until=until,
        simulated=True,
        data_sha256="0" * 64,
    )
    write_bundle(home / "bundle", parts, KEY)
    return load_bundle(home / "bundle")


def _fitted(x: Floats, y: Floats, catalogue: Catalogue) -> Any:
    parameters = {
        "objective": "binary", "num_leaves": 7, "learning_rate": 0.05, "min_data_in_leaf": 20,
        "feature_fraction": 0.3, "seed": 1, "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(x, y, feature_name=list(catalogue.names), params=parameters)
    return lightgbm.train(parameters, data, 80)


if __name__ == "__main__":
    main()
