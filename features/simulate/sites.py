"""Where movements are examined, and how many of them a site plans for."""

from collections.abc import Mapping

import numpy as np

from features.simulate.carriage import LORRY_OF_SHIPMENT, comes_from_abroad
from features.simulate.codes import Floats, Ints
from features.simulate.places import BERTHS, ROUTES
from features.simulate.shipments import OFFICE_CODES
from features.simulate.vehicle_traffic import HOME_PORTS
from features.simulate.world import Lanes

SITES: Mapping[str, tuple[str, ...]] = {
    "vehicle": HOME_PORTS,
    "vessel": tuple(berth.port for berth in BERTHS),
    "shipment": OFFICE_CODES,
}
"""UN/LOCODE by the numbers in ``Traffic.site``; ports of vehicles and vessels, offices."""
_OFFICE_OF_ROUTE: Ints = np.array([OFFICE_CODES.index(route.home) for route in ROUTES])
_PORT_OF_ROUTE: Ints = np.array([HOME_PORTS.index(route.home) for route in ROUTES])


def planned_per_day(
    kind: str, lanes: Lanes, day: int, movements_per_day: float, lorry_lanes: Lanes
) -> Floats:
    """float64[sites]: what each site expects from the trade that goes on at that day.

    RoRo shipments are expected where the lorries of their mode land, which carry them. A planning
    figure: weekdays, seasons and chance are left out.
    """
    rates, site, sites = _rates(lanes, day), site_of_lane(kind, lanes), len(SITES[kind])
    if kind != "shipment":
        per_site = np.bincount(site, rates, minlength=sites)
    else:
        by_lorry = np.isin(lanes.columns["mode"], list(LORRY_OF_SHIPMENT))
        per_site = np.bincount(site, rates * ~by_lorry, minlength=sites)
        for mode, lorry_mode in LORRY_OF_SHIPMENT.items():
            expected = rates[lanes.columns["mode"] == mode].sum()
            per_site += expected * _landing(lorry_lanes, lorry_mode, day)
    planned: Floats = per_site * (movements_per_day / per_site.sum())
    return planned


def _rates(lanes: Lanes, day: int) -> Floats:
    trading = (lanes.from_day <= day) & (day < lanes.until_day)
    return np.where(trading, lanes.movements_per_day, 0.0)


def _landing(lanes: Lanes, mode: int, day: int) -> Floats:
    """float64[offices]: the share of the mode's lorries from abroad that each office sees."""
    comes = (lanes.columns["mode"] == mode) & comes_from_abroad(lanes.columns)
    per_office = np.bincount(
        _OFFICE_OF_ROUTE[lanes.columns["route"]],
        _rates(lanes, day) * comes,
        minlength=len(OFFICE_CODES),
    )
    share: Floats = per_office / per_office.sum()
    return share


def site_of_lane(kind: str, lanes: Lanes) -> Ints:
    if kind == "vehicle":
        return _PORT_OF_ROUTE[lanes.columns["route"]]
    return lanes.columns["port" if kind == "vessel" else "office"]
