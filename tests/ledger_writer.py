"""``python -m tests.ledger_writer URL SEED COUNT``: a second writer, in a process of its own."""

import random
import sys
from contextlib import closing

from features.clock import now_micros
from features.ledger import (
    Event,
    MovementCancelled,
    MovementDeclared,
    OutcomeRecorded,
    Payload,
    open_ledger,
)


def payload(rng: random.Random) -> Payload:
    """About few movements of few entities, so that writers speak of the same ones."""
    movement, now = str(rng.randrange(25)), now_micros()
    draw = rng.random()
    if draw < 0.55:
        return MovementDeclared(
            kind="vehicle",
            movement=movement,
            version=rng.randrange(1, 4),
            declared_at=now,
            entities={
                "haulier_eori": f"organisation:{rng.randrange(3)}",
                "consignor_eori": f"organisation:{rng.randrange(3)}",
                "vehicle_reg": f"vehicle:{rng.randrange(4)}",
            },
            fields={"route_id": f"R{rng.randrange(3)}"},
        )
    if draw < 0.92:
        return OutcomeRecorded(
            kind="vehicle",
            movement=movement,
            examined_at=now - rng.randrange(10**9),
            outcome=rng.choice(["positive", "negative", "no_show", "withdrawn"]),
            message=str(rng.randrange(40)),
            corrects=rng.choice([None, None, str(rng.randrange(40))]),
        )
    return MovementCancelled(
        kind="vehicle", movement=movement, cancelled_at=now, up_to_version=rng.randrange(1, 3)
    )


def main(url: str, seed: int, count: int) -> None:
    rng = random.Random(seed)
    with closing(open_ledger(url)) as ledger:
        for number in range(count):
            events = [
                Event(
                    source=f"writer-{seed}",
                    event_id=f"{number}.{place}",
                    occurred_at=now_micros(),
                    payload=payload(rng),
                )
                for place in range(rng.randrange(1, 4))
            ]
            ledger.append(events)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
