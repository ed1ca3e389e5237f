"""What can rise or fall at a border, as columns: routes, goods, carriage, threats, concealment.

Threat and concealment are said by finds alone: no movement declares them.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros
from features.ledger import MovementDeclared
from features.timeline import Timeline
from monitoring.companies import companies_of
from monitoring.findings import REFERENCE_DAYS
from monitoring.scored import LABELS
from monitoring.statistics.trends import OF_FINDS, THREAT, Windows, trends

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
WITH_CONCEALMENT: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "vehicle": ((), (THREAT,), ("route",), ("goods",)),
    "vessel": ((), (THREAT,), ("last port",), ("craft",)),
    "shipment": ((), (THREAT,), ("goods",), ("origin",)),
}
"""What is looked at by how it was concealed; not all combinations, since every one that is looked
at makes it harder to tell the others from luck."""
GOODS_DIGITS = 2
"""Goods are told apart by chapter: whole codes are too many to have examinations each."""


def combinations(kind: str) -> tuple[tuple[str, ...], ...]:
    """Each attribute by itself, then the pairs."""
    return (*((name,) for name in ATTRIBUTES[kind]), *PAIRS[kind])


def in_words(what: str, value: str) -> str:
    """
    >>> in_words("route and threat", "FRCQF + cash")
    'route FRCQF, threat cash'
    >>> in_words("carriage", "freight_accompanied")
    'carriage freight accompanied'
    """
    pairs = zip(what.split(" and "), value.split(" + "), strict=True)
    return ", ".join(f"{name} {one.replace('_', ' ')}" for name, one in pairs)


LATELY = timedelta(weeks=16)
"""A tactic that is found twice a month shows over a stretch of months, not in any one of them."""
BEFORE_LATELY = timedelta(days=365)
LEAST_BEFORE = 1.0
"""Times the length of a stretch, has to be known of before it: else everything in it is new."""


def windows_of(start: Micros, end: Micros) -> tuple[Windows, Windows]:
    """The period beside :data:`REFERENCE_DAYS` before, and the longer stretch that it ends."""
    day = MICROS_PER_DAY
    since = end - LATELY.days * day
    return (
        Windows(start - REFERENCE_DAYS * day, start, end),
        Windows(since - BEFORE_LATELY.days * day, since, end),
    )


def trends_of(timeline: Timeline, kind: str, windows: Sequence[Windows]) -> list[pd.DataFrame]:
    """As from ``statistics.trends.trends``, of what the timeline knows, for each of the windows."""
    frame = movements_and_results(timeline.of_kind(kind), timeline.outcomes, kind)
    return [trends_in(frame, kind, each) for each in windows]


def trends_in(frame: pd.DataFrame, kind: str, windows: Windows) -> pd.DataFrame:
    """As from ``statistics.trends.trends``; empty while hardly anything is known of before.

    Args:
        frame: as from :func:`movements_and_results`.
    """
    first = int(frame["available_at"].min()) if len(frame) else windows.start
    known_since = max(windows.before, first // MICROS_PER_DAY * MICROS_PER_DAY)
    if windows.start - known_since < LEAST_BEFORE * (windows.end - windows.start):
        frame = frame.iloc[:0]
    return trends(frame, windows, combinations(kind), WITH_CONCEALMENT[kind])


def movements_and_results(
    movements: pd.DataFrame, outcomes: pd.DataFrame, kind: str
) -> pd.DataFrame:
    """One row per movement.

    Args:
        movements: as ``Timeline.of_kind(kind)``.
        outcomes: as ``Timeline.outcomes``.

    Returns:
        ``available_at`` (microseconds), one category column per attribute of the kind (missing
        where it was not declared), ``label`` (1.0 found, 0.0 nothing found, NaN neither),
        ``threat`` and ``concealment`` (categories, missing without a find or where it does not
        say) and ``case`` (int64: who is behind the movement).
    """
    payloads: Sequence[MovementDeclared] = list(movements["payload"])
    known = outcomes.loc[outcomes["kind"] == kind, ["movement", "outcome", *OF_FINDS]]
    of_each = known.set_index("movement").reindex(movements["movement"])
    label = of_each["outcome"].map(LABELS).to_numpy(np.float64)
    columns = {
        name: pd.Categorical(_declared(payloads, field)) for name, field in ATTRIBUTES[kind].items()
    }
    of_finds = {name: pd.Categorical(_said(of_each[name], label == 1.0)) for name in OF_FINDS}
    return pd.DataFrame(
        {
            "available_at": movements["available_at"].to_numpy(np.int64),
            **columns,
            "label": label,
            **of_finds,
            "case": companies_of(payloads, kind),
        }
    )


def _said(values: pd.Series, found: NDArray[np.bool_]) -> list[str | None]:
    """In words, by finds alone."""
    return [
        value.replace("_", " ") if hit and isinstance(value, str) else None
        for value, hit in zip(values, found, strict=True)
    ]


def _declared(payloads: Sequence[MovementDeclared], field: str) -> list[str | None]:
    digits = GOODS_DIGITS if field == "commodity_code" else None
    found = (payload.fields.get(field) for payload in payloads)
    return [None if value is None else str(value)[:digits] for value in found]
