"""Shipments: lanes of importers and suppliers, and the declarations of a block of days."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.simulate import codes
from features.simulate.codes import Bools, Column, Floats, Ints, Texts
from features.simulate.goods import GOODS, GOODS_INDEX
from features.simulate.networks import NETWORKS, Fronts, favoured, front_lanes
from features.simulate.parameters import WorldParameters
from features.simulate.places import CURRENCIES, HUBS, NEARBY, OFFICES, ROUTES
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
from features.simulate.world import (
    NOBODY,
    Circle,
    Lanes,
    Organisations,
    Registry,
    honest_lanes,
    joined,
    popular,
    steady_windows,
)

MODES = tuple(OFFICES)
"""1 sea, 4 air, 10 RoRo accompanied, 11 RoRo unaccompanied."""
SEA, AIR = MODES.index("1"), MODES.index("4")
RORO_ACCOMPANIED, RORO_UNACCOMPANIED = MODES.index("10"), MODES.index("11")
MODE_SHARES_NEAR, MODE_SHARES_FAR = (0.15, 0.10, 0.40, 0.35), (0.68, 0.30, 0.01, 0.01)
OFFICE_CODES = tuple(
    sorted(
        {office for offices in OFFICES.values() for office in offices}
        | {route.home for route in ROUTES}
    )
)
"""Where a lane's shipments come in, and where the lorries land that may carry them."""
COUNTRIES = tuple(sorted({origin for goods in GOODS for origin in goods.origins} | set(HUBS)))
PROCEDURES, PROCEDURE_SHARES = ("4000", "7100", "4200", "5100", "4071"), (80, 8, 5, 3, 4)
PACKAGES, PACKAGE_SHARES = ("CT", "PX", "BX", "BG", "PK"), (45, 25, 12, 8, 10)
UNITS_PER_GBP = {"GBP": 1.0, "EUR": 1.17, "USD": 1.27, "JPY": 190.0, "CHF": 1.12}
NOTIFY_SHARE = 0.3
"""Of shipments by sea: the declarant is told of the arrival."""
CONTAINER_SHARE = 0.85
"""Of shipments by sea."""
BLANK_SHARES = {
    "origin_country": 0.02,
    "package_kind": 0.04,
    "consignor_eori": 0.08,
    "carrier_eori": 0.15,
    "arrives_at": 0.03,
    "gross_mass_kg": 0.02,
    "net_mass_kg": 0.08,
    "package_count": 0.05,
    "invoice_amount": 0.03,
    "duty_rate_percent": 0.05,
    "amendment_count": 0.05,
}


@dataclass(frozen=True)
class Shipments:
    lanes: Lanes
    containers: Texts
    """And after them the same with a mistyped digit."""
    container_count: int


def shipment_lanes(
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
    mean = parameters.lane_mean_movements_per_day["shipment"]
    active = max(10, round(movements_per_day / mean))
    steady = steady_windows(rng, active, days, parameters.lane_mean_life_days)
    odd_ones = steady_windows(rng, max(2, round(active * parameters.nuisance_share)), days, 200.0)
    odd = _trade(rng, circle, odd_ones.size)
    odd["consignee"] = registry.add(["GB"] * odd_ones.size, odd_ones.from_day)
    return joined(
        [
            honest_lanes(
                rng, steady, _trade(rng, circle, steady.size), _masses(rng, steady.size), mean
            ),
            honest_lanes(rng, odd_ones, odd, _masses(rng, odd_ones.size), mean, nuisance=True),
            _fronts(rng, registry, circle, fronts, fronts_per_day, days),
        ]
    )


def equip(rng: np.random.Generator, lanes: Lanes, movements_per_day: float) -> Shipments:
    count = max(200, round(movements_per_day * 20))
    pool = codes.with_mistyped(codes.container_numbers(rng, count))
    return Shipments(lanes, pool, count)


def shipment_traffic(
    rng: np.random.Generator,
    shipments: Shipments,
    organisations: Organisations,
    parameters: WorldParameters,
    block: Block,
    first_reference: int,
    stamp: int,
) -> Traffic:
    lanes, n = shipments.lanes, block.n
    lane = draw_lanes(rng, lanes, block, season_of_goods(lanes.columns["goods"], block.month()))
    columns = {name: values[lane] for name, values in lanes.columns.items()}
    times, facts = _arrival(rng, lanes, lane, columns, block)
    worth, worth_facts = _worth(rng, lanes, lane, columns)
    appeal = np.array([goods.appeal for goods in GOODS])[columns["goods"]]
    facts |= worth_facts | {
        "young_consignee": organisations.are_young(columns["consignee"], block.day),
        "via_hub": (columns["dispatch"] != columns["origin"]) * 1.0,
        "parcel": (columns["mode"] == AIR) * 1.0,
        "goods_appeal": appeal,
    }
    declared = {
        **times,
        **worth,
        **_categories(rng, columns),
        **_parties(rng, shipments, lane, columns, organisations, parameters),
    }
    counter = np.arange(first_reference, first_reference + n, dtype=np.int64)
    declared["movement_ref"] = codes.movement_reference_numbers(counter, block.year(), stamp)
    arrives_at = times["arrives_at"].cast(pa.int64()).to_numpy()
    blank = blanks(rng, n, BLANK_SHARES["arrives_at"])
    declared["arrives_at"] = instants(arrives_at, blank)
    return Traffic(
        kind="shipment",
        block=block,
        lane=lane,
        declared_at=declared["declared_at"].cast(pa.int64()).to_numpy(),
        arrives_at=arrives_at,
        columns=declared,
        facts=facts,
        site=columns["office"],
        goods=columns["goods"],
        entities=np.stack(
            [columns["consignee"], columns["consignor"], columns["declarant"]], axis=1
        ),
    )


def _trade(rng: np.random.Generator, circle: Circle, n: int) -> dict[str, Ints]:
    goods = choose(rng, n, [of.weight for of in GOODS])
    which = rng.random(n)
    origin = np.array(
        [
            COUNTRIES.index(GOODS[g].origins[int(w * len(GOODS[g].origins))])
            for g, w in zip(goods, which, strict=True)
        ],
        dtype=np.int64,
    )
    near = np.array([country in NEARBY for country in COUNTRIES])[origin]
    mode = np.where(near, choose(rng, n, MODE_SHARES_NEAR), choose(rng, n, MODE_SHARES_FAR))
    hubs = np.array([COUNTRIES.index(hub) for hub in HUBS])
    via = rng.random(n) < 0.06
    carriers = np.where(
        mode <= AIR, popular(rng, circle.lines, n), popular(rng, circle.hauliers, n)
    )
    return {
        "goods": goods,
        "origin": origin,
        "dispatch": np.where(via, hubs[rng.integers(0, hubs.size, n)], origin),
        "mode": mode,
        "office": _offices(rng, mode),
        "procedure": choose(rng, n, PROCEDURE_SHARES),
        "package": choose(rng, n, PACKAGE_SHARES),
        "declarant": popular(rng, circle.agents, n),
        "consignor": popular(rng, circle.suppliers, n),
        "consignee": popular(rng, circle.traders, n),
        "carrier": carriers,
    }


def _offices(rng: np.random.Generator, mode: Ints) -> Ints:
    office = np.empty(mode.size, dtype=np.int64)
    for number, code in enumerate(MODES):
        where = np.flatnonzero(mode == number)
        names = np.array([OFFICE_CODES.index(name) for name in OFFICES[code]])
        office[where] = names[choose(rng, where.size, list(OFFICES[code].values()))]
    return office


def _masses(rng: np.random.Generator, n: int) -> Floats:
    masses: Floats = rng.lognormal(np.log(1_500.0), 1.4, n)
    return masses


def _fronts(
    rng: np.random.Generator,
    registry: Registry,
    circle: Circle,
    fronts: Fronts,
    per_day: float,
    days: int,
) -> Lanes:
    chosen = fronts.kinds["shipment"]
    network = fronts.network[chosen]
    columns = _trade(rng, circle, chosen.size)
    goods = {at: tuple(GOODS_INDEX[g] for g in of.goods) for at, of in enumerate(NETWORKS)}
    columns["goods"] = favoured(rng, network, goods, columns["goods"])
    supplier = fronts.supplier[chosen]
    origin = [COUNTRIES.index(registry.country(int(who))) for who in supplier]
    columns["origin"] = np.array(origin, dtype=np.int64)
    via = rng.random(chosen.size) < 0.15
    hubs = np.array([COUNTRIES.index(hub) for hub in HUBS])
    columns["dispatch"] = np.where(
        via, hubs[rng.integers(0, hubs.size, via.size)], columns["origin"]
    )
    modes = {at: (MODES.index(of.mode_at_border),) for at, of in enumerate(NETWORKS)}
    columns["mode"] = favoured(rng, network, modes, columns["mode"])
    columns["office"] = _offices(rng, columns["mode"])
    columns["consignee"] = fronts.company[chosen]
    columns["consignor"] = supplier
    return front_lanes(
        rng,
        fronts,
        "shipment",
        columns,
        _masses(rng, chosen.size),
        movements_per_day=per_day,
        days=days,
    )


def _arrival(
    rng: np.random.Generator, lanes: Lanes, lane: Ints, columns: dict[str, Ints], block: Block
) -> tuple[dict[str, Column], dict[str, Floats]]:
    n = lane.size
    hour, night = hour_of_day(rng, lanes.habits.nightly[lane])
    arrives = block.midnight() + to_micros(hour)
    usual = np.array([60.0, 10.0, 8.0, 8.0])[columns["mode"]]
    hurried = rng.random(n) < lanes.habits.hurried[lane]
    usual = usual * np.where(hurried, 0.25, 1.0)
    amendments = rng.poisson(np.where(hurried, 0.5, 0.15))
    notice = np.clip(rng.lognormal(np.log(usual), 0.45, n), 0.3, 700.0)
    times = {
        "arrives_at": instants(arrives),
        "declared_at": instants(arrives - to_micros(notice)),
        "amendment_count": numbers(amendments, blanks(rng, n, BLANK_SHARES["amendment_count"])),
    }
    short = np.array([24.0, 4.0, 3.0, 3.0])[columns["mode"]]
    return times, {"night": night.astype(float), "short_notice": (notice < short).astype(float)}


def _worth(
    rng: np.random.Generator, lanes: Lanes, lane: Ints, columns: dict[str, Ints]
) -> tuple[dict[str, Column], dict[str, Floats]]:
    n = lane.size
    scale = np.where(columns["mode"] == AIR, 0.08, 1.0)
    net = np.clip(lanes.typical_mass_kg[lane] * scale * rng.lognormal(0.0, 0.35, n), 0.3, 27_000.0)
    gross = net * rng.uniform(1.03, 1.25, n)
    rounded = rng.random(n) < 0.2
    gross = np.where(rounded & (gross > 100), np.ceil(gross / 100) * 100, np.ceil(gross * 10) / 10)
    net = np.floor(net * 10) / 10 + 0.1 * (net < 0.1)
    odd = rng.random(n) < lanes.habits.odd[lane]
    prices = np.array([goods.gbp_per_kg for goods in GOODS])[columns["goods"]]
    value_gbp = prices * net * lanes.price_factor[lane] * odd_price(rng, odd)
    of_origin = [_currency(country) for country in COUNTRIES]
    currencies = list(UNITS_PER_GBP)
    currency = np.array([currencies.index(name) for name in of_origin])[columns["dispatch"]]
    currency = np.where(rng.random(n) < 0.25, currencies.index("GBP"), currency)
    amount = np.round(value_gbp * np.array(list(UNITS_PER_GBP.values()))[currency], 2)
    packages = np.maximum(1, np.round(gross / rng.lognormal(np.log(18.0), 0.7, n)))
    duty = np.array([goods.duty_percent for goods in GOODS])[columns["goods"]]

    def left_out(name: str) -> Bools:
        return blanks(rng, n, BLANK_SHARES[name])

    worth = {
        "gross_mass_kg": numbers(gross, left_out("gross_mass_kg")),
        "net_mass_kg": numbers(net, left_out("net_mass_kg")),
        "package_count": numbers(packages.astype(np.int64), left_out("package_count")),
        "invoice_amount": numbers(amount, left_out("invoice_amount")),
        "currency": taken(pa.array(currencies), currency),
        "duty_rate_percent": numbers(duty, left_out("duty_rate_percent")),
    }
    return worth, {"odd_value": odd.astype(float), "round_mass": rounded.astype(float)}


def _currency(country: str) -> str:
    return CURRENCIES.get(country, "EUR")


def _categories(rng: np.random.Generator, columns: dict[str, Ints]) -> dict[str, Column]:
    n = columns["goods"].size
    countries = pa.array(COUNTRIES)
    origin_blank = blanks(rng, n, BLANK_SHARES["origin_country"])
    return {
        "commodity_code": taken(pa.array([goods.code for goods in GOODS]), columns["goods"]),
        "origin_country": taken(countries, columns["origin"], origin_blank),
        "dispatch_country": taken(countries, columns["dispatch"]),
        "mode_at_border": taken(pa.array(MODES), columns["mode"]),
        "office": taken(pa.array(OFFICE_CODES), columns["office"]),
        "procedure_code": taken(pa.array(PROCEDURES), columns["procedure"]),
        "package_kind": taken(
            pa.array(PACKAGES), columns["package"], blanks(rng, n, BLANK_SHARES["package_kind"])
        ),
    }


def _parties(
    rng: np.random.Generator,
    shipments: Shipments,
    lane: Ints,
    columns: dict[str, Ints],
    organisations: Organisations,
    parameters: WorldParameters,
) -> dict[str, Column]:
    n = columns["goods"].size

    def named(role: str) -> Column:
        who = typed(rng, columns[role], organisations.size, parameters.mistyped_share)
        share = BLANK_SHARES.get(f"{role}_eori", 0.0)
        return taken(organisations.texts, who, blanks(rng, n, share))

    network = shipments.lanes.network[lane]
    told = (columns["mode"] == SEA) & (rng.random(n) < NOTIFY_SHARE)
    boxed = (columns["mode"] == SEA) & (rng.random(n) < CONTAINER_SHARE)
    box = boxes(rng, network, shipments.container_count, parameters.network_container_share)
    box = typed(rng, box, shipments.container_count, parameters.mistyped_share)
    return {
        "declarant_eori": named("declarant"),
        "consignor_eori": named("consignor"),
        "consignee_eori": named("consignee"),
        "carrier_eori": named("carrier"),
        "notify_party_eori": taken(
            organisations.texts, np.where(told, columns["declarant"], NOBODY)
        ),
        "container_no": taken(shipments.containers, box, ~boxed),
    }
