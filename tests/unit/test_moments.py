"""Instants with an offset, and local times of ports, worked by hand."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from features.intake import declare
from features.keys import Keyring, PseudonymKey
from features.pseudonyms import Pseudonyms
from features.records import Movement, Problem, RecordRejected, read_movement
from features.records.moments import FIRST_OF_TWO, in_utc
from features.records.ports import zone_of_port
from features.simulate.places import BERTHS, LAST_PORTS, ROUTES
from serving.wire import read_score_request

BASE = {"movement_ref": "M-1", "declared_at": "2026-03-01T08:30:00Z"}


def read(kind: str, **fields: Any) -> Movement:
    """The record by the API, after a look that a file gives the same."""
    row = {**BASE, **fields}
    movement = read_score_request(json.dumps({"kind": kind, **row}).encode())
    assert movement == read_movement(kind, row)
    return movement


def problem_of(kind: str, **fields: Any) -> Problem:
    with pytest.raises(RecordRejected) as caught:
        read_movement(kind, {**BASE, **fields})
    (problem,) = caught.value.problems
    return problem


def at(movement: Movement, field: str) -> str:
    return str(getattr(movement, field).isoformat())


@pytest.mark.parametrize(
    ("kind", "field", "fields", "instant"),
    [
        # Calais keeps UTC+1 in winter and UTC+2 in summer, Dover UTC and UTC+1.
        (
            "vehicle",
            "departs_at",
            {"departure_port": "FRCQF", "departs_at": "2026-03-01T14:00"},
            "2026-03-01T13:00",
        ),
        (
            "vehicle",
            "arrives_at",
            {"arrival_port": "GBDVR", "arrives_at": "2026-07-01T14:00:30"},
            "2026-07-01T13:00:30",
        ),
        (
            "vehicle",
            "booked_at",
            {"route_id": "FRCQF-GBDVR", "booked_at": "2026-03-01 08:00"},
            "2026-03-01T07:00",
        ),
        (
            "vehicle",
            "arrives_at",
            {"route_id": "DUB-HLY", "arrives_at": "2026-07-01T08:00"},
            "2026-07-01T07:00",
        ),
        (
            "vehicle",
            "departs_at",
            {"route_id": "19", "port_time_zone": "Europe/Paris", "departs_at": "2026-03-01T08:00"},
            "2026-03-01T07:00",
        ),
        (
            "vehicle",
            "actual_arrives_at",
            {"actual_route_id": "FRDKK-GBDVR", "actual_arrives_at": "2026-07-01T08:00"},
            "2026-07-01T07:00",
        ),
        (
            "vehicle",
            "checked_in_at",
            {"departure_port": "ESLPA", "checked_in_at": "2026-07-01T08:00"},
            "2026-07-01T07:00",
        ),
        # A port that is known decides, whatever zone the record names.
        (
            "vessel",
            "departs_at",
            {
                "last_port": "NLRTM",
                "port_time_zone": "Europe/London",
                "departs_at": "2026-03-01T08:00",
            },
            "2026-03-01T07:00",
        ),
        (
            "vessel",
            "arrives_at",
            {"port": "GBFXT", "arrives_at": "2026-07-01T00:30"},
            "2026-06-30T23:30",
        ),
        (
            "shipment",
            "arrives_at",
            {"office": "GBFXT", "arrives_at": "2026-07-01T00:30"},
            "2026-06-30T23:30",
        ),
        (
            "shipment",
            "arrives_at",
            {"port_time_zone": "Asia/Kolkata", "arrives_at": "2026-07-01T05:30"},
            "2026-07-01T00:00",
        ),
    ],
)
def test_a_local_time_is_that_of_its_port(
    kind: str, field: str, fields: dict[str, Any], instant: str
) -> None:
    found = getattr(read(kind, **fields), field)
    assert found == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "field", "value", "fields"),
    [
        ("vehicle", "departs_at", "2026-03-01T08:00", {}),
        ("vehicle", "departs_at", "2026-03-01T08:00", {"route_id": "19"}),
        ("vehicle", "departs_at", "2026-03-01T08:00", {"arrival_port": "GBDVR"}),
        ("vessel", "arrives_at", "2026-03-01T08:00", {"port": "USNYC"}),
        ("vessel", "arrives_at", "2026-03-01T08:00", {"port_time_zone": "Europe/Atlantis"}),
        ("vessel", "notified_at", "2026-03-01T08:00", {"port": "GBFXT"}),
        ("vehicle", "updated_at", "2026-03-01T08:00", {"departure_port": "FRCQF"}),
        ("vehicle", "departs_at", "2026-03-01", {"departure_port": "FRCQF"}),
        ("vehicle", "departs_at", "2026-02-30T08:00", {"departure_port": "FRCQF"}),
        ("vehicle", "departs_at", "2026-03-01T24:01", {"departure_port": "FRCQF"}),
        ("vehicle", "departs_at", "0001-01-01T00:00", {"departure_port": "FRCQF"}),
        ("vehicle", "departs_at", 20_260_301, {"departure_port": "FRCQF"}),
    ],
)
def test_a_time_whose_zone_is_not_known_is_refused(
    kind: str, field: str, value: Any, fields: dict[str, Any]
) -> None:
    problem = problem_of(kind, **fields, **{field: value})
    assert (problem.code, problem.pointer) == ("bad_value", f"/{field}")


def test_a_declaration_has_an_offset_whatever_the_port() -> None:
    problem = problem_of("vessel", port="GBFXT", declared_at="2026-03-01T08:00:00")
    assert (problem.code, problem.pointer) == ("bad_value", "/declared_at")


@pytest.mark.parametrize("local", ["2026-03-29T01:00", "2026-03-29T01:59:59"])
def test_a_time_that_the_clocks_skipped_is_refused(local: str) -> None:
    problem = problem_of("vessel", port="GBFXT", arrives_at=local)
    assert (problem.code, problem.pointer) == ("time_skipped", "/arrives_at")
    assert "Europe/London" in problem.message
    assert at(read("vessel", port="GBFXT", arrives_at="2026-03-29T02:00"), "arrives_at") == (
        "2026-03-29T01:00:00+00:00"
    )


def test_of_a_time_shown_twice_the_first_is_taken_and_flagged() -> None:
    # On 2026-10-25 the clocks of Dover show 01:30 at 00:30 UTC and again at 01:30 UTC.
    movement = read("vessel", port="GBDVR", arrives_at="2026-10-25T01:30")
    assert at(movement, "arrives_at") == "2026-10-25T00:30:00+00:00"
    declared = declare(movement, Pseudonyms(Keyring([PseudonymKey(bytes(32))])))
    assert declared.flags == ("time_ambiguous:arrives_at",)
    for clear in ("2026-10-25T00:59", "2026-10-25T02:00", "2026-10-25T01:30:00+01:00"):
        movement = read("vessel", port="GBDVR", arrives_at=clear)
        assert declare(movement, Pseudonyms(Keyring([PseudonymKey(bytes(32))]))).flags == ()


def test_instants_from_local_times_compare_across_ports_and_clock_changes() -> None:
    movement = read(
        "vehicle",
        route_id="FRCQF-GBDVR",
        departs_at="2026-10-25T02:30",  # the first of two: 00:30 UTC
        arrives_at="2026-10-25T01:45",  # the first of two: 00:45 UTC
        declared_at="2026-10-24T08:00:00Z",
    )
    departs, arrives = movement.departs_at, movement.arrives_at  # type: ignore[attr-defined]
    assert (arrives - departs).total_seconds() == 900
    assert departs.tzinfo is arrives.tzinfo is FIRST_OF_TWO


def test_every_hour_of_a_year_is_the_hour_that_zoneinfo_says() -> None:
    zone = ZoneInfo("Europe/Dublin")  # its winter time is the one that is "saving", in reverse
    for day in range(1, 366, 7):
        local = datetime.strptime(f"2026 {day} 12:00", "%Y %j %H:%M")
        assert in_utc(local, zone) == local.replace(tzinfo=zone)


def test_naive_datetimes_of_a_file_are_local_too() -> None:
    row = {**BASE, "port": "GBFXT", "arrives_at": datetime(2026, 7, 1, 12, 0)}
    assert at(read_movement("vessel", row), "arrives_at") == "2026-07-01T11:00:00+00:00"


def test_every_european_port_of_the_simulated_border_is_known() -> None:
    ports = {p for route in ROUTES for p in (route.abroad, route.home)}
    ports |= {berth.port for berth in BERTHS}
    ports |= {
        p.port for p in LAST_PORTS if p.port[:2] in {"GB", "IE", "FR", "BE", "NL", "ES", "DE"}
    }
    assert [port for port in sorted(ports) if zone_of_port(port) is None] == []
