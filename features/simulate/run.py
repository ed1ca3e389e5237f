"""One simulation from start to finish: traffic, truth, regime, files."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from features.clock import MICROS_PER_DAY
from features.errors import InputError
from features.records import KINDS, carried_fields, declared_fields
from features.simulate.border import Border, build_border, streams
from features.simulate.carriage import one_truth
from features.simulate.codes import Column, Floats, Ints
from features.simulate.outcomes import POSITIVE, Examined, examine
from features.simulate.parameters import Scenario, scenario_named
from features.simulate.regime import Capacity, Memory, Regime
from features.simulate.signs import points_of
from features.simulate.smuggling import Truth, judge
from features.simulate.traffic import Traffic
from features.simulate.writing import SIMULATED, Spool, movement_table, outcome_table, truth_table

DAYS_PER_BLOCK = 7
MOST_DAYS = 10_000
MOST_MOVEMENTS_PER_DAY = 20_000
RECORD = "simulation.json"
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Counts:
    movements: int = 0
    selections: int = 0
    """Outcomes of any sort."""
    examinations: int = 0
    """Outcomes that are labels."""
    finds: int = 0


@dataclass(frozen=True)
class SimulationReport:
    """What was made; everything in it is simulated."""

    out: Path
    scenario: str
    seed: int
    counts: Mapping[str, Counts]
    movements: Mapping[str, Path]
    outcomes: Mapping[str, Path]


def simulate(
    out: Path,
    *,
    seed: int = 1,
    days: int = 365,
    movements_per_day: int = 600,
    start: date = date(2025, 1, 1),
    scenario: str = "stationary",
    progress: Callable[[int], None] | None = None,
) -> SimulationReport:
    """Write movements and outcomes of every kind under ``out``, and the truth under ``out/truth``.

    The same arguments give the same bytes. An interrupted run leaves nothing behind.

    Args:
        movements_per_day: mean over the three kinds together.
        progress: called now and then with the number of days finished since last time.

    Raises:
        InputError: unknown scenario, a number out of range, or an ``out`` that holds anything but
            an earlier simulation.
    """
    chosen = scenario_named(scenario)
    _check_range("seed", seed, 0, 2**63 - 1)
    _check_range("days", days, 1, MOST_DAYS)
    _check_range("movements_per_day", movements_per_day, 1, MOST_MOVEMENTS_PER_DAY)
    out = out.absolute()
    _refuse_other_content(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        made = beside / "made"
        run = _Run(made, chosen, seed, start, days, movements_per_day)
        counts = run.everything(progress)
        if out.exists():
            out.rename(beside / "earlier")
        made.rename(out)
    finally:
        shutil.rmtree(beside)
    return SimulationReport(
        out=out,
        scenario=scenario,
        seed=seed,
        counts=counts,
        movements={kind: out / f"{kind}-movements.parquet" for kind in KINDS},
        outcomes={kind: out / f"{kind}-outcomes.parquet" for kind in KINDS},
    )


class _Run:
    """The state of one simulation while it lasts."""

    def __init__(
        self,
        made: Path,
        scenario: Scenario,
        seed: int,
        start: date,
        days: int,
        movements_per_day: int,
    ) -> None:
        self._made = made
        self._scenario = scenario
        self._seed = seed
        self._days = days
        self._movements_per_day = movements_per_day
        self._first_day = (start - EPOCH).days
        self._rng = streams(seed)
        self._border: Border = build_border(
            self._rng["world"], scenario, start, days, movements_per_day
        )
        self._memory = Memory(self._border.entity_count, scenario.regime)
        self._regimes = {
            kind: Regime(kind, scenario.regime, self._memory, Capacity(scenario.regime))
            for kind in KINDS
        }
        self._counts = {kind: Counts() for kind in KINDS}

    def everything(self, progress: Callable[[int], None] | None) -> Mapping[str, Counts]:
        (self._made / "truth").mkdir(parents=True)
        note = json.dumps({"scenario": self._scenario.name, "seed": self._seed}, sort_keys=True)
        metadata = {SIMULATED: note.encode()}
        with ExitStack() as stack:
            spools = {
                (kind, sort): stack.enter_context(Spool(self._made / name, metadata))
                for kind in KINDS
                for sort, name in _files(kind).items()
            }
            for first in range(0, self._days, DAYS_PER_BLOCK):
                days = range(first, min(first + DAYS_PER_BLOCK, self._days))
                self._block(days, spools)
                if progress is not None:
                    progress(len(days))
        self._write_record()
        return self._counts

    def _block(self, days: range, spools: Mapping[tuple[str, str], Spool]) -> None:
        drawn = {
            kind: self._border.traffic(self._rng[kind], kind, days, self._counts[kind].movements)
            for kind in KINDS
        }
        traffic, cargo = self._border.loaded(self._rng["carriage"], drawn)
        truth = {
            kind: judge(
                self._rng["smuggling"],
                self._border.lanes(kind),
                traffic[kind],
                self._scenario.smuggling,
            )
            for kind in KINDS
        }
        truth["vehicle"], truth["shipment"] = one_truth(
            self._rng["carriage"], cargo, truth["vehicle"], truth["shipment"]
        )
        examined = self._examine(days, traffic, truth)
        for kind in KINDS:
            self._write(kind, traffic[kind], truth[kind], examined[kind], spools)

    def _examine(
        self, days: range, traffic: Mapping[str, Traffic], truth: Mapping[str, Truth]
    ) -> dict[str, list[Examined]]:
        """Day after day over all kinds: what one kind taught yesterday serves the others today."""
        points = {kind: points_of(kind, of.facts) for kind, of in traffic.items()}
        done: dict[str, list[Examined]] = {kind: [] for kind in traffic}
        for day in days:
            self._memory.wake(day)
            for kind, of in traffic.items():
                done[kind].append(self._one_day(day, of, truth[kind], points[kind]))
        return done

    def _one_day(self, day: int, traffic: Traffic, truth: Truth, points: Floats) -> Examined:
        counts = traffic.block.counts
        at = day - traffic.block.first_day
        first = int(counts[:at].sum())
        today = slice(first, first + int(counts[at]))
        of_day = Truth(
            truth.probability_of_find[today],
            truth.is_smuggling[today],
            truth.network[today],
            truth.threat[today],
        )
        per_site = np.bincount(traffic.site) / counts.size
        rng = self._rng["regime"]
        selection = self._regimes[traffic.kind].select(
            rng,
            points=points[today],
            truth=of_day,
            entities=traffic.entities[today],
            site=traffic.site[today],
            expected_per_site=per_site,
        )
        examined = examine(
            rng,
            self._scenario.regime,
            traffic.kind,
            selection,
            of_day,
            traffic.arrives_at[today],
        )
        looked = examined.looked
        known_day = examined.known_at // MICROS_PER_DAY - self._first_day
        self._memory.expect(
            np.maximum(known_day, day)[looked],
            traffic.entities[today][examined.at[looked]],
            examined.result[looked] == POSITIVE,
        )
        return replace(examined, at=examined.at + first)

    def _write(
        self,
        kind: str,
        traffic: Traffic,
        truth: Truth,
        examined: list[Examined],
        spools: Mapping[tuple[str, str], Spool],
    ) -> None:
        names = [field.name for field in (*declared_fields(kind), *carried_fields(kind))]
        share = self._scenario.world.amended_share
        table = movement_table(traffic, self._rng["writing"], share, names)
        spools[kind, "movements"].append(table)
        spools[kind, "truth"].append(truth_table(traffic, truth))
        counts = self._counts[kind]
        prefix = f"{kind}-{self._border.stamp:06d}"
        refs: Column = traffic.columns["movement_ref"]
        for of_all in examined:
            # What nobody knew when the last day ended is not in the files: it is the future.
            of_day = of_all.known_before((self._first_day + self._days) * MICROS_PER_DAY)
            spools[kind, "outcomes"].append(outcome_table(prefix, of_day, refs, counts.selections))
            counts = Counts(
                movements=counts.movements,
                selections=counts.selections + of_day.at.size,
                examinations=counts.examinations + _count(of_day.looked),
                finds=counts.finds + _count(of_day.result == POSITIVE),
            )
        self._counts[kind] = replace(counts, movements=counts.movements + traffic.block.n)

    def _write_record(self) -> None:
        record = {
            "simulated": True,
            "scenario": self._scenario.name,
            "seed": self._seed,
            "start": self._border.start.isoformat(),
            "days": self._days,
            "movements_per_day": self._movements_per_day,
            "counts": {kind: vars(of) for kind, of in self._counts.items()},
        }
        text = json.dumps(record, indent=2, sort_keys=True) + "\n"
        (self._made / RECORD).write_text(text, encoding="utf-8")


def _files(kind: str) -> dict[str, str]:
    return {
        "movements": f"{kind}-movements.parquet",
        "outcomes": f"{kind}-outcomes.parquet",
        "truth": f"truth/{kind}-truth.parquet",
    }


def _count(which: Ints | np.ndarray) -> int:
    return int(np.count_nonzero(which))


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InputError(f"{name} must be {least} to {most}, not {value}; give another number")


def _refuse_other_content(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out} is a file; give a directory that is new or empty")
    if any(out.iterdir()) and not _is_simulation(out / RECORD):
        raise InputError(
            f"{out} holds something other than an earlier simulation; give a new or empty directory"
        )


def _is_simulation(record: Path) -> bool:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("simulated") is True
