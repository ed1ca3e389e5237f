"""Every number of the simulated border, with its unit in its name; see docs/simulated-border.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.errors import InputError

PER_KIND_TRAFFIC: Mapping[str, float] = {"vehicle": 0.55, "vessel": 0.15, "shipment": 0.30}
FULL_SENSITIVITY = 0.92
"""A full examination finds what is there with this probability, whatever it is."""


@dataclass(frozen=True)
class WorldParameters:
    """Who trades, how often, and for how long."""

    lane_mean_movements_per_day: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": 0.12, "vessel": 0.10, "shipment": 0.08}
    )
    lane_mean_life_days: float = 700.0
    lanes_per_organisation: Mapping[str, float] = field(
        default_factory=lambda: {"trader": 2.5, "haulier": 4.0, "agent": 60.0, "ship_operator": 5.0}
    )
    company_age_median_days: float = 2_000.0
    nuisance_share: float = 0.08
    """Of honest lanes: young, hurried, oddly valued or silent at sea, and clean."""
    vehicles_per_daily_movement: float = 5.0
    tourist_share: float = 0.15
    """Of vehicle movements."""
    unaccompanied_share: float = 0.32
    """Of freight vehicle movements."""
    spot_hire_share: float = 0.12
    """Of freight vehicle movements: carried by another haulier than the lane's own."""
    mistyped_share: float = 0.004
    """Of identifiers with a check digit: one digit is wrong."""
    amended_share: float = 0.02
    """Of movements: a second message (version 2) corrects the mass or the arrival."""
    inherited_fleet_share: float = 0.4
    """Of fronts with lorries or cars of their own: those of the network's front before."""
    network_container_share: float = 0.3
    """Of a front's containers: one of the few that its network uses again and again."""


@dataclass(frozen=True)
class SmugglingParameters:
    """How much is smuggled, by whom, and what it looks like."""

    network_traffic_share: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": 0.021, "vessel": 0.022, "shipment": 0.022}
    )
    front_movements_per_day: float = 0.18
    front_mean_life_days: float = 180.0
    run_share_mean: float = 0.36
    """Of a front's movements that carry something, before the signs of the movement itself."""
    run_share_concentration: float = 4.0
    """Of the beta distribution that spreads it over fronts."""
    own_haulier_share: float = 0.45
    """Of a front's lorry lanes: its own haulier; the others hire an honest one."""
    own_supplier_share: float = 0.35
    """Of fronts: supplied by the network's own lasting supplier; the others by an honest one."""
    opportunist_log_odds: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": -6.9, "vessel": -6.9, "shipment": -6.7}
    )
    nuisance_log_odds: float = -1.5
    network_sign_weight: float = 0.8
    """Signs move a network's log-odds less: it knows them too."""
    favoured_threat_share: float = 0.82


@dataclass(frozen=True)
class RegimeParameters:
    """Who is examined, how deeply, and how late the result is known."""

    capacity_share: float = 0.0365
    """Examinations a site can make, of the movements it expects."""
    banked_most: float = 3.0
    """Examinations a quiet site can save up for a better day."""
    risk_points: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": 2.2, "vessel": 1.6, "shipment": 1.6}
    )
    """Below this judged score officers rather save the capacity; about the top tenth lies above."""
    random_share: float = 0.0018
    """Of all movements; 5 % of capacity."""
    rule_points: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": 3.8, "vessel": 3.0, "shipment": 2.8}
    )
    """Score, history included, from which a rule asks for an examination."""
    rule_follow_share: float = 0.5
    """Of what a rule asks for."""
    tip_share_network_run: float = 0.22
    tip_share_other_run: float = 0.03
    tip_share_network_clean: float = 0.03
    tip_share_honest: float = 0.0020
    officer_noise_points: float = 0.8
    history_points: float = 2.2
    """Per unit of log(smoothed find rate / prior), times the weight of the entity's role."""
    history_role_weights: Mapping[str, tuple[float, ...]] = field(
        default_factory=lambda: {
            "vehicle": (0.5, 1.0, 0.9, 0.9),  # haulier, consignee, consignor, vehicle
            "vessel": (1.0, 1.0),  # operator, vessel
            "shipment": (1.0, 0.9, 0.3),  # consignee, consignor, declarant
        }
    )
    history_half_life_days: float = 240.0
    history_prior_rate: float = 0.07
    history_prior_examinations: float = 4.0
    overflow_recorded_share: float = 0.2
    """Of rule selections beyond capacity: recorded as insufficient_resources."""
    no_show_share: float = 0.012
    missed_share: float = 0.015
    withdrawn_share: float = 0.010
    wait_median_hours: float = 5.0
    result_median_hours: float = 4.0
    laboratory_share_positive: float = 0.40
    laboratory_share_negative: float = 0.05
    laboratory_median_days: float = 12.0
    laboratory_most_days: float = 60.0


@dataclass(frozen=True)
class CarriageParameters:
    """Which declared RoRo shipments lie on which lorries, and who says so."""

    groupage_lorry_share: float = 0.25
    """Of loaded inbound lorries: take consignments of several traders."""
    groupage_extra_places_mean: float = 1.5
    """Of a Poisson distribution: places of a groupage lorry beyond the second."""
    groupage_most_places: int = 6
    groupage_shipment_share: float = 0.45
    """Of honest RoRo shipments light enough for it; the others have a lorry to themselves."""
    groupage_most_kg: float = 5_000.0
    """A heavier consignment is never groupage."""
    own_lorry_share: float = 0.6
    """Of a network's consignments, on a day when a lorry of the network comes the same way."""
    vehicle_lists_share: float = 0.7
    """Of lorries with consignments: the vehicle's record lists them, all of them."""
    shipment_names_share: float = 0.6
    """Of carried shipments, whatever the lorry lists: the shipment's record names the vehicle."""
    transport_named_share: float = 0.9
    """Of carried shipments: the declaration gives the lorry's mark, or the ferry's IMO number."""
    ferry_named_share: float = 0.85
    """Of ferry bookings: the booking names the ship."""


@dataclass(frozen=True)
class Scenario:
    name: str
    world: WorldParameters = field(default_factory=WorldParameters)
    smuggling: SmugglingParameters = field(default_factory=SmugglingParameters)
    regime: RegimeParameters = field(default_factory=RegimeParameters)
    carriage: CarriageParameters = field(default_factory=CarriageParameters)


SCENARIOS: Mapping[str, Scenario] = {"stationary": Scenario("stationary")}


def scenario_named(name: str) -> Scenario:
    """Raises ``InputError`` for a name that is none."""
    if name not in SCENARIOS:
        allowed = ", ".join(SCENARIOS)
        raise InputError(f"scenario must be one of: {allowed}; not {name!r}; choose one of them")
    return SCENARIOS[name]
