"""Records kept as columns are the records that they were made of, and break the same rules."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import asdict

from features.records import RecordRejected, Vehicle, check_movement
from features.records.columns import RecordColumns

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def columns(**values: list[Any]) -> RecordColumns:
    count = max(map(len, values.values()), default=1)
    named: dict[str, list[Any]] = {
        "movement_ref": [f"M-{n}" for n in range(count)],
        "declared_at": [AT] * count,
    }
    return RecordColumns("vehicle", named | values)


MIXED = columns(route_id=["DUN-DVR", None, None], gross_mass_kg=[None, 5.0, None])


def test_each_is_a_record() -> None:
    first, second, bare = MIXED
    assert first == Vehicle(movement_ref="M-0", declared_at=AT, route_id="DUN-DVR")
    assert second == Vehicle(movement_ref="M-1", declared_at=AT, gross_mass_kg=5.0)
    assert list(MIXED.taken([2, 0])) == [bare, first]
    assert list(MIXED[1:]) == [second, bare]


def test_one_by_one_they_are_one_record_that_changes() -> None:
    assert [asdict(record) for record in MIXED.one_by_one()] == [asdict(one) for one in MIXED]
    assert len(set(map(id, MIXED.one_by_one()))) == 1
    assert list(MIXED.taken([]).one_by_one()) == []


@pytest.mark.parametrize(
    "records",
    [
        MIXED,
        MIXED.taken([0, 1]),
        columns(),
        columns(gross_mass_kg=[5.0, 0.0000001]),
        columns(gross_mass_kg=[5.0], vehicle_country=["GB"]),
        columns(gross_mass_kg=[5.0], vehicle_country=["XX"]),
        columns(departs_at=[AT], arrives_at=[AT.replace(day=2)]),
        columns(departs_at=[AT], arrives_at=[AT.replace(hour=1)]),
        columns(version=[2], is_empty=[False]),
    ],
)
def test_rules_are_broken_as_by_each(records: RecordColumns) -> None:
    names = tuple(records.values)

    def kept(record: Any) -> bool:
        try:
            check_movement(record, names)
        except RecordRejected:
            return False
        return True

    assert records.break_no_rule(names) == all(map(kept, records))
