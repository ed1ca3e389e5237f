"""A refusal says what belongs in a field, and never what was sent."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import inspect

from features.records import RECORDS, Outcome, RecordRejected, read_movement, read_outcome
from features.records.decision import Decision
from features.records.shapes import END, NOT_BLANK, WRITTEN
from serving.problems import RequestRefused
from serving.wire import read_outcomes, read_score_request
from tests.unit.test_malformed import malformed, replaced

BASE: dict[str, Any] = {
    "movement_ref": "M-1",
    "declared_at": "2026-03-01T08:30:00Z",
    "attributes": {"x": 1.0},
}
CANARY = "Canary"
SENTENCES = [
    (
        "vehicle",
        {"direction": CANARY},
        (
            "must be one of GB_TO_NI, NI_TO_GB, UK_INBOUND, UK_OUTBOUND (as declared in "
            "/openapi.json); correct it"
        ),
    ),
    (
        "vehicle",
        {"movement_ref": CANARY * 20},
        "must be text of at most 70 characters without blanks at its ends; correct it",
    ),
    (
        "vehicle",
        {"gross_mass_kg": 0},
        "must be a number greater than 0 and less than 100,000,000,000; correct it",
    ),
    (
        "vehicle",
        {"passenger_count": CANARY},
        "must be a whole number from 0 to 1,000,000; correct it",
    ),
    ("vehicle", {"vehicle_country": CANARY}, "must be two capital letters such as GB; correct it"),
    ("vehicle", {"is_empty": CANARY}, "must be true or false; correct it"),
    ("vehicle", {"itinerary": ["GB"]}, "must be a list of 2 to 99 values; correct it"),
    ("vehicle", {"haulier": CANARY}, "must be an object; correct it"),
    ("vessel", {"last_port": f"<{CANARY}>"}, "must be a code of at most 200 letters"),
    ("vessel", {"previous_ports": [{"port": CANARY}]}, "must be a UN/LOCODE such as GBDVR"),
    (
        "vessel",
        {"previous_ports": [{"port": "GBDVR", "arrived_on": CANARY}]},
        "must be a day such as 2026-03-01; correct it",
    ),
    (
        "vehicle",
        {"attributes": {CANARY + " ": 1.0}},
        (
            "must be an object of at most 64 entries, each a name of at most 64 letters, digits "
            "and _ with a number from -1,000,000,000,000,000 to 1,000,000,000,000,000 or text of "
            "at most 200 characters without blanks at its ends; correct it"
        ),
    ),
    ("vehicle", {"attributes": {"x": [CANARY]}}, "must be an object of at most 64 entries"),
    ("vehicle", {CANARY: 1}, "(a key that is no field) is no field; correct it or leave it out"),
    ("vehicle", {f"{CANARY} ` - at `$.{CANARY}": 1}, "(a key that is no field) is no field;"),
    ("vehicle", {"hauler": CANARY}, "hauler is no field; correct it or leave it out"),
    ("vehicle", {"eidr": [{}]}, "trader_eori is required; add it"),
]


@pytest.mark.parametrize(("kind", "change", "sentence"), SENTENCES)
def test_the_sentence_says_what_belongs_there(
    kind: str, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RecordRejected) as caught:
        read_movement(kind, {**BASE, **change})
    (problem,) = caught.value.problems
    assert problem.message.startswith(sentence)
    assert CANARY not in str(caught.value)
    with pytest.raises(RequestRefused) as refused:
        read_score_request(json.dumps({"kind": kind, **BASE, **change}).encode())
    assert refused.value.errors == (problem,)


def test_a_kind_that_is_none_is_not_repeated() -> None:
    for kind in (CANARY, 5, [CANARY]):
        with pytest.raises(RequestRefused) as refused:
            read_score_request(json.dumps({"kind": kind, **BASE}).encode())
        (problem,) = refused.value.errors
        assert problem.message.startswith("must be one of shipment, vehicle, vessel (as declared")
        assert CANARY not in str(refused.value)


@pytest.mark.parametrize("kind", RECORDS)
def test_no_sentence_holds_what_was_sent(kind: str) -> None:
    for one in malformed(kind):
        with pytest.raises(RecordRejected) as caught:
            read_movement(kind, replaced(kind, one))
        message = caught.value.problems[0].message
        assert "`" not in message, one
        assert "matching regex" not in message, one
        if isinstance(one.value, str) and len(one.value.strip()) > 2:
            assert one.value.strip() not in message, one


def _patterns(kind: Any, seen: set[type]) -> Iterator[str]:
    if isinstance(kind, inspect.StructType):
        if kind.cls not in seen:
            seen.add(kind.cls)
            for field in kind.fields:
                yield from _patterns(field.type, seen)
    elif isinstance(kind, inspect.Metadata):
        yield from _patterns(kind.type, seen)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _patterns(one, seen)
    elif isinstance(kind, inspect.VarTupleType):
        yield from _patterns(kind.item_type, seen)
    elif isinstance(kind, inspect.DictType):
        yield from _patterns(kind.key_type, seen)
        yield from _patterns(kind.value_type, seen)
    elif isinstance(kind, inspect.StrType) and kind.pattern is not None:
        yield kind.pattern


def test_every_pattern_is_written_out_and_no_other() -> None:
    seen: set[type] = set()
    types = [*RECORDS.values(), Outcome, Decision]
    found = {one for record in types for one in _patterns(inspect.type_info(record), seen)}
    assert all(pattern.endswith(END) for pattern in found)
    assert {pattern.removesuffix(END) for pattern in found} == {*WRITTEN, NOT_BLANK}


def test_a_live_outcome_and_a_row_of_a_file_hear_the_same() -> None:
    outcome = {"event_id": "E1", "movement_ref": "M-1", "outcome": "negative"}
    for examined_at in ("2026-03-01T08:30", "yesterday", 20_260_301):
        row = {**outcome, "examined_at": examined_at}
        with pytest.raises(RecordRejected) as caught:
            read_outcome(row)
        with pytest.raises(RequestRefused) as refused:
            read_outcomes(json.dumps({"kind": "vehicle", **row}).encode())
        assert refused.value.errors == caught.value.problems
