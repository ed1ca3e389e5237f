"""Which declared RoRo shipments lie on which lorries of the same day, and what that makes true.

A lorry and its consignments are one thing in the world and several in the files: what is hidden in
a consignment is on board the lorry, and an examination of either can find it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.simulate.codes import Bools, Floats, Ints
from features.simulate.parameters import FULL_SENSITIVITY, CarriageParameters
from features.simulate.places import NORTHERN_IRELAND, ROUTES
from features.simulate.shipments import RORO_ACCOMPANIED, RORO_UNACCOMPANIED
from features.simulate.smuggling import Truth
from features.simulate.traffic import Traffic
from features.simulate.vehicle_lanes import ACCOMPANIED, TOURIST, UNACCOMPANIED
from features.simulate.vehicle_traffic import LARGEST_LOAD_KG
from features.simulate.world import HONEST, NOBODY, Lanes

LORRY_OF_SHIPMENT: Mapping[int, int] = {
    RORO_ACCOMPANIED: ACCOMPANIED,
    RORO_UNACCOMPANIED: UNACCOMPANIED,
}
"""Mode of a shipment to that of the lorry that can carry it."""


@dataclass(frozen=True)
class Cargo:
    """One value a carried shipment; numbers are places within the block's movements.

    A shipment lies on one lorry; those of one lorry stand together.
    """

    shipment: Ints
    lorry: Ints
    fills_lorry: Bools
    """A full load: what the lorry's record says of its goods is said of this shipment."""
    of_network: Bools
    """On a lorry of the network whose consignment it is."""


@dataclass(frozen=True)
class _Side:
    """What decides who meets: arrays have one value a movement of the kind."""

    may: Bools
    """Take part at all."""
    group: Ints
    """Day and mode: only equals meet."""
    network: Ints
    company: Ints
    """The consignee."""


def load(
    rng: np.random.Generator,
    parameters: CarriageParameters,
    lorries: Traffic,
    lorry_lanes: Lanes,
    shipments: Traffic,
    shipment_lanes: Lanes,
) -> Cargo:
    """Networks' own lorries first, then groupage, then full loads; who is left travels unseen."""
    takers, goods = _takers(lorries, lorry_lanes), _goods(shipments, shipment_lanes)
    own = _with_own_network(rng, parameters, takers, goods)
    waiting = goods.may.copy()
    waiting[own[0]] = False
    # The negations let pass whose mass was left out: NaN is not greater.
    kg = shipments.columns["gross_mass_kg"].to_numpy(zero_copy_only=False)
    honest, light = goods.network == HONEST, ~(kg > parameters.groupage_most_kg)
    joins = rng.random(waiting.size) < parameters.groupage_shipment_share
    shared = waiting & light & (joins | ~honest)
    alone = waiting & ~shared & honest & ~(kg > LARGEST_LOAD_KG)
    several, one = _places(rng, parameters, takers, lorry_lanes.nuisance[lorries.lane])
    groupage = _deal(rng, goods.group, shared, takers.group, several)
    full = _deal(rng, goods.group, alone, takers.group, one)
    shipment, lorry = (np.concatenate(side) for side in zip(own, groupage, full, strict=True))
    order = np.argsort(lorry, kind="stable")
    return Cargo(
        shipment[order],
        lorry[order],
        fills_lorry=order >= order.size - full[0].size,
        of_network=order < own[0].size,
    )


def _places(
    rng: np.random.Generator, parameters: CarriageParameters, takers: _Side, nuisance: Bools
) -> tuple[Ints, Ints]:
    """On lorries for groupage, and on lorries for one load: a lorry is one or the other."""
    n = takers.may.size
    for_several = rng.random(n) < parameters.groupage_lorry_share
    extra = rng.poisson(parameters.groupage_extra_places_mean, n)
    several = np.minimum(2 + extra, parameters.groupage_most_places)
    ordinary = (takers.network == HONEST) & ~nuisance
    return (
        np.where(takers.may & for_several, several, 0),
        np.where(takers.may & ~for_several & ordinary, 1, 0),
    )


def one_truth(
    rng: np.random.Generator, cargo: Cargo, lorries: Truth, shipments: Truth
) -> tuple[Truth, Truth]:
    """The truth of lorries and of shipments, judged apart, made one where they travel together.

    A network's lorry and one of its consignments on board share one run: a coin says whose. Then a
    lorry carries whatever its consignments do, and beyond that something of its own as often as
    its own chance exceeds theirs together: it smuggles with the greater of the two chances, and no
    more is smuggled by lorry than was judged before unless the consignments alone say so.
    """
    lorries, shipments = _one_run(rng, cargo, lorries, shipments)
    return _on_board(rng, cargo, lorries, shipments), shipments


def comes_from_abroad(columns: Mapping[str, Ints]) -> Bools:
    """Of lorries, by the route and direction of their lanes."""
    abroad = np.array([route.abroad not in NORTHERN_IRELAND for route in ROUTES])
    comes: Bools = (columns["outbound"] == 0) & abroad[columns["route"]]
    return comes


def _takers(lorries: Traffic, lanes: Lanes) -> _Side:
    """Loaded freight that comes in from abroad."""
    columns = {name: values[lorries.lane] for name, values in lanes.columns.items()}
    loaded = (columns["mode"] != TOURIST) & (lorries.facts["empty"] == 0)
    return _Side(
        may=loaded & comes_from_abroad(columns),
        group=lorries.block.day * 2 + (columns["mode"] == UNACCOMPANIED),
        network=lanes.network[lorries.lane],
        company=columns["consignee"],
    )


def _goods(shipments: Traffic, lanes: Lanes) -> _Side:
    mode = lanes.columns["mode"][shipments.lane]
    return _Side(
        may=(mode == RORO_ACCOMPANIED) | (mode == RORO_UNACCOMPANIED),
        group=shipments.block.day * 2 + (mode == RORO_UNACCOMPANIED),
        network=lanes.network[shipments.lane],
        company=lanes.columns["consignee"][shipments.lane],
    )


def _with_own_network(
    rng: np.random.Generator, parameters: CarriageParameters, takers: _Side, goods: _Side
) -> tuple[Ints, Ints]:
    """A front's consignment goes with its own lorry, else with another of its network's."""
    coming: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at in np.flatnonzero(takers.may & (takers.network != HONEST)):
        coming[int(takers.group[at]), int(takers.network[at])].append(int(at))
    pairs: list[tuple[int, int]] = []
    for at in np.flatnonzero(goods.may & (goods.network != HONEST)):
        found = coming.get((int(goods.group[at]), int(goods.network[at])), [])
        if not found or rng.random() >= parameters.own_lorry_share:
            continue
        own = [lorry for lorry in found if takers.company[lorry] == goods.company[at]] or found
        pairs.append((int(at), own[int(rng.integers(len(own)))]))
    shipment, lorry = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return shipment, lorry


def _deal(
    rng: np.random.Generator,
    goods_group: Ints,
    goods_may: Bools,
    lorry_group: Ints,
    places: Ints,
) -> tuple[Ints, Ints]:
    """Within each group goods in random order fill one random lorry after another.

    Goods beyond the last place stay behind.
    """
    goods = _shuffled(rng, goods_group, np.flatnonzero(goods_may))
    lorries = _shuffled(rng, lorry_group, np.flatnonzero(places))
    seats = np.repeat(lorries, places[lorries])
    most = goods.size + seats.size + 1
    wanted = goods_group[goods] * most + _rank(goods_group[goods])
    offered = lorry_group[seats] * most + _rank(lorry_group[seats])
    _, at, seat = np.intersect1d(wanted, offered, assume_unique=True, return_indices=True)
    return goods[at], seats[seat]


def _shuffled(rng: np.random.Generator, group: Ints, chosen: Ints) -> Ints:
    """The chosen by group, at random within each."""
    order = rng.permutation(chosen)
    by_group: Ints = order[np.argsort(group[order], kind="stable")]
    return by_group


def _rank(sorted_groups: Ints) -> Ints:
    """0, 1, 2, ... within each run of equal values."""
    first = np.searchsorted(sorted_groups, sorted_groups, side="left")
    return np.arange(sorted_groups.size, dtype=np.int64) - first


def _one_run(
    rng: np.random.Generator, cargo: Cargo, lorries: Truth, shipments: Truth
) -> tuple[Truth, Truth]:
    ours = np.flatnonzero(cargo.of_network)
    lorry, first = np.unique(cargo.lorry[ours], return_index=True)
    shipment = cargo.shipment[ours[first]]
    of_lorry = rng.random(lorry.size) < 0.5
    shared: dict[str, NDArray[Any]] = {}
    for name in ("probability_of_find", "probability_at_random_depth"):
        shared[name] = 0.5 * (getattr(lorries, name)[lorry] + getattr(shipments, name)[shipment])
    for name in ("is_smuggling", "threat", "concealment"):
        both = getattr(lorries, name)[lorry], getattr(shipments, name)[shipment]
        shared[name] = np.where(of_lorry, *both)
    return _rewritten(lorries, lorry, shared), _rewritten(shipments, shipment, shared)


def _rewritten(truth: Truth, at: Ints, values: Mapping[str, NDArray[Any]]) -> Truth:
    changed = {name: getattr(truth, name).copy() for name in values}
    for name, column in changed.items():
        column[at] = values[name]
    return replace(truth, **changed)


def _on_board(rng: np.random.Generator, cargo: Cargo, lorries: Truth, shipments: Truth) -> Truth:
    own = lorries.probability_of_find / FULL_SENSITIVITY
    goods, goods_at_depth = _together(cargo, shipments, own.size)
    # P(lorry) = 1 - (1 - beyond)(1 - goods) = max(own, goods), solved for what is beyond them
    more = np.maximum(own - goods, 0.0)
    beyond = more / (1.0 - goods)
    keeps = lorries.is_smuggling & (rng.random(own.size) * own < beyond)
    loaded = shipments.is_smuggling[cargo.shipment]
    what = {
        name: np.where(keeps, getattr(lorries, name), NOBODY) for name in ("threat", "concealment")
    }
    for name, of_lorry in what.items():
        of_lorry[cargo.lorry[loaded]] = getattr(shipments, name)[cargo.shipment[loaded]]
    smuggles = keeps.copy()
    smuggles[cargo.lorry[loaded]] = True
    return replace(
        lorries,
        probability_of_find=np.maximum(own, goods) * FULL_SENSITIVITY,
        probability_at_random_depth=(
            goods_at_depth + more * lorries.probability_at_random_depth / own
        ),
        is_smuggling=smuggles,
        **what,
    )


def _together(cargo: Cargo, shipments: Truth, lorries: int) -> tuple[Floats, Floats]:
    """float64[lorries], twice: that any consignment is loaded; of a find in it at random depth.

    From the last to the first, because the last that is loaded gives the lorry its threat, and how
    that is concealed.
    """
    clean, at_depth = np.ones(lorries), np.zeros(lorries)
    chance = shipments.probability_of_find / FULL_SENSITIVITY
    place = _rank(cargo.lorry)
    for last in range(place.max(initial=-1), -1, -1):
        here = place == last
        lorry, shipment = cargo.lorry[here], cargo.shipment[here]
        at_depth[lorry] += clean[lorry] * shipments.probability_at_random_depth[shipment]
        clean[lorry] *= 1.0 - chance[shipment]
    return 1.0 - clean, at_depth
