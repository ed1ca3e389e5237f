"""Vessel arrivals of a block of days: voyages, AIS summaries, and what is declared about them."""

import numpy as np
import pyarrow as pa

from features.simulate import codes
from features.simulate.codes import Bools, Column, Floats, Ints
from features.simulate.parameters import WorldParameters
from features.simulate.places import BERTHS, FLAGS, LAST_PORTS
from features.simulate.traffic import (
    Block,
    Traffic,
    blanks,
    choose,
    draw_lanes,
    hour_of_day,
    instants,
    numbers,
    taken,
    to_micros,
    typed,
)
from features.simulate.vessel_lanes import COMMERCIAL, CRAFTS, PLEASURE, Vessels
from features.simulate.world import NOBODY, Organisations

PURPOSES = ("cargo", "passengers", "bunkers", "repair", "crew change", "landing", "leisure")
BLANK_SHARES = {
    "departs_at": 0.05,
    "next_port": 0.12,
    "crew_count": 0.04,
    "passenger_count": 0.08,
    "ais_gap_hours": 0.06,
    "loitering_hours": 0.06,
    "encounters": 0.06,
    "flag_changes_24m": 0.15,
    "speed_anomalies": 0.06,
    "draught_change_m": 0.12,
    "identity_changes": 0.06,
    "year_built": 0.05,
    "operator_eori": 0.05,
    "dangerous_goods": 0.04,
}
PLEASURE_MONTH_FACTORS = (0.3, 0.3, 0.5, 0.9, 1.3, 1.7, 2.0, 2.0, 1.4, 0.8, 0.4, 0.4)
SMALL_CRAFT_SPEED_FACTOR = 1.6
"""Sailing time of a small craft, of a merchant ship's."""
NO_AIS_SHARE = 0.35
"""Of small craft lanes' arrivals: too small to carry AIS, so no summary and no MMSI."""


def vessel_traffic(
    rng: np.random.Generator,
    vessels: Vessels,
    organisations: Organisations,
    parameters: WorldParameters,
    block: Block,
    first_reference: int,
    stamp: int,
    first_entity: int,
) -> Traffic:
    """``first_entity`` is the regime's number of vessel 0."""
    lanes, n = vessels.lanes, block.n
    lane = draw_lanes(rng, lanes, block, _season(lanes.columns["craft"], block.month()))
    columns = {name: values[lane] for name, values in lanes.columns.items()}
    vessel, craft = columns["vessel"], columns["craft"]
    small = craft != COMMERCIAL
    dark = small & (rng.random(n) < NO_AIS_SHARE)
    voyage, facts = _voyage(rng, vessels, lane, columns, block)
    ais, ais_facts = _ais(rng, vessels, lane, dark)
    facts |= ais_facts | {
        "young_operator": organisations.are_young(columns["operator"], block.day),
        "old_ship": (vessels.year_built[vessel] < block.start.year - 28).astype(float),
        "flag_appeal": np.array([FLAGS.get(f, (0, 0.0, 0.0))[2] for f in vessels.flags])[vessel],
        "port_appeal": np.array([port.appeal for port in LAST_PORTS])[columns["last_port"]],
    }
    declared = {
        **voyage,
        **ais,
        **_particulars(rng, vessels, vessel, parameters, dark),
        **_people(rng, vessels, vessel, craft),
        **_parties(rng, columns, organisations, parameters),
    }
    counter = np.arange(first_reference, first_reference + n, dtype=np.int64)
    declared["movement_ref"] = codes.arrival_references(counter, stamp)
    return Traffic(
        kind="vessel",
        block=block,
        lane=lane,
        declared_at=declared["declared_at"].cast(pa.int64()).to_numpy(),
        arrives_at=declared["arrives_at"].cast(pa.int64()).to_numpy(),
        columns=declared,
        facts=facts,
        site=columns["port"],
        goods=np.full(n, NOBODY, dtype=np.int64),
        entities=np.stack([columns["operator"], first_entity + vessel], axis=1),
    )


def _season(craft: Ints, month: int) -> Floats:
    """A factor a lane: leisure craft sail in summer."""
    return np.where(craft == PLEASURE, PLEASURE_MONTH_FACTORS[month - 1], 1.0)


def _voyage(
    rng: np.random.Generator, vessels: Vessels, lane: Ints, columns: dict[str, Ints], block: Block
) -> tuple[dict[str, Column], dict[str, Floats]]:
    n = lane.size
    habits, small = vessels.lanes.habits, columns["craft"] != COMMERCIAL
    hour, night = hour_of_day(rng, habits.nightly[lane])
    arrives = block.midnight() + to_micros(hour)
    hours = np.array([port.hours for port in LAST_PORTS])[columns["last_port"]]
    hours = hours * np.where(small, SMALL_CRAFT_SPEED_FACTOR, 1.0) * rng.uniform(0.9, 1.3, n)
    hurried = rng.random(n) < habits.hurried[lane]
    usual_hours = np.where(small, 10.0, 30.0) * np.where(hurried, 0.25, 1.0)
    notice = np.clip(rng.lognormal(np.log(usual_hours), 0.35, n), 0.2, 400.0)
    left_out = {name: blanks(rng, n, share) for name, share in BLANK_SHARES.items()}
    ports = pa.array([port.port for port in LAST_PORTS])
    purpose = np.where(small, np.where(columns["craft"] == PLEASURE, 6, 5), 0)
    purpose = np.where(~small & (rng.random(n) < 0.15), choose(rng, n, (0, 4, 3, 1, 2)), purpose)
    voyage = {
        "arrives_at": instants(arrives),
        "departs_at": instants(arrives - to_micros(hours), left_out["departs_at"]),
        "declared_at": instants(arrives - to_micros(notice)),
        "port": taken(pa.array([berth.port for berth in BERTHS]), columns["port"]),
        "last_port": taken(ports, columns["last_port"]),
        "next_port": taken(ports, columns["next_port"], left_out["next_port"]),
        "purpose": taken(pa.array(PURPOSES), purpose),
        "is_reported": numbers(notice > hours, columns["craft"] != PLEASURE),
    }
    facts = {
        "night": night.astype(float),
        "short_notice": (notice < np.where(small, 4.0, 12.0)).astype(float),
    }
    return voyage, facts


def _ais(
    rng: np.random.Generator, vessels: Vessels, lane: Ints, dark: Bools
) -> tuple[dict[str, Column], dict[str, Floats]]:
    """Odd voyages are silent, loiter or meet another vessel, mostly one of the three."""
    n = lane.size
    habits = vessels.lanes.habits
    odd = rng.random(n) < habits.odd[lane]
    way = rng.integers(0, 3, n)
    silent, waiting, met = (odd & ((way == at) | (rng.random(n) < 0.3)) for at in range(3))
    gap = rng.gamma(0.8, 1.0, n) + np.where(silent, rng.gamma(3.0, 4.0, n), 0.0)
    loiter = rng.gamma(0.5, 1.6, n) + np.where(waiting, rng.gamma(3.0, 3.0, n), 0.0)
    meetings = rng.poisson(np.where(met, 1.3, 0.03))
    reflagged = rng.random(n) < habits.cash[lane] * 0.6
    changes = np.where(reflagged, 1 + rng.poisson(0.4, n), 0)

    impossible = rng.poisson(np.where(silent, 0.5, 0.02))
    renamed = rng.poisson(np.where(reflagged, 0.35, 0.01))
    draught = rng.gamma(1.5, 0.6, n)
    drawing = vessels.craft[vessels.lanes.columns["vessel"][lane]] == COMMERCIAL

    def seen(name: str) -> Bools:
        return dark | blanks(rng, n, BLANK_SHARES[name])

    summary = {
        "ais_gap_hours": numbers(np.round(gap, 1), seen("ais_gap_hours")),
        "loitering_hours": numbers(np.round(loiter, 1), seen("loitering_hours")),
        "encounters": numbers(meetings, seen("encounters")),
        "flag_changes_24m": numbers(changes, seen("flag_changes_24m")),
        "speed_anomalies": numbers(impossible, seen("speed_anomalies")),
        "identity_changes": numbers(renamed, seen("identity_changes")),
        "draught_change_m": numbers(np.round(draught, 1), ~drawing | seen("draught_change_m")),
    }
    facts = {
        "silent": (gap > 6.0).astype(float),
        "loitered": (loiter > 6.0).astype(float),
        "met_another": (meetings > 0).astype(float),
        "reflagged": (changes > 0).astype(float),
    }
    return summary, facts


def _particulars(
    rng: np.random.Generator,
    vessels: Vessels,
    vessel: Ints,
    parameters: WorldParameters,
    dark: Bools,
) -> dict[str, Column]:
    n = vessel.size
    craft = vessels.craft[vessel]
    imo = typed(rng, vessel, vessels.size, parameters.mistyped_share)
    return {
        "craft": taken(pa.array(CRAFTS), craft),
        "ship_type": taken(vessels.ship_type, vessel),
        "flag": taken(pa.array(vessels.flags), vessel),
        "imo": taken(vessels.imo, imo, craft != COMMERCIAL),
        "mmsi": taken(vessels.mmsi, vessel, dark),
        "hull_id": taken(vessels.hull, vessel, craft == COMMERCIAL),
        "gross_tonnage": numbers(vessels.gross_tonnage[vessel], np.zeros(n, dtype=bool)),
        "length_m": numbers(vessels.length_m[vessel], np.zeros(n, dtype=bool)),
        "year_built": numbers(
            vessels.year_built[vessel], blanks(rng, n, BLANK_SHARES["year_built"])
        ),
    }


def _people(
    rng: np.random.Generator, vessels: Vessels, vessel: Ints, craft: Ints
) -> dict[str, Column]:
    n = vessel.size
    crew = np.maximum(1, vessels.crew[vessel] + rng.integers(-1, 2, n))
    guests = np.where(craft == PLEASURE, rng.poisson(1.5, n), rng.poisson(0.05, n))
    dangerous = (craft == COMMERCIAL) & (rng.random(n) < 0.18)
    return {
        "crew_count": numbers(crew, blanks(rng, n, BLANK_SHARES["crew_count"])),
        "passenger_count": numbers(guests, blanks(rng, n, BLANK_SHARES["passenger_count"])),
        "dangerous_goods": numbers(
            dangerous, (craft != COMMERCIAL) | blanks(rng, n, BLANK_SHARES["dangerous_goods"])
        ),
    }


def _parties(
    rng: np.random.Generator,
    columns: dict[str, Ints],
    organisations: Organisations,
    parameters: WorldParameters,
) -> dict[str, Column]:
    n = columns["operator"].size

    def named(who: Ints, share: float) -> Column:
        slipped = typed(rng, who, organisations.size, parameters.mistyped_share)
        return taken(organisations.texts, slipped, blanks(rng, n, share))

    return {
        "operator_eori": named(columns["operator"], BLANK_SHARES["operator_eori"]),
        "agent_eori": named(columns["agent"], 0.0),
    }
