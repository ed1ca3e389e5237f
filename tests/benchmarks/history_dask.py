"""History features by two worker processes of a local Dask cluster, against this process.

``python -m tests.benchmarks.history_dask`` measures 200,000 movements alone. On one machine the
cluster pays for the wire and wins little: it is for more memory than one machine has.
"""

import argparse
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from features.catalogue import catalogue_for
from features.clock import MICROS_PER_DAY
from features.history.offline import fill_history as local_fill
from features.history.plan import plan_of
from features.ledger.events import MovementDeclared, Recorded
from features.timeline import timeline_of
from tests.benchmarks.history_online import made_up_movement


class Compared(NamedTuple):
    """Seconds of the wall clock for the same bytes."""

    local_seconds: float
    cluster_seconds: float
    parts: int


def dask_against_local(
    movements: int, workers: int = 2, events_of_a_part: int = 2_000_000
) -> Compared:
    from distributed import Client, LocalCluster

    from features.history.distributed import fill_history

    rng = np.random.default_rng(0)
    made = [made_up_movement(rng, number) for number in range(movements)]
    timeline = timeline_of(map(_recorded, range(movements), made), movements * MICROS_PER_DAY)
    _ = timeline.entries  # of both alike
    catalogue = catalogue_for("vehicle")
    plan, as_of = plan_of(catalogue), np.arange(movements) * MICROS_PER_DAY // 600
    local, remote = (np.full((movements, len(catalogue.features)), np.nan) for _ in range(2))
    local_fill(timeline, made[:100], as_of[:100], plan, local)  # compile, or read it from disk
    started = time.perf_counter()
    local_fill(timeline, made, as_of, plan, local)
    here = time.perf_counter() - started
    parts: list[int] = []
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        warm = np.full((100, len(catalogue.features)), np.nan)
        fill_history(client, timeline, made[:100], as_of[:100], plan, warm)
        started = time.perf_counter()
        fill_history(
            client,
            timeline,
            made,
            as_of,
            plan,
            remote,
            told=lambda done, _: parts.append(done),
            events_of_a_part=events_of_a_part,
        )
        there = time.perf_counter() - started
    if local.tobytes() != remote.tobytes():
        raise RuntimeError("the cluster gave other bytes; the times would mean nothing")
    return Compared(here, there, len(parts))


def _recorded(number: int, movement: MovementDeclared) -> Recorded:
    at = number * MICROS_PER_DAY // 600
    return Recorded(
        position=number + 1,
        source="file",
        event_id=str(number),
        occurred_at=at,
        available_at=at,
        backfill=True,
        payload=movement,
    )


def dask_rows(movements: int, workers: int = 2) -> Iterator[str]:
    found = dask_against_local(movements, workers)
    yield f"history of {movements:,} vehicles, the same bytes, seconds by the clock"
    yield f"here                  {found.local_seconds:8.2f} s"
    yield f"{workers} workers, {found.parts} parts   {found.cluster_seconds:8.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movements", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    for row in dask_rows(options.movements, options.workers):
        print(row, flush=True)


if __name__ == "__main__":
    main()
