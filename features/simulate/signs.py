"""What each fact about a movement does: to the true risk, and to the regime's points.

The two columns differ on purpose: the regime holds some signs for stronger than they are (cash,
old ships, night), misses others (a hub on the way, a round mass), and is fooled by honest
newcomers that look the same.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from features.simulate.codes import Floats


class Sign(NamedTuple):
    log_odds: float
    """Added to the true log-odds of smuggling, times the fact."""
    points: float
    """Added to the regime's score, times the fact."""


SIGNS: Mapping[str, Mapping[str, Sign]] = {
    "vehicle": {
        "late_booking": Sign(0.35, 1.0),
        "very_late_booking": Sign(0.35, 1.0),
        "much_amended": Sign(0.30, 0.5),
        "night": Sign(0.25, 0.7),
        "cash": Sign(0.50, 1.5),
        "odd_value": Sign(0.80, 1.0),
        "young_haulier": Sign(0.40, 1.0),
        "young_consignee": Sign(0.50, 1.3),
        "route_appeal": Sign(0.80, 1.0),
        "goods_appeal": Sign(0.80, 0.8),
        "empty": Sign(-0.80, 0.2),
        "tourist": Sign(-0.30, -0.3),
    },
    "vessel": {
        "silent": Sign(0.90, 1.5),
        "loitered": Sign(0.60, 1.0),
        "met_another": Sign(0.80, 1.0),
        "reflagged": Sign(0.50, 1.0),
        "night": Sign(0.25, 0.7),
        "short_notice": Sign(0.40, 0.7),
        "young_operator": Sign(0.50, 1.6),
        "old_ship": Sign(0.10, 1.0),
        "flag_appeal": Sign(0.60, 1.5),
        "port_appeal": Sign(0.80, 1.0),
    },
    "shipment": {
        "odd_value": Sign(0.90, 1.5),
        "round_mass": Sign(0.30, 0.0),
        "via_hub": Sign(0.40, 0.3),
        "parcel": Sign(0.20, 0.5),
        "goods_appeal": Sign(0.90, 1.2),
        "young_consignee": Sign(0.60, 1.8),
        "night": Sign(0.10, 0.5),
        "short_notice": Sign(0.40, 0.8),
    },
}


def usual_log_odds(kind: str) -> Mapping[str, float]:
    """Of every sign, where nothing drifts."""
    return {name: sign.log_odds for name, sign in SIGNS[kind].items()}


def log_odds_of(log_odds: Mapping[str, float], facts: Mapping[str, Floats]) -> Floats:
    """float64[n]."""
    total: Floats = np.sum([weight * facts[name] for name, weight in log_odds.items()], 0)
    return total


def points_of(kind: str, facts: Mapping[str, Floats]) -> Floats:
    """float64[n]."""
    total: Floats = np.sum([sign.points * facts[name] for name, sign in SIGNS[kind].items()], 0)
    return total
