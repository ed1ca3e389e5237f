"""What the service takes from the wire, and what it says when it does not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from serving.openapi import MOVEMENT_EXAMPLES, OUTCOME_EXAMPLE, document
from serving.problems import PROBLEMS, RequestRefused
from serving.strict_json import MAX_DEPTH, parse_strictly
from serving.wire import (
    AssessmentMessage,
    OutcomeMessage,
    Receipt,
    encode,
    read_outcomes,
    read_score_request,
    with_reference,
)

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"
VEHICLE = MOVEMENT_EXAMPLES["vehicle"]


def body(**changes: Any) -> bytes:
    return json.dumps({**VEHICLE, **changes}).encode()


def refusal(raw: bytes) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        read_score_request(raw)
    return caught.value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bad_json"),
        (b" ", "bad_json"),
        (b"{", "bad_json"),
        (b'{"kind": "vehicle",}', "bad_json"),
        (b"{'kind': 'vehicle'}", "bad_json"),
        (b'{"gross_mass_kg": NaN}', "bad_json"),
        (b'{"gross_mass_kg": Infinity}', "bad_json"),
        (b'{"gross_mass_kg": -Infinity}', "bad_json"),
        (b'{"movement_ref": "a\nb"}', "bad_json"),
        (b'{"version": ' + b"9" * 5000 + b"}", "bad_json"),
        (b'\xef\xbb\xbf{"kind": "vehicle"}', "bad_json"),
        (b'{"kind": "vehicle"} {}', "bad_json"),
        (b'{"kind": "vehicle", "kind": "vessel"}', "duplicate_key"),
        (b'{"attributes": {"x": 1, "x": 2}}', "duplicate_key"),
        (b'{"kind": "vehicle", "\\u006bind": "vessel"}', "duplicate_key"),
        (b'{"movement_ref": "\xff"}', "not_utf8"),
        (b'{"movement_ref": "\xed\xa0\x80"}', "not_utf8"),
        ('{"kind": "vehicle"}'.encode("utf-16"), "not_utf8"),
        (b'{"kind": "vehicle", "movement_ref": "\\ud800"}', "not_utf8"),
        (b"[" * 20 + b"]" * 20, "too_deep"),
        (b'{"attributes": ' * 500_00 + b"1" + b"}" * 500_00, "too_deep"),
        (b"[" * 900_000, "too_deep"),
        (b"[]", "record_rejected"),
        (b"null", "record_rejected"),
        (b"5", "record_rejected"),
    ],
)
def test_what_is_not_one_clear_json_object_is_refused(raw: bytes, code: str) -> None:
    assert refusal(raw).code == code


def test_brackets_inside_strings_are_no_depth() -> None:
    text = "[{" * 40 + '\\"' + "[" * 40
    assert parse_strictly(json.dumps([text]).encode()) == [text]


def test_the_deepest_value_allowed_is_taken_and_one_deeper_is_not() -> None:
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_strictly(deepest)
    with pytest.raises(RequestRefused, match="16 levels"):
        parse_strictly(b"[" + deepest + b"]")


def test_depth_of_a_hostile_string_is_found_in_linear_time() -> None:
    raw = b'"' + b'\\"' * 500_000 + b"[" * 20
    assert raw.count(b"[") > MAX_DEPTH
    with pytest.raises(RequestRefused, match="unterminated"):
        parse_strictly(raw)


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"kind": "lorry"}, "bad_value", "/kind"),
        ({"kind": None}, "bad_value", "/kind"),
        ({"movement_ref": ""}, "bad_value", "/movement_ref"),
        ({"movement_ref": 7}, "bad_value", "/movement_ref"),
        ({"gross_mass_kg": "5"}, "bad_value", "/gross_mass_kg"),
        ({"gross_mass_kg": True}, "bad_value", "/gross_mass_kg"),
        ({"gross_mass_kg": -1}, "bad_value", "/gross_mass_kg"),
        ({"declared_at": "2026-03-01T09:30:00"}, "bad_value", "/declared_at"),
        ({"declared_at": 1772357400}, "bad_value", "/declared_at"),
        ({"hauler": "x"}, "unknown_field", ""),
        ({"driver": "x"}, "person_data_refused", "/driver"),
        ({"imo": "9074729"}, "unknown_field", ""),
        ({"driver_name": "x"}, "person_data_refused", "/driver_name"),
        ({"arrives_at": "2026-03-01T10:00:00Z"}, "arrival_before_departure", "/arrives_at"),
    ],
)
def test_each_broken_rule_is_named_with_its_field(
    changes: dict[str, Any], code: str, pointer: str
) -> None:
    refused = refusal(body(**changes))
    assert refused.code == "record_rejected"
    assert (refused.errors[0].code, refused.errors[0].pointer) == (code, pointer)


def test_a_number_beyond_a_double_is_refused() -> None:
    raw = body(gross_mass_kg=0).replace(b'"gross_mass_kg": 0', b'"gross_mass_kg": 1e999')
    assert refusal(raw).errors[0].pointer == "/gross_mass_kg"


def test_every_broken_rule_is_listed() -> None:
    refused = refusal(body(arrives_at="2026-03-01T10:00:00Z", is_unaccompanied=True))
    assert [error.code for error in refused.errors] == [
        "arrival_before_departure",
        "unaccompanied_without_trailer",
    ]
    said = json.loads(refused.document())
    assert said["status"] == 422
    assert said["type"] == "urn:foreland:problem:record_rejected"
    assert len(said["errors"]) == 2


def test_a_missing_field_is_said() -> None:
    assert refusal(b'{"kind": "vehicle"}').errors[0].code == "missing_field"
    assert refusal(b'{"movement_ref": "x"}').errors[0].code == "missing_field"


@pytest.mark.parametrize("kind", list(MOVEMENT_EXAMPLES))
def test_the_documented_examples_are_taken(kind: str) -> None:
    movement = read_score_request(json.dumps(MOVEMENT_EXAMPLES[kind]).encode())
    assert movement.movement_ref == MOVEMENT_EXAMPLES[kind]["movement_ref"]


def test_one_outcome_is_taken_or_refused_as_a_whole() -> None:
    sent = read_outcomes(json.dumps(OUTCOME_EXAMPLE).encode())
    assert sent.alone
    assert isinstance(sent.items[0], OutcomeMessage)
    with pytest.raises(RequestRefused, match="threat"):
        read_outcomes(json.dumps({**OUTCOME_EXAMPLE, "outcome": "negative"}).encode())


def test_of_many_outcomes_each_stands_for_itself() -> None:
    late = {**OUTCOME_EXAMPLE, "known_at": "2026-03-01T18:00:00Z"}
    odd = {**OUTCOME_EXAMPLE, "outcome": "maybe", "event_id": 7}
    sent = read_outcomes(json.dumps([OUTCOME_EXAMPLE, late, odd, 5]).encode())
    first, *others = sent.items
    assert isinstance(first, OutcomeMessage)
    found = []
    for receipt in others:
        assert isinstance(receipt, Receipt)
        assert receipt.status == "rejected"
        found.append((receipt.event_id, receipt.errors[0].code, receipt.errors[0].pointer))
    assert found == [
        ("EXAM-2026-0001", "known_at_in_live_message", "/1/known_at"),
        (None, "bad_value", "/2/event_id"),
        (None, "bad_value", "/3"),
    ]


def test_a_recorded_answer_becomes_the_sent_one_byte_for_byte() -> None:
    parts: dict[str, Any] = {
        "score_id": "s",
        "kind": "vehicle",
        "movement_version": 1,
        "status": "degraded",
        # An answer may quote anything, even the very text that stands for the reference.
        "degraded_reasons": ('"movement_ref":null',),
        "probability": 0.1 + 0.2,
        "similar_past_examinations": None,
        "band": "medium",
        "reasons": (),
        "model": None,
        "as_of": "2026-03-01T00:00:00Z",
        "ledger_position": 7,
        "simulated": False,
    }
    recorded = encode(AssessmentMessage(movement_ref=None, **parts))
    for reference in ("GMR 1", 'with "quotes" \\ and é', '"movement_ref":null'):
        sent = encode(AssessmentMessage(movement_ref=reference, **parts))
        assert with_reference(recorded, reference) == sent


def test_the_documented_codes_are_the_codes() -> None:
    table = DOCS.read_text().partition("## Problems")[2].partition("## Limits")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", table, re.MULTILINE))
    assert documented == {code: str(kind.status) for code, kind in PROBLEMS.items()}


def test_every_code_is_produced_by_a_test() -> None:
    tests = [path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py")]
    produced = r'(refused_with\([^"]*|, )"{}"\)'
    unseen = [
        code
        for code in PROBLEMS
        if not any(re.search(produced.format(code), text) for text in tests)
    ]
    assert unseen == []


def test_openapi_refers_to_what_it_defines_and_describes_every_field() -> None:
    text = document().decode()
    schemas = json.loads(text)["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in schemas
    for name, schema in schemas.items():
        for field, said in schema["properties"].items():
            assert field == "kind" or "description" in said, f"{name}.{field} is not described"
