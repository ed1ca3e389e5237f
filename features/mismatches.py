"""Features that compare what a movement says with what it says elsewhere, or fails to say."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from features.columns import Columns, Floats
from features.descriptions import is_vague
from features.ledger.events import MovementDeclared
from features.records import REQUIRED

UNREGISTERED = "unregistered:"
NUMBER = "_eori"
"""How the name of the field with a party's registration number ends."""


def route_changed(columns: Columns) -> Floats:
    """The route taken or checked in for is not the planned one."""
    taken = zip(columns.texts("actual_route_id"), columns.texts("checked_in_route_id"), strict=True)
    return _differ(columns.texts("route_id"), [actual or checked for actual, checked in taken])


def origin_differs(columns: Columns) -> Floats:
    """Country of dispatch is not the country of origin."""
    return _differ(columns.texts("origin_country"), columns.texts("dispatch_country"))


def ais_destination_differs(columns: Columns) -> Floats:
    """The transponder names another port than the one declared."""
    keyed = [_port_named_in(text) for text in columns.texts("ais_destination")]
    return _differ(columns.texts("port"), keyed)


def mmsi_of_another_flag(columns: Columns) -> Floats:
    """The MMSI was given by another country than the flag."""
    return np.array(
        [
            "flag_disagrees:mmsi" in m.flags
            if "mmsi" in m.entities and "flag" in m.fields
            else float("nan")
            for m in columns.movements
        ],
        dtype=np.float64,
    )


def seal_missing(columns: Columns) -> Floats:
    """Declared to have no seal."""
    seals = [m.references.get("seals") for m in columns.movements]
    return np.array([float("nan") if s is None else not s for s in seals], dtype=np.float64)


def vague_description(columns: Columns) -> Floats:
    """A description of goods does not say what they are."""
    return np.array([_is_vague(m.details) for m in columns.movements], dtype=np.float64)


def unregistered_parties(columns: Columns) -> Floats:
    """Parties without a registration number that were named or are required."""
    return np.array([len(_unregistered(m)) for m in columns.movements], dtype=np.float64)


def _unregistered(movement: MovementDeclared) -> set[str]:
    """A required party counts although it is not named, or leaving its name out would pay."""
    named = {
        f"{flag.removeprefix(UNREGISTERED)}{NUMBER}"
        for flag in movement.flags
        if flag.startswith(UNREGISTERED)
    }
    return named.union(_required_parties(movement.kind).difference(movement.entities))


@cache
def _required_parties(kind: str) -> frozenset[str]:
    fields = (field for required in REQUIRED[kind] for field in required.fields)
    return frozenset(field for field in fields if field.endswith(NUMBER))


def _differ(some: list[str | None], others: list[str | None]) -> Floats:
    """1 where two texts differ, 0 where they do not, NaN where one is missing."""
    return np.array(
        [
            float("nan") if a is None or b is None else a != b
            for a, b in zip(some, others, strict=True)
        ],
        dtype=np.float64,
    )


def _port_named_in(destination: str | None) -> str | None:
    """
    >>> _port_named_in("NL RTM > GB FXT"), _port_named_in("FELIXSTOWE"), _port_named_in("GBFXT")
    ('GBFXT', None, 'GBFXT')
    """
    last = re.sub(r"[^A-Z0-9>]", "", (destination or "").upper()).rpartition(">")[2]
    return last if re.fullmatch(r"[A-Z]{2}[A-Z2-9]{3}", last) else None


def _is_vague(details: Mapping[str, Any]) -> float:
    items = [item.get("description") for item in details.get("items", ())]
    said = [text for text in (details.get("goods_description"), *items) if text is not None]
    return float(any(map(is_vague, said))) if said else float("nan")
