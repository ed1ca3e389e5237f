"""A mapping to start from, guessed from a file's header and first rows."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from features.records import carried_fields, declared_fields
from features.records.persons import is_person_data
from features.tabular import open_table, text_of

SAMPLE = 200

_USUAL: dict[str, tuple[str, ...]] = {
    "movement_ref": ("id", "ref", "reference", "movement_id", "declaration_id", "declaration_no"),
    "declared_at": ("date", "timestamp", "declared", "declaration_date", "declaration_time"),
    "commodity_code": ("hs", "hs_code", "hs6", "hs6_code", "commodity", "tariff_code"),
    "origin_country": ("origin", "country_of_origin"),
    "dispatch_country": ("country_of_departure", "country_of_dispatch", "departure_country"),
    "mode_at_border": ("mode_of_transport", "transport_mode", "mode"),
    "office": ("office_id", "office_code", "customs_office"),
    "declarant_eori": ("declarant_id",),
    "consignor_eori": ("consignor_id", "seller", "seller_id", "exporter", "exporter_id"),
    "consignee_eori": ("consignee_id", "buyer", "buyer_id", "importer", "importer_id"),
    "carrier_eori": ("carrier_id", "courier", "courier_id"),
    "haulier_eori": ("haulier_id", "carrier", "carrier_id"),
    "vehicle_reg": ("registration", "plate", "vrm", "truck_registration"),
    "trailer_reg": ("trailer_registration", "trailer_plate", "trailer_id"),
    "container_no": ("container_number", "container_id"),
    "net_mass_kg": ("net_weight", "net_weight_kg"),
    "gross_mass_kg": ("gross_weight", "gross_weight_kg", "weight"),
    "invoice_amount": ("price", "item_price", "value", "amount", "invoice_value"),
    "value_gbp": ("value", "amount"),
    "duty_rate_percent": ("tax_rate", "duty_rate"),
    "imo": ("imo_number", "imo_no"),
    "mmsi": ("mmsi_number",),
    "hull_id": ("hin",),
    "last_port": ("port_of_departure", "previous_port"),
    "port": ("port_of_arrival", "port_of_call"),
    "notify_party_eori": ("notify_party", "notify_party_id"),
    "gmr_id": ("gmr", "gmr_no", "gmr_number"),
    "mrn": ("movement_reference_number", "mrn_no"),
    "lrn": ("local_reference_number",),
    "goods_description": ("description_of_goods", "goods", "item_description"),
    "name": ("vessel_name", "ship_name"),
    "call_sign": ("callsign",),
    "registration_no": ("ssr_number", "registration_number"),
    "consignor_name": ("shipper_name", "exporter_name"),
    "consignee_name": ("importer_name", "buyer_name"),
}
"""What other systems call our fields; a guess for a person to check."""


_FLAT = frozenset({"reference", "detail", "name"})
"""Roles of the fields that a column can feed, beside those that features are made of."""


class _Guess(NamedTuple):
    column: str
    example: str
    field: str | None
    type: str


def starter_mapping(path: Path, kind: str) -> str:
    """TOML text: likely fields filled in, the rest of the columns as attributes to choose from.

    Nothing in it is certain; it parses, and says where a person has to look.
    """
    table = open_table(path)
    rows = list(islice(table.rows(), SAMPLE))
    fields = _fields_to_guess(kind)
    guesses: list[_Guess] = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in rows if place < len(row) and row[place] is not None]
        taken = {guess.field for guess in guesses}
        field = _likely(column, [name for name in fields if name not in taken])
        example = text_of(cells[0]) if cells else ""
        guesses.append(_Guess(column, example, field, _type(cells)))
    return "\n".join(_lines(path, kind, guesses)) + "\n"


def _fields_to_guess(kind: str) -> list[str]:
    """Flat fields of the record: those that models read first, then documents and details."""
    common = ["movement_ref", "declared_at", "version"]
    carried = [field.name for field in carried_fields(kind) if field.role in _FLAT]
    return [*common, *(field.name for field in declared_fields(kind)), *carried]


def _lines(path: Path, kind: str, guesses: list[_Guess]) -> list[str]:
    mapped = [g for g in guesses if g.field is not None]
    rest = [g for g in guesses if g.field is None and not is_person_data(g.column)]
    lines = [f"# A start, guessed from {path.name}: check every line, then delete this one.", ""]
    lines += [f'kind = "{kind}"', "", "[columns]"]
    for name in ("movement_ref", "declared_at"):
        if name not in {g.field for g in mapped}:
            lines.append(f'{name} = "?" # required: which column is it?')
    lines += [f"{g.field} = {_quoted(g.column)} # {g.type}, such as {_shown(g)}" for g in mapped]
    lines += ["", "[formats] # for times that are not ISO 8601", 'time_zone = "UTC"']
    lines += ['# declared_at = "%Y-%m-%d"', ""]
    lines.append("[attributes] # extra columns that become features; delete what is not wanted")
    for guess in rest:
        kind_of_value = "number" if guess.type == "number" else "code"
        entry = f'{{ column = {_quoted(guess.column)}, type = "{kind_of_value}" }}'
        lines.append(f"# {_name(guess.column)} = {entry} # such as {_shown(guess)}")
    lines += ["", "# [outcome] # if a column says what an examination found: see docs/mapping.md"]
    return lines


def _likely(column: str, fields: Sequence[str]) -> str | None:
    """The first field of that name, of the name without its unit, or of a usual other name."""
    name = _name(column)
    for field in fields:
        if name == field or name in _USUAL.get(field, ()) or field.rpartition("_")[0] == name:
            return field
    return None


def _type(cells: list[Any]) -> str:
    texts = [text_of(cell) for cell in cells]
    if texts and all(_is_number(text) for text in texts):
        return "number"
    return "text"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not (text.startswith("0") and text.isdigit() and len(text) > 1)  # a code: 010129


def _name(column: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in column.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"column_{plain}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _shown(guess: _Guess) -> str:
    return " ".join(guess.example.split())[:40] or "(empty)"
