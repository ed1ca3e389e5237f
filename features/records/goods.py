"""Goods as a declaration lists them: items, their packages and documents, and what is dangerous."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from features.records.movement import (
    Amount,
    Code,
    Commodity,
    Country,
    Currency,
    Mark,
    Mass,
    PackageKind,
    Reference,
    RegistrationNumber,
    ShortText,
    UnNumber,
)
from features.records.roles import detail, reference
from features.records.rules import Breach, Rule, rule

PackageCount = Annotated[int, Meta(ge=0, le=99_999)]
ItemNumber = Annotated[int, Meta(ge=1, le=999)]
ThreeCharacters = Annotated[str, Meta(pattern=r"^[A-Z0-9]{3}$(?!\n)")]
DocumentCode = Annotated[str, Meta(pattern=r"^[A-Z0-9]{3,4}$(?!\n)")]
DangerClass = Annotated[str, Meta(pattern=r"^[1-9](\.[1-9])?[A-Z]?$(?!\n)")]
Description = Annotated[str, Meta(min_length=1, max_length=280)]
Celsius = Annotated[float, Meta(ge=-100, le=500)]
MarksText = Annotated[str, Meta(min_length=1, max_length=140)]
Place = Annotated[str, Meta(pattern=r"^[A-Z]{2}[^\n]{0,33}$(?!\n)")]
"""A country code and the name of a place, or a UN/LOCODE."""

PROCEDURE = re.compile(r"[0-9]{4}")
"""Two digits of the requested procedure, two of the previous one."""
BULK_KINDS = frozenset({"VQ", "VG", "VL", "VY", "VR", "VO", "VS"})
"""UN/ECE Recommendation 21 codes of goods that lie loose: they are not counted."""


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of packages of an item."""

    kind: Annotated[PackageKind | None, detail("UN/ECE Recommendation 21, two characters.")] = None
    count: Annotated[PackageCount | None, detail("Number of packages, 0 to 99,999.")] = None
    pieces: Annotated[
        PackageCount | None, detail("Number of pieces when they are not packed, 0 to 99,999.")
    ] = None
    marks: Annotated[
        MarksText | None, reference("marks", "Shipping marks; they may name an organisation.")
    ] = None


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One produced document."""

    code: Annotated[DocumentCode, detail("Kind of document, such as 703 to 787, 911 or C400.")]
    number: Annotated[Reference | None, reference("document", "Number of the document.")] = None


class AdditionalInformation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One coded statement."""

    code: Annotated[Code, detail("Such as 10600: negotiable bill of lading, endorsed in blank.")]


class DangerousGoods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dangerous substance or article."""

    un_number: Annotated[
        UnNumber, detail("UN number of the substance, four digits.", check="un_number")
    ]
    danger_class: Annotated[DangerClass | None, detail("Hazard class, 1 to 9.")] = None
    packing_group: Annotated[Literal["I", "II", "III"] | None, detail("I, II or III.")] = None
    flash_point_c: Annotated[Celsius | None, detail("Flash point.", unit="degrees Celsius")] = None
    mass_kg: Annotated[Mass | None, detail("Mass of the substance.", unit="kg")] = None
    stowage: Annotated[ShortText | None, detail("Where on board it is stowed.")] = None


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One goods item of a declaration."""

    item_no: Annotated[ItemNumber | None, detail("1 for the first item, at most 999.")] = None
    description: Annotated[Description | None, detail("Goods in plain language.")] = None
    commodity_code: Annotated[
        Commodity | None, detail("HS code, 4 to 10 digits, as text.", check="commodity")
    ] = None
    gross_kg: Annotated[Mass | None, detail("Gross mass of the item.", unit="kg")] = None
    net_kg: Annotated[Mass | None, detail("Net mass of the item.", unit="kg")] = None
    packages: Annotated[
        Annotated[tuple[Package, ...], Meta(max_length=99)] | None, detail("Packages of the item.")
    ] = None
    containers: Annotated[
        Annotated[tuple[Mark, ...], Meta(max_length=999)] | None,
        reference("container", "Containers that the item is in, ISO 6346.", check="container"),
    ] = None
    documents: Annotated[
        Annotated[tuple[Document, ...], Meta(max_length=99)] | None, detail("Documents produced.")
    ] = None
    previous_documents: Annotated[
        Annotated[tuple[Document, ...], Meta(max_length=99)] | None,
        detail("Documents of the procedure before this one."),
    ] = None
    additional_information: Annotated[
        Annotated[tuple[AdditionalInformation, ...], Meta(max_length=99)] | None,
        detail("Coded statements."),
    ] = None
    dangerous_goods: Annotated[
        Annotated[tuple[DangerousGoods, ...], Meta(max_length=99)] | None,
        detail("What of it is dangerous."),
    ] = None
    cus_code: Annotated[Code | None, detail("Customs Union and Statistics number.")] = None
    consignor_eori: Annotated[
        RegistrationNumber | None,
        reference("organisation", "EORI of the item's own consignor.", check="eori"),
    ] = None
    consignee_eori: Annotated[
        RegistrationNumber | None,
        reference("organisation", "EORI of the item's own consignee.", check="eori"),
    ] = None
    place_of_loading: Annotated[Place | None, detail("Where the item was loaded.")] = None
    place_of_unloading: Annotated[Place | None, detail("Where the item is unloaded.")] = None
    origin_country: Annotated[Country | None, detail("Country of origin, ISO 3166-1 alpha-2.")] = (
        None
    )
    preferential_origin_country: Annotated[
        Country | None, detail("Country of preferential origin, ISO 3166-1 alpha-2.")
    ] = None
    procedure_code: Annotated[Code | None, detail("Requested and previous procedure.")] = None
    additional_procedures: Annotated[
        Annotated[tuple[ThreeCharacters, ...], Meta(max_length=99)] | None,
        detail("Additional procedure codes, three characters each."),
    ] = None
    statistical_value_gbp: Annotated[
        Amount | None, detail("Statistical value of the item.", unit="GBP")
    ] = None
    price: Annotated[Amount | None, detail("Price of the item.", unit="currency")] = None
    currency: Annotated[Currency | None, detail("ISO 4217, of the price.")] = None
    valuation_method: Annotated[
        Literal["1", "2", "3", "4", "5", "6"] | None, detail("Valuation method, 1 to 6.")
    ] = None
    preference: Annotated[ThreeCharacters | None, detail("Tariff preference, three digits.")] = None
    quota: Annotated[Code | None, detail("Order number of the tariff quota.")] = None
    nature_of_transaction: Annotated[Code | None, detail("Nature of transaction.")] = None
    supplementary_units: Annotated[
        Amount | None, detail("Quantity in supplementary units.", unit="supplementary unit")
    ] = None


DECIMALS_OF_A_MASS = 3
_SMALLEST = 1e-6  # what float arithmetic of a client may leave behind is not a decimal


def too_precise(mass_kg: float | None, decimals: int = DECIMALS_OF_A_MASS) -> bool:
    """
    >>> too_precise(12.345), too_precise(12.3456), too_precise(0.1 + 0.2)
    (False, True, False)
    """
    if mass_kg is None or mass_kg % 1 == 0:  # whole kilograms need no slow rounding
        return False
    return abs(round(mass_kg, decimals) - mass_kg) > _SMALLEST


@rule("net_above_gross")
def _net_not_above_gross(item: Item) -> Breach | None:
    """The net mass of an item is at most its gross mass."""
    if item.net_kg is None or item.gross_kg is None or item.net_kg <= item.gross_kg:
        return None
    sentence = f"net {item.net_kg:g} kg exceeds gross {item.gross_kg:g} kg; correct one"
    return Breach("/net_kg", sentence)


@rule("mass_too_precise")
def _grams_at_most(item: Item) -> Breach | None:
    """A mass has at most three decimals."""
    for name, mass in (("gross_kg", item.gross_kg), ("net_kg", item.net_kg)):
        if too_precise(mass):
            return Breach(f"/{name}", f"{mass} kg has more than three decimals; round it")
    return None


@rule("bad_procedure")
def _a_procedure_has_four_digits(item: Item) -> Breach | None:
    """A procedure is four digits: the requested one and the previous one."""
    if item.procedure_code is None or PROCEDURE.fullmatch(item.procedure_code):
        return None
    return Breach("/procedure_code", "a procedure is four digits; correct it")


@rule("bulk_counted")
def _bulk_is_not_counted(package: Package) -> Breach | None:
    """Goods in bulk have neither packages nor pieces."""
    if package.kind not in BULK_KINDS or not (package.count or package.pieces):
        return None
    return Breach(
        "/kind", f"kind {package.kind} is bulk, which is not counted; leave the count out"
    )


@rule("packages_and_pieces")
def _packages_or_pieces(package: Package) -> Breach | None:
    """A line counts packages or pieces, not both."""
    if not package.count or not package.pieces:
        return None
    sentence = f"{package.count} packages and {package.pieces} pieces on one line; give one of them"
    return Breach("/pieces", sentence)


ITEM_RULES: tuple[Rule, ...] = (
    _net_not_above_gross,
    _grams_at_most,
    _a_procedure_has_four_digits,
)
PACKAGE_RULES: tuple[Rule, ...] = (_bulk_is_not_counted, _packages_or_pieces)
