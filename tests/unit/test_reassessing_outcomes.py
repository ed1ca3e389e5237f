"""What an examination elsewhere means for those who are still on their way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from features.history.online import LiveHistory
from features.history.view import Facts, Standing, Version
from features.ledger import (
    MovementCancelled,
    MovementDeclared,
    MovementReassessed,
    OutcomeRecorded,
)
from features.settings import Settings
from models.bands import Thresholds
from serving.audit.reading import LiveRow
from serving.auth.access import LOCAL_AGENCY
from serving.reassessing.changes import is_live, is_worth_recording, moved
from serving.reassessing.chore import touched_rows
from serving.reassessing.triggers import Listings, Trigger, trigger_of
from serving.vocabulary import Because
from tests.app_client import AppClient
from tests.assessed_again import about, check_whole, events, examined, quiet, score, serving, tick
from tests.assessments import ANSWER, recorded_as
from tests.audit_examples import audit_record
from tests.integration import small_border
from tests.integration.small_border import make_ledger, promote, vehicle
from tests.memory_ledger import MemoryLedger

HAULIER = "XX000000099"
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A border with a model that has learned what finds of a haulier mean."""
    patch = pytest.MonkeyPatch()
    quiet(patch)
    thresholds = Thresholds(high=0.9, medium=0.03)
    patch.setattr(small_border, "thresholds_at_capacity", lambda *_: thresholds)
    home: Path = tmp_path_factory.mktemp("home")
    url = make_ledger(home, movements=600)
    promote(home, url, 1)
    yield Settings(home=home, ledger_url=url)
    patch.undo()


def of_the_haulier(number: int) -> dict[str, Any]:
    return vehicle(number, haulier_eori=HAULIER, vehicle_reg=f"NEW {number}")


def find_another(client: AppClient, number: int) -> None:
    score(client, of_the_haulier(number))
    examined(client, of_the_haulier(number))


def test_finds_of_the_same_haulier_raise_the_band_of_one_that_is_on_its_way(
    settings: Settings,
) -> None:
    with serving(settings) as client:
        first = score(client, of_the_haulier(500))
        other = score(client, vehicle(501, haulier_eori="XX000000098", vehicle_reg="NEW 501"))
        assert (first["band"], other["band"]) == ("low", "low")
        for number in (512, 516, 520, 524, 528, 532):
            find_another(client, number)
            tick(client)
        again, before = about(client, first_ref := of_the_haulier(500)["movement_ref"])
        assert before == first
        assert (again["band"], again["because"], again["assessment_number"]) == (
            "medium",
            "outcome",
            2,
        )
        assert len(about(client, vehicle(501)["movement_ref"])) == 1
        (event,) = events(settings)
        assert event.changed == ("band", "probability")
        find_another(client, 536)  # it is medium already
        tick(client)
        assert len(about(client, first_ref)) == 2
    check_whole(settings)


def told(position: int, payload: Any, source: str = "api") -> Any:
    ledger = MemoryLedger()
    ledger.hear(payload, position)
    (event,) = ledger.events
    return type(event)(
        position=position,
        source=source,
        event_id="1",
        occurred_at=0,
        available_at=position,
        backfill=False,
        payload=payload,
    )


def declared(movement: str, kind: str = "vehicle", **parts: Any) -> MovementDeclared:
    return MovementDeclared(kind=kind, movement=movement, declared_at=0, **parts)


FIND = OutcomeRecorded(kind="vehicle", movement="found", examined_at=0, outcome="positive")


def test_what_shares_an_entity_with_what_was_examined_is_touched() -> None:
    ledger, history = MemoryLedger(), LiveHistory(clock=lambda: 10 * DAY)
    for movement, haulier in (("found", "a"), ("mine", "a"), ("yours", "b")):
        ledger.hear(declared(movement, entities={"haulier_eori": f"organisation:{haulier}"}), DAY)
    shared = {"consignee_eori": "organisation:a"}
    ledger.hear(declared("goods", "shipment", entities=shared), DAY)
    ledger.hear(declared("same route", fields={"route_id": "DOVCAL"}), DAY)
    history.follow(ledger)
    rows = [
        LiveRow(number, agency, kind, movement)
        for number, (agency, kind, movement) in enumerate(
            [
                ("local", "vehicle", "mine"),
                ("customs", "vehicle", "mine"),
                ("local", "vehicle", "yours"),
                ("local", "shipment", "goods"),
                ("local", "vehicle", "same route"),
                ("local", "vehicle", "unknown"),
            ]
        )
    ]
    earlier, later = (Trigger(at, "outcome", "vehicle", "found") for at in (7, 9))
    touched = [("local", "mine"), ("customs", "mine"), ("local", "goods")]
    assert touched_rows(history, [earlier, later], rows) == {key: [later] for key in touched}
    selector = Trigger(8, "selector")
    found = touched_rows(history, [earlier, selector], rows)
    assert len(found) == len(rows)
    assert found["local", "mine"] == [selector, earlier]
    assert found["local", "yours"] == [selector]


def test_which_events_call_for_something() -> None:
    found = trigger_of(told(5, FIND))
    assert found == Trigger(5, "outcome", "vehicle", "found")
    goods = declared("goods", "shipment")
    assert trigger_of(told(6, goods, "api:customs")) == Trigger(
        6, "consignment", "shipment", "goods", "customs"
    )
    assert trigger_of(told(6, goods, "api")) == Trigger(
        6, "consignment", "shipment", "goods", LOCAL_AGENCY
    )
    assert trigger_of(told(6, goods, "file")) is None  # nobody had it assessed
    amended = trigger_of(told(6, replace(goods, version=2), "api:customs"))
    assert amended is not None
    assert (amended.because, amended.later, amended.gone) == ("consignment", True, False)
    gone = MovementCancelled(kind="shipment", movement="goods", cancelled_at=6)
    assert trigger_of(told(6, gone, "api:customs")) == Trigger(
        6, "cancellation", "shipment", "goods", "customs", later=True, gone=True
    )
    assert trigger_of(told(6, gone, "file")) is None
    lorry = MovementCancelled(kind="vehicle", movement="lorry", cancelled_at=6)
    assert trigger_of(told(6, lorry, "api")) is None
    assert trigger_of(told(6, declared("lorry"))) is None


def assessed_again(kind: str, *changed: str) -> MovementReassessed:
    return MovementReassessed(
        kind=kind,
        movement="goods",
        version=1,
        agency="customs",
        assessment=2,
        score_id="1",
        because="outcome",
        trigger=1,
        changed=changed,
    )


def test_only_a_consignment_that_changed_is_followed_and_no_further_than_its_carrier() -> None:
    followed = Trigger(7, "consignment", "shipment", "goods", "customs")
    for changed in ("band", "selection", "matches"):
        said = assessed_again("shipment", "probability", changed)
        assert trigger_of(told(7, said, "reassessment")) == followed
    for left in (assessed_again("shipment", "probability"), assessed_again("vehicle", "band")):
        assert trigger_of(told(7, left, "reassessment")) is None


@pytest.mark.parametrize(
    ("because", "changed", "before", "now", "recorded"),
    [
        ("consignment", (), "scored", "scored", True),
        ("consignment gone", ("consignments",), "scored", "scored", True),
        ("consignment gone", ("probability",), "scored", "scored", False),  # it was never told of
        ("cancellation gone", ("consignments",), "scored", "degraded", True),
        ("cancellation gone", ("probability",), "scored", "scored", False),
        ("outcome", ("probability", "consignments"), "scored", "scored", False),
        ("outcome", ("band",), "scored", "scored", True),
        ("selector", ("matches",), "scored", "scored", True),
        ("outcome", ("band",), "scored", "degraded", False),  # it only knows less than before
        ("rule", ("matches",), "degraded", "degraded", True),
    ],
)
def test_what_is_worth_recording(
    because: str, changed: tuple[str, ...], before: str, now: str, recorded: bool
) -> None:
    was = recorded_as(ANSWER)._replace(status=before)
    becomes = audit_record(1)._replace(status=now)
    said, _, gone = because.partition(" ")
    trigger = Trigger(7, cast(Because, said), gone=bool(gone))
    assert is_worth_recording(trigger, changed, was, becomes) == recorded


def test_listings_are_forgotten_after_twice_their_time_at_most() -> None:
    listings = Listings(10 * DAY)
    both = {"consignments": ("a", "b")}
    one, two = (declared(name, references=both) for name in ("one", "two"))
    listings.hear([told(1, one), told(9 * DAY, two)])
    assert listings.carriers_of("a") == {"one", "two"}
    listings.hear([told(20 * DAY, declared("three", references={"consignments": ("a",)}))])
    assert listings.carriers_of("a") == {"one", "two", "three"}
    listings.hear([told(40 * DAY, declared("four", references={"consignments": ("c",)}))])
    assert listings.carriers_of("a") == {"three"}
    assert not listings.carriers_of("b")


@pytest.mark.parametrize(
    ("arrives_at", "days_later", "live"),
    [
        (None, 6.9, True),
        (None, 7.1, False),
        (2.0, 2.9, True),
        (2.0, 3.1, False),
        (60.0, 7.1, False),
    ],
)
def test_a_movement_is_live_for_some_days_and_until_it_should_have_arrived(
    arrives_at: float | None, days_later: float, live: bool
) -> None:
    first = recorded_as(ANSWER)
    fields = {}
    if arrives_at is not None:
        fields["arrives_at"] = first.available_at + int(arrives_at * DAY)
    standing = Standing.of(Facts(Version((1, 0), 0, 0), 0, (), 0))
    as_of = first.available_at + int(days_later * DAY)
    assert is_live(first, standing, declared("m", fields=fields), as_of, 7.0) == live


def test_a_later_version_of_anybody_ends_the_life_of_this_one() -> None:
    first = recorded_as(ANSWER)
    standing = Standing.of(Facts(Version((2, 0), 0, 0), 0, (), 0))
    assert not is_live(first, standing, declared("m"), first.available_at, 7.0)
    assert not is_live(first, None, declared("m"), first.available_at, 7.0)


def test_a_probability_that_appears_or_goes_has_moved() -> None:
    assert moved(None, 0.2)
    assert moved(0.2, None)
    assert not moved(None, None)
