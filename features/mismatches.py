"""Features that compare what a movement says with what it says elsewhere, or fails to say."""

import re
from functools import cache
from math import nan

from features.columns import text_of
from features.descriptions import is_vague
from features.ledger.events import MovementDeclared
from features.records import REQUIRED

UNREGISTERED = "unregistered:"
NUMBER = "_eori"
"""How the name of the field with a party's registration number ends."""


def route_changed(movement: MovementDeclared) -> float:
    """The route taken or checked in for is not the planned one."""
    planned = text_of(movement, "route_id")
    if planned is None:
        return nan
    taken = text_of(movement, "actual_route_id") or text_of(movement, "checked_in_route_id")
    return _differ(planned, taken)


def origin_differs(movement: MovementDeclared) -> float:
    """Country of dispatch is not the country of origin."""
    return _differ(text_of(movement, "origin_country"), text_of(movement, "dispatch_country"))


def ais_destination_differs(movement: MovementDeclared) -> float:
    """The transponder names another port than the one declared."""
    keyed = _port_named_in(text_of(movement, "ais_destination"))
    return _differ(text_of(movement, "port"), keyed)


def mmsi_of_another_flag(movement: MovementDeclared) -> float:
    """The MMSI was given by another country than the flag."""
    if "mmsi" in movement.entities and "flag" in movement.fields:
        return "flag_disagrees:mmsi" in movement.flags
    return nan


def seal_missing(movement: MovementDeclared) -> float:
    """Declared to have no seal."""
    seals = movement.references.get("seals")
    return nan if seals is None else not seals


def vague_description(movement: MovementDeclared) -> float:
    """A description of goods does not say what they are."""
    details = movement.details
    if not details:
        return nan
    said = [item.get("description") for item in details.get("items", ())]
    said.append(details.get("goods_description"))
    found = [is_vague(text) for text in said if text is not None]
    return any(found) if found else nan


def unregistered_parties(movement: MovementDeclared) -> float:
    """Parties without a registration number that were named or are required.

    A required party counts although it is not named, or leaving its name out would pay.
    """
    without = required_parties(movement.kind).difference(movement.entities)
    if not movement.flags:
        return len(without)
    named = [
        f"{flag.removeprefix(UNREGISTERED)}{NUMBER}"
        for flag in movement.flags
        if flag.startswith(UNREGISTERED)
    ]
    return len(without.union(named))


@cache
def required_parties(kind: str) -> frozenset[str]:
    """Fields of the registration numbers of those parties of a kind that are required."""
    fields = (field for required in REQUIRED[kind] for field in required.fields)
    return frozenset(field for field in fields if field.endswith(NUMBER))


def _differ(one: str | None, other: str | None) -> float:
    """1 where two texts differ, 0 where they do not, NaN where one is missing."""
    return nan if one is None or other is None else one != other


def _port_named_in(destination: str | None) -> str | None:
    """
    >>> _port_named_in("NL RTM > GB FXT"), _port_named_in("FELIXSTOWE"), _port_named_in("GBFXT")
    ('GBFXT', None, 'GBFXT')
    """
    if destination is None:
        return None
    last = re.sub(r"[^A-Z0-9>]", "", destination.upper()).rpartition(">")[2]
    return last if re.fullmatch(r"[A-Z]{2}[A-Z2-9]{3}", last) else None
