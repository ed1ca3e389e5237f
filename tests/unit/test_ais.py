"""What AIS positions say, worked by hand; one degree of latitude is 60.04 nautical miles."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.intake import declare
from features.keys import Keyring, PseudonymKey
from features.ledger.events import MovementDeclared, encode_payload
from features.pseudonyms import Pseudonyms
from features.records import read_movement
from features.records.ais import Meeting, Position, Summary, encounters_of, summary_of

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def position(hours: float, **fields: Any) -> Position:
    return Position(at=NOON + timedelta(hours=hours), **fields)


def summary(*positions: Position, craft: str | None = None) -> Summary:
    return summary_of(positions, craft)


def test_nothing_is_said_by_fewer_than_two_positions() -> None:
    assert summary() == summary(position(0)) == Summary(None, None, None, None, None, None)


def test_the_gap_is_the_longest() -> None:
    assert summary(position(0), position(1), position(7.5), position(8)).ais_gap_hours == 6.5


def test_loitering_is_slow_at_both_ends_and_between_them() -> None:
    def slow(hours: float, lat: float, **fields: Any) -> Position:
        return position(hours, lat=lat, lon=0.0, sog_knots=1.9, **fields)

    # 0.01 degrees are 0.6 nautical miles: 0.6 knots over the hour
    assert summary(slow(0, 50.00), slow(1, 50.01)).loitering_hours == 1.0
    # 0.1 degrees are 6 nautical miles: it went away and came to rest again
    assert summary(slow(0, 50.00), slow(1, 50.10)).loitering_hours == 0.0
    assert summary(slow(0, 50.0), position(1, lat=50.0, lon=0.0)).loitering_hours == 0.0
    assert summary(slow(0, 50.0, nav_status=5), slow(1, 50.0)).loitering_hours == 0.0
    assert summary(slow(0, 50.0), slow(1, 50.0, nav_status=1)).loitering_hours == 0.0
    assert summary(slow(0, 50.0, nav_status=15), slow(1, 50.0)).loitering_hours == 1.0
    assert summary(position(0, sog_knots=2.0), position(1, sog_knots=2.0)).loitering_hours == 0.0
    assert summary(position(0, sog_knots=1.0), position(1, sog_knots=1.0)).loitering_hours == 1.0


@pytest.mark.parametrize(
    ("craft", "degrees", "anomalies"),
    [
        ("fishing", 0.33, 0),  # 19.8 knots
        ("fishing", 0.34, 1),  # 20.4 knots
        ("commercial", 0.49, 0),  # 29.4 knots
        ("commercial", 0.51, 1),  # 30.6 knots
        ("pleasure", 0.66, 0),  # 39.6 knots
        ("pleasure", 0.67, 1),  # 40.2 knots
        (None, 0.66, 0),
        (None, 0.67, 1),
    ],
)
def test_a_speed_anomaly_is_a_leg_too_fast_for_the_craft(
    craft: str | None, degrees: float, anomalies: int
) -> None:
    there = position(0, lat=50.0, lon=0.0)
    assert summary(
        there, position(1, lat=50.0 + degrees, lon=0.0), craft=craft
    ).speed_anomalies == (anomalies)


def test_a_leg_of_seconds_or_of_unknown_length_has_no_speed() -> None:
    there, far = {"lat": 50.0, "lon": 0.0}, {"lat": 52.0, "lon": 0.0}
    assert summary(position(0, **there), position(0.01, **far)).speed_anomalies == 0  # 36 seconds
    assert summary(position(0, **there), position(0.02, **far)).speed_anomalies == 1  # 72 seconds
    assert summary(position(0, **there), position(0, **far)).speed_anomalies == 0
    assert summary(position(0, **there), position(1, lat=91.0, lon=0.0)).speed_anomalies == 0
    assert summary(position(0, **there), position(1, lat=50.0, lon=181.0)).speed_anomalies == 0
    assert summary(position(0, **there), position(1)).speed_anomalies == 0


def test_the_date_line_is_not_far() -> None:
    west, east = position(0, lat=0.0, lon=179.9), position(1, lat=0.0, lon=-179.9)
    assert summary(west, east).speed_anomalies == 0  # 0.2 degrees: 12 nautical miles


def test_changes_of_draught_identity_and_flag() -> None:
    found = summary(
        position(0, draught_m=7.5, mmsi="232003239", imo="9319466", name="ONE", flag="GB"),
        position(1, draught_m=0.0, mmsi="0", imo="0", name="@@@@", flag=None),
        position(2, draught_m=9.0, mmsi="232003239", imo="9319466", name="ONE", flag="GB"),
        position(3, draught_m=8.0, mmsi="352003239", imo="9319466", name="TWO", flag="PA"),
        position(4, mmsi="000000000", name=" "),
        position(5, mmsi="232003239", flag="GB"),
    )
    assert found.draught_change_m == 1.5
    assert found.identity_changes == 3  # the MMSI twice, the name once; zeros are not identities
    assert found.flag_changes_24m == 2
    assert summary(position(0), position(1, draught_m=0.0)).draught_change_m is None


@pytest.mark.parametrize(
    ("hours", "distance_m", "counted"), [(2.1, 500.0, 1), (2.0, 500.0, 0), (5.0, 501.0, 0)]
)
def test_an_encounter_is_near_and_long(hours: float, distance_m: float, counted: int) -> None:
    assert encounters_of([Meeting(at=NOON, hours=hours, distance_m=distance_m)]) == counted


def declared(**fields: Any) -> MovementDeclared:
    row = {"movement_ref": "M-1", "declared_at": NOON, "flag": "GB", **fields}
    return declare(read_movement("vessel", row), Pseudonyms(Keyring([PseudonymKey(bytes(32))])))


TRACK = [
    {"at": "2026-03-01T06:00:00Z", "lat": 50.0, "lon": 0.0, "mmsi": "232003239", "name": "ONE"},
    {"at": "2026-03-01T10:30:00Z", "lat": 50.4, "lon": 0.0, "mmsi": "352003239", "name": "TWO"},
]


def test_intake_keeps_the_summary_and_not_the_positions() -> None:
    movement = declared(
        positions=TRACK,
        meetings=[{"at": "2026-03-01T07:00:00Z", "hours": 3.0, "distance_m": 100.0}],
    )
    assert movement.fields == {
        "flag": "GB",
        "ais_gap_hours": 4.5,
        "loitering_hours": 0,
        "speed_anomalies": 0,
        "identity_changes": 2,
        "flag_changes_24m": 0,
        "encounters": 1,
    }
    assert movement.details == {"positions": 2, "meetings": 1}
    stored = encode_payload(movement)
    for plain in (b"232003239", b"352003239", b"ONE", b"50.4"):
        assert plain not in stored


def test_a_declared_summary_that_agrees_stays_as_declared() -> None:
    movement = declared(positions=TRACK, ais_gap_hours=4.45, flag_changes_24m=3)
    assert movement.fields["ais_gap_hours"] == 4.45
    assert movement.fields["flag_changes_24m"] == 3


def test_the_longest_track_is_read_in_a_moment() -> None:
    start = datetime(2026, 2, 1, tzinfo=UTC)
    track = [
        {"at": start + timedelta(minutes=i), "lat": 50.0 + i / 1e4, "lon": 0.0, "sog_knots": 6.0}
        for i in range(5_000)
    ]
    movement = declared(positions=track)
    assert movement.fields["speed_anomalies"] == 0
    assert movement.details == {"positions": 5_000}
    assert movement.fields["ais_gap_hours"] == pytest.approx(1 / 60)
