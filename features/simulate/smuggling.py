"""The truth about each movement: how likely it carries something, whether it does, and what."""

from dataclasses import dataclass

import numpy as np

from features.simulate.codes import Bools, Floats, Ints
from features.simulate.goods import GOODS
from features.simulate.networks import NETWORKS, THREATS
from features.simulate.parameters import FULL_SENSITIVITY, SmugglingParameters
from features.simulate.signs import log_odds_of
from features.simulate.traffic import Traffic
from features.simulate.world import HONEST, NOBODY, Lanes

OPPORTUNIST_THREATS = {  # shares in the order of THREATS
    "vehicle": (0.08, 0.14, 0.40, 0.01, 0.10, 0.17, 0.02, 0.05, 0.02, 0.01),
    "vessel": (0.20, 0.12, 0.22, 0.02, 0.08, 0.28, 0.03, 0.02, 0.01, 0.02),
    "shipment": (0.04, 0.14, 0.10, 0.02, 0.01, 0.00, 0.02, 0.30, 0.34, 0.03),
}
EXCISE_CHAPTERS = ("22", "24")
EXCISE_TOBACCO_SHARE = 0.6
"""Of opportunists with goods of those chapters: tobacco_alcohol whatever else it would be."""


@dataclass(frozen=True)
class Truth:
    """One value a movement; leaves the simulation only under ``truth/``."""

    probability_of_find: Floats
    """If examined in full."""
    is_smuggling: Bools
    network: Ints
    threat: Ints
    """Number in ``THREATS``; of those that smuggle, else ``NOBODY``."""


def judge(
    rng: np.random.Generator, lanes: Lanes, traffic: Traffic, parameters: SmugglingParameters
) -> Truth:
    lane = traffic.lane
    network = lanes.network[lane]
    of_network = network != HONEST
    signs = log_odds_of(traffic.kind, traffic.facts)
    base = parameters.opportunist_log_odds[traffic.kind]
    honest = base + signs + np.where(lanes.nuisance[lane], parameters.nuisance_log_odds, 0.0)
    run_share = np.where(of_network, np.nan_to_num(lanes.run_share[lane], nan=0.5), 0.5)
    # Signs of a front are taken about their own mean, so that run_share stays its average level.
    mean = float(signs[of_network].mean()) if of_network.any() else 0.0
    front = np.log(run_share / (1 - run_share)) + parameters.network_sign_weight * (signs - mean)
    chance = 1.0 / (1.0 + np.exp(-np.where(of_network, front, honest)))
    smuggles = rng.random(lane.size) < chance
    threat = np.where(
        of_network,
        _network_threat(rng, network, parameters),
        _opportunist_threat(rng, traffic),
    )
    return Truth(
        probability_of_find=chance * FULL_SENSITIVITY,
        is_smuggling=smuggles,
        network=network,
        threat=np.where(smuggles, threat, NOBODY),
    )


def _network_threat(
    rng: np.random.Generator, network: Ints, parameters: SmugglingParameters
) -> Ints:
    first = np.array([THREATS.index(of.threat) for of in NETWORKS])[network]
    second = np.array([THREATS.index(of.second_threat) for of in NETWORKS])[network]
    return np.where(rng.random(network.size) < parameters.favoured_threat_share, first, second)


def _opportunist_threat(rng: np.random.Generator, traffic: Traffic) -> Ints:
    n = traffic.lane.size
    threat = rng.choice(len(THREATS), size=n, p=OPPORTUNIST_THREATS[traffic.kind])
    excise = np.array([goods.code[:2] in EXCISE_CHAPTERS for goods in GOODS] + [False])
    covered = excise[traffic.goods] & (rng.random(n) < EXCISE_TOBACCO_SHARE)
    return np.where(covered, THREATS.index("tobacco_alcohol"), threat).astype(np.int64)
