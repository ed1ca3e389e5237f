"""What must hold between the fields of one vehicle crossing, and what is noted about it."""

from datetime import timedelta

from features.marks import uk_mark_style
from features.records.goods import too_precise
from features.records.movement import NO_SEAL
from features.records.party_rules import party_agrees
from features.records.rules import Breach, Flag, Rule, flag, rule
from features.records.vehicle import Vehicle

GREATEST_USUAL_MASS_KG = 44_000
"""Of a lorry with its load in the United Kingdom; heavier ones need a permit."""
LONGEST_AHEAD = timedelta(days=365)
CLOCKS_MAY_DIFFER = timedelta(minutes=5)


@rule("arrival_before_departure", "arrives_at")
def _arrival_not_before_departure(vehicle: Vehicle) -> Breach | None:
    """Planned arrival is not before planned departure."""
    if vehicle.arrives_at is None or vehicle.departs_at is None:
        return None
    if vehicle.arrives_at >= vehicle.departs_at:
        return None
    sentence = f"arrival {vehicle.arrives_at} is before departure {vehicle.departs_at}; correct one"
    return Breach("/arrives_at", sentence)


@rule("actual_arrival_before_departure", "actual_arrives_at")
def _actual_arrival_not_before_departure(vehicle: Vehicle) -> Breach | None:
    """Actual arrival is not before actual departure."""
    arrival, departure = vehicle.actual_arrives_at, vehicle.actual_departs_at
    if arrival is None or departure is None or arrival >= departure:
        return None
    sentence = f"arrival {arrival} is before departure {departure}; correct one"
    return Breach("/actual_arrives_at", sentence)


@rule(
    "too_far_from_declaration",
    "departs_at",
    "arrives_at",
    "checked_in_at",
    "actual_departs_at",
    "actual_arrives_at",
)
def _within_a_year(vehicle: Vehicle) -> Breach | None:
    """A crossing, planned or actual, is at most a year away from its declaration."""
    for name, at in (
        ("departs_at", vehicle.departs_at),
        ("arrives_at", vehicle.arrives_at),
        ("checked_in_at", vehicle.checked_in_at),
        ("actual_departs_at", vehicle.actual_departs_at),
        ("actual_arrives_at", vehicle.actual_arrives_at),
    ):
        if at is not None and abs(at - vehicle.declared_at) > LONGEST_AHEAD:
            sentence = f"{at} is over a year from the declaration; correct one of the two"
            return Breach(f"/{name}", sentence)
    return None


@rule("updated_after_declared", "updated_at")
def _not_from_the_future(vehicle: Vehicle) -> Breach | None:
    """A record was changed at most five minutes after it was declared."""
    updated = vehicle.updated_at
    if updated is None or updated <= vehicle.declared_at + CLOCKS_MAY_DIFFER:
        return None
    sentence = f"updated at {updated}, declared at {vehicle.declared_at}; correct one"
    return Breach("/updated_at", sentence)


@rule("unaccompanied_without_trailer", "is_unaccompanied")
def _unaccompanied_has_trailer(vehicle: Vehicle) -> Breach | None:
    """An unaccompanied movement has a trailer or a container."""
    if not vehicle.is_unaccompanied or vehicle.trailer_reg or vehicle.container_no:
        return None
    if vehicle.further_trailers or vehicle.further_containers:
        return None
    sentence = "an unaccompanied movement needs trailer_reg or container_no; add one"
    return Breach("/is_unaccompanied", sentence)


@rule("gmr_incomplete", "gmr_id")
def _a_gmr_says_what_moves(vehicle: Vehicle) -> Breach | None:
    """A goods movement record gives direction and is_unaccompanied."""
    if vehicle.gmr_id is None:
        return None
    if vehicle.direction is None:
        return Breach("/direction", "a goods movement record has a direction; add it")
    if vehicle.is_unaccompanied is None:
        return Breach("/is_unaccompanied", "a goods movement record says it; add true or false")
    return None


@rule("accompanied_without_vehicle", "gmr_id")
def _accompanied_has_a_vehicle(vehicle: Vehicle) -> Breach | None:
    """A goods movement record of an accompanied movement gives the vehicle's registration."""
    if vehicle.gmr_id is None or vehicle.is_unaccompanied is not False or vehicle.vehicle_reg:
        return None
    return Breach("/vehicle_reg", "an accompanied movement needs vehicle_reg; add it")


@rule("gmr_without_declaration", "gmr_id")
def _a_gmr_has_declarations(vehicle: Vehicle) -> Breach | None:
    """A goods movement record that can be finalised has a declaration or is an empty vehicle."""
    if vehicle.gmr_id is None or vehicle.state == "NOT_FINALISABLE":
        return None
    if vehicle.customs or vehicle.transit or vehicle.tir or vehicle.ata or vehicle.eidr:
        return None
    if vehicle.empty_vehicle is not None or vehicle.is_empty:
        return None
    sentence = "give customs, transit, tir, ata or eidr, or empty_vehicle, or NOT_FINALISABLE"
    return Breach("", sentence)


@rule("empty_with_goods", "is_empty", "empty_vehicle")
def _empty_has_no_goods(vehicle: Vehicle) -> Breach | None:
    """A vehicle declared empty has neither goods mass nor value."""
    if not vehicle.is_empty and vehicle.empty_vehicle is None:
        return None
    where = "/is_empty" if vehicle.is_empty else "/empty_vehicle"
    if vehicle.value_gbp:
        sentence = f"declared empty, yet value_gbp is {vehicle.value_gbp:g}; correct one"
        return Breach(where, sentence)
    if vehicle.goods_mass_kg:
        sentence = f"declared empty, yet goods_mass_kg is {vehicle.goods_mass_kg:g}; correct one"
        return Breach(where, sentence)
    return None


@rule("empty_disagrees", "empty_vehicle")
def _empty_is_empty(vehicle: Vehicle) -> Breach | None:
    """is_empty does not contradict empty_vehicle."""
    if vehicle.empty_vehicle is None or vehicle.is_empty is not False:
        return None
    return Breach("/is_empty", "is_empty is false, yet empty_vehicle is given; correct one")


@rule("mode_disagrees", "mode_at_border")
def _mode_says_who_drives(vehicle: Vehicle) -> Breach | None:
    """Mode 11 is unaccompanied, modes 3 and 10 are accompanied."""
    mode, alone = vehicle.mode_at_border, vehicle.is_unaccompanied
    if mode is None or alone is None or (mode == "11") == alone:
        return None
    said = "unaccompanied" if alone else "accompanied"
    return Breach("/mode_at_border", f"mode {mode}, yet the movement is {said}; correct one")


@rule("traffic_mode_disagrees", "traffic_mode")
def _traffic_mode_says_who_drives(vehicle: Vehicle) -> Breach | None:
    """traffic_mode does not contradict is_unaccompanied."""
    mode, alone = vehicle.traffic_mode, vehicle.is_unaccompanied
    if mode is None or alone is None or (mode == "freight_unaccompanied") == alone:
        return None
    said = "unaccompanied" if alone else "accompanied"
    return Breach("/traffic_mode", f"{mode}, yet the movement is {said}; correct one")


@rule("mass_too_precise", "gross_mass_kg", "goods_mass_kg", "net_mass_kg")
def _grams_at_most(vehicle: Vehicle) -> Breach | None:
    """A mass has at most three decimals."""
    for name in ("gross_mass_kg", "goods_mass_kg", "net_mass_kg"):
        mass = getattr(vehicle, name)
        if mass is not None and too_precise(mass):
            return Breach(f"/{name}", f"{mass} kg has more than three decimals; round it")
    return None


@rule("net_above_gross", "net_mass_kg")
def _net_not_above_gross(vehicle: Vehicle) -> Breach | None:
    """The net mass of the goods is at most their gross mass."""
    net, gross = vehicle.net_mass_kg, vehicle.goods_mass_kg
    if gross is None:
        gross = vehicle.gross_mass_kg
    if net is None or gross is None or net <= gross:
        return None
    return Breach("/net_mass_kg", f"net {net:g} kg exceeds gross {gross:g} kg; correct one")


@rule("goods_above_gross", "goods_mass_kg")
def _goods_within_the_whole(vehicle: Vehicle) -> Breach | None:
    """The goods weigh at most what vehicle and goods weigh together."""
    goods, gross = vehicle.goods_mass_kg, vehicle.gross_mass_kg
    if goods is None or gross is None or goods <= gross:
        return None
    return Breach("/goods_mass_kg", f"goods {goods:g} kg exceed gross {gross:g} kg; correct one")


@rule("seals_and_no_seal", "seals")
def _no_seal_stands_alone(vehicle: Vehicle) -> Breach | None:
    """No Seal is not listed beside seals."""
    if not vehicle.seals or len(vehicle.seals) == 1 or NO_SEAL not in vehicle.seals:
        return None
    where = vehicle.seals.index(NO_SEAL)
    return Breach(f"/seals/{where}", f"{NO_SEAL} is listed beside seals; remove one of them")


@rule("itinerary_disagrees", "itinerary")
def _itinerary_has_its_ends(vehicle: Vehicle) -> Breach | None:
    """An itinerary begins in the country of departure and ends in that of destination."""
    if vehicle.itinerary is None:
        return None
    first, last = vehicle.itinerary[0], vehicle.itinerary[-1]
    if vehicle.departure_country not in (None, first):
        return Breach("/itinerary/0", f"begins in {first}, not in departure_country; correct one")
    if vehicle.destination_country not in (None, last):
        where = f"/itinerary/{len(vehicle.itinerary) - 1}"
        return Breach(where, f"ends in {last}, not in destination_country; correct one")
    return None


VEHICLE_RULES: tuple[Rule, ...] = (
    _arrival_not_before_departure,
    _actual_arrival_not_before_departure,
    _within_a_year,
    _not_from_the_future,
    _unaccompanied_has_trailer,
    _a_gmr_says_what_moves,
    _accompanied_has_a_vehicle,
    _a_gmr_has_declarations,
    _empty_has_no_goods,
    _empty_is_empty,
    _mode_says_who_drives,
    _traffic_mode_says_who_drives,
    _grams_at_most,
    _net_not_above_gross,
    _goods_within_the_whole,
    _no_seal_stands_alone,
    _itinerary_has_its_ends,
    *(party_agrees(party) for party in ("haulier", "consignor", "consignee")),
)


@flag("over_44_t", "gross_mass_kg")
def _heavier_than_usual(vehicle: Vehicle) -> str | None:
    """Gross mass over 44,000 kg."""
    heavy = vehicle.gross_mass_kg is not None and vehicle.gross_mass_kg > GREATEST_USUAL_MASS_KG
    return "gross_mass_kg" if heavy else None


@flag("route_changed", "actual_route_id", "checked_in_route_id")
def _another_route(vehicle: Vehicle) -> str | None:
    """The route at check-in or in fact is not the planned one."""
    if vehicle.route_id is None:
        return None
    for name in ("actual_route_id", "checked_in_route_id"):
        if getattr(vehicle, name) not in (None, vehicle.route_id):
            return name
    return None


@flag("mark_style", "vehicle_country")
def _no_british_mark(vehicle: Vehicle) -> str | None:
    """Registered in GB under a mark in no British style."""
    if vehicle.vehicle_country != "GB" or vehicle.vehicle_reg is None:
        return None
    return "vehicle_reg" if uk_mark_style(vehicle.vehicle_reg) == "other" else None


VEHICLE_FLAGS: tuple[Flag, ...] = (_heavier_than_usual, _another_route, _no_british_mark)
