"""Movements kept as columns are the movements that they were made of."""

import pytest

from features.ledger.events import MovementDeclared
from features.movement_columns import names_given, values_of
from tests.movement_columns import as_columns

MOVEMENTS = [
    MovementDeclared(kind="vehicle", movement="a", declared_at=1, entities={"vehicle_reg": "v:1"}),
    MovementDeclared(
        kind="vehicle", movement="b", declared_at=2, fields={"mass": 0.0, "empty": False}
    ),
    MovementDeclared(kind="vehicle", movement="c", declared_at=3, flags=("placeholder:imo",)),
]


def test_each_of_them_is_what_it_was() -> None:
    columns = as_columns(MOVEMENTS)
    assert list(columns) == MOVEMENTS
    assert columns[-1] == MOVEMENTS[-1]
    assert list(columns.taken([2, 0])) == [MOVEMENTS[2], MOVEMENTS[0]]
    assert list(columns[1:]) == MOVEMENTS[1:]
    assert list(columns[:0]) == []
    with pytest.raises(IndexError):
        columns[3]


def test_a_column_is_what_each_says() -> None:
    columns = as_columns(MOVEMENTS)
    for name in ("mass", "empty", "absent"):
        assert list(values_of(columns, "fields", name)) == values_of(MOVEMENTS, "fields", name)
    assert list(values_of(columns, "attributes", "x")) == [None] * 3
    assert names_given(columns) == names_given(MOVEMENTS) == {"vehicle_reg", "mass", "empty"}
