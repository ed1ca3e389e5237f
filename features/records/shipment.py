"""One shipment, after the S&S GB entry summary and the CDS import declaration."""

from typing import Annotated

from msgspec import Meta

from features.records.movement import (
    Amount,
    Code,
    Commodity,
    Count,
    Country,
    Instant,
    Mark,
    Mass,
    Movement,
    RegistrationNumber,
    Rule,
    category,
    identifier,
    measure,
    moment,
)
from features.records.refusal import Problem

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]
Percent = Annotated[float, Meta(ge=0, le=5000)]


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
        category("mode of transport", "1 sea, 2 rail, 3 tunnel, 4 air, 8 inland, 10 or 11 RoRo."),
    ] = None
    office: Annotated[Code | None, category("customs office", "Office of entry.")] = None
    procedure_code: Annotated[
        Code | None, category("procedure", "Requested and previous procedure.")
    ] = None
    package_kind: Annotated[Code | None, category("kind of package", "UN/ECE Rec 21.")] = None
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
    container_no: Annotated[
        Mark | None,
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
    duty_rate_percent: Annotated[
        Percent | None, measure("duty rate", "%", "Ad valorem rate that applies.")
    ] = None


def _net_not_above_gross(shipment: Shipment) -> Problem | None:
    if shipment.net_mass_kg is None or shipment.gross_mass_kg is None:
        return None
    if shipment.net_mass_kg <= shipment.gross_mass_kg:
        return None
    return Problem(
        "net_above_gross",
        "/net_mass_kg",
        f"net {shipment.net_mass_kg:g} kg exceeds gross {shipment.gross_mass_kg:g} kg; correct one",
    )


SHIPMENT_RULES: tuple[Rule, ...] = (_net_not_above_gross,)
