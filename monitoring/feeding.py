"""What came of one kind in a period, from the timeline: the input of ``statistics.feeds``."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.ledger import MovementDeclared
from features.timeline import Timeline
from monitoring.periods import Period
from monitoring.scored import movements_between
from monitoring.statistics.feeds import Delay, Feeds, silent_days, silent_places

PLACE = {"vehicle": "route_id", "vessel": "port", "shipment": "office"}
"""The field that says where movements of a kind are examined."""
DAYS_BEFORE = 90
_HOME = "GB"
"""How the ports begin at which this agency examines (UN/LOCODE); of a route, the end at home."""


def feeds_of(timeline: Timeline, kind: str, period: Period) -> Feeds:
    """As far as the period has passed when the timeline ends."""
    end = min(period.end, timeline.available_before)
    earliest = period.start - DAYS_BEFORE * MICROS_PER_DAY
    now = movements_between(timeline, kind, period.start, end)
    before = movements_between(timeline, kind, earliest, period.start)
    known_at, known_before = (part["available_at"].to_numpy(np.int64) for part in (now, before))
    results = _results(timeline, kind)
    known = results["available_at"]
    received = results["place"][(known >= period.start) & (known < end)]
    received_before = results["place"][(known >= earliest) & (known < period.start)]
    compared = 0
    if len(known_before):
        compared = period.start // MICROS_PER_DAY - int(known_before.min()) // MICROS_PER_DAY
    return Feeds(
        days=-(-(end - period.start) // MICROS_PER_DAY),
        silent_days=silent_days(known_at, known_before, period.start, end),
        compared_days=compared,
        silent_places=silent_places(
            received, received_before, (end - period.start) / MICROS_PER_DAY, max(compared, 1)
        ),
        places=received_before.nunique(),
        delay=Delay.of(_first_declared_at(timeline, now), known_at),
        delay_before=Delay.of(_first_declared_at(timeline, before), known_before),
    )


def _first_declared_at(timeline: Timeline, movements: pd.DataFrame) -> NDArray[np.int64]:
    """Of the version that was heard first: a later one is declared after the movement was known."""
    first = timeline.first_declared(movements)
    return np.array([payload.declared_at for payload in first], dtype=np.int64)


def _results(timeline: Timeline, kind: str) -> pd.DataFrame:
    """``available_at`` and ``place`` of every result of the kind; without those of no place."""
    outcomes = timeline.outcomes[timeline.outcomes["kind"] == kind]
    movements = timeline.of_kind(kind).set_index("movement")["payload"]
    payloads = movements.reindex(outcomes["movement"])
    places = [place_of(payload, kind) for payload in payloads]
    known = outcomes["available_at"].to_numpy(np.int64)
    return pd.DataFrame({"available_at": known, "place": places}).dropna()


def place_of(declared: MovementDeclared, kind: str) -> str | None:
    """Where the movement is examined, if it is; None when it does not say.

    >>> lorry = MovementDeclared(
    ...     kind="vehicle", movement="m", declared_at=0, fields={"route_id": "FRCQF-GBDVR"}
    ... )
    >>> place_of(lorry, "vehicle")
    'GBDVR'
    """
    given = declared.fields.get(PLACE[kind])
    if given is None:
        return None
    return next((end for end in str(given).split("-") if end.startswith(_HOME)), str(given))
