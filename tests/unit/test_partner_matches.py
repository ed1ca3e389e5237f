"""What partners said about a movement's entities, beside its score: by hand."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from features.clock import from_micros, now_micros
from features.keys import load_partnership_keys, make_partnership_key
from features.ledger import MovementDeclared, PartnerEventReceived, Recorded, open_ledger
from features.pseudonyms import load_pseudonyms
from features.settings import Settings
from serving.app import create_app
from serving.auth.access import LOCAL
from serving.exchange import store
from serving.exchange.envelope import Exchanged
from serving.exchange.incoming import judge, keep
from serving.exchange.messages import AlertTold, AlertWithdrawn
from serving.exchange.partner_matches import PartnerMatches
from serving.matching import Match, Sighting
from serving.metrics import Counters
from serving.replaying import replay
from serving.state import ServingState
from tests.app_client import AppClient
from tests.exchanges import HAULIER, NOW, as_sent, find, no_row, partners_with, told
from tests.served_home import healthy_home, vehicle

TRAILER, ELSEWHERE = "ac" * 16, "ad" * 16
HOUR = 3_600_000_000


def heard(event: Exchanged, position: int = 1, partner: str = "nca") -> Recorded:
    row = as_sent(event).row
    return Recorded(
        position=position,
        source=f"partner:{partner}",
        event_id=event.event_id,
        occurred_at=event.told_at,
        available_at=NOW,
        backfill=False,
        payload=PartnerEventReceived(
            partner=partner,
            event_type=event.event_type,
            told_at=event.told_at,
            subject=event.subject,
            origin_agency=event.origin_agency,
            handling=event.handling,
            contact=event.contact,
            sequence=event.sequence,
            simulated=event.simulated,
            data=row["data"],
        ),
    )


def seen(as_of: int = NOW + HOUR, **tags: str) -> Sighting:
    declared = MovementDeclared(
        kind="vehicle", movement="1", declared_at=NOW, tags={"north-sea": tags, "channel": {}}
    )
    return Sighting(declared, as_of, no_row)


def met(*events: Exchanged, sighting: Sighting | None = None) -> list[Match]:
    matches = PartnerMatches()
    for event in events:
        matches.hear(heard(event))
    return list(matches.matches(sighting or seen(haulier_eori=HAULIER)))


def about(number: int, **changes: Any) -> Exchanged:
    """A find with a subject of its own."""
    return find(number, **changes)._replace(subject=f"{number:032x}")


def test_a_find_on_the_same_haulier_informs_and_does_not_refer() -> None:
    (match,) = met(find())
    assert (match.by, match.id, match.agency) == ("partner", "nca/1.outcome.recorded", "nca-uk")
    assert (match.handling, match.action, match.contact) == ("open", "inform", "NCA duty desk")
    day = from_micros(NOW).date().isoformat()
    assert match.reason == f"a find of class a drugs where haulier_eori was the same, {day}"
    assert match.threat == "class_a_drugs"


def test_nobody_else_is_met() -> None:
    assert met(find(), sighting=seen(haulier_eori=ELSEWHERE)) == []
    assert met(find(), sighting=seen()) == []
    assert met(find(entities={})) == []
    assert met(find(outcome="negative", threat=None)) == []


def test_the_field_may_be_another_one_in_the_same_namespace() -> None:
    (match,) = met(find(), sighting=seen(consignee_eori=HAULIER))
    assert "where consignee_eori was the same" in match.reason


def test_many_finds_are_one_match_that_counts_them() -> None:
    later = about(3, told_at=NOW + 5, threat="cash")
    (match,) = met(about(1), later, about(2))
    assert (match.id, match.threat) == ("nca/3.outcome.recorded", "cash")
    assert match.reason.endswith("; 3 finds in all")


def test_what_is_hidden_is_not_counted_with_what_is_open() -> None:
    hidden = about(2, told_at=NOW + 5)._replace(handling="hidden")
    found = met(about(1), hidden)
    assert sorted(match.handling for match in found) == ["hidden", "open"]
    assert not [match for match in found if "in all" in match.reason]


@pytest.mark.parametrize("in_order", [True, False])
def test_a_find_that_is_taken_back_is_met_no_more(in_order: bool) -> None:
    wrong = find(1)
    right = find(2, corrects=f"{1:032x}", outcome="negative", threat=None)
    assert met(*((wrong, right) if in_order else (right, wrong))) == []


def alert(number: int = 1, **changes: Any) -> Exchanged:
    message = AlertTold(
        entities={"haulier_eori": HAULIER, "trailer_reg": TRAILER},
        threat="firearms",
        reason="seen at a known address",
        starts=from_micros(NOW),
        expires=from_micros(NOW + HOUR),
    )
    return told(number, "alert.raised", msgspec.structs.replace(message, **changes))


def test_an_alert_is_met_by_a_movement_with_all_that_it_names_while_it_lasts() -> None:
    def at(as_of: int, **tags: str) -> list[str]:
        return [one.reason for one in met(alert(), sighting=seen(as_of, **tags))]

    both = {"haulier_eori": HAULIER, "trailer_reg": TRAILER}
    assert at(NOW, **both) == ["seen at a known address"]
    assert at(NOW - 1, **both) == []
    assert at(NOW + HOUR - 1, **both) != []
    assert at(NOW + HOUR, **both) == []
    assert at(NOW, haulier_eori=HAULIER) == []


def test_an_alert_that_is_withdrawn_is_met_no_more() -> None:
    ended = told(2, "alert.withdrawn", AlertWithdrawn(withdrawn_at=from_micros(NOW)))
    sighting = seen(NOW, haulier_eori=HAULIER, trailer_reg=TRAILER)
    assert met(alert(), ended, sighting=sighting) == []
    assert met(ended, alert(), sighting=sighting) == []


def test_what_is_simulated_says_so() -> None:
    (match,) = met(find()._replace(simulated=True))
    assert match.reason.startswith("simulated: ")


@pytest.fixture
def settings(home: Path) -> Settings:
    made = healthy_home(home)
    make_partnership_key(made.keys, "north-sea")
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def keep_find(settings: Settings, number: int, haulier: str, **changes: Any) -> None:
    """A partner's find on the haulier of this number, in the ledger."""
    keyring = load_pseudonyms(settings.keys)
    assert load_partnership_keys(settings.keys)
    tag = keyring.tags("organisation", haulier)["north-sea"]
    event = about(number, told_at=now_micros(), entities={"haulier_eori": tag})
    judged = judge([as_sent(event._replace(**changes))], partners_with(), LOCAL, now_micros())
    with closing(open_ledger(settings.ledger)) as ledger, ledger.transaction() as transaction:
        store.prepare(transaction)
        (receipt,) = keep(judged, now_micros(), transaction)
    assert receipt.status == "accepted"


def test_the_next_score_shows_what_a_partner_said_and_replays(
    client: AppClient, settings: Settings
) -> None:
    moved = vehicle(1)
    before = client.post("/v1/scores", json=moved).json()
    keep_find(settings, 1, moved["haulier_eori"])
    keep_find(settings, 2, moved["haulier_eori"], handling="contact", contact="ask us")
    keep_find(settings, 3, moved["haulier_eori"], handling="hidden")
    after = client.post("/v1/scores", json=vehicle(1, version=2)).json()
    assert before["matches"] == []
    by_contact, whole = sorted(after["matches"], key=lambda one: one["reason"] or "")
    assert (whole["by"], whole["agency"], whole["action"]) == ("partner", "nca-uk", "inform")
    assert by_contact == {
        "by": "partner",
        "action": "inform",
        "contact": "ask us",
        **dict.fromkeys(("id", "version", "agency", "marking", "reason", "threat", "points"), None),
    }
    same = ("probability", "band", "status", "selection")
    assert [after[name] for name in same] == [before[name] for name in same]
    for answer in (before, after):
        assert replay(settings, settings.ledger, answer["score_id"]).agrees
