"""What must hold between the fields of one shipment."""

import re
from collections.abc import Iterator

from features.checks import MODES
from features.records.goods import BULK_KINDS, PROCEDURE, Item, too_precise
from features.records.movement import NO_SEAL
from features.records.party_rules import party_agrees
from features.records.rules import Breach, Flag, Rule, rule
from features.records.shipment import Shipment

SEA, AIR, UNACCOMPANIED = "1", "4", "11"
NEGOTIABLE_BILL = "10600"
PARTIES = (
    "declarant",
    "consignor",
    "consignee",
    "carrier",
    "notify_party",
    "lodger",
    "representative",
    "seller",
    "buyer",
)
MASS_TOLERANCE_KG = 0.0005
"""Half a gram: what adding up decimal masses in binary may lose."""

_FLIGHT = re.compile(r"[A-Z0-9]{3}[0-9]{4}[A-Z]?")
_CROSSING = re.compile(r"XFER[A-Z0-9 -]{1,30}")
_SHIP = re.compile(r"(IMO ?)?[0-9]{7}")


@rule("net_above_gross", "net_mass_kg")
def _net_not_above_gross(shipment: Shipment) -> Breach | None:
    """Net mass is at most gross mass."""
    net, gross = shipment.net_mass_kg, shipment.gross_mass_kg
    if net is None or gross is None or net <= gross:
        return None
    return Breach("/net_mass_kg", f"net {net:g} kg exceeds gross {gross:g} kg; correct one")


@rule("mass_too_precise", "gross_mass_kg", "net_mass_kg")
def _grams_at_most(shipment: Shipment) -> Breach | None:
    """A mass has at most three decimals."""
    for name in ("gross_mass_kg", "net_mass_kg"):
        mass = getattr(shipment, name)
        if mass is not None and too_precise(mass):
            return Breach(f"/{name}", f"{mass} kg has more than three decimals; round it")
    return None


@rule("unknown_mode", "mode_at_border")
def _a_mode_of_the_list(shipment: Shipment) -> Breach | None:
    """A mode that is a number is 1 to 5, 7 to 11, without a leading zero."""
    mode = shipment.mode_at_border
    if mode is None or mode in MODES or not mode.isdigit():
        return None
    return Breach("/mode_at_border", "a numbered mode is 1 to 5 or 7 to 11; correct it")


@rule("bad_procedure", "procedure_code")
def _a_procedure_has_four_digits(shipment: Shipment) -> Breach | None:
    """A procedure is four digits: the requested one and the previous one."""
    procedure = shipment.procedure_code
    if procedure is None or PROCEDURE.fullmatch(procedure):
        return None
    return Breach("/procedure_code", "a procedure is four digits; correct it")


@rule("transport_by_air", "means_of_transport_id")
def _no_aircraft_is_named(shipment: Shipment) -> Breach | None:
    """The means of transport is not identified for goods that come by air."""
    if shipment.means_of_transport_id is None or shipment.mode_at_border != AIR:
        return None
    return Breach("/means_of_transport_id", "mode 4 is by air; leave means_of_transport_id out")


@rule("transport_not_a_ship", "means_of_transport_id")
def _by_sea_it_is_an_imo_number(shipment: Shipment) -> Breach | None:
    """By sea and by unaccompanied RoRo the means of transport is an IMO number."""
    transport = shipment.means_of_transport_id
    if transport is None or shipment.mode_at_border not in (SEA, UNACCOMPANIED):
        return None
    if _SHIP.fullmatch(transport):
        return None
    sentence = f"mode {shipment.mode_at_border} needs the seven digits of an IMO number; correct it"
    return Breach("/means_of_transport_id", sentence)


@rule("conveyance_not_a_flight", "conveyance_ref")
def _by_air_it_is_a_flight(shipment: Shipment) -> Breach | None:
    """By air the conveyance is a flight: carrier, four digits and a suffix."""
    conveyance = shipment.conveyance_ref
    if conveyance is None or shipment.mode_at_border != AIR or _FLIGHT.fullmatch(conveyance):
        return None
    sentence = "by air it is three characters of the carrier, four digits and a suffix; correct it"
    return Breach("/conveyance_ref", sentence)


@rule("conveyance_not_a_crossing", "conveyance_ref")
def _by_sea_it_is_a_crossing(shipment: Shipment) -> Breach | None:
    """By sea the conveyance is XFER and the mark of the vehicle."""
    conveyance = shipment.conveyance_ref
    if conveyance is None or shipment.mode_at_border != SEA or _CROSSING.fullmatch(conveyance):
        return None
    return Breach("/conveyance_ref", "by sea it is XFER and a registration mark; correct it")


@rule("lodger_not_gb", "lodger_eori", "lodger", "lodger_name", "lodger_address")
def _the_lodger_is_british(shipment: Shipment) -> Breach | None:
    """Who lodges the declaration has an EORI of GB."""
    number, where = shipment.lodger_eori, "/lodger_eori"
    if number is None and shipment.lodger is not None:
        if shipment.lodger.type_of_person == "natural":
            return None  # the whole party is to go
        number, where = shipment.lodger.eori, "/lodger/eori"
        is_there = number is not None or shipment.lodger.is_named
    else:
        given = (number, shipment.lodger_name, shipment.lodger_address)
        is_there = any(one is not None for one in given)
    if not is_there or (number is not None and number.upper().startswith("GB")):
        return None
    return Breach(where, "who lodges the declaration needs an EORI of GB; correct it")


@rule("notify_party_missing", "items")
def _a_negotiable_bill_has_a_notify_party(shipment: Shipment) -> Breach | None:
    """A negotiable bill of lading (10600) needs a notify party."""
    if not shipment.items or shipment.notify_party is not None:
        return None
    if shipment.notify_party_eori is not None or shipment.notify_party_name is not None:
        return None
    for index, item in enumerate(shipment.items):
        for place, statement in enumerate(item.additional_information or ()):
            if statement.code == NEGOTIABLE_BILL:
                where = f"/items/{index}/additional_information/{place}/code"
                return Breach(where, f"{NEGOTIABLE_BILL} needs a notify party; add notify_party")
    return None


@rule("item_count_disagrees", "items")
def _items_are_counted(shipment: Shipment) -> Breach | None:
    """The number of items is that of the items listed."""
    # None check, not truthiness: an empty list says that there are none.
    if shipment.items is None or shipment.item_count in (None, len(shipment.items)):
        return None
    sentence = f"{shipment.item_count} are declared, {len(shipment.items)} listed; correct one"
    return Breach("/item_count", sentence)


@rule("item_numbers_disagree", "items")
def _items_are_numbered_once(shipment: Shipment) -> Breach | None:
    """No two items have the same number."""
    seen: set[int] = set()
    for index, item in enumerate(shipment.items or ()):
        if item.item_no is None:
            continue
        if item.item_no in seen:
            return Breach(f"/items/{index}/item_no", f"{item.item_no} is given twice; renumber")
        seen.add(item.item_no)
    return None


@rule("package_count_disagrees", "items")
def _packages_are_counted(shipment: Shipment) -> Breach | None:
    """The number of packages is that of packages and pieces listed, and one for each bulk line."""
    if not shipment.items or shipment.package_count is None:
        return None
    lines = [list(_counts(item)) for item in shipment.items]
    if not all(lines) or any(count is None for line in lines for count in line):
        return None  # what is not listed cannot be counted
    found = sum(count or 0 for line in lines for count in line)
    if found == shipment.package_count:
        return None
    sentence = f"{shipment.package_count} are declared, the items have {found}; correct one"
    return Breach("/package_count", sentence)


def _counts(item: Item) -> Iterator[int | None]:
    for package in item.packages or ():
        if package.kind in BULK_KINDS:
            yield 1
        elif package.count is None and package.pieces is None:
            yield None
        else:
            yield (package.count or 0) + (package.pieces or 0)


@rule("total_gross_below_items", "items")
def _the_total_is_not_less(shipment: Shipment) -> Breach | None:
    """The total gross mass is at least the sum of the items' gross masses."""
    if not shipment.items or shipment.gross_mass_kg is None:
        return None
    found = sum(item.gross_kg for item in shipment.items if item.gross_kg is not None)
    if found <= shipment.gross_mass_kg + MASS_TOLERANCE_KG:
        return None
    sentence = f"{shipment.gross_mass_kg:g} kg in all, the items weigh {found:g} kg; correct one"
    return Breach("/gross_mass_kg", sentence)


def _place_once(name: str) -> Rule:
    def broken(shipment: Shipment) -> Breach | None:
        if not shipment.items:
            return None
        on_items = [getattr(item, name) is not None for item in shipment.items]
        if getattr(shipment, name) is not None:
            if not any(on_items):
                return None
            where = f"/items/{on_items.index(True)}/{name}"
            return Breach(where, f"{name} is given for the whole too; leave one of them out")
        if all(on_items) or not any(on_items):
            return None
        where = f"/items/{on_items.index(False)}/{name}"
        return Breach(where, f"other items have {name}, this one lacks it; add it")

    sentence = f"{name} is given for the whole, or on every item, not both."
    return Rule(f"{name}_twice_or_missing", sentence, broken, ("items",))


@rule("seals_and_no_seal", "seals")
def _no_seal_stands_alone(shipment: Shipment) -> Breach | None:
    """No Seal is not listed beside seals."""
    if not shipment.seals or len(shipment.seals) == 1 or NO_SEAL not in shipment.seals:
        return None
    where = shipment.seals.index(NO_SEAL)
    return Breach(f"/seals/{where}", f"{NO_SEAL} is listed beside seals; remove one of them")


@rule("itinerary_disagrees", "itinerary")
def _itinerary_has_its_ends(shipment: Shipment) -> Breach | None:
    """An itinerary begins in the country of dispatch and ends in that of destination."""
    if shipment.itinerary is None:
        return None
    first, last = shipment.itinerary[0], shipment.itinerary[-1]
    if shipment.dispatch_country not in (None, first):
        return Breach("/itinerary/0", f"begins in {first}, not in dispatch_country; correct one")
    if shipment.destination_country not in (None, last):
        where = f"/itinerary/{len(shipment.itinerary) - 1}"
        return Breach(where, f"ends in {last}, not in destination_country; correct one")
    return None


SHIPMENT_RULES: tuple[Rule, ...] = (
    _net_not_above_gross,
    _grams_at_most,
    _a_mode_of_the_list,
    _a_procedure_has_four_digits,
    _no_aircraft_is_named,
    _by_sea_it_is_an_imo_number,
    _by_air_it_is_a_flight,
    _by_sea_it_is_a_crossing,
    _the_lodger_is_british,
    _a_negotiable_bill_has_a_notify_party,
    _items_are_counted,
    _items_are_numbered_once,
    _packages_are_counted,
    _the_total_is_not_less,
    _place_once("place_of_loading"),
    _place_once("place_of_unloading"),
    _no_seal_stands_alone,
    _itinerary_has_its_ends,
    *(party_agrees(party) for party in PARTIES),
)

SHIPMENT_FLAGS: tuple[Flag, ...] = ()
