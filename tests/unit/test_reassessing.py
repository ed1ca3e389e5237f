"""Movements that are assessed again: for what, how often, and what of it is told."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from features.settings import Settings
from monitoring.scored import last_answers
from serving.audit import read_assessments, read_one
from serving.auth.access import LOCAL_AGENCY
from serving.choices import read_selected
from serving.wire import AssessmentMessage
from tests.app_client import AppClient
from tests.assessed_again import (
    ABOARD,
    CARRIER,
    about,
    check_whole,
    events,
    examined,
    home_of_low_vehicles,
    on_its_way,
    quiet,
    score,
    serving,
    tick,
)
from tests.served_home import shipment, vehicle


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    quiet(monkeypatch)
    return home_of_low_vehicles(home)


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    with serving(settings) as opened:
        yield opened


def test_a_consignment_that_comes_later_assesses_its_carrier_again(
    client: AppClient, settings: Settings
) -> None:
    first = score(client, on_its_way(1))
    assert (first["selection"]["referred"], first["assessment_number"]) == (False, 1)
    cargo = score(client, shipment(1, **ABOARD))
    tick(client)
    again, before = about(client)
    assert before == first
    assert (again["movement_version"], again["assessment_number"]) == (1, 2)
    assert again["because"] == "consignment"
    assert again["consignments"]["highest"]["score_id"] == cargo["score_id"]
    assert (again["selection"]["referred"], again["selection"]["reason"]) == (True, "risk")
    assert (again["band"], again["probability"]) == (first["band"], first["probability"])
    (event,) = events(settings)
    assert (event.score_id, event.because, event.assessment) == (
        again["score_id"],
        "consignment",
        2,
    )
    assert event.trigger == again["ledger_position"]
    assert {"selection", "consignments"} <= set(event.changed)
    tick(client)
    assert len(about(client)) == 2
    check_whole(settings)


def test_the_page_of_a_later_assessment_shows_who_is_tied_too(client: AppClient) -> None:
    score(client, on_its_way(1))
    score(client, shipment(1, **ABOARD))
    tick(client)
    for one in about(client):
        page = client.get(f"/v1/scores/{one['score_id']}/page").text
        assert "Who is tied with it, as known then" in page, one["assessment_number"]


def test_a_carrier_that_lists_its_consignment_is_found_too(client: AppClient) -> None:
    score(client, on_its_way(1, consignments=[shipment(1)["movement_ref"]]))
    cargo = score(client, shipment(1))
    tick(client)
    again, first = about(client)
    assert (first["consignments"]["known"], first["consignments"]["assessed"]) == (1, 0)
    assert again["consignments"]["highest"]["score_id"] == cargo["score_id"]


def test_a_loop_of_carriage_ends_where_it_begins(client: AppClient, settings: Settings) -> None:
    """Each says of the other that they travel together; nothing is carried by a shipment, and a
    vehicle by nothing."""
    reference = shipment(1)["movement_ref"]
    both = [on_its_way(1, consignments=[reference]), shipment(1, **ABOARD)]
    for _ in range(2):
        for movement in both:
            score(client, movement)
        tick(client)
    assert len(events(settings)) == 1
    assert about(client)[0]["consignments"]["known"] == 1
    on_itself = {"carried_by": {"kind": "shipment", "movement_ref": reference}}
    for refused in (shipment(2, **on_itself), vehicle(2, **ABOARD)):
        answer = client.post("/v1/scores", json=refused)
        assert answer.status_code == 422, answer.text
        assert "carried_by" in answer.text


def test_a_carrier_that_comes_after_its_consignment_is_assessed_once(client: AppClient) -> None:
    score(client, shipment(1, **ABOARD))
    score(client, on_its_way(1))
    tick(client)
    (only,) = about(client)
    assert only["consignments"]["assessed"] == 1


def test_the_answer_that_was_given_is_repeated_and_the_later_one_pointed_at(
    client: AppClient,
) -> None:
    movement = on_its_way(1)
    sent = client.post("/v1/scores", json=movement)
    assert "link" not in sent.headers
    score(client, shipment(1, **ABOARD))
    tick(client)
    later = about(client)[0]["score_id"]
    link = f'</v1/scores/{later}>; rel="latest-version"'
    replayed = client.post("/v1/scores", json=movement)
    assert (replayed.content, replayed.headers["link"]) == (sent.content, link)
    assert replayed.headers["idempotent-replayed"] == "true"
    stored = client.get(f"/v1/scores/{sent.json()['score_id']}")
    assert stored.headers["link"] == link
    assert "link" not in client.get(f"/v1/scores/{later}").headers


def test_several_consignments_of_one_moment_are_told_of_once(
    client: AppClient, settings: Settings
) -> None:
    score(client, on_its_way(1))
    for number in range(5):
        score(client, shipment(number, **ABOARD))
    tick(client)
    again, _ = about(client)
    assert (again["assessment_number"], again["consignments"]["assessed"]) == (2, 5)
    assert len(events(settings)) == 1


Beforehand = Callable[[AppClient], None]


def cancelled(client: AppClient) -> None:
    client.request("DELETE", f"/v1/movements/{CARRIER}?kind=vehicle")


def amended(client: AppClient) -> None:
    score(client, on_its_way(1, version=2, gross_mass_kg=9_000))


@pytest.mark.parametrize("beforehand", [cancelled, lambda c: examined(c, vehicle(1), "no_show")])
def test_what_is_cancelled_or_was_examined_is_left_alone(
    client: AppClient, settings: Settings, beforehand: Beforehand
) -> None:
    score(client, on_its_way(1))
    beforehand(client)
    score(client, shipment(1, **ABOARD))
    tick(client)
    assert not events(settings)


def test_of_several_versions_the_highest_is_assessed_again(
    client: AppClient, settings: Settings
) -> None:
    score(client, on_its_way(1))
    amended(client)
    score(client, shipment(1, **ABOARD))
    tick(client)
    assert [(one.version, one.assessment) for one in events(settings)] == [(2, 2)]


def test_what_should_have_arrived_long_ago_is_left_alone(
    client: AppClient, settings: Settings
) -> None:
    score(client, vehicle(1, departs_at="2026-03-01T10:00:00Z", arrives_at="2026-03-01T12:00:00Z"))
    score(client, shipment(1, **ABOARD))
    tick(client)
    assert not events(settings)


def test_a_restart_between_trigger_and_assessment_loses_nothing_and_doubles_nothing(
    settings: Settings,
) -> None:
    with serving(settings) as client:
        score(client, on_its_way(1))
        score(client, shipment(1, **ABOARD))
    with serving(settings) as client:
        tick(client)
        assert len(about(client)) == 2
    with serving(settings) as client:
        tick(client)
        assert len(about(client)) == 2
    assert len(events(settings)) == 1
    check_whole(settings)


def test_two_workers_do_it_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if both believe that it is their turn."""
    monkeypatch.setattr("serving.reassessing.turns.HELD_MICROS", 0)
    with serving(settings) as one, serving(settings) as other:
        score(one, on_its_way(1))
        score(other, shipment(1, **ABOARD))
        tick(one)
        tick(other)
        tick(one)
        assert len(about(other)) == 2
    assert len(events(settings)) == 1


def test_the_other_worker_goes_on_when_the_turn_of_the_first_is_over(settings: Settings) -> None:
    with serving(settings) as one, serving(settings) as other:
        tick(one)
        score(one, on_its_way(1))
        score(one, shipment(1, **ABOARD))
        tick(other)
        assert len(about(one)) == 1  # it is not its turn
    with closing(sqlite3.connect(settings.home / "ledger.db")) as database:
        database.execute("UPDATE reassessing SET held_until = 1")
        database.commit()
    with serving(settings) as third:
        tick(third)
        assert len(about(third)) == 2


def test_a_record_says_what_the_answer_says(client: AppClient, settings: Settings) -> None:
    score(client, on_its_way(1))
    score(client, shipment(1, **ABOARD))
    tick(client)
    recorded = read_one(settings.ledger, about(client)[0]["score_id"])
    assert recorded is not None
    assert recorded.body is not None
    message = msgspec.json.decode(recorded.body, type=AssessmentMessage)
    assert (recorded.assessment, recorded.because) == (message.assessment_number, message.because)
    assert (recorded.assessment, recorded.because) == (2, "consignment")


def test_figures_judge_the_first_answer_and_count_the_referral_that_came_of_it(
    client: AppClient, settings: Settings
) -> None:
    first = score(client, on_its_way(1))
    score(client, shipment(1, **ABOARD))
    tick(client)
    frame = read_assessments(settings.ledger)
    assert frame["assessment"].tolist() == [1, 1, 2]
    (answer,) = last_answers(frame, "vehicle", 2**62).to_dict("records")
    assert answer["probability"] == first["probability"]
    chosen = read_selected(settings.ledger, LOCAL_AGENCY).set_index("kind").loc["vehicle"]
    assert (bool(chosen["referred"]), chosen["reason"], chosen["propensity"]) == (True, "risk", 1.0)
    amended(client)  # which knows the consignment itself
    tick(client)
    (answer,) = last_answers(read_assessments(settings.ledger), "vehicle", 2**62).to_dict("records")
    assert answer["as_of"] > frame["as_of"].max()
