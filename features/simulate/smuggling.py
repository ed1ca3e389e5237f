"""The truth about each movement: how likely it carries something, whether it does, and what."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.simulate.codes import Bools, Floats, Ints
from features.simulate.goods import GOODS
from features.simulate.networks import NETWORKS, THREATS
from features.simulate.parameters import FULL_SENSITIVITY, SmugglingParameters
from features.simulate.sensitivity import RANDOM_SENSITIVITY
from features.simulate.signs import log_odds_of
from features.simulate.traffic import Traffic
from features.simulate.world import HONEST, NOBODY, Lanes

OPPORTUNIST_THREATS = {  # shares in the order of THREATS
    "vehicle": (0.08, 0.14, 0.40, 0.01, 0.10, 0.17, 0.02, 0.05, 0.02, 0.01),
    "vessel": (0.20, 0.12, 0.22, 0.02, 0.08, 0.28, 0.03, 0.02, 0.01, 0.02),
    "shipment": (0.04, 0.14, 0.10, 0.02, 0.01, 0.00, 0.02, 0.30, 0.34, 0.03),
}
TOBACCO = THREATS.index("tobacco_alcohol")
EXCISE_CHAPTERS = ("22", "24")
EXCISE_TOBACCO_SHARE = 0.6
"""Of opportunists with goods of those chapters: tobacco_alcohol whatever else it would be."""


@dataclass(frozen=True)
class Truth:
    """One value a movement; leaves the simulation only under ``truth/``."""

    probability_of_find: Floats
    """If examined in full."""
    probability_at_random_depth: Floats
    """Of a find, if examined as thoroughly as the random examinations are."""
    is_smuggling: Bools
    network: Ints
    threat: Ints
    """Number in ``THREATS``; of those that smuggle, else ``NOBODY``."""
    concealment: Ints
    """Number in ``CONCEALMENTS``, likewise."""


def judge(
    rng: np.random.Generator,
    lanes: Lanes,
    traffic: Traffic,
    parameters: SmugglingParameters,
    log_odds: Mapping[str, float],
) -> Truth:
    """``log_odds`` is what each sign weighs at the time; how it is concealed is said by others
    (``concealment.py``)."""
    lane = traffic.lane
    network = lanes.network[lane]
    of_network = network != HONEST
    signs = log_odds_of(log_odds, traffic.facts)
    base = parameters.opportunist_log_odds[traffic.kind]
    honest = base + signs + np.where(lanes.nuisance[lane], parameters.nuisance_log_odds, 0.0)
    run_share = np.where(of_network, np.nan_to_num(lanes.run_share[lane], nan=0.5), 0.5)
    # Signs of a front are taken about their own mean, so that run_share stays its average level.
    mean = float(signs[of_network].mean()) if of_network.any() else 0.0
    front = np.log(run_share / (1 - run_share)) + parameters.network_sign_weight * (signs - mean)
    chance = 1.0 / (1.0 + np.exp(-np.where(of_network, front, honest)))
    smuggles = rng.random(lane.size) < chance
    excise = _has_excise_goods(traffic)
    threat = np.where(
        of_network,
        _network_threat(rng, network, parameters),
        _opportunist_threat(rng, traffic.kind, excise),
    )
    sensitivity = np.where(
        of_network,
        _network_sensitivity(parameters)[network],
        _opportunist_sensitivity(traffic.kind)[excise.astype(np.int64)],
    )
    return Truth(
        probability_of_find=chance * FULL_SENSITIVITY,
        probability_at_random_depth=chance * sensitivity,
        is_smuggling=smuggles,
        network=network,
        threat=np.where(smuggles, threat, NOBODY),
        concealment=np.full(lane.size, NOBODY),
    )


FIRST_THREATS: Ints = np.array([THREATS.index(of.threat) for of in NETWORKS])
SECOND_THREATS: Ints = np.array([THREATS.index(of.second_threat) for of in NETWORKS])


def _network_threat(
    rng: np.random.Generator, network: Ints, parameters: SmugglingParameters
) -> Ints:
    favoured = rng.random(network.size) < parameters.favoured_threat_share
    return np.where(favoured, FIRST_THREATS[network], SECOND_THREATS[network])


def _network_sensitivity(parameters: SmugglingParameters) -> Floats:
    """float64[networks], at random depth, over the threats that each brings."""
    first = parameters.favoured_threat_share
    sensitivity: Floats = (
        first * RANDOM_SENSITIVITY[FIRST_THREATS] + (1 - first) * RANDOM_SENSITIVITY[SECOND_THREATS]
    )
    return sensitivity


def _has_excise_goods(traffic: Traffic) -> Bools:
    excise = np.array([goods.code[:2] in EXCISE_CHAPTERS for goods in GOODS] + [False])
    of_movement: Bools = excise[traffic.goods]
    return of_movement


def _opportunist_threat(rng: np.random.Generator, kind: str, excise: Bools) -> Ints:
    n = excise.size
    threat = rng.choice(len(THREATS), size=n, p=OPPORTUNIST_THREATS[kind])
    covered = excise & (rng.random(n) < EXCISE_TOBACCO_SHARE)
    return np.where(covered, TOBACCO, threat).astype(np.int64)


def _opportunist_sensitivity(kind: str) -> Floats:
    """float64[2], at random depth: of movements without and with excise goods."""
    usual = float(np.array(OPPORTUNIST_THREATS[kind]) @ RANDOM_SENSITIVITY)
    tobacco = float(RANDOM_SENSITIVITY[TOBACCO])
    return np.array([usual, EXCISE_TOBACCO_SHARE * tobacco + (1 - EXCISE_TOBACCO_SHARE) * usual])
