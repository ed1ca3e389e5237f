"""Restart of live history: by snapshot and the rest of the ledger, against replaying all of it.

``python -m tests.benchmarks.history_restart`` measures 2 M entities alone.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from features.history.online import LiveHistory
from features.history.resuming import NAME, keep, resume
from features.ledger.events import MovementDeclared, OutcomeRecorded, Recorded

ENTITIES_EACH = 5
SECONDS_APART = 60


class Restart(NamedTuple):
    entities: int
    events: int
    replay_seconds: float
    write_seconds: float
    restart_seconds: float
    """Until the history has caught up: the whole file verified, its arrays in place, the tail."""
    file_bytes: int
    peak_bytes: int
    """Of this process, which held two of them."""


class MadeUpLedger:
    """Movements of ever new entities, made when they are read; every 14th is examined."""

    def __init__(self, movements: int, entities: int) -> None:
        self.movements, self._organisations = movements, max(entities // ENTITIES_EACH, 1)

    def read(
        self, *, available_before: int | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        del available_before
        return self._events(1, self.movements if position_up_to is None else position_up_to)

    def tail(self, after_position: int) -> Iterator[Recorded]:
        return self._events(after_position + 1, self.movements)

    def last_position(self) -> int:
        return self.movements

    def link_at(self, position: int) -> bytes | None:
        return None if position > self.movements else position.to_bytes(32, "big")

    def epoch(self) -> int:
        return 1

    def _events(self, first: int, last: int) -> Iterator[Recorded]:
        for position in range(first, last + 1):
            examined = position % 14 == 0
            payload = self._outcome(position) if examined else self._movement(position)
            at = position * SECONDS_APART * 1_000_000
            yield Recorded(
                position=position,
                source="file",
                event_id=str(position),
                occurred_at=at,
                available_at=at,
                backfill=True,
                payload=payload,
            )

    def _outcome(self, position: int) -> OutcomeRecorded:
        return OutcomeRecorded(
            kind="vehicle",
            movement=f"{position - 1:032x}",
            examined_at=position,
            outcome="positive" if position % 196 == 0 else "negative",
            message=f"{position:032x}",
        )

    def _movement(self, position: int) -> MovementDeclared:
        number = position % self._organisations
        names = ("haulier_eori", "consignor_eori", "consignee_eori")
        entities = {
            name: f"organisation:{number + place * self._organisations:032x}"
            for place, name in enumerate(names)
        }
        entities["vehicle_reg"] = f"vehicle:{number:032x}"
        entities["trailer_reg"] = f"trailer:{number:032x}"
        return MovementDeclared(
            kind="vehicle",
            movement=f"{position:032x}",
            declared_at=position,
            entities=entities,
            fields={"route_id": f"ROUTE-{number % 20}", "commodity_code": f"{number % 9_000:06}"},
        )


def restart(entities: int = 2_000_000, movements: int = 500_000, tail: int = 1_000) -> Restart:
    """Seconds of the wall clock.

    Args:
        movements: that brought the entities, each of which has been named at least once when
            there are ``entities / ENTITIES_EACH`` of them and a fourteenth more.
        tail: events that came after the snapshot.
    """
    ledger, history = MadeUpLedger(movements, entities), LiveHistory()
    with tempfile.TemporaryDirectory() as made:
        started = time.perf_counter()
        history.follow(ledger)
        replayed = time.perf_counter()
        keep(Path(made), history, ledger)
        written = time.perf_counter()
        held = len(history.freeze().tables["entity"][0].ends)
        del history
        ledger.movements += tail
        resuming = time.perf_counter()
        resumed = resume(Path(made), ledger)
        done = time.perf_counter()
        if resumed.from_position != movements or resumed.history.position != movements + tail:
            raise RuntimeError(f"it was not resumed: {resumed.refused}")
        size = (Path(made) / NAME).stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Restart(
        held,
        movements,
        replayed - started,
        written - replayed,
        done - resuming,
        size,
        peak,
    )


def restart_rows(entities: int, movements: int | None = None) -> Iterator[str]:
    found = restart(entities, movements or entities // 4)
    yield (
        f"restart of {found.entities:,} entities, {found.events:,} events, "
        f"{found.file_bytes / 1e6:,.0f} MB"
    )
    yield f"replay of all {found.replay_seconds:8.2f} s"
    yield f"snapshot      {found.write_seconds:8.2f} s to write"
    yield f"restart by it {found.restart_seconds:8.2f} s  (must: 5 s for 2,000,000 entities)"
    yield f"peak memory   {found.peak_bytes / 1e6:8,.0f} MB, with the state being written"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=2_000_000)
    parser.add_argument("--movements", type=int, default=500_000)
    options = parser.parse_args()
    for row in restart_rows(options.entities, options.movements):
        print(row, flush=True)


if __name__ == "__main__":
    main()
