"""Vehicle crossings of a block of days: journeys, loads, and what is declared about them."""

import numpy as np
import pyarrow as pa

from features.simulate import codes
from features.simulate.codes import Bools, Column, Floats, Ints
from features.simulate.goods import GOODS
from features.simulate.parameters import WorldParameters
from features.simulate.places import FERRY_OPERATORS, NORTHERN_IRELAND, ROUTES
from features.simulate.traffic import (
    Block,
    Traffic,
    blanks,
    boxes,
    choose,
    draw_lanes,
    hour_of_day,
    instants,
    numbers,
    odd_price,
    season_of_goods,
    taken,
    to_micros,
    typed,
)
from features.simulate.vehicle_lanes import MODES, TOURIST, UNACCOMPANIED, Vehicles
from features.simulate.world import HONEST, NOBODY, Lanes, Organisations

TARE_KG = 14_000.0
LARGEST_LOAD_KG = 29_000.0
CONTAINER_SHARE = 0.15
"""Of unaccompanied freight."""
PAYMENTS = ("A", "Y", "B", "H", "D")
"""Cash first; the shares of the others:"""
OTHER_PAYMENTS = (0.64, 0.24, 0.09, 0.03)
RETURN_SHARE, TOURIST_RETURN_SHARE = 0.6, 0.85
"""Of bookings that are not hurried: the way back is booked too."""
BLANK_SHARES = {
    "booked_at": 0.04,
    "value_gbp": 0.05,
    "commodity_code": 0.04,
    "consignor_eori": 0.06,
    "trailer_reg": 0.02,
    "charge_payment": 0.03,
    "booking_amendments": 0.05,
    "return_booked": 0.10,
    "passenger_count": 0.03,
    "gross_mass_kg": 0.02,
}
HOME_PORTS: tuple[str, ...] = tuple(sorted({route.home for route in ROUTES}))


def vehicle_traffic(
    rng: np.random.Generator,
    vehicles: Vehicles,
    organisations: Organisations,
    parameters: WorldParameters,
    block: Block,
    first_reference: int,
    stamp: int,
) -> Traffic:
    lanes, n = vehicles.lanes, block.n
    season = season_of_goods(lanes.columns["goods"], block.month())
    lane = draw_lanes(rng, lanes, block, season)
    columns = {name: values[lane] for name, values in lanes.columns.items()}
    freight = columns["mode"] != TOURIST
    spot = freight & (rng.random(n) < parameters.spot_hire_share)
    other = columns["haulier"][rng.permutation(n)]
    haulier = np.where(spot & (other != NOBODY), other, columns["haulier"])
    times, facts = _journey(rng, lanes, lane, columns, block)
    load, load_facts = _load(rng, lanes, lane, columns)
    owner = np.where(freight, haulier, organisations.size + lane)
    vehicle, trailer = _of_fleet(rng, vehicles, owner), _of_fleet(rng, vehicles, owner)
    consignee, days = columns["consignee"], block.day
    facts |= load_facts | {
        "young_haulier": organisations.are_young(haulier, days),
        "young_consignee": organisations.are_young(consignee, days),
        "tourist": (~freight).astype(float),
    }
    declared = {
        **times,
        **load,
        **_parties(rng, columns, haulier, organisations, parameters),
        **_identities(
            rng, vehicles, parameters, columns["mode"], lanes.network[lane], vehicle, trailer
        ),
        **_categories(rng, vehicles, columns, lane, facts["cash"] > 0, vehicle),
    }
    counter = np.arange(first_reference, first_reference + n, dtype=np.int64)
    declared["movement_ref"] = codes.goods_movement_references(counter, stamp)
    homes = np.array([HOME_PORTS.index(route.home) for route in ROUTES])
    seen = np.where(columns["mode"] == UNACCOMPANIED, NOBODY, organisations.size + vehicle)
    return Traffic(
        kind="vehicle",
        block=block,
        lane=lane,
        declared_at=declared["declared_at"].cast(pa.int64()).to_numpy(),
        arrives_at=declared["arrives_at"].cast(pa.int64()).to_numpy(),
        columns=declared,
        facts=facts,
        site=homes[columns["route"]],
        goods=columns["goods"],
        entities=np.stack([haulier, consignee, columns["consignor"], seen], axis=1),
    )


def _of_fleet(rng: np.random.Generator, vehicles: Vehicles, owner: Ints) -> Ints:
    """One of the owner's vehicles or trailers, some used more than others."""
    place = rng.random(owner.size) ** 1.6 * vehicles.fleet_size[owner]
    return vehicles.fleet_first[owner] + place.astype(np.int64)


def _journey(
    rng: np.random.Generator, lanes: Lanes, lane: Ints, columns: dict[str, Ints], block: Block
) -> tuple[dict[str, Column], dict[str, Floats]]:
    """Arrival by the lane's habit, then back in time: departure, booking, declaration."""
    n = lane.size
    hour, night = hour_of_day(rng, lanes.habits.nightly[lane])
    arrives = block.midnight() + to_micros(hour)
    crossing = np.array([route.hours for route in ROUTES])[columns["route"]]
    departs = arrives - to_micros(crossing * rng.uniform(0.95, 1.2, n))
    hurried = rng.random(n) < lanes.habits.hurried[lane]
    lead_hours = np.where(
        hurried, rng.lognormal(np.log(6.0), 0.6, n), rng.lognormal(np.log(50.0), 0.8, n)
    )
    lead_hours = np.clip(lead_hours, 0.5, 2_000.0)
    notice = np.minimum(rng.lognormal(np.log(6.0), 0.6, n), lead_hours * rng.uniform(0.3, 0.95, n))
    amendments = rng.poisson(0.2 + 1.4 * lanes.habits.hurried[lane])
    cash = rng.random(n) < lanes.habits.cash[lane]
    tourist = columns["mode"] == TOURIST
    comes_back = rng.random(n) < RETURN_SHARE + (TOURIST_RETURN_SHARE - RETURN_SHARE) * tourist
    blank = {name: blanks(rng, n, share) for name, share in BLANK_SHARES.items()}
    times = {
        "arrives_at": instants(arrives),
        "departs_at": instants(departs),
        "booked_at": instants(departs - to_micros(lead_hours), blank["booked_at"]),
        "declared_at": instants(departs - to_micros(notice)),
        "booking_amendments": numbers(amendments, blank["booking_amendments"]),
        "return_booked": numbers(comes_back & ~hurried, blank["return_booked"]),
    }
    facts = {
        "late_booking": (lead_hours < 24.0).astype(float),
        "very_late_booking": (lead_hours < 6.0).astype(float),
        "much_amended": (amendments >= 2).astype(float),
        "night": night.astype(float),
        "cash": cash.astype(float),
        "route_appeal": np.array([route.appeal for route in ROUTES])[columns["route"]],
    }
    return times, facts


def _load(
    rng: np.random.Generator, lanes: Lanes, lane: Ints, columns: dict[str, Ints]
) -> tuple[dict[str, Column], dict[str, Floats]]:
    n = lane.size
    freight = columns["mode"] != TOURIST
    honest = lanes.network[lane] == HONEST
    empty_share = np.where(columns["outbound"] == 1, 0.30, 0.06) * np.where(honest, 1.0, 0.4)
    empty = freight & (rng.random(n) < empty_share)
    goods_kg = lanes.typical_mass_kg[lane] * rng.lognormal(0.0, 0.25, n)
    goods_kg = np.clip(goods_kg, 20.0, LARGEST_LOAD_KG)
    gross_kg = np.where(freight, TARE_KG + np.where(empty, 0.0, goods_kg), goods_kg)
    gross_kg = np.where(rng.random(n) < 0.35, np.round(gross_kg, -2), np.round(gross_kg, 0))
    odd = (rng.random(n) < lanes.habits.odd[lane]) & freight & ~empty
    prices = np.array([goods.gbp_per_kg for goods in GOODS] + [0.0])[columns["goods"]]
    value = np.round(prices * goods_kg * lanes.price_factor[lane] * odd_price(rng, odd), 2)
    no_goods = empty | ~freight
    people = np.where(freight, rng.random(n) < 0.04, rng.poisson(1.6, n)).astype(np.int64)
    appeal = np.array([goods.appeal for goods in GOODS] + [0.0])[columns["goods"]]
    headings = pa.array([goods.code[:4] for goods in GOODS], pa.string())
    load = {
        "gross_mass_kg": numbers(gross_kg, blanks(rng, n, BLANK_SHARES["gross_mass_kg"])),
        "value_gbp": numbers(value, no_goods | blanks(rng, n, BLANK_SHARES["value_gbp"])),
        "commodity_code": taken(
            headings, columns["goods"], no_goods | blanks(rng, n, BLANK_SHARES["commodity_code"])
        ),
        "passenger_count": numbers(people, blanks(rng, n, BLANK_SHARES["passenger_count"])),
        "is_empty": numbers(empty, ~freight),
    }
    facts = {
        "odd_value": odd.astype(float),
        "goods_appeal": np.where(no_goods, 0.0, appeal),
        "empty": empty.astype(float),
    }
    return load, facts


def _parties(
    rng: np.random.Generator,
    columns: dict[str, Ints],
    haulier: Ints,
    organisations: Organisations,
    parameters: WorldParameters,
) -> dict[str, Column]:
    n = haulier.size

    def named(who: Ints, blank: Bools | None = None) -> Column:
        slipped = typed(rng, who, organisations.size, parameters.mistyped_share)
        return taken(organisations.texts, slipped, blank)

    return {
        "haulier_eori": named(haulier),
        "consignor_eori": named(
            columns["consignor"], blanks(rng, n, BLANK_SHARES["consignor_eori"])
        ),
        "consignee_eori": named(columns["consignee"]),
    }


def _identities(
    rng: np.random.Generator,
    vehicles: Vehicles,
    parameters: WorldParameters,
    mode: Ints,
    network: Ints,
    vehicle: Ints,
    trailer: Ints,
) -> dict[str, Column]:
    n = mode.size
    alone = mode == UNACCOMPANIED
    boxed = alone & (rng.random(n) < CONTAINER_SHARE)
    left_out = ~alone & blanks(rng, n, BLANK_SHARES["trailer_reg"])
    box = boxes(rng, network, vehicles.container_count, parameters.network_container_share)
    box = typed(rng, box, vehicles.container_count, parameters.mistyped_share)
    return {
        "vehicle_reg": taken(vehicles.plates, vehicle, alone),
        "trailer_reg": taken(vehicles.trailers, trailer, (mode == TOURIST) | boxed | left_out),
        "container_no": taken(vehicles.containers, box, ~boxed),
        "is_unaccompanied": numbers(alone, np.zeros(n, dtype=bool)),
    }


def _categories(
    rng: np.random.Generator,
    vehicles: Vehicles,
    columns: dict[str, Ints],
    lane: Ints,
    cash: Bools,
    vehicle: Ints,
) -> dict[str, Column]:
    n = lane.size
    routes = [f"{route.abroad}-{route.home}" for route in ROUTES]
    routes += [f"{route.home}-{route.abroad}" for route in ROUTES]
    island = np.array([route.abroad in NORTHERN_IRELAND for route in ROUTES])[columns["route"]]
    direction = columns["outbound"] + 2 * island
    directions = ("UK_INBOUND", "UK_OUTBOUND", "NI_TO_GB", "GB_TO_NI")
    payment = np.where(cash, 0, 1 + choose(rng, n, OTHER_PAYMENTS))
    return {
        "direction": taken(pa.array(directions), direction),
        "traffic_mode": taken(pa.array(MODES), columns["mode"]),
        "route_id": taken(pa.array(routes), columns["route"] + len(ROUTES) * columns["outbound"]),
        "operator": taken(pa.array(FERRY_OPERATORS), columns["ferry"]),
        "vehicle_country": taken(
            vehicles.plate_countries, vehicle, columns["mode"] == UNACCOMPANIED
        ),
        "charge_payment": taken(
            pa.array(PAYMENTS), payment, blanks(rng, n, BLANK_SHARES["charge_payment"])
        ),
    }
