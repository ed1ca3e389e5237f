"""Live history of vehicles: one read, one whole row, one event followed."""

import gc
import resource
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.catalogue import catalogue_for
from features.clock import MICROS_PER_DAY
from features.history.online import LiveHistory
from features.history.plan import plan_of
from features.history.tables import Tables
from features.ledger.events import MovementDeclared, Recorded, encode_payload
from features.rows import feature_row
from tests.memory_ledger import MemoryLedger

READS = 2_000
NEW_ENTITIES = 5
"""Of each movement when growing: three organisations, a vehicle and a trailer."""
KEYS = 13
"""That such a movement counts on: those, the kind, four codes and three pairs."""


def online_microseconds(movements: int) -> dict[str, tuple[float, float, float]]:
    """Name to p50, p99 and maximum of the wall time of one call, in microseconds.

    A movement is decoded just before it is asked about, as when it is served.
    """
    rng = np.random.default_rng(0)
    ledger, history, catalogue = MemoryLedger(), LiveHistory(), catalogue_for("vehicle")
    for number in range(movements):
        ledger.add(_recorded(rng, number, backfill=True))
    history.follow(ledger)
    messages = [encode_payload(made_up_movement(rng, number)) for number in range(READS)]
    asked = [made_up_movement(rng, READS)]
    as_of, plan = (movements + READS + 1) * MICROS_PER_DAY // 600, plan_of(catalogue)
    rows = np.empty((1, len(catalogue.features)))

    def follow(number: int) -> None:
        history.follow(ledger)
        del number

    def one_new(number: int) -> None:
        ledger.events = [_recorded(rng, movements + number, backfill=False)]

    def decode(number: int) -> None:
        asked[0] = msgspec.json.decode(messages[number], type=MovementDeclared)

    feature_row(history, asked[0], as_of, catalogue)
    return {
        "history of one movement": _spread(
            lambda _: history.fill(asked, as_of, plan, rows), decode
        ),
        "whole row of one": _spread(
            lambda _: feature_row(history, asked[0], as_of, catalogue), decode
        ),
        "follow, nothing new": _spread(follow, before=lambda _: ledger.events.clear()),
        "follow, one new event": _spread(follow, before=one_new),
    }


def _spread(
    work: Callable[[int], object], before: Callable[[int], object] | None = None
) -> tuple[float, float, float]:
    taken = []
    gc.collect()
    for number in range(READS):
        if before is not None:
            before(number)
        start = time.perf_counter_ns()
        work(number)
        taken.append((time.perf_counter_ns() - start) / 1_000)
    return float(np.median(taken)), float(np.quantile(taken, 0.99)), max(taken)


def made_up_movement(rng: np.random.Generator, number: int) -> MovementDeclared:
    organisations = [f"organisation:{i:032x}" for i in rng.integers(0, 2_000, 3).tolist()]
    vehicle, trailer = rng.integers(0, 5_000, 2).tolist()
    return MovementDeclared(
        kind="vehicle",
        movement=f"{number:032x}",
        declared_at=number,
        entities={
            "haulier_eori": organisations[0],
            "consignor_eori": organisations[1],
            "consignee_eori": organisations[2],
            "vehicle_reg": f"vehicle:{vehicle:032x}",
            "trailer_reg": f"trailer:{trailer:032x}",
        },
        fields={
            "direction": "UK_INBOUND",
            "route_id": f"ROUTE-{vehicle % 20}",
            "commodity_code": f"{trailer:06}",
            "gross_mass_kg": float(vehicle),
        },
    )


def _recorded(rng: np.random.Generator, number: int, *, backfill: bool) -> Recorded:
    return Recorded(
        position=number + 1,
        source="file",
        event_id=str(number),
        occurred_at=number,
        available_at=number * MICROS_PER_DAY // 600,
        backfill=backfill,
        payload=made_up_movement(rng, number),
    )


def growing(entities: int) -> dict[str, float]:
    """Follow movements of entities never seen before, one at a time, until there are so many.

    Twice over, in CPU time of the thread, and of each movement the smaller: a copy or a collection
    is there in both, what the machine does besides is not.
    """
    once, grown = _growth(entities)
    again, _ = _growth(entities)
    taken = np.minimum(once, again)
    return {
        "microseconds a movement, mean": float(taken.mean()),
        "microseconds a key counted, mean": float(taken.mean()) / KEYS,
        "microseconds, 99.99 % of movements within": float(np.quantile(taken, 0.9999)),
        "microseconds, the worst movement": float(taken.max()),
        "bytes a movement, with its new keys": grown / len(taken),
        "bytes an entity seen once": _bytes_an_entity(entities),
    }


def _growth(entities: int) -> tuple[NDArray[np.float64], int]:
    """Microseconds of each movement, and bytes that all of them took."""
    rng = np.random.default_rng(0)
    history, ledger, taken = LiveHistory(), MemoryLedger(), []
    history.follow(ledger)
    gc.collect()
    gc.freeze()
    gc.disable()  # as serving does, which collects at idle moments
    before = _resident()
    try:
        for number in range(entities // NEW_ENTITIES):
            ledger.events = [_all_new(rng, number)]
            start = time.thread_time_ns()
            history.follow(ledger)
            taken.append((time.thread_time_ns() - start) / 1_000)
    finally:
        gc.enable()
        gc.unfreeze()
    return np.array(taken), _resident() - before


def _all_new(rng: np.random.Generator, number: int) -> Recorded:
    event = _recorded(rng, number, backfill=False)
    names = {
        name: f"{text[:20]}{NEW_ENTITIES * number + place:025x}"
        for place, (name, text) in enumerate(event.payload.entities.items())  # type: ignore[union-attr]
    }
    return msgspec.structs.replace(
        event, payload=msgspec.structs.replace(event.payload, entities=names)
    )


def _bytes_an_entity(entities: int) -> float:
    """Its key, its slot, its row and one instant, nothing else."""
    gc.collect()
    before, tables = _resident(), Tables()
    for number in range(entities):
        key = tables.learn(0, f"organisation:{number:032x}")
        tables.apply((0, 1, number, 1, key))
    return (_resident() - before) / entities


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
