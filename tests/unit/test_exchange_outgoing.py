"""What a partner is told, and above all what it is not."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from features.clock import from_micros
from features.keys import PartnershipKey
from features.ledger import (
    Event,
    Ledger,
    MovementCancelled,
    MovementDeclared,
    MovementReassessed,
    OutcomeRecorded,
    PartnerEventReceived,
    Payload,
    open_ledger,
)
from serving.exchange.messages import message_of
from serving.exchange.outbox import Batch, Outbox
from serving.exchange.outgoing import Notifier, Sender
from serving.exchange.partners import Partner, Subscriber
from tests.example_events import erasure_event
from tests.exchanges import KEY, partner_with

MOVEMENT, OTHER = "11" * 16, "22" * 16
TAG, LATER_TAG = "ab" * 16, "ac" * 16
PRIVATE = "organisation:" + "99" * 16
PARTNERSHIP_KEY = PartnershipKey(b"k" * 32)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as opened:
        yield opened


def declared(movement: str = MOVEMENT, version: int = 1, tag: str | None = TAG) -> MovementDeclared:
    return MovementDeclared(
        kind="vehicle",
        movement=movement,
        version=version,
        declared_at=1_795_000_000_000_000,
        entities={"haulier_eori": PRIVATE},
        fields={"route_id": "DOVER-CALAIS", "gross_mass_kg": 1234.5, "is_empty": False},
        attributes={"own_code": "x1"},
        flags=("check_digit:haulier_eori",),
        references={"documents": ("98" * 16,)},
        details={"goods_description": "machine parts"},
        tags={} if tag is None else {"north-sea": {"haulier_eori": tag}, "channel": {"x": "00"}},
    )


def outcome(movement: str = MOVEMENT, message: str = "77" * 16, **changes: Any) -> OutcomeRecorded:
    return OutcomeRecorded(
        **{
            "kind": "vehicle",
            "movement": movement,
            "examined_at": 1_795_000_001_000_000,
            "outcome": "positive",
            "thoroughness": "full",
            "selection_reason": "intelligence",
            "threat": "cash",
            "message": message,
            **changes,
        }
    )


def put(ledger: Ledger, *payloads: Payload, source: str = "api") -> None:
    for payload in payloads:
        if isinstance(payload, MovementDeclared):
            name = f"{payload.movement}:{payload.version}"
        else:
            name = f"other:{ledger.last_position()}"
        ledger.append([Event(source=source, event_id=name, occurred_at=1, payload=payload)])


def batch(ledger: Ledger, after: int = 0, **changes: Any) -> Batch:
    given = {"shares": ("movements", "outcomes", "assessments"), **changes}
    partner: Partner = partner_with(**given)
    sender = Sender("border-force", partner, PARTNERSHIP_KEY)
    with Outbox(ledger.url) as outbox:
        return outbox.batch(sender, KEY, after)


def rows(found: Batch) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in found.events]


def test_a_movement_goes_out_under_the_partnerships_tags_alone(ledger: Ledger) -> None:
    put(ledger, declared())
    found = batch(ledger)
    (row,) = rows(found)
    assert row["type"] == "uk.gov.foreland.movement.declared.v1"
    assert row["data"]["entities"] == {"haulier_eori": TAG}
    assert row["data"]["fields"] == declared().fields
    message_of(row["type"], row["data"])
    sent = found.events[0].body.decode()
    for private in (
        MOVEMENT,
        "99" * 16,
        "98" * 16,
        "machine parts",
        "x1",
        "check_digit",
        "channel",
    ):
        assert private not in sent


def test_an_outcome_names_what_was_known_of_its_movement_then(ledger: Ledger) -> None:
    put(ledger, declared(), outcome(), declared(version=2, tag=LATER_TAG), outcome())
    told = [row for row in rows(batch(ledger)) if "outcome" in row["type"]]
    assert [row["data"]["entities"]["haulier_eori"] for row in told] == [TAG, LATER_TAG]
    assert "selection_reason" not in told[0]["data"]
    assert "77" * 16 not in json.dumps(told), "our name of the message"
    assert told[0]["subject"] == told[1]["subject"] != MOVEMENT


def test_how_a_find_was_concealed_is_told_where_it_is_known(ledger: Ledger) -> None:
    put(ledger, declared(), outcome(), outcome(message="78" * 16, concealment="cover_load"))
    silent, told = (row for row in rows(batch(ledger)) if "outcome" in row["type"])
    assert "concealment" not in silent["data"]
    assert told["data"]["concealment"] == "cover_load"
    assert message_of(told["type"], told["data"]) != message_of(silent["type"], silent["data"])


def test_an_outcome_finds_its_movement_whichever_way_that_came(ledger: Ledger) -> None:
    put(ledger, declared(version=7), source="file")
    put(ledger, declared(OTHER, version=123_456, tag=LATER_TAG), source="api:met")
    put(ledger, outcome(), outcome(OTHER), source="api:nca")
    told = rows(batch(ledger, shares=("outcomes",)))
    assert [row["data"]["entities"]["haulier_eori"] for row in told] == [TAG, LATER_TAG]
    assert [row["originagency"] for row in told] == ["nca", "nca"]


def test_an_outcome_before_its_movement_goes_without_entities(ledger: Ledger) -> None:
    put(ledger, outcome(), declared(), outcome(OTHER))
    outcomes = [row for row in rows(batch(ledger)) if "outcome" in row["type"]]
    assert [row["data"]["entities"] for row in outcomes] == [{}, {}]


def test_a_correction_names_the_message_that_it_replaces(ledger: Ledger) -> None:
    put(ledger, declared(), outcome(message="71" * 16))
    put(ledger, outcome(message="72" * 16, corrects="71" * 16, outcome="withdrawn"))
    _, first, second = rows(batch(ledger))
    assert second["data"]["corrects"] == first["data"]["message"]
    assert "corrects" not in first["data"]


def test_what_was_declared_before_there_was_a_key_stays_here(ledger: Ledger) -> None:
    put(ledger, declared(tag=None), outcome())
    cancelled = MovementCancelled(kind="vehicle", movement=MOVEMENT, cancelled_at=1)
    put(ledger, cancelled)
    found = batch(ledger)
    assert (found.events, found.position_up_to, found.is_last) == ((), 3, True)


def test_what_retention_has_erased_is_not_told(ledger: Ledger) -> None:
    put(ledger, declared(), outcome(), declared(OTHER))
    ledger.erase([1, 2], erasure_event(), chosen_at=3)
    assert [row["id"] for row in rows(batch(ledger))] == ["3.movement.declared"]


def test_only_what_is_shared_goes_out(ledger: Ledger) -> None:
    cancelled = MovementCancelled(kind="vehicle", movement=MOVEMENT, cancelled_at=1)
    put(ledger, declared(), outcome(), cancelled)
    assert [r["id"] for r in rows(batch(ledger, shares=("movements",)))] == [
        "1.movement.declared",
        "3.movement.cancelled",
    ]
    assert [r["id"] for r in rows(batch(ledger, shares=("outcomes",)))] == ["2.outcome.recorded"]
    assert batch(ledger, shares=()).events == ()
    assert batch(ledger, partnership="nobody").events == ()


def test_what_a_partner_said_is_never_sent_on(ledger: Ledger) -> None:
    said = PartnerEventReceived(
        partner="met",
        event_type="uk.gov.foreland.outcome.recorded.v1",
        told_at=1,
        subject="1",
        origin_agency="met",
        handling="open",
        sequence="1",
        data={},
    )
    put(ledger, said, source="partner:met")
    put(ledger, declared(), source="partner:met")
    assert batch(ledger).events == ()


def test_simulated_events_go_only_to_who_wants_them_and_say_so(ledger: Ledger) -> None:
    put(ledger, declared(), source="simulation")
    assert batch(ledger).events == ()
    assert [row["simulated"] for row in rows(batch(ledger, simulated=True))] == [True]


def test_nothing_from_before_an_instant(ledger: Ledger) -> None:
    put(ledger, declared(), declared(OTHER))
    first, second = ledger.tail(0)
    since = from_micros(second.available_at)
    assert [one.position for one in batch(ledger, shares_from=since).events] == [2]
    assert first.available_at < second.available_at


def test_an_event_is_the_same_to_the_letter_whenever_it_is_made(ledger: Ledger) -> None:
    put(ledger, declared(), outcome())
    before = batch(ledger)
    put(ledger, declared(version=2, tag=LATER_TAG), outcome())
    assert batch(ledger).events[:2] == before.events
    assert batch(ledger, after=1).events[0] == before.events[1]
    assert [row["sequence"] for row in rows(before)] == ["0000000000000001", "0000000000000002"]


def reassessed(ledger: Ledger, *changed: str, agency: str = "local") -> None:
    """Version 1 of the movement is assessed again."""
    again = MovementReassessed(
        kind="vehicle",
        movement=MOVEMENT,
        version=1,
        agency=agency,
        assessment=2,
        score_id="s-2",
        because="outcome",
        trigger=1,
        changed=changed,
    )
    put(ledger, again, source="reassessment")
    *_, event = ledger.tail(0)
    with ledger.transaction() as transaction:
        transaction.execute(
            "CREATE TABLE IF NOT EXISTS assessments (score_id, movement, movement_version, agency,"
            " assessment, position, available_at, as_of, band, status, probability)"
        )
        for row in (("s-1", 1, 1, 1), ("s-2", 2, event.position, event.available_at)):
            transaction.execute(
                "INSERT INTO assessments VALUES (?, ?, 1, ?, ?, ?, ?, 1, 'medium', 'scored', 0.5)",
                [row[0], MOVEMENT, agency, *row[1:]],
            )


def test_an_assessment_that_was_made_again_is_told_when_it_says_something_else(
    ledger: Ledger,
) -> None:
    put(ledger, declared())
    reassessed(ledger, "matches")
    assert batch(ledger, shares=("assessments",)).events == ()
    reassessed(ledger, "band", "matches")
    (row,) = rows(batch(ledger, shares=("assessments",)))
    assert (row["id"], row["data"]["band"]) == ("3.assessment.changed", "medium")
    assert row["data"]["entities"] == {"haulier_eori": TAG}
    message_of(row["type"], row["data"])


def test_an_agencys_own_clients_are_told_which_assessment_was_made_again(ledger: Ledger) -> None:
    put(ledger, declared(), outcome())
    reassessed(ledger, "matches", agency="port")
    reassessed(ledger, "band", agency="met")
    notifier = Notifier("border-force", Subscriber(name="news", agency="port", url="https://x"))
    with Outbox(ledger.url) as outbox:
        (row,) = rows(outbox.batch(notifier, KEY, 0))
    assert (row["type"], row["subject"]) == ("uk.gov.foreland.assessment.notice.v1", "s-1")
    assert row["data"] == {
        "kind": "vehicle",
        "version": 1,
        "score_id": "s-2",
        "first_score_id": "s-1",
        "assessment": 2,
        "because": "outcome",
        "changed": ["matches"],
        "band": "medium",
        "status": "scored",
    }


def test_an_assessment_is_told_without_its_reasons(ledger: Ledger) -> None:
    put(ledger, declared())
    (event,) = ledger.tail(0)
    with ledger.transaction() as transaction:
        transaction.execute(
            "CREATE TABLE assessments (score_id, movement, movement_version, agency, assessment,"
            " position, available_at, as_of, band, status, probability)"
        )
        transaction.execute(
            "INSERT INTO assessments VALUES (?, ?, 1, 'local', 1, 1, ?, ?, 'high', 'scored', 0.25)",
            ["s-1", MOVEMENT, event.available_at, event.available_at],
        )
    (row,) = rows(batch(ledger, shares=("assessments",)))
    assert row["data"].keys() == {
        "kind",
        "version",
        "as_of",
        "band",
        "status",
        "probability",
        "entities",
    }
    assert (row["id"], row["data"]["band"]) == ("1.assessment.made", "high")
    message_of(row["type"], row["data"])
