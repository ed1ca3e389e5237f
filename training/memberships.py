"""Which groups a movement belongs to, when a model is judged by group.

What is declared of route and flag, and how large and how old its operator is in our own history;
never anything of a person.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.ledger.events import MovementDeclared

Floats = NDArray[np.float64]
NOT_DECLARED = "not declared"


class _Declared(NamedTuple):
    what: str
    field: str
    of: Callable[[str], str] = str


class _Counted(NamedTuple):
    what: str
    column: str
    bounds: tuple[float, ...]
    """Rising; each begins a group."""
    names: tuple[str, ...]
    """One for NaN, one below the first bound, one from each bound."""


def _country(locode: str) -> str:
    return locode[:2]


def _size(column: str) -> _Counted:
    names = (
        NOT_DECLARED,
        "never seen before",
        "1 to 9 movements",
        "10 to 99 movements",
        "100 or more",
    )
    return _Counted("operator size", f"{column}.movements", (1, 10, 100), names)


def _age(column: str) -> _Counted:
    names = ("never seen before", "known for less than 30 days", "for 30 to 180 days", "for longer")
    return _Counted("operator age", f"{column}.days_since_first_movement", (30, 180), names)


GROUPS: Mapping[str, tuple[_Declared | _Counted, ...]] = {
    "vehicle": (
        _Declared("route", "route_id"),
        _Declared("country of departure", "route_id", _country),
        _Declared("vehicle country", "vehicle_country"),
        _size("haulier"),
        _age("haulier"),
    ),
    "vessel": (
        _Declared("flag", "flag"),
        _Declared("port", "port"),
        _Declared("country of the last port", "last_port", _country),
        _size("operator"),
        _age("operator"),
    ),
    "shipment": (
        _Declared("office", "office"),
        _Declared("country of origin", "origin_country"),
        _size("consignee"),
        _age("consignee"),
    ),
}


def memberships(
    movements: Sequence[MovementDeclared], rows: Floats, catalogue: Catalogue
) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """Each group, such as ``("flag", "PA")``, to bool[n]: who is in it. In the order of names.

    Args:
        rows: float64[n, F] of the catalogue, as of each movement.
    """
    found: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for group in GROUPS[catalogue.kind]:
        if isinstance(group, _Declared):
            names = np.array([_declared(movement, group) for movement in movements], dtype=object)
        elif group.column in catalogue.names:
            names = _counted(rows[:, catalogue.names.index(group.column)], group)
        else:
            continue
        for name in sorted(set(names)):
            found[group.what, name] = names == name
    return found


def _declared(movement: MovementDeclared, group: _Declared) -> str:
    value = movement.fields.get(group.field)
    return NOT_DECLARED if value is None else group.of(str(value))


def _counted(values: Floats, group: _Counted) -> NDArray[np.object_]:
    place = np.where(np.isnan(values), 0, 1 + np.searchsorted(group.bounds, values, side="right"))
    return np.array(group.names, dtype=object)[place.astype(np.intp)]
