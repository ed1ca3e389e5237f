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
        default_factory=lambda: {"vehicle": 0.0120, "vessel": 0.0130, "shipment": 0.0122}
    )
    front_movements_per_day: float = 0.18
    front_mean_life_days: float = 180.0
    run_share_mean: float = 0.46
    """Of a front's movements that carry something, before the signs of the movement itself."""
    run_share_concentration: float = 4.0
    """Of the beta distribution that spreads it over fronts."""
    own_haulier_share: float = 0.45
    """Of a front's lorry lanes: its own haulier; the others hire an honest one."""
    own_supplier_share: float = 0.35
    """Of fronts: supplied by the network's own lasting supplier; the others by an honest one."""
    opportunist_log_odds: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": -7.2, "vessel": -7.2, "shipment": -7.1}
    )
    nuisance_log_odds: float = -1.5
    network_sign_weight: float = 0.8
    """Signs move a network's log-odds less: it knows them too."""
    favoured_threat_share: float = 0.82


@dataclass(frozen=True)
class RegimeParameters:
    """Who is examined, how deeply, and how late the result is known."""

    capacity_share: float = 0.033
    """Examinations a site can make, of the movements it plans for; the mean over sites."""
    banked_most: float = 3.0
    """Examinations a quiet site can save up for a better day."""
    risk_points: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": 3.0, "vessel": 2.2, "shipment": 2.2}
    )
    """Below this judged score officers rather save the capacity; about the top tenth lies above."""
    random_share: float = 0.0017
    """Of all movements; 5 % of capacity."""
    rule_points: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": 3.8, "vessel": 3.0, "shipment": 2.8}
    )
    """Score, history included, from which a rule asks for an examination."""
    rule_follow_share: float = 0.7
    """Of what a rule asks for."""
    tip_share_network_run: float = 0.40
    tip_share_other_run: float = 0.03
    tip_share_network_clean: float = 0.03
    tip_share_honest: float = 0.0010
    officers_per_site: int = 5
    """Take turns by shifts of eight hours."""
    officer_noise_points: float = 0.8
    """Of the median officer."""
    officer_noise_log_spread: float = 0.3
    officer_strictness_points: float = 0.4
    """Standard deviation over officers, of what they add to every movement's score."""
    site_capacity_log_spread: float = 0.25
    site_depth_log_spread: float = 0.3
    """Of the exponent on the draw that decides how deep an examination goes."""
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
    laboratory_log_spread: float = 0.75
    result_most_days: float = 90.0
    concealment_unstated_share: float = 0.15
    """Of finds: nothing is said about how it was concealed."""
    appeal_share: float = 0.03
    """Of finds: reversed on appeal, by a later message that corrects the first."""
    appeal_median_days: float = 40.0
    appeal_most_days: float = 150.0
    """After the result was known."""


CHANGE_WEEK = 16
"""From the start; the scenarios that change at once change on the first day of this week."""


@dataclass(frozen=True)
class AdaptationParameters:
    """How a network reacts when an examination finds something on a movement of its front.

    Days count from the examination. Nothing changes before the next block of days begins.
    """

    closing_days: tuple[int, int] = (2, 10)
    """Until the front stops trading; even spread."""
    successor_days: tuple[int, int] = (7, 28)
    """Until another front of the network steps in, until the day the first would have ended."""
    moving_days: tuple[int, int] = (7, 28)
    """Until the whole network has left what it holds for known."""
    haulier_burn_share: float = 0.6
    """The network leaves the haulier, also if it is honest and hired."""
    supplier_burn_share: float = 0.4
    route_burn_share: float = 0.35
    """It leaves the route, last port or office."""
    goods_burn_share: float = 0.4
    """It hides behind other goods."""
    concealment_burn_share: float = 0.35
    """It conceals in another way, in the kind of movement that was found out."""
    caution_factor: float = 0.85
    """On the habits that show, of each front that steps in, for every find of its network."""
    least_caution: float = 0.5
    pause_share: float = 0.04
    """Of finds: arrests, and the whole network rests."""
    pause_days: tuple[int, int] = (21, 60)
    reserve_days_per_front: int = 40
    """One front in reserve for so many days of every place of a network."""


@dataclass(frozen=True)
class NewTacticParameters:
    """Networks that nothing before resembles: other routes, goods, method and threat."""

    from_day: int = 7 * CHANGE_WEEK
    share: float = 0.25
    """Their movements, of those of the networks before."""


@dataclass(frozen=True)
class DriftParameters:
    """Everything moves a little every week; amounts are for a whole year, and go on."""

    volume_log_change: Mapping[str, float] = field(
        default_factory=lambda: {"vehicle": -0.10, "vessel": 0.05, "shipment": 0.20}
    )
    goods_log_spread: float = 0.6
    """Standard deviation over goods, of the log change of their trade."""
    site_log_spread: float = 0.5
    """Over routes, ports of call and offices."""
    price_log_change: float = 0.06
    price_log_spread: float = 0.25
    """Over goods."""
    season_delay_days: int = 25
    honest_habit_log_odds: Mapping[str, float] = field(
        default_factory=lambda: {"hurried": 0.6, "nightly": 0.3, "odd": 0.3, "cash": -0.7}
    )
    front_habit_log_odds: Mapping[str, float] = field(
        default_factory=lambda: {"hurried": -0.6, "nightly": 0.0, "odd": -0.5, "cash": -0.6}
    )


@dataclass(frozen=True)
class PoisonParameters:
    """Sites whose results cannot be trusted any more, by kind."""

    from_day: int = 7 * CHANGE_WEEK
    corrupt_sites: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "vehicle": ("GBHRW", "GBHUL"),
            "vessel": ("GBPLY",),
            "shipment": ("GBFXT",),
        }
    )
    """Let networks pass and report nothing found."""
    lazy_sites: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "vehicle": ("GBFOL",),
            "vessel": ("GBFAL",),
            "shipment": ("GBEMA",),
        }
    )
    """Do not look and report nothing found."""
    hidden_share: float = 0.8
    """Of what would have been found there."""


@dataclass(frozen=True)
class FeedGap:
    """Columns of one kind that arrive blank for some weeks, and the signs that go with them."""

    kind: str
    columns: tuple[str, ...]
    signs: tuple[str, ...]
    from_day: int
    until_day: int


@dataclass(frozen=True)
class FeedGapParameters:
    gaps: tuple[FeedGap, ...] = (
        FeedGap("vessel", ("ais_gap_hours", "loitering_hours", "encounters"),
                ("silent", "loitered", "met_another"), 7 * CHANGE_WEEK, 7 * (CHANGE_WEEK + 8)),
        FeedGap("vehicle", ("booked_at", "booking_amendments"),
                ("late_booking", "very_late_booking", "much_amended"),
                7 * (CHANGE_WEEK + 4), 7 * (CHANGE_WEEK + 12)),
    )  # fmt: skip
    silent_sites: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"vehicle": ("GBHRW",), "shipment": ("GBLHR",)}
    )
    """Examine as ever, but no outcome of theirs arrives, then or later."""
    silent_from_day: int = 7 * CHANGE_WEEK
    silent_until_day: int = 7 * (CHANGE_WEEK + 12)


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
    """``stationary`` and stated differences; what is None does not happen."""

    name: str
    world: WorldParameters = field(default_factory=WorldParameters)
    smuggling: SmugglingParameters = field(default_factory=SmugglingParameters)
    regime: RegimeParameters = field(default_factory=RegimeParameters)
    carriage: CarriageParameters = field(default_factory=CarriageParameters)
    adaptation: AdaptationParameters | None = None
    new_tactic: NewTacticParameters | None = None
    drift: DriftParameters | None = None
    poison: PoisonParameters | None = None
    feed_gap: FeedGapParameters | None = None


SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("stationary"),
        Scenario("drift", drift=DriftParameters()),
        Scenario("adaptive", adaptation=AdaptationParameters()),
        Scenario("new_tactic", new_tactic=NewTacticParameters()),
        Scenario("poisoned_feedback", poison=PoisonParameters()),
        Scenario("feed_gap", feed_gap=FeedGapParameters()),
    )
}


def scenario_named(name: str) -> Scenario:
    """Raises ``InputError`` for a name that is none."""
    if name not in SCENARIOS:
        allowed = ", ".join(SCENARIOS)
        raise InputError(f"scenario must be one of: {allowed}; not {name!r}; choose one of them")
    return SCENARIOS[name]
