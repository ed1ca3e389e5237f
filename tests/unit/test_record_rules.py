"""Every rule of every kind, kept and broken; and the document that lists them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from features.checks import Failure
from features.intake import declare
from features.keys import Keyring, PseudonymKey
from features.pseudonyms import Pseudonyms
from features.records import KINDS, RECORDS, RecordRejected, flags_of, read_movement
from features.records.kinds import FLAGS, rules_of
from features.records.persons import is_person_data
from features.records.roles import fields_of
from serving.problems import RequestRefused
from serving.wire import read_score_request
from tests.full_records import ELSEWHERE, FULL
from tests.rule_examples import EXAMPLES, Example

PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
BASE = {"movement_ref": "M-1", "declared_at": "2026-03-01T08:30:00Z"}
SHAPE_CODES = {
    "bad_value",
    "unknown_field",
    "missing_field",
    "person_data_refused",
    "time_skipped",
    "unknown_country",
    "unknown_currency",
}
"""Codes that belong to no single rule: they come from the types and the lists of codes."""
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "records.md"


def row_of(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {**BASE, **changes}


def codes(kind: str) -> set[str]:
    shape = SHAPE_CODES - ({"unknown_currency"} if kind != "shipment" else set())
    return {rule.code for rule in rules_of(kind)} | shape


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_has_an_example(kind: str) -> None:
    assert {example.code for example in EXAMPLES if example.kind == kind} == codes(kind)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.kind}-{e.code}-{e.pointer}")
def test_a_rule_is_kept_or_broken_and_the_api_agrees(example: Example) -> None:
    read_movement(example.kind, row_of(example.kept))
    with pytest.raises(RecordRejected) as caught:
        read_movement(example.kind, row_of(example.broken))
    (problem,) = caught.value.problems
    assert (problem.code, problem.pointer) == (example.code, example.pointer)
    assert problem.message
    read_score_request(json.dumps({"kind": example.kind, **row_of(example.kept)}).encode())
    with pytest.raises(RequestRefused) as refused:
        read_score_request(json.dumps({"kind": example.kind, **row_of(example.broken)}).encode())
    assert refused.value.errors == (problem,)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_with_every_field_is_taken(kind: str) -> None:
    row = FULL[kind]
    assert set(RECORDS[kind].__struct_fields__) == set(row) | set(ELSEWHERE[kind])
    movement = read_movement(kind, row)
    assert movement == read_score_request(json.dumps({"kind": kind, **row}).encode())
    for field, value in ELSEWHERE[kind].items():
        assert getattr(read_movement(kind, row_of({field: value})), field) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_role_and_no_field_is_a_persons(kind: str) -> None:
    names = set(RECORDS[kind].__struct_fields__)
    without = names - {field.name for field in fields_of(RECORDS[kind])}
    assert without == {"movement_ref", "declared_at", "version", "attributes"}
    assert not any(map(is_person_data, names))


def test_what_is_noted_and_not_refused() -> None:
    heavy = read_movement("vehicle", row_of({"gross_mass_kg": 44_000.001}))
    assert flags_of(heavy) == ("over_44_t:gross_mass_kg",)
    assert flags_of(read_movement("vehicle", row_of({"gross_mass_kg": 44_000}))) == ()
    moved = row_of({"route_id": "19", "checked_in_route_id": "19", "actual_route_id": "20"})
    assert flags_of(read_movement("vehicle", moved)) == ("route_changed:actual_route_id",)
    assert flags_of(read_movement("vehicle", {**moved, "actual_route_id": "19"})) == ()
    panama = row_of({"flag": "GB", "mmsi": "352003239"})
    assert flags_of(read_movement("vessel", panama)) == ("flag_disagrees:mmsi",)
    assert flags_of(read_movement("vessel", {**panama, "flag": "PA"})) == ()
    assert flags_of(read_movement("vessel", {**panama, "mmsi": "992003239"})) == ()


def test_what_a_check_notes_of_a_field() -> None:
    def flags(kind: str, **fields: Any) -> tuple[str, ...]:
        return declare(read_movement(kind, row_of(fields)), PSEUDONYMS).flags

    assert flags("vehicle", vehicle_reg="W·X 12-345") == ()
    assert flags("vehicle", vehicle_reg="AB12/CDE") == ("format:vehicle_reg",)
    assert flags("vessel", ship_type="99") == flags("vessel", ship_type="YACHT") == ()
    assert flags("vessel", ship_type="9900") == ("unknown:ship_type",)
    assert flags("shipment", mode_at_border="9") == flags("shipment", mode_at_border="road") == ()
    assert flags("shipment", mode_at_border="barge") == ("unknown:mode_at_border",)


def test_the_document_lists_every_code_and_no_other() -> None:
    text = DOCUMENT.read_text()
    for kind in KINDS:
        table = text.partition(f"## Codes of a {kind}")[2].partition("\n## ")[0]
        listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
        assert len(set(listed)) == len(listed)
        assert set(listed) == {rule.code for rule in rules_of(kind)}
    table = text.partition("## Codes of every kind")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == SHAPE_CODES
    table = text.partition("## Flags")[2].partition("\n## ")[0]
    flags = {flag.code for kind in KINDS for flag in FLAGS[kind]}
    found = set(re.findall(r"^\| `(\w+):", table, re.MULTILINE))
    of_parties = {"named", "unregistered", "gb_party_named"}
    of_identifiers = {*get_args(Failure), "placeholder", "homoglyph", "not_ascii"}
    assert found == flags | of_parties | of_identifiers | {"time_ambiguous"}


def test_the_document_says_of_every_rule_what_the_code_says() -> None:
    text = DOCUMENT.read_text()
    for kind in KINDS:
        for rule in rules_of(kind):
            assert f"| `{rule.code}` | {rule.requires} |" in text, (kind, rule.code)


def test_the_document_lists_every_field() -> None:
    text = DOCUMENT.read_text()
    for kind in KINDS:
        table = text.partition(f"## Fields of a {kind}")[2].partition("\n## ")[0]
        for field in fields_of(RECORDS[kind]):
            assert f"`{field.name}`" in table, (kind, field.name)
