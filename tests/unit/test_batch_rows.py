"""How the rows of a batch are read: each as it would be alone, and the whole without surprises."""

import json
from typing import Any

import msgspec
import pytest

from features.records import KINDS, RECORDS
from features.records.kinds import moments_of
from serving.openapi import MOVEMENT_EXAMPLES
from serving.problems import RequestRefused
from serving.strict_json import MAX_BODY_BYTES
from serving.wire import read_score_request
from serving.wire.batch import MAX_ROWS, read_json_lines, read_json_rows
from serving.wire.rows import RejectedRow, SentRow

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]


def line(**changes: Any) -> bytes:
    return json.dumps({**VEHICLE, **changes}).encode()


ROWS = (
    line(),
    json.dumps(MOVEMENT_EXAMPLES["vessel"]).encode(),
    json.dumps(MOVEMENT_EXAMPLES["shipment"]).encode(),
    line(arrives_at="2026-03-01T15:30"),
    line(hauler="x"),
    line(driver_name="x"),
    line(gross_mass_kg="5"),
    line(arrives_at="2026-03-01T10:00:00Z", is_unaccompanied=True),
    line().replace(b'"kind"', b'"kind": "vessel", "kind"'),
    line(attributes={"a": 1}).replace(b'"a": 1', b'"a": 1, "\\u0061": 2'),
    line(movement_ref="é").replace(b"\\u00e9", b"\xff"),
    line(attributes="x").replace(b'"x"', b"[" * 20 + b"]" * 20),
    line(goods_description="x" * MAX_BODY_BYTES),
    b"{}",
    b"[]",
    b"null",
    b'"x"',
)


def alone(row: bytes) -> SentRow:
    try:
        if len(row) > MAX_BODY_BYTES:
            raise RequestRefused("body_too_large", "as the route says")
        return read_score_request(row)
    except RequestRefused as exc:
        return RejectedRow(None, exc)


@pytest.mark.parametrize("form", ["array", "lines"])
def test_each_row_is_read_as_it_is_alone(form: str) -> None:
    if form == "array":
        read = read_json_rows(b" [" + b" ,\n ".join(ROWS) + b"]\r\n")
    else:
        read = read_json_lines(b"\n".join(ROWS))
    assert len(read) == len(ROWS)
    for row, found in zip(ROWS, read, strict=True):
        expected = alone(row)
        if isinstance(expected, RejectedRow):
            assert isinstance(found, RejectedRow), row[:200]
            assert (found.refusal.code, found.refusal.errors) == (
                expected.refusal.code,
                expected.refusal.errors,
            )
        else:
            assert found == expected


def test_a_rejected_row_is_named_where_it_is_clear_what_it_says() -> None:
    clear, twice, nameless, odd = read_json_rows(
        b"[%s,%s,%s,%s]"
        % (line(hauler="x"), line().replace(b'"kind"', b'"kind":1,"kind"'), b"{}", b'"x"')
    )
    assert isinstance(clear, RejectedRow)
    assert clear.movement_ref == VEHICLE["movement_ref"]
    for other in (twice, nameless, odd):
        assert isinstance(other, RejectedRow)
        assert other.movement_ref is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{}", "bad_json"),
        (line(), "bad_json"),
        (b"[" + line() + b",]", "bad_json"),
        (b"[" + line() + b" " + line() + b"]", "bad_json"),
        (b"[" + line() + b"] []", "bad_json"),
        (b"[" + line(), "bad_json"),
        (b"[NaN]", "bad_json"),
        (b"\xef\xbb\xbf[]", "bad_json"),
        ("[]".encode("utf-16"), "bad_json"),
        (b"[" * 1_000_000, "too_deep"),
        (b"[" + b"1," * MAX_ROWS + b"1]", "too_many_rows"),
        (b"[" + b"1," * 8_000_000 + b"1]", "too_many_rows"),
    ],
)
def test_what_is_no_array_of_rows_is_refused_as_a_whole(body: bytes, code: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        read_json_rows(body)
    assert caught.value.code == code


def test_as_many_rows_as_a_batch_holds_are_read() -> None:
    assert len(read_json_rows(b"[" + b"1," * (MAX_ROWS - 1) + b"1]")) == MAX_ROWS
    assert len(read_json_lines(b"1\n" * MAX_ROWS)) == MAX_ROWS
    with pytest.raises(RequestRefused, match="10,000 rows"):
        read_json_lines(b"1\n" * MAX_ROWS + b"1")


def test_an_empty_line_is_a_row_that_is_rejected_and_an_empty_body_is_no_row() -> None:
    assert list(read_json_lines(b"")) == []
    assert list(read_json_rows(b"[]")) == []
    first, empty, last = read_json_lines(line() + b"\r\n\n" + line() + b"\n")
    assert isinstance(empty, RejectedRow)
    assert empty.refusal.code == "bad_json"
    assert first == last == read_score_request(line())


def test_no_line_is_completed_by_the_next() -> None:
    half, other = line().split(b', "', 1)
    read = read_json_lines(b"\n".join([half, b'"' + other, line() + b"," + line()]))
    assert [isinstance(row, RejectedRow) for row in read] == [True] * 3


def test_no_text_goes_on_in_the_next_line() -> None:
    """Joined by a comma they would be one movement of another reference."""
    first, second = line(movement_ref="A,{B").split(b",{B")
    read = read_json_lines(b"\n".join([first, b"{B" + second]))
    assert [isinstance(row, RejectedRow) for row in read] == [True] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_no_time_without_an_offset_fits_its_type(kind: str) -> None:
    """So rows that are read together need not be asked for local times."""
    for moment in moments_of(kind):
        row = {"kind": kind, **MOVEMENT_EXAMPLES[kind], moment.name: "2026-03-01T10:00:00"}
        with pytest.raises(msgspec.ValidationError, match=moment.name):
            msgspec.convert(row, RECORDS[kind])


def test_a_flat_row_that_is_too_large_is_refused_among_others() -> None:
    small = {"kind": "vehicle", "movement_ref": "M", "declared_at": "2026-03-01T08:30:00Z"}
    row = json.dumps({**small, "route_id": "A-B"}).encode()
    read = read_json_lines(b"\n".join([row, row + b" " * MAX_BODY_BYTES]))
    assert isinstance(read[1], RejectedRow)
    assert read[1].refusal.code == "body_too_large"
    assert not isinstance(read[0], RejectedRow)
