"""What the organisations on board add: to the read of one movement, and to the offline pass."""

import time
from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np

from features.catalogue import catalogue_for
from features.history.consignments import fill_aboard
from features.history.offline import fill_history
from features.history.online import LiveHistory
from features.history.plan import plan_of
from features.ledger.events import MovementDeclared, Recorded
from features.timeline import timeline_of
from tests.benchmarks.history_online import made_up_movement
from tests.memory_ledger import MemoryLedger

SHIPMENTS = LORRIES = 100_000
ORGANISATIONS = 20_000
ON_EACH = 10
NOW = 10**9


def main() -> None:
    rng = np.random.default_rng(0)
    cargo = [_recorded(n + 1, n, _shipment(rng, n)) for n in range(SHIPMENTS)]
    catalogue = catalogue_for("vehicle")
    plan = plan_of(catalogue)
    ledger, history, row = MemoryLedger(), LiveHistory(), np.empty((1, len(catalogue.names)))
    ledger.events = cargo
    history.follow(ledger)
    for count in (0, 1, 10, 100, 1_000, 9_999):
        listed = tuple(_name("shipment", n) for n in range(count))
        asked = msgspec.structs.replace(
            made_up_movement(rng, count), movement="another", references={"consignments": listed}
        )
        times = [
            _seconds(partial(history.fill, [asked], NOW, plan, row))
            for _ in range(1_000 if count <= 100 else 30)
        ]
        print(f"{count:,} consignments: {1e6 * float(np.median(times)):,.1f} µs p50")
    lorries = [
        msgspec.structs.replace(
            made_up_movement(rng, n), movement=_name("lorry", n % (SHIPMENTS // ON_EACH))
        )
        for n in range(LORRIES)
    ]
    as_of = np.full(LORRIES, NOW)
    out = np.empty((LORRIES, len(catalogue.names)))
    for what, carried in (("nothing", []), (f"{ON_EACH} consignments", cargo)):
        events = [*carried, *(_recorded(SHIPMENTS + n, NOW - 1, m) for n, m in enumerate(lorries))]
        timeline = timeline_of(events, NOW)
        rest = _seconds(partial(fill_history, timeline, lorries, as_of, plan, out))
        aboard = _seconds(partial(fill_aboard, timeline, lorries, as_of, plan, out))
        print(f"{LORRIES:,} lorries, {what} on each: {aboard:.2f} s, the rest {rest:.2f} s")


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _shipment(rng: np.random.Generator, number: int) -> MovementDeclared:
    names = [_name("organisation:", one) for one in rng.integers(0, ORGANISATIONS, 3).tolist()]
    fields = ("consignor_eori", "consignee_eori", "declarant_eori")
    return MovementDeclared(
        kind="shipment",
        movement=_name("shipment", number),
        declared_at=0,
        entities=dict(zip(fields, names, strict=True)),
        references={"carried_by": (_name("lorry", number % (SHIPMENTS // ON_EACH)),)},
    )


def _name(what: str, number: int) -> str:
    return f"{what}{number:032}"


def _recorded(position: int, at: int, payload: MovementDeclared) -> Recorded:
    return Recorded(
        position=position,
        source="simulation",
        event_id=str(position),
        occurred_at=0,
        available_at=at,
        backfill=False,
        payload=payload,
    )


if __name__ == "__main__":
    main()
