"""A mapping to start from, guessed from a file's header and first rows."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from features.files.csv_cells import separator
from features.files.field_kinds import (
    KNOWN_AT,
    allowed_words,
    is_modelled,
    mappable,
    measures,
    private_fields,
    shapes,
    time_fields,
)
from features.files.samples import is_list, is_object, notation_in, times_in, unit_in
from features.files.tabular import open_table, text_of
from features.files.units import convertible
from features.records import RECORDS
from features.records.attributes import identifier_word
from features.records.outcome import Outcome, Result
from features.records.persons import is_person_attribute, is_person_data
from features.records.targeting import says_targeting

SAMPLE = 200
FEW = 12
"""A column of more different values is no label and no list of words."""

LONGEST_SHOWN = 6
"""Digits of a number in a column that feeds nothing; a longer one may be somebody's."""

_OF_OUTCOMES = frozenset(mappable(Outcome))
_OF_EXAMINATIONS = frozenset({"outcome", "examined_at"})
_BY_THEIR_NAME = frozenset({"version", KNOWN_AT, *_OF_OUTCOMES} - {"movement_ref"})
"""Fields that no other name is taken for."""
_LABEL_WORDS = frozenset(
    {"outcome", "result", "found", "find", "finding", "fraud", "seized", "seizure", "label", "hit"}
)
"""Words in the name of a column that says what an examination found."""

_OF_THE_VERY_GOODS = ("net_mass_kg", "gross_mass_kg", "invoice_amount", "value_gbp")
"""Beside their code, what tells goods apart."""

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
    "length_m": ("length", "length_overall", "loa"),
    "departs_at": ("departure", "departure_time", "etd"),
    "arrives_at": ("arrival", "arrival_time", "eta"),
    "imo": ("imo_number", "imo_no"),
    "mmsi": ("mmsi_number",),
    "hull_id": ("hin",),
    "last_port": ("port_of_departure", "previous_port"),
    "port": ("port_of_arrival", "port_of_call"),
    "notify_party_eori": ("notify_party", "notify_party_id"),
    "gmr_id": ("gmr", "gmr_no", "gmr_number"),
    "mrn": ("movement_reference_number", "mrn_no"),
    "lrn": ("local_reference_number",),
    "goods_description": ("description_of_goods", "item_description"),
    "name": ("vessel_name", "ship_name"),
    "call_sign": ("callsign",),
    "registration_no": ("ssr_number", "registration_number"),
    "consignor_name": ("shipper_name", "exporter_name"),
    "consignee_name": ("importer_name", "buyer_name"),
}
"""What other systems call our fields; a guess for a person to check."""


class _Guess(NamedTuple):
    column: str
    cells: list[Any]
    """Those of the sample that are not missing."""
    field: str | None
    unit: str | None
    record: type[msgspec.Struct]

    @property
    def texts(self) -> list[str]:
        """The different values of the sample, in order."""
        return sorted({text_of(cell) for cell in self.cells})

    @property
    def is_label(self) -> bool:
        words = set(_name(self.column).split("_"))
        return self.field is None and 1 <= len(self.texts) <= FEW and bool(words & _LABEL_WORDS)

    @property
    def is_of_outcome(self) -> bool:
        """Says what an examination found, or how: as a feature it would give the answer away."""
        name = _name(self.column)
        return self.field is None and (
            name in _OF_OUTCOMES or not _LABEL_WORDS.isdisjoint(name.split("_"))
        )

    @property
    def type(self) -> str:
        if is_object(self.cells):
            return "object"
        if is_list(self.cells):
            return "list"
        if notation_in(self.cells) is None:
            return "text"
        whole_and_few = len(self.texts) <= FEW and all(text.isdigit() for text in self.texts)
        return "text" if whole_and_few and self.field is None else "number"

    @property
    def shown(self) -> str:
        """A value to know the column by, where it names nobody: mappings are passed on.

        Of a column that feeds no field nothing tells whether its texts are names of people.
        """
        if not self.cells:
            return "(empty)"
        first = " ".join(text_of(self.cells[0]).split())[:40]
        if self.field is None:
            is_shown = notation_in(self.cells) is not None and len(first) <= LONGEST_SHOWN
        else:
            is_shown = self.type == "number" or self._is_plain(self.field)
        if is_shown:
            return f"such as {first}"
        return f"{len(self.texts)} different {self.type}s" if len(self.texts) > 1 else "1 text"

    def _is_plain(self, field: str) -> bool:
        """A time or a category whose cells look like it; a column that slipped shows nothing."""
        if field in private_fields(self.record) or field in measures(self.record):
            return False
        if field in time_fields(self.record):
            return times_in(self.cells) is not None
        words = allowed_words(self.record, field)
        return set(self.texts) <= set(words) if words else True


def starter_mapping(movements: Path | None, outcomes: Path | None, kind: str) -> str:
    """TOML text: likely fields filled in, the rest of the columns as attributes to choose from.

    Units, times, numbers and labels are recognised from the names and the first rows. Nothing in
    it is certain; it parses, and says where a person has to look. Without ``outcomes``,
    ``[outcome]`` is about a column of ``movements``.
    """
    delimiter, guesses = ",", list[_Guess]()
    if movements is not None:
        delimiter, guesses = _guessed(movements, RECORDS[kind], _fields_to_guess(kind))
    found = list[_Guess]()
    if outcomes is not None:
        of_outcomes, found = _guessed(outcomes, Outcome, list(mappable(Outcome)))
        delimiter = delimiter if movements is not None else of_outcomes
    names = " and ".join(path.name for path in (movements, outcomes) if path is not None)
    lines = [f"# A start, guessed from {names}: check every line, then delete this one.", ""]
    lines += [f'kind = "{kind}"', ""]
    lines += [*_columns(guesses), "", *_units(guesses, kind)]
    lines += [*_formats(guesses, kind, delimiter), ""]
    lines += [*_values(guesses, kind), *_attributes(guesses), ""]
    lines += _outcome(guesses) if outcomes is None else _outcome_of_file(found)
    return "\n".join(lines) + "\n"


def _guessed(
    path: Path, record: type[msgspec.Struct], fields: Sequence[str]
) -> tuple[str, list[_Guess]]:
    """The delimiter of a file, and what each of its columns may feed."""
    delimiter = separator(path) if path.suffix.lower() == ".csv" and path.is_file() else ","
    table = open_table(path, delimiter=delimiter)
    rows = list(islice(table.rows(), SAMPLE))
    if record is not Outcome and not _OF_EXAMINATIONS.isdisjoint(map(_name, table.columns)):
        fields = [name for name in fields if name != KNOWN_AT]  # that of the outcome
    guesses: list[_Guess] = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in rows if place < len(row) and row[place] is not None]
        taken, of_objects = {guess.field for guess in guesses}, is_object(cells)
        fitting = [name for name in fields if (shapes(record).get(name) == "object") is of_objects]
        field, unit = _likely(column, [name for name in fitting if name not in taken], record)
        is_text = bool(cells) and notation_in(cells) is None
        if field in measures(record) and is_text and field != _name(column):
            field = unit = None  # a Driver is no number of drivers
        if is_person_data(column):
            field = unit = None  # a mapping of it would be refused
        guesses.append(_Guess(column, cells, field, unit, record))
    return delimiter, guesses


def _fields_to_guess(kind: str) -> list[str]:
    """What a column may feed: what models read first, then what is kept beside it."""
    record = RECORDS[kind]
    names = mappable(record)
    first = ["movement_ref", "declared_at", *(n for n in names if is_modelled(record, n))]
    return [*first, *(name for name in names if name not in first)]


def _columns(guesses: list[_Guess]) -> Iterator[str]:
    yield "[columns]"
    fields = {guess.field for guess in guesses}
    for name in ("movement_ref", "declared_at"):
        if name not in fields:
            yield f'{name} = "?" # required: which column is it?'
    for guess in guesses:
        if guess.field is not None:
            yield f"{guess.field} = {_quoted(guess.column)} # {guess.type}, {guess.shown}"


def _units(guesses: list[_Guess], kind: str) -> Iterator[str]:
    own = measures(RECORDS[kind])
    found = [g for g in guesses if g.field in own and g.unit not in (None, own[g.field])]
    if found:
        yield "[units] # of the source columns, by their names"
        for guess in found:
            yield f'{guess.field} = "{guess.unit}"'
        yield ""


def _formats(guesses: list[_Guess], kind: str, delimiter: str) -> Iterator[str]:
    yield "[formats] # of times that are not ISO 8601, and of numbers"
    if delimiter != ",":
        yield f"delimiter = {_quoted(delimiter)}"
    yield from _notation(guesses, kind)
    yield from _time_formats(guesses, RECORDS[kind])


def _time_formats(guesses: list[_Guess], record: type[msgspec.Struct]) -> Iterator[str]:
    times = {g.field: times_in(g.cells) for g in guesses if g.field in time_fields(record)}
    if not all(found is not None and found.has_zone for found in times.values()):
        yield 'time_zone = "UTC" # of times without an offset: is it?'
    for field, found in times.items():
        if found is None:
            yield f'# {field} = "%Y-%m-%d" # not recognised: how is it written?'
        elif found.pattern is not None:
            doubt = f" # or is it {' or '.join(found.others)}?" if found.others else ""
            yield f'{field} = "{found.pattern}"{doubt}'


def _notation(guesses: list[_Guess], kind: str) -> Iterator[str]:
    own = measures(RECORDS[kind])
    found = {notation_in(guess.cells) for guess in guesses if guess.field in own}
    special = sorted(notation for notation in found if notation and not notation.is_plain)
    if special:
        notation = special[-1]  # the one with separators of thousands tells more
        yield f"decimal = {_quoted(notation.decimal)}"
        if notation.thousands:
            yield f"thousands = {_quoted(notation.thousands)}"


def _values(guesses: list[_Guess], kind: str) -> Iterator[str]:
    """A field of fixed words whose column holds others needs a value map."""
    for guess in guesses:
        words = allowed_words(RECORDS[kind], guess.field) if guess.field else ()
        seen = guess.texts
        if words and not set(seen) <= set(words):
            yield f"# [values.{guess.field}] # one of {', '.join(words)}"
            yield from (f'# {_quoted(text)} = "?"' for text in seen[:FEW])
            yield ""


def _attributes(guesses: list[_Guess]) -> Iterator[str]:
    yield "[attributes] # extra columns that become features; delete what is not wanted"
    for guess in guesses:
        if guess.field is not None or is_person_attribute(guess.column):
            continue
        if guess.type in ("list", "object"):
            yield f"# {_quoted(guess.column)} holds {guess.type}s, which are no attributes"
            continue
        if guess.is_of_outcome:
            yield f"# {_quoted(guess.column)} looks like a label: it must not become a feature"
            continue
        if says_targeting(guess.column):
            yield f"# {_quoted(guess.column)} is a result of targeting: never a feature"
            continue
        kind_of_value = "number" if guess.type == "number" else "code"
        if kind_of_value == "code" and identifier_word(guess.column) is not None:
            yield f"# {_quoted(guess.column)} says an identifier, which no attribute holds"
            continue
        entry = f'{{ column = {_quoted(guess.column)}, type = "{kind_of_value}" }}'
        yield f"# {_name(guess.column)} = {entry} # {guess.shown}"
    yield from _same_goods({guess.field: guess.column for guess in guesses})


def _same_goods(columns: dict[str | None, str]) -> Iterator[str]:
    """What is declared again and again under one code, mass and amount has a history of its own."""
    numbers = [_quoted(columns[name]) for name in _OF_THE_VERY_GOODS if name in columns]
    if "commodity_code" in columns and numbers:
        codes = _quoted(columns["commodity_code"])
        entry = f'{{ codes = [{codes}], numbers = [{", ".join(numbers)}], type = "code" }}'
        yield f"# same_goods = {entry} # columns joined: the history of these very goods"


def _outcome(guesses: list[_Guess]) -> Iterator[str]:
    """As comments: which value means a find is not for a program to guess."""
    labels = [guess for guess in guesses if guess.is_label]
    if not labels:
        yield "# [outcome] # if a column says what an examination found: see docs/mapping.md"
        return
    declared = next((g.column for g in guesses if g.field == "declared_at"), "?")
    examined = next((g.column for g in guesses if _name(g.column) == "examined_at"), declared)
    yield "# [outcome] # the label, if this is one: see docs/mapping.md"
    yield "# known_after_days = 0 # from the examination until its result was known"
    yield "# [outcome.columns]"
    yield f"# outcome = {_quoted(labels[0].column)}"
    yield f"# examined_at = {_quoted(examined)} # or a column of the examination itself"
    yield f"# [outcome.values.outcome] # one of {', '.join(get_args(Result))}"
    for text in labels[0].texts:
        yield f'# {_quoted(text)} = "?"'


def _outcome_of_file(guesses: list[_Guess]) -> Iterator[str]:
    yield "[outcome] # of the outcomes file: see docs/mapping.md"
    yield "known_after_days = 0 # from the examination until its result was known"
    yield "[outcome.columns]"
    found = {guess.field: guess for guess in guesses if guess.field is not None}
    label = found.get("outcome") or next((g for g in guesses if g.is_label), None)
    if label is not None:
        found["outcome"] = label
    for name in ("movement_ref", "event_id", "outcome", "examined_at"):
        if name not in found:
            yield f'{name} = "?" # which column is it?'
    for field, guess in found.items():
        yield f"{field} = {_quoted(guess.column)} # {guess.type}, {guess.shown}"
    yield "[outcome.formats] # of times that are not ISO 8601"
    yield from _time_formats([g for g in guesses if g.field is not None], Outcome)
    if label is not None and not set(label.texts) <= set(get_args(Result)):
        yield f"# [outcome.values.outcome] # one of {', '.join(get_args(Result))}"
        yield from (f'# {_quoted(text)} = "?"' for text in label.texts[:FEW])


def _likely(
    column: str, fields: Sequence[str], record: type[msgspec.Struct]
) -> tuple[str | None, str | None]:
    """The first field of that name, of the name without its unit, or of a usual other name."""
    name = _name(column)
    for field in fields:
        if name == field:
            return field, None
    fields = [field for field in fields if field not in _BY_THEIR_NAME]
    for field in fields:
        if name in _USUAL.get(field, ()) or field.rpartition("_")[0] == name:
            return field, None
    base, unit = unit_in(name)
    for field in fields:
        usual = base in _USUAL.get(field, ()) or field.rpartition("_")[0] == base
        if unit is not None and usual and unit in convertible(measures(record).get(field)):
            return field, unit
    return None, None


def _name(column: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in column.lower())
    plain = re.sub("_+", "_", plain).strip("_")
    return plain if plain[:1].isalpha() else f"column_{plain}"


def _quoted(text: str) -> str:
    """As a TOML string: JSON escapes the same characters in the same way, but for one."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
