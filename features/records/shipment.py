"""One shipment, after the S&S GB entry summary (IE315) and the CDS import declaration (H1)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from features.records.goods import Description, Document, Item, ItemNumber, Place, ThreeCharacters
from features.records.movement import (
    Amount,
    Code,
    Commodity,
    Count,
    Country,
    Currency,
    Ducr,
    Instant,
    Itinerary,
    LongMark,
    Mass,
    Movement,
    Mrn,
    Mucr,
    PackageKind,
    Reference,
    RegistrationNumber,
    Seals,
    ShortText,
)
from features.records.parties import Party, PartyName
from features.records.roles import (
    category,
    detail,
    identifier,
    measure,
    moment,
    name,
    party,
    reference,
)

Percent = Annotated[float, Meta(ge=0, le=5000)]
Lrn = Annotated[str, Meta(min_length=1, max_length=22, pattern=r"^[^\s](.*[^\s])?$(?!\n)")]
Transport = Annotated[str, Meta(min_length=1, max_length=27, pattern=r"^[^\s](.*[^\s])?$(?!\n)")]
Office = Annotated[str, Meta(pattern=r"^[A-Z]{2}[A-Z0-9]{6}$(?!\n)")]
TwoLetters = Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)")]
OneLetter = Annotated[str, Meta(pattern=r"^[A-Z]$(?!\n)")]
Incoterm = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]
ChargePayment = Literal["A", "B", "C", "D", "H", "Y", "Z"]


class CarriedBy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The movement that carries a shipment."""

    kind: Annotated[
        Literal["vehicle", "vessel"], Meta(description="Kind of the movement that carries it.")
    ]
    movement_ref: Annotated[Reference, Meta(description="The movement_ref it is declared under.")]


class Shipment(Movement, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="shipment"):
    """The goods of one declaration or of its main item."""

    commodity_code: Annotated[
        Commodity | None,
        category("goods", "HS code of the main item, 4 to 10 digits, as text.", check="commodity"),
    ] = None
    origin_country: Annotated[
        Country | None, category("country of origin", "ISO 3166-1 alpha-2.")
    ] = None
    dispatch_country: Annotated[
        Country | None, category("country of dispatch", "ISO 3166-1 alpha-2.")
    ] = None
    mode_at_border: Annotated[
        Code | None,
        category(
            "mode of transport",
            "1 sea, 2 rail, 3 tunnel or road, 4 air, 5 post, 7 fixed, 8 inland, 9 own propulsion, "
            "10 or 11 RoRo.",
            check="mode",
        ),
    ] = None
    office: Annotated[Code | None, category("customs office", "Office of entry.")] = None
    procedure_code: Annotated[
        Code | None, category("procedure", "Requested and previous procedure.")
    ] = None
    package_kind: Annotated[PackageKind | None, category("kind of package", "UN/ECE Rec 21.")] = (
        None
    )
    currency: Annotated[Currency | None, category("currency", "ISO 4217, of the invoice.")] = None
    declarant_eori: Annotated[
        RegistrationNumber | None,
        identifier(
            "organisation", "declarant", "Registration number of the declarant.", check="eori"
        ),
    ] = None
    consignor_eori: Annotated[
        RegistrationNumber | None,
        identifier(
            "organisation",
            "consignor",
            "Registration number of the sender or seller.",
            check="eori",
        ),
    ] = None
    consignee_eori: Annotated[
        RegistrationNumber | None,
        identifier(
            "organisation",
            "consignee",
            "Registration number of the receiver or importer.",
            check="eori",
        ),
    ] = None
    carrier_eori: Annotated[
        RegistrationNumber | None,
        identifier(
            "organisation",
            "carrier",
            "Registration number of the carrier or courier.",
            check="eori",
        ),
    ] = None
    notify_party_eori: Annotated[
        RegistrationNumber | None,
        identifier(
            "organisation", "notify party", "Registration number of who is told.", check="eori"
        ),
    ] = None
    container_no: Annotated[
        LongMark | None,
        identifier("container", "container", "Container number, ISO 6346.", check="container"),
    ] = None
    arrives_at: Annotated[Instant | None, moment("arrival", "Expected arrival.")] = None
    gross_mass_kg: Annotated[Mass | None, measure("gross mass", "kg", "Declared gross mass.")] = (
        None
    )
    net_mass_kg: Annotated[Mass | None, measure("net mass", "kg", "Declared net mass.")] = None
    package_count: Annotated[Count | None, measure("packages", "n", "Number of packages.")] = None
    invoice_amount: Annotated[
        Amount | None, measure("invoice amount", "currency", "In the invoice's currency.")
    ] = None
    amendment_count: Annotated[
        Count | None, measure("amendments", "n", "Amendments (IE313) of the declaration so far.")
    ] = None
    duty_rate_percent: Annotated[
        Percent | None, measure("duty rate", "%", "Ad valorem rate that applies.")
    ] = None
    lrn: Annotated[
        Lrn | None, reference("lrn", "Local reference number; unique for its declarant.")
    ] = None
    mrn: Annotated[Mrn | None, reference("mrn", "Movement reference number.", check="mrn")] = None
    ducr: Annotated[Ducr | None, reference("ducr", "Declaration unique consignment reference.")] = (
        None
    )
    mucr: Annotated[Mucr | None, reference("mucr", "Master unique consignment reference.")] = None
    ucr: Annotated[Reference | None, reference("ucr", "The trader's own reference.")] = None
    amended_at: Annotated[
        Instant | None, detail("When the declaration was last amended, with an offset.")
    ] = None
    carried_by: Annotated[
        CarriedBy | None, reference("carriage", "The vehicle or vessel that carries the shipment.")
    ] = None
    further_containers: Annotated[
        Annotated[tuple[LongMark, ...], Meta(max_length=9999)] | None,
        reference("container", "Numbers of containers after the first.", check="container"),
    ] = None
    declaration_type: Annotated[
        TwoLetters | None, detail("Kind of declaration, such as IM (CDS 1/1).")
    ] = None
    additional_declaration_type: Annotated[
        OneLetter | None, detail("A standard, D prelodged and so on (CDS 1/2).")
    ] = None
    additional_procedures: Annotated[
        Annotated[tuple[ThreeCharacters, ...], Meta(max_length=99)] | None,
        detail("Additional procedure codes, three characters each (CDS 1/11)."),
    ] = None
    specific_circumstance: Annotated[
        Literal["C", "D", "E"] | None, detail("Specific circumstance indicator.")
    ] = None
    office_of_first_entry: Annotated[
        Office | None, detail("Customs office of first entry, eight characters.")
    ] = None
    means_of_transport_id: Annotated[
        Transport | None,
        reference("transport", "IMO number, registration mark or wagon number at the border."),
    ] = None
    transport_country: Annotated[
        Country | None, detail("Country of registration of the means of transport.")
    ] = None
    conveyance_ref: Annotated[
        ShortText | None, reference("conveyance", "Flight, voyage or crossing it came by.")
    ] = None
    transport_charge_payment: Annotated[
        ChargePayment | None, detail("How the freight was paid, A to Z as for vehicles.")
    ] = None
    place_of_loading: Annotated[
        Place | None, detail("Country code and place, at most 35 characters; here or on items.")
    ] = None
    place_of_unloading: Annotated[
        Place | None, detail("Country code and place, at most 35 characters; here or on items.")
    ] = None
    location_of_goods: Annotated[ShortText | None, detail("Where customs may see the goods.")] = (
        None
    )
    destination_country: Annotated[
        Country | None, detail("Country of destination, ISO 3166-1 alpha-2.")
    ] = None
    itinerary: Annotated[
        Itinerary | None, detail("Countries passed, in order, departure and destination included.")
    ] = None
    seals: Annotated[
        Seals | None,
        reference("seal", "Seal numbers, at most 9,999; the one text No Seal when there is none."),
    ] = None
    goods_description: Annotated[
        Description | None, detail("Goods of the main item in plain language.")
    ] = None
    item_count: Annotated[ItemNumber | None, detail("Number of goods items, at most 999.")] = None
    items: Annotated[
        Annotated[tuple[Item, ...], Meta(max_length=999)] | None,
        detail("Goods items, at most 999."),
    ] = None
    previous_documents: Annotated[
        Annotated[tuple[Document, ...], Meta(max_length=99)] | None,
        detail("Documents of the procedure before this one."),
    ] = None
    incoterm: Annotated[Incoterm | None, detail("Terms of delivery, such as DAP.")] = None
    incoterm_place: Annotated[ShortText | None, detail("Place that the terms name.")] = None
    valuation_method: Annotated[
        Literal["1", "2", "3", "4", "5", "6"] | None, detail("Valuation method, 1 to 6.")
    ] = None
    statistical_value_gbp: Annotated[
        Amount | None, detail("Statistical value of the shipment.", unit="GBP")
    ] = None
    freight_gbp: Annotated[Amount | None, detail("Cost of transport.", unit="GBP")] = None
    insurance_gbp: Annotated[Amount | None, detail("Cost of insurance.", unit="GBP")] = None
    preference: Annotated[ThreeCharacters | None, detail("Tariff preference, three digits.")] = None
    quota: Annotated[Code | None, detail("Order number of the tariff quota.")] = None
    nature_of_transaction: Annotated[Code | None, detail("Nature of transaction.")] = None
    warehouse: Annotated[Reference | None, reference("warehouse", "Customs warehouse.")] = None
    authorisations: Annotated[
        Annotated[tuple[Reference, ...], Meta(max_length=99)] | None,
        reference("authorisation", "Authorisations that the declaration uses."),
    ] = None
    deferment_account: Annotated[
        Reference | None, reference("deferment", "Account that duty is deferred to.")
    ] = None
    is_authorised_operator: Annotated[
        bool | None, detail("True when the declarant is an authorised economic operator.")
    ] = None
    lodger_eori: Annotated[
        RegistrationNumber | None,
        reference("organisation", "Registration number of who lodged it.", check="eori"),
    ] = None
    representative_eori: Annotated[
        RegistrationNumber | None,
        reference("organisation", "Registration number of the representative.", check="eori"),
    ] = None
    seller_eori: Annotated[
        RegistrationNumber | None,
        reference("organisation", "Registration number of the seller.", check="eori"),
    ] = None
    buyer_eori: Annotated[
        RegistrationNumber | None,
        reference("organisation", "Registration number of the buyer.", check="eori"),
    ] = None
    declarant: Annotated[Party | None, party("declarant", "The declarant as a whole party.")] = None
    declarant_name: Annotated[PartyName | None, name("declarant", "Dropped at the edge.")] = None
    declarant_address: Annotated[PartyName | None, name("declarant", "Dropped at the edge.")] = None
    consignor: Annotated[Party | None, party("consignor", "The sender as a whole party.")] = None
    consignor_name: Annotated[PartyName | None, name("consignor", "Dropped at the edge.")] = None
    consignor_address: Annotated[PartyName | None, name("consignor", "Dropped at the edge.")] = None
    consignee: Annotated[Party | None, party("consignee", "The receiver as a whole party.")] = None
    consignee_name: Annotated[PartyName | None, name("consignee", "Dropped at the edge.")] = None
    consignee_address: Annotated[PartyName | None, name("consignee", "Dropped at the edge.")] = None
    carrier: Annotated[Party | None, party("carrier", "The carrier as a whole party.")] = None
    carrier_name: Annotated[PartyName | None, name("carrier", "Dropped at the edge.")] = None
    carrier_address: Annotated[PartyName | None, name("carrier", "Dropped at the edge.")] = None
    notify_party: Annotated[
        Party | None, party("notify_party", "Who is told of the arrival as a whole party.")
    ] = None
    notify_party_name: Annotated[PartyName | None, name("notify_party", "Dropped at the edge.")] = (
        None
    )
    notify_party_address: Annotated[
        PartyName | None, name("notify_party", "Dropped at the edge.")
    ] = None
    lodger: Annotated[
        Party | None, party("lodger", "Who lodged the declaration as a whole party.")
    ] = None
    lodger_name: Annotated[PartyName | None, name("lodger", "Dropped at the edge.")] = None
    lodger_address: Annotated[PartyName | None, name("lodger", "Dropped at the edge.")] = None
    representative: Annotated[
        Party | None, party("representative", "The representative as a whole party.")
    ] = None
    representative_name: Annotated[
        PartyName | None, name("representative", "Dropped at the edge.")
    ] = None
    representative_address: Annotated[
        PartyName | None, name("representative", "Dropped at the edge.")
    ] = None
    seller: Annotated[Party | None, party("seller", "The seller as a whole party.")] = None
    seller_name: Annotated[PartyName | None, name("seller", "Dropped at the edge.")] = None
    seller_address: Annotated[PartyName | None, name("seller", "Dropped at the edge.")] = None
    buyer: Annotated[Party | None, party("buyer", "The buyer as a whole party.")] = None
    buyer_name: Annotated[PartyName | None, name("buyer", "Dropped at the edge.")] = None
    buyer_address: Annotated[PartyName | None, name("buyer", "Dropped at the edge.")] = None
