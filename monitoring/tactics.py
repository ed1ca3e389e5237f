"""What can rise or fall at a border, as columns: routes, goods, ways of carriage, threats.

No record says how goods were concealed, so no trend of concealment can be shown.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.ledger import MovementDeclared
from features.timeline import Timeline
from monitoring.scored import LABELS
from monitoring.statistics.trends import Windows, trends

Fields = Mapping[str, str]

ATTRIBUTES: Mapping[str, Fields] = {
    "vehicle": {
        "route": "route_id",
        "goods": "commodity_code",
        "carriage": "traffic_mode",
        "ferry operator": "operator",
        "registered in": "vehicle_country",
    },
    "vessel": {
        "port": "port",
        "last port": "last_port",
        "flag": "flag",
        "craft": "craft",
        "ship type": "ship_type",
    },
    "shipment": {
        "goods": "commodity_code",
        "origin": "origin_country",
        "dispatch": "dispatch_country",
        "carriage": "mode_at_border",
        "office": "office",
    },
}
"""Name in words to the declared field, by kind."""
PAIRS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "vehicle": (("route", "goods"), ("route", "registered in"), ("goods", "registered in")),
    "vessel": (("last port", "port"), ("flag", "last port"), ("craft", "last port")),
    "shipment": (("goods", "origin"), ("goods", "dispatch"), ("dispatch", "carriage")),
}
GOODS_DIGITS = 2
"""Goods are told apart by chapter: whole codes are too many to have examinations each."""


def combinations(kind: str) -> tuple[tuple[str, ...], ...]:
    """Each attribute by itself, then the pairs."""
    return (*((name,) for name in ATTRIBUTES[kind]), *PAIRS[kind])


def in_words(what: str, value: str) -> str:
    """
    >>> in_words("route and threat", "FRCQF + cash")
    'route FRCQF, threat cash'
    """
    pairs = zip(what.split(" and "), value.split(" + "), strict=True)
    return ", ".join(f"{name} {one}" for name, one in pairs)


def trends_of(timeline: Timeline, kind: str, windows: Windows) -> pd.DataFrame:
    """As from ``statistics.trends.trends``, of what the timeline knows."""
    frame = movements_and_results(timeline.of_kind(kind), timeline.outcomes, kind)
    return trends(frame, windows, combinations(kind))


def movements_and_results(
    movements: pd.DataFrame, outcomes: pd.DataFrame, kind: str
) -> pd.DataFrame:
    """One row per movement.

    Args:
        movements: as ``Timeline.of_kind(kind)``.
        outcomes: as ``Timeline.outcomes``.

    Returns:
        ``available_at`` (microseconds), one category column per attribute of the kind (missing
        where it was not declared), ``label`` (1.0 found, 0.0 nothing found, NaN neither) and
        ``threat`` (category, missing without a find or where none was named).
    """
    payloads: Sequence[MovementDeclared] = list(movements["payload"])
    known = outcomes.loc[outcomes["kind"] == kind, ["movement", "outcome", "threat"]]
    of_each = known.set_index("movement").reindex(movements["movement"])
    label = of_each["outcome"].map(LABELS).to_numpy(np.float64)
    columns = {
        name: pd.Categorical(_declared(payloads, field)) for name, field in ATTRIBUTES[kind].items()
    }
    found = zip(of_each["threat"], label == 1.0, strict=True)
    threats = [
        threat.replace("_", " ") if hit and isinstance(threat, str) else None
        for threat, hit in found
    ]
    columns = {
        name: pd.Categorical(_declared(payloads, field)) for name, field in ATTRIBUTES[kind].items()
    }
    found = zip(of_each["threat"], label == 1.0, strict=True)
    threats = [str(threat).replace("_", " ") if hit and threat else None for threat, hit in found]
    return pd.DataFrame(
        {
            "available_at": movements["available_at"].to_numpy(np.int64),
            **columns,
            "label": label,
            "threat": pd.Categorical(threats),
        }
    )


def _declared(payloads: Sequence[MovementDeclared], field: str) -> list[str | None]:
    digits = GOODS_DIGITS if field == "commodity_code" else None
    found = (payload.fields.get(field) for payload in payloads)
    return [None if value is None else str(value)[:digits] for value in found]
