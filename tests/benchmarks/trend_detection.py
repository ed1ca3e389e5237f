"""Does the page on trends notice a new tactic, and how often does it cry wolf?

    python -m tests.benchmarks.trend_detection --seeds 411 412 413 > lines.jsonl
    python -m tests.benchmarks.trend_detection --read lines.jsonl

Simulated: borders of all kinds of which nothing changes, others in which networks with other
routes, goods and threats begin in week 16, and others whose networks move on when they are found
out, all the time. A report is made every four weeks from week 12 on, of what was known by its end.
docs/monitoring.md has the table.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros, to_micros
from features.records import KINDS
from features.simulate import simulate
from monitoring.companies import PARTIES
from monitoring.periods import parse_period
from monitoring.scored import LABELS
from monitoring.sections import trends as section_on_trends
from monitoring.statistics.trends import OF_FINDS
from monitoring.tactics import ATTRIBUTES, GOODS_DIGITS, trends_in, windows_of
from tests.benchmarks.undrawn import undrawn
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
            **{name: pd.Categorical(of_each[name].to_numpy()) for name in OF_FINDS},
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


def reports(scenario: str, seed: int, movements_per_day: int) -> Iterator[dict[str, Any]]:
    """One line for every report that turned a rule amber or red."""
    files = border(scenario, seed, movements_per_day)
    nothing = scored_frame([])
    march = parse_period("2026-03")
    for kind, (movements, outcomes) in files.items():
        for week in range(FIRST + EVERY, WEEKS + 1, EVERY):
            end = to_micros(START + timedelta(weeks=week))
            frame = known_by(kind, movements, outcomes, end)
            lately, of_late = (
                trends_in(frame, kind, windows) for windows in windows_of(end - EVERY * WEEK, end)
            )
            found = findings(kind, nothing, march, trends=lately, trends_of_late=of_late)
            said = section_on_trends.section([found], march)
            fired = {
                signal.name: signal.colour
                for part in said.parts
                for figure in part.figures
                for signal in figure.signals
                if signal.colour in {"amber", "red"}
            }
            yield {"scenario": scenario, "seed": seed, "kind": kind, "week": week, "fired": fired}


def table(lines: pd.DataFrame) -> str:
    """Markdown: in how many seeds a changed border was noticed, after how many weeks, and how often
    a rule turned amber or red that had not been in the report before.
    """
    rows = []
    for scenario, of_scenario in lines.groupby("scenario", sort=False):
        seeds = of_scenario["seed"].nunique()
        amber = of_scenario["fired"].map(len) > 0
        after = of_scenario[amber & (of_scenario["week"] > CHANGE_WEEK)]
        first = after.groupby("seed")["week"].min() - CHANGE_WEEK
        by_kind = of_scenario.sort_values("week").groupby(["seed", "kind"])["fired"]
        onsets = sum(
            len(now.keys() - then.keys())
            for _, fired in by_kind
            for then, now in pairwise([{}, *fired])
        )
        years = seeds * EVERY * of_scenario["week"].nunique() / 52
        weeks = f"{first.median():g} ({first.max():g})" if len(first) else "never"
        rows.append(f"| `{scenario}` | {len(first)} of {seeds} | {weeks} | {onsets / years:.1f} |")
    head = "| scenario | seeds with a light | weeks until: median (worst) | onsets a year |"
    return "\n".join([head, "|---|---|---|---|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[])
    parser.add_argument("--read", type=Path, help="lines of earlier runs, to make the table of")
    parser.add_argument("--scenarios", nargs="+", default=["stationary", "new_tactic", "adaptive"])
    parser.add_argument("--movements-per-day", type=int, default=600)
    asked = parser.parse_args()
    if asked.read is not None:
        print(table(pd.read_json(asked.read, lines=True)))
    for seed in asked.seeds:
        for scenario in asked.scenarios:
            with undrawn():
                for line in reports(scenario, seed, asked.movements_per_day):
                    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
