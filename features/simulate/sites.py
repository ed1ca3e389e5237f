"""Where movements are examined, and how many of them a site plans for."""

from collections.abc import Mapping

import numpy as np

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
_PORT_OF_ROUTE: Ints = np.array([HOME_PORTS.index(route.home) for route in ROUTES])


def planned_per_day(kind: str, lanes: Lanes, day: int, movements_per_day: float) -> Floats:
    """float64[sites]: what each site expects from the trade that goes on at that day.

    A planning figure: weekdays, seasons and chance are left out.
    """
    trading = (lanes.from_day <= day) & (day < lanes.until_day)
    rates = np.where(trading, lanes.movements_per_day, 0.0)
    per_site = np.bincount(site_of_lane(kind, lanes), rates, minlength=len(SITES[kind]))
    planned: Floats = per_site * (movements_per_day / per_site.sum())
    return planned


def site_of_lane(kind: str, lanes: Lanes) -> Ints:
    if kind == "vehicle":
        return _PORT_OF_ROUTE[lanes.columns["route"]]
    return lanes.columns["port" if kind == "vessel" else "office"]
