"""The current view is one, whatever the order in which its events came, and however often.

Arrival decides the clocks of a live event, so every order here is another set of stamps; what
stands about each movement must be the same all the same.
"""

import random
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import pandas as pd
import pytest

from features.ledger import (
    Event,
    Ledger,
    MovementCancelled,
    MovementDeclared,
    OutcomeRecorded,
    Recorded,
)
from features.timeline import Timeline, load_timeline, timeline_of

FAR = 10**18

Payload = MovementDeclared | MovementCancelled | OutcomeRecorded

View = list[tuple[Any, ...]]
"""Movement, mass and outcome of each that stands."""


def declared(version: int, mass: float, movement: str = "m") -> MovementDeclared:
    fields: dict[str, Any] = {"gross_mass_kg": mass}
    return MovementDeclared(
        kind="vehicle", movement=movement, version=version, declared_at=0, fields=fields
    )


def outcome(
    message: str, result: str, examined_at: int, corrects: str | None = None, movement: str = "m"
) -> OutcomeRecorded:
    return OutcomeRecorded(
        kind="vehicle",
        movement=movement,
        examined_at=examined_at,
        outcome=result,
        message=message,
        corrects=corrects,
    )


def cancelled(up_to_version: int, movement: str = "m") -> MovementCancelled:
    return MovementCancelled(
        kind="vehicle", movement=movement, cancelled_at=0, up_to_version=up_to_version
    )


def view_of(timeline: Timeline) -> View:
    """What stands, without when it was heard."""
    outcomes = {
        row.movement: (row.outcome, row.examined_at, row.threat) for row in _rows(timeline.outcomes)
    }
    return sorted(
        (row.movement, row.payload.fields["gross_mass_kg"], outcomes.get(row.movement))
        for row in _rows(timeline.movements)
    )


def _rows(frame: pd.DataFrame) -> Iterable[Any]:
    return frame.itertuples()


def views_after(arrivals: Iterable[Sequence[Any]]) -> list[View]:
    """Of each sequence: the view once its payloads have come in this order, one a microsecond.

    Each is about movements of its own, so that one pass reads thousands.
    """
    views: list[View] = []
    arriving = []
    for number, payloads in enumerate(arrivals):
        views.append([])
        arriving += [about(payload, f"{number}:{payload.movement}") for payload in payloads]
    events = [
        Recorded(
            position=at,
            source="api",
            event_id=str(at),
            occurred_at=0,
            available_at=at,
            backfill=False,
            payload=payload,
        )
        for at, payload in enumerate(arriving, start=1)
    ]
    for movement, *stands in view_of(timeline_of(events, FAR)):
        number, _, its_own = movement.partition(":")
        views[int(number)].append((its_own, *stands))
    return views


def about(payload: Any, movement: str) -> Any:
    """The same payload about another movement."""
    given = {name: getattr(payload, name) for name in payload.__struct_fields__}
    return type(payload)(**given | {"movement": movement})


SEVEN: tuple[Payload, ...] = (
    declared(1, 10.0),
    declared(2, 20.0),
    cancelled(1),
    outcome("a", "positive", 5),
    outcome("b", "negative", 9, corrects="a"),
    outcome("c", "withdrawn", 9, corrects="b"),
    outcome("a", "positive", 5),  # sent twice
)
LIVES = (
    *SEVEN[:3],
    outcome("a", "positive", 5),
    outcome("b", "negative", 9),
    outcome("c", "withdrawn", 9, corrects="b"),
    outcome("b", "negative", 9),
)


@pytest.mark.parametrize(
    ("events", "stands"),
    [
        (SEVEN, [("m", 20.0, ("withdrawn", 9, None))]),
        (LIVES, [("m", 20.0, ("positive", 5, None))]),
    ],
    ids=["all taken back", "an earlier examination stands again"],
)
def test_all_5040_orders_of_seven_events_end_in_one_view(
    events: Sequence[Payload], stands: View
) -> None:
    views = views_after(permutations(events))
    assert len(views) == 5_040
    assert all(view == stands for view in views)


def stream(rng: random.Random) -> list[Payload]:
    """Up to twelve events about three movements: versions, calls off, outcomes, corrections."""

    def one() -> Payload:
        movement, what = rng.choice("mno"), rng.random()
        if what < 0.35:
            return declared(rng.randint(1, 3), rng.choice([10.0, 20.0]), movement)
        if what < 0.45:
            return cancelled(rng.randint(1, 3), movement)
        result = rng.choice(["positive", "negative", "no_show", "withdrawn"])
        corrects = rng.choice([None, None, "a", "b", "c", "d"])
        return outcome(rng.choice("abcd"), result, rng.randint(1, 4), corrects, movement)

    return [one() for _ in range(rng.randint(2, 12))]


def test_a_thousand_random_streams_end_in_one_view_each_in_any_order() -> None:
    rng = random.Random(2026)
    streams = [stream(rng) for _ in range(1_000)]
    expected = views_after(streams)
    assert sum(map(bool, expected)) > 700, "most streams must end in something"
    for _ in range(5):
        again = []
        for events in streams:
            more = [*events, *rng.sample(events, rng.randint(0, len(events)))]  # duplicates
            rng.shuffle(more)
            again.append(more)
        for found, wanted, events in zip(views_after(again), expected, streams, strict=True):
            assert found == wanted, events


def test_a_real_ledger_keeps_one_view_in_every_order(ledger: Ledger) -> None:
    """With its stamps, its duplicates refused, and outcomes that come before their movement."""
    rng = random.Random(7)
    orders = [rng.sample(SEVEN[:6], 6) for _ in range(40)]
    for number, order in enumerate(orders):
        for payload in order * 2:
            ledger.append([named(payload, f"m{number}")])
    rows = view_of(load_timeline(ledger, available_before=FAR))
    assert [row[1:] for row in rows] == [(20.0, ("withdrawn", 9, None))] * len(orders)
    assert ledger.last_position() == 6 * len(orders)


def named(payload: Any, movement: str) -> Event:
    """An event about another movement; its place in SEVEN is its message id."""
    event_id = f"{movement}:{SEVEN.index(payload)}"
    return Event(source="api", event_id=event_id, occurred_at=0, payload=about(payload, movement))


def test_the_view_without_corrections_depends_on_their_being_read() -> None:
    """The negative control: leave the correction out, and another outcome stands."""
    assert views_after([LIVES[:5]]) == [[("m", 20.0, ("negative", 9, None))]]
