"""``python -m tests.benchmarks.trend_detection``: does the page on trends notice a new tactic?

Simulated: borders of all kinds of which nothing changes, and others in which networks with other
routes, goods and threats begin in week 16. A report is made every four weeks from week 12 on, of
what was known by its end. Printed: every report that turned amber or red, by kind and week, with
the number of combinations named.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros, to_micros
from features.records import KINDS
from features.simulate import simulate
from monitoring.findings import REFERENCE_DAYS
from monitoring.periods import parse_period
from monitoring.scored import LABELS
from monitoring.sections import trends as section_on_trends
from monitoring.statistics.trends import Windows, changing, trends
from monitoring.tactics import ATTRIBUTES, GOODS_DIGITS, PARTIES, combinations
from tests.scored_frames import findings, scored_frame

START = datetime(2025, 1, 6, tzinfo=UTC)
WEEK = 7 * MICROS_PER_DAY
CHANGE_WEEK, WEEKS, EVERY, FIRST = 16, 40, 4, 8


def border(
    scenario: str, seed: int, movements_per_day: int
) -> Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Movements (the last version of each) and outcomes (the last of each) by kind."""
    with tempfile.TemporaryDirectory(prefix="foreland-trends-") as folder:
        simulate(
            Path(folder),
            start=START.date(),
            days=7 * WEEKS,
            movements_per_day=movements_per_day,
            scenario=scenario,
            seed=seed,
        )
        return {
            kind: (
                pd.read_parquet(Path(folder) / f"{kind}-movements.parquet"),
                pd.read_parquet(Path(folder) / f"{kind}-outcomes.parquet"),
            )
            for kind in KINDS
        }


def known_by(
    kind: str, movements: pd.DataFrame, outcomes: pd.DataFrame, end: Micros
) -> pd.DataFrame:
    """As ``monitoring.tactics.movements_and_results``, from the simulated files."""
    declared = movements[_micros(movements["declared_at"]) < end]
    declared = declared.drop_duplicates("movement_ref", keep="last")
    known = outcomes[_micros(outcomes["known_at"]) < end].sort_values("known_at", kind="stable")
    known = known.drop_duplicates("movement_ref", keep="last").set_index("movement_ref")
    of_each = known.reindex(declared["movement_ref"])
    columns: dict[str, Any] = {}
    for name, field in ATTRIBUTES[kind].items():
        values = declared[field].astype("str")
        short = values.str[:GOODS_DIGITS] if field == "commodity_code" else values
        columns[name] = pd.Categorical(short.where(declared[field].notna()))
    return pd.DataFrame(
        {
            "available_at": _micros(declared["declared_at"]),
            **columns,
            "label": of_each["outcome"].map(LABELS).to_numpy(np.float64),
            "threat": pd.Categorical(of_each["threat"].to_numpy()),
            "case": _cases(kind, declared),
        }
    )


def _cases(kind: str, declared: pd.DataFrame) -> NDArray[np.int64]:
    party = declared["movement_ref"].astype("str")
    for role in reversed(PARTIES[kind]):
        party = declared[role].astype("str").where(declared[role].notna(), party)
    return pd.factorize(party)[0].astype(np.int64)


def _micros(moments: pd.Series) -> NDArray[np.int64]:
    micros: NDArray[np.int64] = moments.dt.as_unit("us").to_numpy(np.int64)
    return micros


def reports(
    scenario: str, seed: int, movements_per_day: int
) -> Iterator[tuple[str, int, str, int]]:
    """Kind, week, colour and number of combinations named new or rising, of every report."""
    files = border(scenario, seed, movements_per_day)
    nothing = scored_frame([])
    march = parse_period("2026-03")
    for kind, (movements, outcomes) in files.items():
        for week in range(FIRST + EVERY, WEEKS + 1, EVERY):
            end = to_micros(START + timedelta(weeks=week))
            start = end - EVERY * WEEK
            windows = Windows(start - REFERENCE_DAYS * MICROS_PER_DAY, start, end)
            frame = known_by(kind, movements, outcomes, end)
            table = trends(frame, windows, combinations(kind))
            found = findings(kind, nothing, march, trends=table)
            said = section_on_trends.section([found], march)
            signals = [s for p in said.parts for f in p.figures for s in f.signals]
            named = changing(table, "finds")
            worse = int((named["among_finds"] != "falling").sum())
            yield kind, week, signals[0].colour if signals else "grey", worse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(401, 411)))
    parser.add_argument("--scenarios", nargs="+", default=["stationary", "new_tactic"])
    parser.add_argument("--movements-per-day", type=int, default=600)
    asked = parser.parse_args()
    for scenario in asked.scenarios:
        for seed in asked.seeds:
            alarms = [
                (kind, week, colour, named)
                for kind, week, colour, named in reports(scenario, seed, asked.movements_per_day)
                if colour in {"amber", "red"}
            ]
            print(f"{scenario} {seed}: {alarms}", flush=True)


if __name__ == "__main__":
    main()
