"""Lanes of vehicle crossings: hauliers, customers, tourists, fronts, and the fleets they use."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from features.simulate import codes
from features.simulate.codes import Floats, Ints, Texts
from features.simulate.goods import GOODS, GOODS_INDEX
from features.simulate.networks import NETWORKS, Fronts, favoured, front_lanes
from features.simulate.parameters import WorldParameters
from features.simulate.places import FERRY_OPERATORS, ROUTES, TOURIST_COUNTRIES
from features.simulate.traffic import choose
from features.simulate.world import (
    HONEST,
    NOBODY,
    Circle,
    Lanes,
    Organisations,
    Registry,
    Windows,
    honest_lanes,
    joined,
    popular,
    steady_windows,
)

ACCOMPANIED, UNACCOMPANIED, TOURIST = 0, 1, 2
MODES = ("freight_accompanied", "freight_unaccompanied", "tourist")
OUTBOUND_SHARE = 0.22


@dataclass(frozen=True)
class Vehicles:
    """Everything that stays while vehicle movements come and go."""

    lanes: Lanes
    fleet_first: Ints
    fleet_size: Ints
    """Of each organisation, and after them of each lane (for tourists, who have no haulier)."""
    plates: Texts
    plate_countries: Texts
    trailers: Texts
    containers: Texts
    """And after them the same with a mistyped digit."""
    container_count: int


def vehicle_lanes(
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
    freight = movements_per_day * (1.0 - parameters.tourist_share)
    mean = parameters.lane_mean_movements_per_day["vehicle"]
    active = max(10, round(freight / mean))
    steady = steady_windows(rng, active, days, parameters.lane_mean_life_days)
    odd_ones = steady_windows(rng, max(2, round(active * parameters.nuisance_share)), days, 200.0)
    nuisance = _freight(rng, parameters, circle, odd_ones.size)
    newcomers = registry.add(["GB"] * odd_ones.size, odd_ones.from_day)
    nuisance["haulier"] = np.where(rng.random(odd_ones.size) < 0.6, newcomers, nuisance["haulier"])
    nuisance["consignee"] = newcomers
    parts = [
        honest_lanes(rng, steady, _freight(rng, parameters, circle, steady.size),
                     _masses(rng, steady.size), mean),
        honest_lanes(rng, odd_ones, nuisance, _masses(rng, odd_ones.size), mean, nuisance=True),
        _tourists(rng, movements_per_day * parameters.tourist_share, days),
        _fronts(rng, fronts, fronts_per_day, days),
    ]  # fmt: skip
    return joined(parts)


def furnish(
    rng: np.random.Generator,
    lanes: Lanes,
    organisations: Organisations,
    parameters: WorldParameters,
) -> Vehicles:
    """Fleets in proportion to what each haulier, or each lane of tourists, moves in a day.

    Some fronts have no fleet of their own: they go on with that of the front before.
    """
    owners = organisations.size + lanes.network.size
    owner = _fleet_owner(lanes, organisations.size)
    daily = np.bincount(owner, weights=lanes.movements_per_day, minlength=owners)
    tourists = lanes.columns["mode"] == TOURIST
    factor = np.full(owners, parameters.vehicles_per_daily_movement)
    factor[organisations.size :][tourists & (lanes.network == HONEST)] = 150.0
    size = np.where(daily > 0, 1 + np.ceil(daily * factor), 0).astype(np.int64)
    first = np.cumsum(size) - size
    countries = list(organisations.countries)
    names = list(TOURIST_COUNTRIES)
    countries += [names[at] for at in lanes.columns["country"]]
    of_plate = np.repeat(np.arange(owners), size)
    plate_countries = [countries[at] for at in of_plate]
    trailers = _trailers(rng, plate_countries)
    for heir, before in _heirs(rng, lanes, owner, parameters.inherited_fleet_share):
        first[heir], size[heir] = first[before], size[before]
    container_count = max(200, int(daily.sum()) * 3)
    return Vehicles(
        lanes=lanes,
        fleet_first=first,
        fleet_size=size,
        plates=codes.number_plates(rng, plate_countries),
        plate_countries=pa.array(plate_countries, pa.string()),
        trailers=trailers,
        containers=codes.with_mistyped(codes.container_numbers(rng, container_count)),
        container_count=container_count,
    )


def _freight(
    rng: np.random.Generator, parameters: WorldParameters, circle: Circle, n: int
) -> dict[str, Ints]:
    route = choose(rng, n, [route.weight for route in ROUTES])
    alone = np.array([route.unaccompanied for route in ROUTES])[route]
    scale = parameters.unaccompanied_share / 0.27  # 0.27: what the routes' own shares come to
    mode = np.where(rng.random(n) < alone * scale, UNACCOMPANIED, ACCOMPANIED)
    return {
        "haulier": popular(rng, circle.hauliers, n),
        "consignor": popular(rng, circle.suppliers, n),
        "consignee": popular(rng, circle.traders, n),
        "goods": choose(rng, n, [goods.weight for goods in GOODS]),
        "route": route,
        "ferry": (route + rng.integers(0, 2, n)) % len(FERRY_OPERATORS),
        "mode": mode.astype(np.int64),
        "outbound": (rng.random(n) < OUTBOUND_SHARE).astype(np.int64),
        "country": np.zeros(n, dtype=np.int64),
    }


def _masses(rng: np.random.Generator, n: int) -> Floats:
    masses: Floats = rng.lognormal(np.log(9_000.0), 0.7, n)
    return masses


def _tourists(rng: np.random.Generator, movements_per_day: float, days: int) -> Lanes:
    """One lane for each route and country of registration; nobody stands behind it."""
    countries = list(TOURIST_COUNTRIES.values())
    route, country = np.divmod(np.arange(len(ROUTES) * len(countries)), len(countries))
    weight = np.array([r.tourists for r in ROUTES])[route] * np.array(countries)[country]
    n = route.size
    nobody = np.full(n, NOBODY, dtype=np.int64)
    always = Windows(np.zeros(n, dtype=np.int64), np.full(n, days, dtype=np.int64))
    columns = {
        "haulier": nobody, "consignor": nobody, "consignee": nobody, "goods": nobody,
        "route": route, "ferry": route % len(FERRY_OPERATORS),
        "mode": np.full(n, TOURIST, dtype=np.int64),
        "outbound": rng.integers(0, 2, n), "country": country,
    }  # fmt: skip
    lanes = honest_lanes(rng, always, columns, np.full(n, 1_900.0), 1.0)
    lanes.movements_per_day[:] = weight / weight.sum() * movements_per_day
    return lanes


def _fronts(rng: np.random.Generator, fronts: Fronts, per_day: float, days: int) -> Lanes:
    network = fronts.network[fronts.kinds["vehicle"]]
    chosen, n = fronts.kinds["vehicle"], network.size
    by_name = {f"{route.abroad}-{route.home}": at for at, route in enumerate(ROUTES)}
    routes = {at: tuple(by_name[r] for r in of.routes) for at, of in enumerate(NETWORKS)}
    goods = {at: tuple(GOODS_INDEX[g] for g in of.goods) for at, of in enumerate(NETWORKS)}
    any_route = choose(rng, n, [route.weight for route in ROUTES])
    any_goods = choose(rng, n, [goods.weight for goods in GOODS])
    route = favoured(rng, network, routes, any_route)
    mode = np.array([MODES.index(of.traffic_mode) for of in NETWORKS], dtype=np.int64)[network]
    freight = mode != TOURIST
    columns = {
        "haulier": np.where(freight, fronts.haulier[chosen], NOBODY),
        "consignor": np.where(freight, fronts.supplier[chosen], NOBODY),
        "consignee": np.where(freight, fronts.company[chosen], NOBODY),
        "goods": np.where(freight, favoured(rng, network, goods, any_goods), NOBODY),
        "route": route,
        "ferry": (route + rng.integers(0, 2, n)) % len(FERRY_OPERATORS),
        "mode": mode,
        "outbound": np.array([of.outbound for of in NETWORKS], dtype=np.int64)[network],
        "country": choose(rng, n, list(TOURIST_COUNTRIES.values())),
    }
    masses = np.where(freight, _masses(rng, n) * 0.8, 1_900.0)
    return front_lanes(
        rng, fronts, "vehicle", columns, masses, movements_per_day=per_day, days=days
    )


def _fleet_owner(lanes: Lanes, organisations: int) -> Ints:
    alone = lanes.columns["mode"] == TOURIST
    lane = np.arange(lanes.network.size, dtype=np.int64)
    return np.where(alone, organisations + lane, lanes.columns["haulier"])


def _heirs(
    rng: np.random.Generator, lanes: Lanes, owner: Ints, share: float
) -> Iterator[tuple[int, int]]:
    """Owners behind fronts alone, by network in order of time: some, and the one before each."""
    honest = np.unique(owner[lanes.network == HONEST])
    theirs = np.flatnonzero((lanes.network != HONEST) & ~np.isin(owner, honest))
    in_turn = theirs[np.lexsort((lanes.from_day[theirs], lanes.network[theirs]))]
    for before, heir in pairwise(in_turn.tolist()):
        if lanes.network[before] == lanes.network[heir] and rng.random() < share:
            yield int(owner[heir]), int(owner[before])


def _trailers(rng: np.random.Generator, countries: list[str]) -> Texts:
    plates = np.array(codes.number_plates(rng, countries).to_pylist(), dtype=object)
    british = np.flatnonzero(np.array(countries) == "GB")
    plates[british] = codes.british_trailer_marks(rng, british.size).to_pylist()
    return pa.array(plates.tolist(), pa.string())
