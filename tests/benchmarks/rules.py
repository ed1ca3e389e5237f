"""What rules cost a score: 10, 100 and 1,000 of them on one vehicle, in microseconds.

    python -m tests.benchmarks.rules

Each rule reads three values, one of them declared; a movement meets about one in thirty. The
features come from a model's row where there is one, and are read from live history by themselves
where there is none.
"""

import gc
import time
from collections.abc import Callable

import numpy as np
from msgspec.structs import replace

from features.catalogue import catalogue_for, places_in
from features.clock import MICROS_PER_DAY
from features.history.online import LiveHistory
from features.rows import feature_row
from models.rules import RuleSet
from models.rules.names import names_of
from tests.benchmarks.history_online import made_up_movement
from tests.memory_ledger import MemoryLedger
from tests.rule_texts import live, rule_of

MOVEMENTS, READS = 20_000, 1_000
MICROSECONDS = 1_000


def main() -> None:
    rng = np.random.default_rng(0)
    ledger, history = MemoryLedger(), LiveHistory()
    for number in range(MOVEMENTS):
        ledger.hear(made_up_movement(rng, number), number * MICROS_PER_DAY // 600)
    history.follow(ledger)
    as_of = MOVEMENTS * MICROS_PER_DAY // 600
    whole = catalogue_for("vehicle")
    asked = [made_up_movement(rng, MOVEMENTS + number) for number in range(READS)]
    rows = [feature_row(history, movement, as_of, whole) for movement in asked]
    for many in (10, 100, 1_000):
        rules = rule_set(rng, many)
        places = places_in(whole, rules.catalogue)
        assert places is not None
        columns = list(places)
        met = sum(
            len(rules.evaluate(movement, row[columns]).met)
            for movement, row in zip(asked, rows, strict=True)
        )
        beside = spread(lambda at: rules.evaluate(asked[at], rows[at][columns]))  # noqa: B023
        alone = spread(
            lambda at: rules.evaluate(  # noqa: B023
                asked[at],
                feature_row(history, asked[at], as_of, rules.catalogue),  # noqa: B023
            )
        )
        print(
            f"{many:>5} rules, {len(rules.catalogue.names)} features, {met / READS:.1f} met: "
            f"from a model's row p50 {beside[0]:.0f}, p99 {beside[1]:.0f} us; "
            f"without a model p50 {alone[0]:.0f}, p99 {alone[1]:.0f} us"
        )


def rule_set(rng: np.random.Generator, many: int) -> RuleSet:
    base = rule_of()
    counts = [path for path in names_of("vehicle") if path.endswith((".movements", ".finds"))]
    return RuleSet(
        "vehicle",
        [
            live(
                replace(
                    base,
                    name=f"rule-{number}",
                    when=f"declared.route_id == 'ROUTE-{rng.integers(0, 20)}' && "
                    f"declared.gross_mass_kg > {rng.integers(0, 5_000)}.0 && "
                    f"history.{rng.choice(counts).removeprefix('history.')} >= 0.0",
                )
            )
            for number in range(many)
        ],
    )


def spread(work: Callable[[int], object]) -> tuple[float, float]:
    """p50 and p99 of one call, in microseconds."""
    taken = []
    gc.collect()
    for number in range(READS):
        start = time.perf_counter_ns()
        work(number)
        taken.append((time.perf_counter_ns() - start) / MICROSECONDS)
    return float(np.median(taken)), float(np.quantile(taken, 0.99))


if __name__ == "__main__":
    main()
