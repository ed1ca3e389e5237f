"""The declared features of a movement are the same bytes, filled one by one or by columns."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.clock import MICROS_PER_DAY
from features.declared import DERIVED, FEW, DeclaredReader
from features.ledger.events import MovementDeclared
from features.records import KINDS, declared_fields
from tests.movement_columns import as_columns, without_the_rest

YEAR_1, YEAR_9999 = -719_162, 2_932_896
"""Days from 1970; microseconds of the later one are more than a float tells apart."""
moments = st.one_of(
    st.integers(YEAR_1 * MICROS_PER_DAY, YEAR_9999 * MICROS_PER_DAY),
    st.builds(
        lambda day, beside: day * MICROS_PER_DAY + beside,
        st.integers(YEAR_1 + 1, YEAR_9999),  # there is no time before the first day
        st.integers(-2, 2),
    ),
)
counts = st.integers(0, 1_000_000)
masses = st.one_of(
    counts.map(float), st.floats(min_value=0.0, max_value=1e11), st.just(0.0), st.just(-0.0)
)


@st.composite
def declared(draw: st.DrawFn, kind: str) -> MovementDeclared:
    """Any fields given or left out, also what no rule of a record would let through."""
    fields: dict[str, Any] = {}
    of_role = {"moment": moments, "measure": st.one_of(counts, masses), "switch": st.booleans()}
    for field in declared_fields(kind):
        if field.role in of_role and draw(st.booleans()):
            fields[field.name] = draw(of_role[field.role])
    for name in ("route_id", "actual_route_id", "origin_country", "dispatch_country", "craft"):
        if draw(st.booleans()):
            fields[name] = draw(st.sampled_from(["A", "B", "pleasure"]))
    details = {"distance_nm": draw(masses)} if draw(st.booleans()) else {}
    return MovementDeclared(
        kind=kind,
        movement="m",
        declared_at=draw(moments),
        fields=fields,
        details=details,
        references=draw(st.sampled_from([{}, {"seals": ()}, {"seals": ("s",)}])),
        flags=draw(st.sampled_from([(), ("check_digit:imo", "unregistered:haulier")])),
        attributes=draw(st.sampled_from([{}, {"axles": 5.0}, {"axles": "many"}])),
    )


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_one_row_is_the_row_of_many(kind: str, data: st.DataObject) -> None:
    plain = [f.name for f in declared_fields(kind) if f.role in {"measure", "switch"}]
    names = [*plain, *(item.name for item in DERIVED[kind]), "attribute.axles"]
    reader = DeclaredReader(kind, dict(enumerate(names)))
    movements = [data.draw(declared(kind)), data.draw(declared(kind))]
    alone = np.full((2, len(names)), np.nan)
    for place, movement in enumerate(movements):
        reader.fill([movement], alone[place : place + 1])
    many = np.full((2 * FEW, len(names)), np.nan)
    reader.fill(movements * FEW, many)
    assert many.tobytes() == alone.tobytes() * FEW
    assert np.isfinite(alone[~np.isnan(alone)]).all()
    for place, movement in enumerate(map(without_the_rest, movements)):
        alone[place] = np.nan
        reader.fill([movement], alone[place : place + 1])
    many = np.full((2 * FEW, len(names)), np.nan)
    reader.fill(as_columns(list(map(without_the_rest, movements)) * FEW), many)
    assert many.tobytes() == alone.tobytes() * FEW
