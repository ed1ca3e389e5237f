"""Gradual change: traffic mix, prices, seasons, honest and smugglers' habits, and what signs mean.

Every amount is for a year, in proportion to the time since the start, and goes on after it.
"""

from collections.abc import Mapping

import numpy as np

from features.simulate.codes import Floats
from features.simulate.goods import GOODS
from features.simulate.parameters import DriftParameters
from features.simulate.signs import SIGNS
from features.simulate.sites import SITES, site_of_lane
from features.simulate.world import HONEST, Lanes

DAYS_PER_YEAR = 365.0
SIGN_FACTORS_IN_A_YEAR: Mapping[str, Mapping[str, float]] = {
    "vehicle": {
        "late_booking": 0.2, "very_late_booking": 0.2, "cash": 0.3, "odd_value": 0.5,
        "much_amended": 2.5, "route_appeal": 0.5, "goods_appeal": 1.6, "empty": 0.2,
    },
    "vessel": {
        "silent": 0.4, "met_another": 1.6, "reflagged": 0.4, "short_notice": 2.0,
        "flag_appeal": 0.3, "port_appeal": 1.4, "loitered": 1.5,
    },
    "shipment": {
        "odd_value": 0.4, "round_mass": 3.0, "via_hub": 3.0, "parcel": 3.0, "young_consignee": 0.5,
        "goods_appeal": 0.8,
    },
}  # fmt: skip
"""Of its log-odds at the start; a sign that is not named keeps them."""


class LaneDrift:
    """How the lanes of one kind change; works on the lanes themselves."""

    def __init__(
        self, rng: np.random.Generator, kind: str, lanes: Lanes, parameters: DriftParameters
    ) -> None:
        self._lanes = lanes
        goods_trend = rng.normal(0.0, parameters.goods_log_spread, len(GOODS) + 1)
        goods_price = rng.normal(0.0, parameters.price_log_spread, len(GOODS) + 1)
        site_trend = rng.normal(0.0, parameters.site_log_spread, len(SITES[kind]))
        goods = lanes.columns.get("goods", np.full(lanes.network.size, len(GOODS)))
        self._rate_trend: Floats = goods_trend[goods] + site_trend[site_of_lane(kind, lanes)]
        self._price_trend: Floats = parameters.price_log_change + goods_price[goods]
        self._rates = lanes.movements_per_day.copy()
        self._prices = lanes.price_factor.copy()
        self._log_odds = {
            name: np.log(values / (1.0 - values)) for name, values in _inner(lanes).items()
        }
        self._habit_trend = {
            name: np.where(
                lanes.network == HONEST,
                parameters.honest_habit_log_odds[name],
                parameters.front_habit_log_odds[name],
            )
            for name in self._log_odds
        }

    def arrive(self, day: int) -> None:
        years = day / DAYS_PER_YEAR
        self._lanes.movements_per_day[:] = self._rates * np.exp(years * self._rate_trend)
        self._lanes.price_factor[:] = self._prices * np.exp(years * self._price_trend)
        for name, log_odds in self._log_odds.items():
            moved = log_odds + years * self._habit_trend[name]
            getattr(self._lanes.habits, name)[:] = 1.0 / (1.0 + np.exp(-moved))


def _inner(lanes: Lanes) -> dict[str, Floats]:
    """Habits kept off 0 and 1, where log-odds end."""
    return {name: np.clip(of, 1e-6, 1.0 - 1e-6) for name, of in vars(lanes.habits).items()}


def drifted_log_odds(kind: str, day: int) -> Mapping[str, float]:
    """Of every sign, that many days after the start."""
    years = day / DAYS_PER_YEAR
    factors = SIGN_FACTORS_IN_A_YEAR[kind]
    return {
        name: sign.log_odds * (1.0 + years * (factors.get(name, 1.0) - 1.0))
        for name, sign in SIGNS[kind].items()
    }


def season_delay_days(parameters: DriftParameters, day: int) -> int:
    return round(parameters.season_delay_days * day / DAYS_PER_YEAR)


def drifted_volume(parameters: DriftParameters, kind: str, day: int) -> float:
    """A factor on the movements of the kind."""
    return float(np.exp(parameters.volume_log_change[kind] * day / DAYS_PER_YEAR))
