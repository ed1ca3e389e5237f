"""Smuggling networks: what they bring, how, and the front companies that do it for them.

A front lives for some months and is followed by another, whether or not it was found out. Where
networks react to finds (``adaptation.py``), fronts are kept in reserve to step in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, get_args

import numpy as np

from features.records.outcome import Threat
from features.simulate.codes import Bools, Floats, Ints
from features.simulate.parameters import Scenario
from features.simulate.world import (
    NEWCOMER_RATE_SHAPE,
    Circle,
    Lanes,
    Registry,
    Windows,
    habits_of,
)

FAVOURED_SHARE = 0.75
THREATS: tuple[str, ...] = get_args(Threat)


class Network(NamedTuple):
    """Favours; the fields that do not apply to its kinds are empty."""

    threat: str
    second_threat: str
    size: float
    """Share of network traffic, relative."""
    kinds: Mapping[str, float]
    """Probability that a front of this network trades in the kind."""
    routes: tuple[str, ...] = ()
    """``FROM-TO`` with the British port last; a front takes one of them three times in four."""
    traffic_mode: str = "freight_accompanied"
    outbound: bool = False
    goods: tuple[str, ...] = ()
    origins: tuple[str, ...] = ("NL",)
    mode_at_border: str = "1"
    craft: str = "pleasure"
    last_ports: tuple[str, ...] = ()
    emerging: bool = False
    """Works in the scenario ``new_tactic`` alone, behind old companies with ordinary habits."""


NETWORKS: tuple[Network, ...] = (
    Network("class_a_drugs", "firearms", 1.2, {"vehicle": 0.9, "shipment": 0.3},
            routes=("NLRTM-GBHRW", "FRCQF-GBDVR", "BEZEE-GBPFT"),
            goods=("060311", "392690", "210690"), origins=("NL", "CO"), mode_at_border="10"),
    Network("class_a_drugs", "other_drugs", 1.2, {"shipment": 1.0},
            goods=("080390", "090111", "440711"), origins=("CO", "EC", "BR")),
    Network("class_a_drugs", "cash", 1.0, {"vessel": 1.0}, craft="pleasure",
            last_ports=("ESLCG", "ESVGO", "FRCER")),
    Network("class_a_drugs", "other_drugs", 1.0, {"vessel": 1.0}, craft="fishing",
            last_ports=("BEOST", "NLVLI", "IEORK")),
    Network("class_a_drugs", "fiscal_fraud", 0.8, {"vessel": 1.0}, craft="commercial",
            last_ports=("COCTG", "ECGYE", "BRSSZ", "MAPTM")),
    Network("tobacco_alcohol", "counterfeit", 1.2, {"vehicle": 0.9, "shipment": 0.3},
            routes=("BEZEE-GBTIL", "BEZEE-GBPFT", "FRDKK-GBDVR"),
            traffic_mode="freight_unaccompanied", goods=("190531", "940360", "220300"),
            origins=("PL", "BE"), mode_at_border="11"),
    Network("tobacco_alcohol", "fiscal_fraud", 1.0, {"shipment": 1.0},
            goods=("732393", "940320", "690721"), origins=("AE", "CN", "VN")),
    Network("clandestine_entry", "other", 1.4, {"vehicle": 1.0},
            routes=("FRCQF-GBDVR", "FRDKK-GBDVR", "FRDPE-GBNHV"),
            goods=("401110", "870899", "200290")),
    Network("clandestine_entry", "class_a_drugs", 1.2, {"vessel": 1.0}, craft="pleasure",
            last_ports=("FRBOL", "BEOST", "FRDPE")),
    Network("small_boat_equipment", "other", 0.9, {"shipment": 1.0, "vehicle": 0.3},
            routes=("FRCQF-GBFOL",), goods=("890312", "840721", "630720"),
            origins=("CN", "TR")),
    Network("small_boat_equipment", "clandestine_entry", 0.8, {"vehicle": 1.0},
            routes=("NLRTM-GBHUL", "FRDKK-GBDVR"), goods=("840721", "630720", "392690"),
            outbound=True),
    Network("firearms", "class_a_drugs", 0.6, {"vehicle": 0.6, "shipment": 0.7},
            routes=("FRCQF-GBDVR", "NLRTM-GBHUL"), goods=("848180", "870899", "761699"),
            origins=("TR", "US"), mode_at_border="4"),
    Network("cash", "class_a_drugs", 0.9, {"vehicle": 1.0}, traffic_mode="tourist",
            routes=("FRCQF-GBFOL", "FRCQF-GBDVR"), outbound=True),
    Network("counterfeit", "fiscal_fraud", 1.4, {"shipment": 1.0, "vehicle": 0.2},
            routes=("BEZEE-GBTIL",), goods=("640411", "420221", "610910", "851830"),
            origins=("CN", "TR"), mode_at_border="4"),
    Network("fiscal_fraud", "counterfeit", 1.2, {"shipment": 1.0},
            goods=("620462", "611020", "640299"), origins=("CN", "BD")),
    Network("other_drugs", "class_a_drugs", 1.0, {"vehicle": 0.9, "shipment": 0.2},
            routes=("ESSDR-GBPME", "ESBIO-GBPME", "FRCQF-GBDVR"),
            goods=("070200", "070960", "680221"), origins=("ES",), mode_at_border="10"),
    Network("other_drugs", "other", 0.7, {"shipment": 1.0},
            goods=("210690", "950300", "850440"), origins=("US", "TH"), mode_at_border="4"),
    Network("small_boat_equipment", "other", 1.4, {"vehicle": 1.0, "shipment": 0.5},
            routes=("DKEBJ-GBIMM", "NLIJM-GBNCL"), traffic_mode="freight_unaccompanied",
            goods=("961900", "481910"), origins=("PL", "DE"), mode_at_border="11", emerging=True),
    Network("class_a_drugs", "firearms", 1.0, {"shipment": 1.0, "vehicle": 0.4},
            routes=("IEROS-GBFIS",), goods=("030214", "701090"), origins=("NO", "DK"),
            mode_at_border="10", emerging=True),
    Network("small_boat_equipment", "clandestine_entry", 0.8, {"vessel": 1.0}, craft="fishing",
            last_ports=("NOBGO", "ISREY"), emerging=True),
)  # fmt: skip


@dataclass(frozen=True)
class Fronts:
    """Front companies of every network over the whole time; arrays have one value a front."""

    network: Ints
    windows: Windows
    company: Ints
    haulier: Ints
    """Its own, or an honest one that it hires."""
    own_haulier: Bools
    supplier: Ints
    kinds: Mapping[str, Ints]
    """Kind to the fronts that trade in it."""
    run_share: Floats
    reserve: Bools
    """Trades only once ``adaptation.py`` wakes it; until then its days lie after the last."""


EMERGING: Bools = np.array([network.emerging for network in NETWORKS])


def found(
    rng: np.random.Generator,
    registry: Registry,
    scenario: Scenario,
    movements_per_day: Mapping[str, float],
    days: int,
    circle: Circle,
) -> Fronts:
    """Set up the fronts of all networks, each place taken by one front after another."""
    parameters = scenario.smuggling
    wanted = sum(parameters.network_traffic_share[k] * movements_per_day[k] for k in THREAT_KINDS)
    owner = np.repeat(np.arange(len(NETWORKS)), _places(scenario, wanted))
    begins = np.where(EMERGING, scenario.new_tactic.from_day if scenario.new_tactic else 0, 0)
    network, windows = _in_turn(rng, owner, begins, days, parameters.front_mean_life_days)
    reserve = np.zeros(network.size, dtype=bool)
    if scenario.adaptation is not None:
        spare = np.repeat(owner, 1 + days // scenario.adaptation.reserve_days_per_front)
        never = np.full(spare.size, days, dtype=np.int64)
        network = np.concatenate([network, spare])
        windows = Windows(*(np.concatenate([of, never]) for of in vars(windows).values()))
        reserve = np.arange(network.size) >= reserve.size
    n = network.size
    age = np.where(EMERGING[network], rng.integers(800, 3_000, n), rng.integers(5, 90, n))
    company = registry.add(["GB"] * n, windows.from_day - age)
    own = rng.random(n) < parameters.own_haulier_share
    own_supplier = rng.random(n) < parameters.own_supplier_share
    haulier = circle.hauliers[rng.integers(0, circle.hauliers.size, n)]
    homes = rng.choice(["GB", "PL", "RO", "NL", "BG"], size=int(own.sum()))
    haulier[own] = registry.add(
        homes.tolist(), windows.from_day[own] - rng.integers(5, 200, homes.size)
    )
    mean, spread = parameters.run_share_mean, parameters.run_share_concentration
    return Fronts(
        network=network,
        windows=windows,
        company=company,
        haulier=haulier,
        own_haulier=own,
        supplier=_suppliers(rng, registry, network, own_supplier, circle.suppliers),
        kinds=_trades_in(rng, network),
        run_share=np.clip(rng.beta(mean * spread, (1 - mean) * spread, n), 0.01, 0.9),
        reserve=reserve,
    )


def _places(scenario: Scenario, movements_per_day: float) -> Ints:
    """int64[networks]: fronts that each network keeps at work, together for so many movements."""
    sizes = np.array([network.size for network in NETWORKS])
    usual = sizes / sizes[~EMERGING].sum()
    new = sizes / sizes[EMERGING].sum() * (scenario.new_tactic.share if scenario.new_tactic else 0)
    per_day = np.where(EMERGING, new, usual) * movements_per_day
    places = np.round(per_day / scenario.smuggling.front_movements_per_day).astype(np.int64)
    return np.where(per_day > 0, np.maximum(1, places), 0)


THREAT_KINDS: tuple[str, ...] = ("vehicle", "vessel", "shipment")


def _in_turn(
    rng: np.random.Generator, owner: Ints, begins: Ints, days: int, mean_life_days: float
) -> tuple[Ints, Windows]:
    """Every place is filled until the end, little time lost between two fronts.

    A network that begins on day 0 was there before; one that begins later sets up in three weeks.
    """
    network, start, end = [], [], []
    for of in owner:
        first = int(begins[of])
        day = first + 21.0 * rng.random() if first else -float(rng.exponential(mean_life_days))
        while day < days:
            life = 20.0 + float(rng.exponential(mean_life_days - 20.0))
            if day + life > 0:
                network.append(int(of))
                start.append(int(day))
                end.append(int(day + life) + 1)
            day += life + float(rng.exponential(8.0))
    as_ints = [np.array(values, dtype=np.int64) for values in (network, start, end)]
    return as_ints[0], Windows(as_ints[1], as_ints[2])


def _suppliers(
    rng: np.random.Generator, registry: Registry, network: Ints, own: Bools, honest: Ints
) -> Ints:
    """A network's own suppliers outlast its fronts; the others are honest and know nothing."""
    chosen = honest[rng.integers(0, honest.size, network.size)]
    countries = np.array([registry.country(int(who)) for who in honest])
    for number, of in enumerate(NETWORKS):
        where = np.flatnonzero(network == number)
        near = honest[np.isin(countries, of.origins)]
        if near.size:
            chosen[where] = near[rng.integers(0, near.size, where.size)]
        if not where.size:
            continue
        count = 2 + where.size // 12
        homes = [of.origins[at % len(of.origins)] for at in range(count)]
        pool = registry.add(homes, -rng.integers(100, 900, count))
        where = where[own[where]]
        chosen[where] = pool[rng.integers(0, count, where.size)]
    return chosen


def _trades_in(rng: np.random.Generator, network: Ints) -> dict[str, Ints]:
    chances = {
        kind: np.array([of.kinds.get(kind, 0.0) for of in NETWORKS])[network]
        for kind in THREAT_KINDS
    }
    likeliest = np.argmax(np.stack([chances[kind] for kind in THREAT_KINDS]), axis=0)
    return {
        kind: np.flatnonzero((rng.random(network.size) < chances[kind]) | (likeliest == at))
        for at, kind in enumerate(THREAT_KINDS)
    }


def front_rates(
    rng: np.random.Generator, windows: Windows, usual: Bools, days: int, movements_per_day: float
) -> Floats:
    """Movements a day of each front, so that the usual ones make the wanted number on average."""
    raw: Floats = rng.gamma(NEWCOMER_RATE_SHAPE, 1.0, windows.size) + 0.02
    present = np.minimum(windows.until_day, days) - np.maximum(windows.from_day, 0)
    present = np.where(usual, present, 0)
    return raw * movements_per_day * days / max(float((raw * present).sum()), 1e-9)


def front_lanes(
    rng: np.random.Generator,
    fronts: Fronts,
    kind: str,
    columns: Mapping[str, Ints],
    typical_mass_kg: Floats,
    *,
    movements_per_day: float,
    days: int,
) -> Lanes:
    """One lane for each front that trades in the kind."""
    chosen = fronts.kinds[kind]
    network = fronts.network[chosen]
    windows = Windows(fronts.windows.from_day[chosen], fronts.windows.until_day[chosen])
    usual = ~EMERGING[network] & ~fronts.reserve[chosen]
    rates = front_rates(rng, windows, usual, days, movements_per_day)
    habits = habits_of(rng, "network", chosen.size)
    plain = habits_of(rng, "ordinary", chosen.size)
    return Lanes(
        movements_per_day=rates,
        from_day=windows.from_day,
        until_day=windows.until_day,
        network=network,
        run_share=fronts.run_share[chosen],
        nuisance=np.zeros(chosen.size, dtype=bool),
        habits=plain.where(EMERGING[network], habits),
        columns=columns,
        typical_mass_kg=typical_mass_kg,
        price_factor=rng.lognormal(0.0, 0.35, chosen.size),
    )


def favoured(
    rng: np.random.Generator, networks: Ints, favours: Mapping[int, tuple[int, ...]], usual: Ints
) -> Ints:
    """One of the network's favours three times in four, else what anyone would take."""
    taken = usual.copy()
    for at, network in enumerate(networks):
        choices = favours[int(network)]
        if choices and rng.random() < FAVOURED_SHARE:
            taken[at] = choices[int(rng.integers(len(choices)))]
    return taken
