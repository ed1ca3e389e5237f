"""Vessels and the services they run: merchant ships, fishing vessels, pleasure craft."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.simulate import codes
from features.simulate.codes import Bools, Floats, Ints, Texts
from features.simulate.networks import NETWORKS, Fronts, favoured, front_lanes
from features.simulate.parameters import WorldParameters
from features.simulate.places import BERTHS, FLAGS, LAST_PORTS, SMALL_CRAFT_FLAGS
from features.simulate.traffic import choose
from features.simulate.world import (
    NOBODY,
    Circle,
    Lanes,
    Registry,
    honest_lanes,
    joined,
    pick_names,
    popular,
    steady_windows,
)

COMMERCIAL, FISHING, PLEASURE = 0, 1, 2
CRAFTS = ("commercial", "fishing", "pleasure")
CRAFT_SHARES = (0.58, 0.14, 0.28)
PLEASURE_LANE_SHARE = 0.6
"""Of pleasure craft lanes: the skipper has no operator and no agent."""
SHIP_TYPES = ("70", "71", "79", "80", "60")
"""AIS: cargo, hazardous cargo, other cargo, tanker, passenger."""
SHIP_TYPE_SHARES = (0.52, 0.06, 0.12, 0.22, 0.08)
VESSELS_PER_LANE = 0.6


@dataclass(frozen=True)
class Vessels:
    """The ships and boats, one value each, and the lanes they run on."""

    lanes: Lanes
    craft: Ints
    flags: tuple[str, ...]
    ship_type: Texts
    imo: Texts
    """And after them the same with a mistyped digit."""
    mmsi: Texts
    hull: Texts
    gross_tonnage: Floats
    length_m: Floats
    year_built: Ints
    crew: Ints

    @property
    def size(self) -> int:
        return len(self.flags)


def vessel_lanes(
    rng: np.random.Generator,
    parameters: WorldParameters,
    registry: Registry,
    circle: Circle,
    fronts: Fronts,
    *,
    movements_per_day: float,
    fronts_per_day: float,
    days: int,
) -> Lanes:
    """Column ``vessel`` is the number of the ship; honest ships run more than one lane."""
    mean = parameters.lane_mean_movements_per_day["vessel"]
    active = max(10, round(movements_per_day / mean))
    steady = steady_windows(rng, active, days, parameters.lane_mean_life_days)
    odd_ones = steady_windows(rng, max(2, round(active * parameters.nuisance_share)), days, 200.0)
    operators = max(5, round(active / parameters.lanes_per_organisation["ship_operator"]))
    age = rng.lognormal(np.log(parameters.company_age_median_days), 0.7, operators)
    homes = pick_names(rng, {"GB": 3, "NL": 2, "DE": 1, "GR": 2, "DK": 1, "CY": 1}, operators)
    pool = registry.add(homes, -age.astype(np.int64))
    ships = max(5, round(steady.size * VESSELS_PER_LANE))
    ship_crafts = choose(rng, ships, CRAFT_SHARES)
    ship = rng.integers(0, ships, steady.size)
    usual = _services(rng, circle, ship_crafts[ship], popular(rng, pool, steady.size), ship)
    odd_craft = choose(rng, odd_ones.size, (0.3, 0.3, 0.4))
    newcomers = registry.add(["GB"] * odd_ones.size, odd_ones.from_day)
    odd_ships = ships + np.arange(odd_ones.size, dtype=np.int64)
    odd = _services(rng, circle, odd_craft, newcomers, odd_ships)
    no_mass, no_masses = np.zeros(steady.size), np.zeros(odd_ones.size)
    first_front = ships + odd_ones.size
    return joined(
        [
            honest_lanes(rng, steady, usual, no_mass, mean),
            honest_lanes(rng, odd_ones, odd, no_masses, mean, nuisance=True),
            _fronts(rng, circle, fronts, first_front, fronts_per_day, days),
        ]
    )


def build(rng: np.random.Generator, lanes: Lanes) -> Vessels:
    """One ship for every number the lanes use."""
    n = int(lanes.columns["vessel"].max()) + 1
    craft = np.zeros(n, dtype=np.int64)
    craft[lanes.columns["vessel"]] = lanes.columns["craft"]
    ship = craft == COMMERCIAL
    flags = _flags(rng, ship)
    tonnage = np.where(
        ship,
        np.clip(rng.lognormal(np.log(9_000.0), 1.1, n), 300, 230_000),
        np.where(craft == FISHING, rng.lognormal(np.log(90.0), 0.7, n), rng.uniform(4, 60, n)),
    )
    tonnage = np.round(tonnage, 0).astype(np.float64)
    length: Floats = np.where(ship, 6.6 * tonnage**0.335, 3.6 * tonnage**0.40)
    known = {**{flag: of[0] for flag, of in FLAGS.items()}}
    known |= {flag: of[0] for flag, of in SMALL_CRAFT_FLAGS.items()}
    identity = np.array([known[flag] for flag in flags], dtype=np.int64)
    sorts = pa.array((*SHIP_TYPES, "30", "37"))  # AIS: fishing, pleasure craft
    sort = np.where(ship, choose(rng, n, SHIP_TYPE_SHARES), len(SHIP_TYPES) - 1 + craft)
    return Vessels(
        lanes=lanes,
        craft=craft,
        flags=tuple(flags),
        ship_type=sorts.take(sort),
        imo=codes.with_mistyped(codes.imo_numbers(rng, n)),
        mmsi=codes.station_identities(rng, identity),
        hull=codes.hull_numbers(rng, n),
        gross_tonnage=tonnage,
        length_m=np.round(length, 1).astype(np.float64),
        year_built=np.clip(np.round(rng.normal(2008, 9, n)), 1965, 2024).astype(np.int64),
        crew=np.where(ship, rng.integers(9, 26, n), rng.integers(1, 7, n)).astype(np.int64),
    )


def _services(
    rng: np.random.Generator, circle: Circle, craft: Ints, operator: Ints, vessel: Ints
) -> dict[str, Ints]:
    n = craft.size
    small = craft != COMMERCIAL
    skipper_alone = (craft == PLEASURE) & (rng.random(n) < PLEASURE_LANE_SHARE)
    return {
        "vessel": vessel,
        "craft": craft,
        "operator": np.where(skipper_alone, NOBODY, operator),
        "agent": np.where(small, NOBODY, popular(rng, circle.agents, n)),
        "last_port": _last_ports(rng, small),
        "next_port": _last_ports(rng, small),
        "port": _berths(rng, craft),
    }


def _berths(rng: np.random.Generator, craft: Ints) -> Ints:
    berth = np.empty(craft.size, dtype=np.int64)
    weights: Sequence[list[float]] = (
        [of.commercial for of in BERTHS],
        [of.fishing for of in BERTHS],
        [of.pleasure for of in BERTHS],
    )
    for number, of_craft in enumerate(weights):
        where = np.flatnonzero(craft == number)
        berth[where] = choose(rng, where.size, of_craft)
    return berth


def _last_ports(rng: np.random.Generator, small: Bools) -> Ints:
    merchant = choose(rng, small.size, [port.commercial for port in LAST_PORTS])
    local = choose(rng, small.size, [port.small for port in LAST_PORTS])
    return np.where(small, local, merchant)


def _flags(rng: np.random.Generator, ship: Bools) -> list[str]:
    merchant = pick_names(rng, {flag: of[1] for flag, of in FLAGS.items()}, ship.size)
    local = pick_names(rng, {flag: of[1] for flag, of in SMALL_CRAFT_FLAGS.items()}, ship.size)
    return [m if at_sea else s for m, s, at_sea in zip(merchant, local, ship, strict=True)]


def _fronts(
    rng: np.random.Generator,
    circle: Circle,
    fronts: Fronts,
    first_vessel: int,
    per_day: float,
    days: int,
) -> Lanes:
    chosen = fronts.kinds["vessel"]
    network = fronts.network[chosen]
    craft = np.array([CRAFTS.index(of.craft) for of in NETWORKS], dtype=np.int64)[network]
    # Two fronts of one network may follow each other with the same boat; who steps in for one that
    # was found out brings another boat.
    boats = first_vessel + _boats(network, fronts.reserve[chosen])
    columns = _services(rng, circle, craft, fronts.company[chosen], boats)
    ports = {port.port: at for at, port in enumerate(LAST_PORTS)}
    favours = {at: tuple(ports[p] for p in of.last_ports) for at, of in enumerate(NETWORKS)}
    columns["last_port"] = favoured(rng, network, favours, columns["last_port"])
    masses = np.zeros(chosen.size)
    return front_lanes(rng, fronts, "vessel", columns, masses, movements_per_day=per_day, days=days)


def _boats(network: Ints, reserve: Bools) -> Ints:
    """Numbers from 0; every second front of a network takes over the boat of the one before."""
    boat = np.empty(network.size, dtype=np.int64)
    next_boat = 0
    for of in np.unique(network):
        where = np.flatnonzero((network == of) & ~reserve)
        boat[where] = next_boat + np.arange(where.size) // 2
        next_boat += (where.size + 1) // 2
    boat[reserve] = next_boat + np.arange(int(reserve.sum()))
    return boat
