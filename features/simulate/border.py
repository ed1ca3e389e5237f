"""The whole border at one scenario: made once, then asked for traffic block by block."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from features.simulate.carriage import Cargo, load
from features.simulate.codes import Texts, imo_numbers
from features.simulate.concealment import Methods
from features.simulate.goods import GOODS
from features.simulate.manifests import FERRIES_PER_ROUTE, Manifests
from features.simulate.networks import Fronts, found
from features.simulate.parameters import PER_KIND_TRAFFIC, Scenario
from features.simulate.places import HAULIER_COUNTRIES, ROUTES
from features.simulate.shipments import Shipments, equip, shipment_lanes, shipment_traffic
from features.simulate.traffic import Block, Traffic, draw_counts
from features.simulate.vehicle_lanes import Vehicles, furnish, vehicle_lanes
from features.simulate.vehicle_traffic import vehicle_traffic
from features.simulate.vessel_lanes import Vessels, build, vessel_lanes
from features.simulate.vessel_traffic import vessel_traffic
from features.simulate.world import Circle, Lanes, Organisations, Registry, establish

PARTS = (
    "vehicle", "vessel", "shipment", "carriage", "smuggling", "fates", "regime", "chance",
    "writing", "concealment",
)  # fmt: skip
"""Each has its own stream of random numbers, so that a change in one leaves the others alone."""


def world_stream(seed: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))


def staff_stream(seed: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, 0, 1)))


def drift_stream(seed: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, 0, 0)))


def concealment_stream(seed: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, 0, 2)))


def front_concealment_stream(seed: int, front: int) -> np.random.Generator:
    """What a find on this front changes in how its network conceals."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, 0, 3 + front)))


def front_stream(seed: int, front: int) -> np.random.Generator:
    """What a find on this front sets off."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, 1 + front)))


def block_streams(seed: int, block: int) -> dict[str, np.random.Generator]:
    """Streams of one block of days: what one block used up does not shift the next."""
    children = np.random.SeedSequence(seed, spawn_key=(1 + block,)).spawn(len(PARTS))
    return {part: np.random.default_rng(of) for part, of in zip(PARTS, children, strict=True)}


@dataclass(frozen=True)
class Border:
    scenario: Scenario
    start: date
    movements_per_day: Mapping[str, float]
    organisations: Organisations
    circle: Circle
    fronts: Fronts
    vehicles: Vehicles
    vessels: Vessels
    shipments: Shipments
    manifests: Manifests
    methods: Methods
    stamp: int
    """Six digits in every reference, so that two simulations never share one."""

    @property
    def entity_count(self) -> int:
        """Organisations, then vehicles, then vessels: the regime's numbers for them."""
        return self._first_vessel + self.vessels.size

    @property
    def _first_vessel(self) -> int:
        return self.organisations.size + len(self.vehicles.plates)

    def lanes(self, kind: str) -> Lanes:
        of: Mapping[str, Vehicles | Vessels | Shipments]
        of = {"vehicle": self.vehicles, "vessel": self.vessels, "shipment": self.shipments}
        return of[kind].lanes

    def traffic(
        self,
        rng: np.random.Generator,
        kind: str,
        days: range,
        first_reference: int,
        *,
        movements_per_day: float,
        season_delay_days: int = 0,
    ) -> Traffic:
        """The movements of one kind that arrive on these days."""
        counts = draw_counts(rng, kind, self.start, days, movements_per_day)
        block = Block(self.start, days.start, counts, season_delay_days)
        world = self.scenario.world
        who = self.organisations
        draw: Mapping[str, Callable[[], Traffic]] = {
            "vehicle": lambda: vehicle_traffic(
                rng, self.vehicles, who, world, block, first_reference, self.stamp
            ),
            "vessel": lambda: vessel_traffic(
                rng, self.vessels, who, world, block, first_reference, self.stamp,
                self._first_vessel,
            ),
            "shipment": lambda: shipment_traffic(
                rng, self.shipments, who, world, block, first_reference, self.stamp
            ),
        }  # fmt: skip
        return draw[kind]()

    def loaded(
        self, rng: np.random.Generator, traffic: Mapping[str, Traffic]
    ) -> tuple[dict[str, Traffic], Cargo]:
        """The same traffic with RoRo shipments on the lorries of their day, and which is where."""
        lorries, shipments = traffic["vehicle"], traffic["shipment"]
        cargo = load(
            rng,
            self.scenario.carriage,
            lorries,
            self.vehicles.lanes,
            shipments,
            self.shipments.lanes,
        )
        lorries, shipments = self.manifests.filled_in(rng, cargo, lorries, shipments)
        return {**traffic, "vehicle": lorries, "shipment": shipments}, cargo


def build_border(
    seed: int, scenario: Scenario, start: date, days: int, movements_per_day: float
) -> Border:
    """Memory in proportion to the daily traffic and, through renewal, to the days."""
    rng, world = world_stream(seed), scenario.world
    per_day = {kind: share * movements_per_day for kind, share in PER_KIND_TRAFFIC.items()}
    share = scenario.smuggling.network_traffic_share
    honest = {kind: n * (1.0 - share[kind]) for kind, n in per_day.items()}
    fronts = {kind: n * share[kind] for kind, n in per_day.items()}
    registry = Registry()
    lane_count = round(
        sum(honest[k] / world.lane_mean_movements_per_day[k] for k in ("vehicle", "shipment"))
    )
    origins = [origin for goods in GOODS for origin in goods.origins]
    circle = establish(
        rng,
        registry,
        world,
        lane_count,
        HAULIER_COUNTRIES,
        {origin: float(origins.count(origin)) for origin in sorted(set(origins))},
    )
    companies = found(rng, registry, scenario, per_day, days, circle)
    lanes = {
        kind: make(
            rng,
            world,
            registry,
            circle,
            companies,
            movements_per_day=honest[kind],
            fronts_per_day=fronts[kind],
            days=days,
        )
        for kind, make in {
            "vehicle": vehicle_lanes,
            "vessel": vessel_lanes,
            "shipment": shipment_lanes,
        }.items()
    }
    organisations = registry.close(rng, list(lanes.values()))
    vessels = build(rng, lanes["vessel"])
    return Border(
        scenario=scenario,
        start=start,
        movements_per_day=per_day,
        organisations=organisations,
        circle=circle,
        fronts=companies,
        vehicles=furnish(rng, lanes["vehicle"], organisations, world),
        vessels=vessels,
        shipments=equip(rng, lanes["shipment"], per_day["shipment"]),
        manifests=Manifests(
            scenario.carriage, lanes["vehicle"], organisations, _ferries(rng, vessels)
        ),
        methods=Methods(concealment_stream(seed)),
        stamp=int(rng.integers(0, 1_000_000)),
    )


def _ferries(rng: np.random.Generator, vessels: Vessels) -> Texts:
    """IMO numbers of ships that are no vessel movements here, so that none is two ships."""
    n, arriving = len(ROUTES) * FERRIES_PER_ROUTE, frozenset(vessels.imo.to_pylist())
    free = [text for text in imo_numbers(rng, 2 * n).to_pylist() if text not in arriving]
    return pa.array(free[:n], pa.string())
