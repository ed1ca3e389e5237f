"""What becomes of many rows at once is what becomes of each, word for word and byte for byte."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from features.intake import declare
from features.intake_columns import declare_all
from features.keys import Keyring, PseudonymKey
from features.ledger.events import encode_payload
from features.pseudonyms import Pseudonyms
from features.records import KINDS, Movement, RecordRejected, declared_fields, read_movement
from tests.full_records import FULL

PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
# What is flagged and never refused: nobody, foreign letters, wrong check digits, a time told twice.
ODD: dict[str, list[Any]] = {
    "vehicle_reg": ["---", "АВ 12 CDE", "W1 \u00e9"],
    "vehicle_country": ["GB"],
    "haulier_eori": ["n/a", "GB123"],
    "container_no": ["CSQU3054384"],
    "imo": ["9319460", "0000000"],
    "mmsi": ["000000000"],
    "departs_at": ["2025-10-26T01:30", "2026-03-01T14:00:00+01:00"],
    "departure_port": ["GBDVR"],
    "gross_mass_kg": [44_000.001, 60_000],
    "actual_route_id": ["DUN-DVR"],
}


@st.composite
def rows(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """Some fields of the kind, most of them plain ones."""
    full = FULL[kind]
    plain = sorted(field.name for field in declared_fields(kind))
    names = draw(st.lists(st.sampled_from(plain), max_size=9, unique=True))
    if draw(st.integers(0, 5)) == 0:
        names.append(draw(st.sampled_from(sorted(full))))
    row = {name: full[name] for name in (*names, "movement_ref", "declared_at")}
    for name in draw(st.lists(st.sampled_from(sorted(ODD.keys() & full.keys())), max_size=3)):
        row[name] = draw(st.sampled_from(ODD[name]))
    row["movement_ref"] = draw(st.sampled_from(["M-1", "M-2", " m-1"]))
    return row


@st.composite
def records(draw: st.DrawFn) -> list[Movement]:
    found = []
    for kind in draw(st.lists(st.sampled_from(["vehicle", *KINDS]), max_size=8)):
        try:
            found.append(read_movement(kind, draw(rows(kind))))
        except RecordRejected:
            continue
    return found


@given(records())
def test_many_are_declared_as_each_is(movements: list[Movement]) -> None:
    alone = [encode_payload(declare(movement, PSEUDONYMS)) for movement in movements]
    assert [encode_payload(one) for one in declare_all(movements, PSEUDONYMS)] == alone
