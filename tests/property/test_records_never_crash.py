"""Whatever JSON comes in, a record is taken or refused with problems; nothing else is raised."""

import json
from typing import Any, get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from features.intake import conclude, declare
from features.keys import Keyring, PseudonymKey
from features.ledger.events import decode_payload, encode_payload
from features.pseudonyms import Pseudonyms
from features.records import KINDS, RECORDS, RecordRejected, read_movement, read_outcome
from features.records.kinds import RULES
from features.records.outcome import Concealment, Result, Threat
from features.records.rules import checks_of, problems_of
from serving.problems import RequestRefused
from serving.wire import read_score_request
from tests.full_records import FULL

PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["2026-03-29T01:30", "2026-10-25T01:30", "GBDVR", "GB", "1", "nan", "", " "])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A few fields of a valid record, some of them replaced by any JSON value."""
    kind = draw(st.sampled_from(KINDS))
    names = draw(st.lists(st.sampled_from(sorted(FULL[kind])), max_size=8, unique=True))
    row = {name: FULL[kind][name] for name in (*names, "movement_ref", "declared_at")}
    fields = st.sampled_from(RECORDS[kind].__struct_fields__) | st.text(max_size=12)
    row |= draw(st.dictionaries(fields, JSON, max_size=3))
    return kind, row


@given(rows())
def test_a_row_is_a_record_or_has_problems(row: tuple[str, dict[str, Any]]) -> None:
    kind, fields = row
    try:
        movement = read_movement(kind, fields)
    except RecordRejected as exc:
        assert exc.problems
        assert all(problem.code and problem.message for problem in exc.problems)
        assert all(p.pointer == "" or p.pointer.startswith("/") for p in exc.problems)
        return
    declared = declare(movement, PSEUDONYMS)
    assert decode_payload(encode_payload(declared)) == declared


@given(rows())
def test_no_rule_is_broken_that_is_about_fields_left_out(row: tuple[str, dict[str, Any]]) -> None:
    kind, fields = row
    try:
        movement = msgspec.convert({"kind": kind, **fields}, RECORDS[kind], strict=False)
    except msgspec.ValidationError:
        return
    every = checks_of(RECORDS[kind], RULES)
    assert problems_of(movement, every.about(fields)) == problems_of(movement, every)


@given(
    st.sampled_from(get_args(Result)),
    st.none() | st.sampled_from(get_args(Threat)),
    st.none() | st.sampled_from(get_args(Concealment)),
)
def test_an_outcome_is_kept_as_it_was_said(
    result: str, threat: str | None, concealment: str | None
) -> None:
    said = {"outcome": result, "threat": threat, "concealment": concealment}
    row = {"event_id": "E1", "movement_ref": "M1", "examined_at": "2026-03-01T08:30:00Z", **said}
    try:
        outcome = read_outcome(row)
    except RecordRejected as exc:
        unfounded = [name for name in ("threat", "concealment") if said[name] is not None]
        assert result != "positive"
        assert [p.code for p in exc.problems] == [f"{name}_without_find" for name in unfounded]
        return
    assert result == "positive" or (threat, concealment) == (None, None)
    kept = conclude(outcome, "vehicle", PSEUDONYMS)
    stored = encode_payload(kept)
    assert decode_payload(stored) == kept
    assert (kept.outcome, kept.threat, kept.concealment or None) == (result, threat, concealment)
    assert (b"concealment" in stored) == (concealment is not None)


@given(rows())
def test_what_the_api_takes_a_file_takes_and_means_the_same(
    row: tuple[str, dict[str, Any]],
) -> None:
    kind, fields = row
    try:
        body = json.dumps({**fields, "kind": kind}).encode()
        movement = read_score_request(body)
    except RequestRefused:
        return
    fields.pop("kind", None)
    assert movement == read_movement(kind, fields)
