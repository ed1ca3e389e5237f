"""What must hold between the fields of one vessel's arrival, and what is noted about it."""

from datetime import timedelta
from itertools import pairwise

from features.records.ais import (
    FASTEST_KNOTS,
    encounters_of,
    impossible_positions,
    nautical_miles,
    summary_of,
)
from features.records.party_rules import party_agrees
from features.records.rules import Breach, Flag, Rule, flag, rule
from features.records.vessel import Vessel
from features.stations import country_of_station

LONGEST_M, WIDEST_M = 1022, 126
"""Greatest length and breadth that AIS can say."""
SUMMARY_TOLERANCE = 0.05
"""Relative: a sender may round, or measure on another sphere."""
SUMMARY_TOLERANCE_HOURS = 0.1


@rule("arrival_before_departure", "arrives_at")
def _arrival_after_departure(vessel: Vessel) -> Breach | None:
    """Arrival is after departure from the last port."""
    if vessel.arrives_at is None or vessel.departs_at is None:
        return None
    if vessel.arrives_at > vessel.departs_at:
        return None
    sentence = (
        f"arrival {vessel.arrives_at} is not after departure {vessel.departs_at}; correct one"
    )
    return Breach("/arrives_at", sentence)


@rule("no_crew", "crew_count")
def _someone_sails_it(vessel: Vessel) -> Breach | None:
    """Somebody works on board, the master included."""
    if vessel.crew_count is None or vessel.crew_count >= 1:
        return None
    return Breach("/crew_count", "crew_count is 0; count the master or skipper too")


@rule("no_skipper", "skipper_count")
def _a_pleasure_craft_has_a_skipper(vessel: Vessel) -> Breach | None:
    """A pleasure craft has at least one skipper."""
    if vessel.skipper_count is None or vessel.skipper_count >= 1 or vessel.craft != "pleasure":
        return None
    return Breach("/skipper_count", "skipper_count is 0; a pleasure craft has at least one")


@rule("persons_disagree", "persons_on_board")
def _persons_are_crew_and_passengers(vessel: Vessel) -> Breach | None:
    """Persons on board are crew and passengers together."""
    persons, crew, passengers = vessel.persons_on_board, vessel.crew_count, vessel.passenger_count
    if persons is None or crew is None or passengers is None or persons == crew + passengers:
        return None
    sentence = f"{persons} persons, yet {crew} crew and {passengers} passengers; correct one"
    return Breach("/persons_on_board", sentence)


@rule("fal5_disagrees", "fal5_crew_count")
def _form_5_lists_the_crew(vessel: Vessel) -> Breach | None:
    """FAL form 5 has as many lines as form 1 counts crew."""
    listed, crew = vessel.fal5_crew_count, vessel.crew_count
    if listed is None or crew is None or listed == crew:
        return None
    return Breach(
        "/fal5_crew_count", f"form 5 has {listed} lines for a crew of {crew}; correct one"
    )


@rule("fal6_disagrees", "fal6_passenger_count")
def _form_6_lists_the_passengers(vessel: Vessel) -> Breach | None:
    """FAL form 6 has as many lines as form 1 counts passengers."""
    listed, passengers = vessel.fal6_passenger_count, vessel.passenger_count
    if listed is None or passengers is None or listed == passengers:
        return None
    sentence = f"form 6 has {listed} lines for {passengers} passengers; correct one"
    return Breach("/fal6_passenger_count", sentence)


@rule("dangerous_goods_disagree", "dangerous_goods_list")
def _form_7_means_dangerous_goods(vessel: Vessel) -> Breach | None:
    """Dangerous goods are listed only by a vessel that says that it has them."""
    if not vessel.dangerous_goods_list or vessel.dangerous_goods is not False:
        return None
    return Breach("/dangerous_goods", "dangerous_goods is false, yet some are listed; correct one")


@rule("net_tonnage_above_gross", "net_tonnage")
def _net_not_above_gross(vessel: Vessel) -> Breach | None:
    """Net tonnage is at most gross tonnage."""
    net, gross = vessel.net_tonnage, vessel.gross_tonnage
    if net is None or gross is None or net <= gross:
        return None
    return Breach("/net_tonnage", f"net {net:g} exceeds gross {gross:g}; correct one")


@rule("built_in_the_future", "year_built")
def _built_by_next_year(vessel: Vessel) -> Breach | None:
    """A vessel was built at the latest in the year after its declaration."""
    if vessel.year_built is None or vessel.year_built <= vessel.declared_at.year + 1:
        return None
    sentence = f"built in {vessel.year_built}, declared in {vessel.declared_at.year}; correct one"
    return Breach("/year_built", sentence)


@rule("impossible_dimensions", "length_m", "beam_m")
def _no_greater_than_ais_can_say(vessel: Vessel) -> Breach | None:
    """A vessel is at most 1,022 m long and 126 m wide."""
    if vessel.length_m is not None and vessel.length_m > LONGEST_M:
        return Breach("/length_m", f"{vessel.length_m:g} m is over {LONGEST_M} m; correct it")
    if vessel.beam_m is not None and vessel.beam_m > WIDEST_M:
        return Breach("/beam_m", f"{vessel.beam_m:g} m is over {WIDEST_M} m; correct it")
    return None


@rule("last_port_disagrees", "previous_ports")
def _the_first_of_the_previous_is_the_last(vessel: Vessel) -> Breach | None:
    """The latest of the previous ports is the last port."""
    if not vessel.previous_ports or vessel.last_port is None:
        return None
    if vessel.previous_ports[0].port == vessel.last_port:
        return None
    sentence = "the port listed first is not the one in last_port; correct one"
    return Breach("/previous_ports/0/port", sentence)


@rule("ports_out_of_order", "previous_ports")
def _ports_come_latest_first(vessel: Vessel) -> Breach | None:
    """Previous ports are listed with the latest first."""
    if not vessel.previous_ports:
        return None
    for index, (later, earlier) in enumerate(pairwise(vessel.previous_ports), start=1):
        arrived, departed = later.arrived_on, earlier.departed_on
        if arrived is not None and departed is not None and departed > arrived:
            sentence = f"departed {departed}, after the arrival on {arrived} at the port above it"
            return Breach(f"/previous_ports/{index}/departed_on", f"{sentence}; sort them")
    return None


@rule("impossible_speed", "departure_position")
def _no_faster_than_40_knots(vessel: Vessel) -> Breach | None:
    """From the position of departure to that of arrival no craft sails faster than 40 knots."""
    start, end = vessel.departure_position, vessel.arrival_position
    if start is None or end is None or vessel.departs_at is None or vessel.arrives_at is None:
        return None
    hours = (vessel.arrives_at - vessel.departs_at) / timedelta(hours=1)
    if hours <= 0:
        return None  # another rule
    knots = nautical_miles(start.lat, start.lon, end.lat, end.lon) / hours
    if knots <= FASTEST_KNOTS:
        return None
    sentence = f"the voyage would need {knots:.0f} knots; correct a time or a position"
    return Breach("/arrives_at", sentence)


@rule("positions_out_of_order", "positions")
def _positions_come_in_order(vessel: Vessel) -> Breach | None:
    """Positions are listed in order of time."""
    if not vessel.positions:
        return None
    for index, (before, after) in enumerate(pairwise(vessel.positions), start=1):
        if after.at < before.at:
            sentence = f"{after.at} comes after {before.at} in the list; sort the positions"
            return Breach(f"/positions/{index}/at", sentence)
    return None


@rule("impossible_position", "positions")
def _positions_are_on_the_chart(vessel: Vessel) -> Breach | None:
    """Each number of a position is within its range or the code for not available."""
    if not vessel.positions:
        return None
    for index, name in impossible_positions(vessel.positions):
        value = getattr(vessel.positions[index], name)
        sentence = f"{value} is neither in range nor the code for not available; correct it"
        return Breach(f"/positions/{index}/{name}", sentence)
    return None


@rule("summary_disagrees", "positions", "meetings")
def _summary_is_of_the_positions(vessel: Vessel) -> Breach | None:
    """A summary that comes with its positions or meetings is what they say."""
    if vessel.positions and _positions_come_in_order.broken(vessel) is None:
        for name, found in summary_of(vessel.positions, vessel.craft)._asdict().items():
            declared = getattr(vessel, name)
            if declared is not None and found is not None and _differs(name, declared, found):
                sentence = f"{declared:g} is declared, the positions say {found:g}; correct one"
                return Breach(f"/{name}", sentence)
    if vessel.meetings is not None and vessel.encounters is not None:
        found = encounters_of(vessel.meetings)
        if vessel.encounters != found:
            sentence = f"{vessel.encounters} are declared, the meetings say {found}; correct one"
            return Breach("/encounters", sentence)
    return None


def _differs(name: str, declared: float, found: float) -> bool:
    if name == "flag_changes_24m":  # the voyage shows some of 24 months only
        return declared < found
    if isinstance(found, int):
        return declared != found
    return abs(declared - found) > max(SUMMARY_TOLERANCE_HOURS, SUMMARY_TOLERANCE * found)


VESSEL_RULES: tuple[Rule, ...] = (
    _arrival_after_departure,
    _someone_sails_it,
    _a_pleasure_craft_has_a_skipper,
    _persons_are_crew_and_passengers,
    _form_5_lists_the_crew,
    _form_6_lists_the_passengers,
    _form_7_means_dangerous_goods,
    _net_not_above_gross,
    _built_by_next_year,
    _no_greater_than_ais_can_say,
    _the_first_of_the_previous_is_the_last,
    _ports_come_latest_first,
    _no_faster_than_40_knots,
    _positions_come_in_order,
    _positions_are_on_the_chart,
    _summary_is_of_the_positions,
    *(party_agrees(party) for party in ("operator", "agent")),
)


@flag("flag_disagrees", "mmsi")
def _station_of_another_country(vessel: Vessel) -> str | None:
    """The MMSI was given by another country than the flag."""
    if vessel.mmsi is None or vessel.flag is None:
        return None
    country = country_of_station(vessel.mmsi)
    return "mmsi" if country is not None and country != vessel.flag else None


VESSEL_FLAGS: tuple[Flag, ...] = (_station_of_another_country,)
