"""One simulation from start to finish: traffic, truth, regime, files."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from features.errors import InputError
from features.records import KINDS
from features.simulate.codes import Bools, Column
from features.simulate.course import Course
from features.simulate.outcomes import POSITIVE, Examined
from features.simulate.parameters import scenario_named
from features.simulate.writing import SIMULATED, Spool, movement_table, outcome_table, truth_table

MOST_DAYS = 10_000
MOST_MOVEMENTS_PER_DAY = 20_000
RECORD = "simulation.json"


@dataclass(frozen=True)
class Counts:
    movements: int = 0
    selections: int = 0
    """Outcomes of any sort; appeals are not counted among them."""
    examinations: int = 0
    """Outcomes that are labels."""
    finds: int = 0
    """Reported; those included that an appeal took back later."""
    reversals: int = 0
    """Finds that an appeal took back."""


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
    check_range("seed", seed, 0, 2**63 - 1)
    check_range("days", days, 1, MOST_DAYS)
    check_range("movements_per_day", movements_per_day, 1, MOST_MOVEMENTS_PER_DAY)
    out = out.absolute()
    _refuse_other_content(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        made = beside / "made"
        record = {
            "scenario": scenario,
            "seed": seed,
            "start": start.isoformat(),
            "days": days,
            "movements_per_day": movements_per_day,
        }
        course = Course(chosen, seed, start, days, movements_per_day)
        counts = _Run(made, course, record).everything(progress)
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

    def __init__(self, made: Path, course: Course, record: Mapping[str, object]) -> None:
        self._made = made
        self._course = course
        self._record = record
        self._counts = {kind: Counts() for kind in KINDS}

    def everything(self, progress: Callable[[int], None] | None) -> Mapping[str, Counts]:
        (self._made / "truth").mkdir(parents=True)
        note = json.dumps({key: self._record[key] for key in ("scenario", "seed")}, sort_keys=True)
        metadata = {SIMULATED: note.encode()}
        with ExitStack() as stack:
            spools = {
                (kind, sort): stack.enter_context(Spool(self._made / name, metadata))
                for kind in KINDS
                for sort, name in _files(kind).items()
            }
            while not self._course.is_over:
                days = self._course.advance()
                for kind, selection in self._course.regime_selection().items():
                    told = self._course.examine(kind, selection).reported
                    self._write(kind, told, spools)
                if progress is not None:
                    progress(len(days))
        self._write_record()
        return self._counts

    def _write(
        self, kind: str, examined: Examined, spools: Mapping[tuple[str, str], Spool]
    ) -> None:
        course = self._course
        traffic, truth = course.scenes[kind].traffic, course.scenes[kind].truth
        share = course.border.scenario.world.amended_share
        table = movement_table(traffic, course.streams["writing"], share)
        spools[kind, "movements"].append(table)
        spools[kind, "truth"].append(truth_table(traffic, truth))
        counts = self._counts[kind]
        # What nobody knew when the last day ended is not in the files: it is the future.
        known = examined.known_before(course.ends_at)
        refs: Column = traffic.columns["movement_ref"]
        spools[kind, "outcomes"].append(
            outcome_table(course.event_prefix(kind), known, refs, counts.selections)
        )
        self._counts[kind] = Counts(
            movements=counts.movements + traffic.block.n,
            selections=counts.selections + known.at.size,
            examinations=counts.examinations + _count(known.looked),
            finds=counts.finds + _count(known.result == POSITIVE),
            reversals=counts.reversals + _count(known.reversed),
        )

    def _write_record(self) -> None:
        counts = {kind: vars(of) for kind, of in self._counts.items()}
        record = {"simulated": True, **self._record, "counts": counts}
        text = json.dumps(record, indent=2, sort_keys=True) + "\n"
        (self._made / RECORD).write_text(text, encoding="utf-8")


def _files(kind: str) -> dict[str, str]:
    return {
        "movements": f"{kind}-movements.parquet",
        "outcomes": f"{kind}-outcomes.parquet",
        "truth": f"truth/{kind}-truth.parquet",
    }


def _count(which: Bools) -> int:
    return int(np.count_nonzero(which))


def check_range(name: str, value: int, least: int, most: int) -> None:
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
