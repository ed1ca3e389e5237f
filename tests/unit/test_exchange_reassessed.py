"""A partner's alert changes what is said of a movement under way, and its agency is told."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.clock import from_micros, now_micros
from features.keys import load_partnership_keys, make_partnership_key
from features.ledger import open_ledger
from features.pseudonyms import load_pseudonyms
from features.settings import Settings
from serving.app import create_app
from serving.auth.access import LOCAL
from serving.exchange import store
from serving.exchange.incoming import judge, keep
from serving.exchange.messages import AlertTold
from serving.exchange.outbox import Outbox
from serving.exchange.outgoing import Notifier, Sender, Teller
from serving.exchange.partners import Subscriber
from serving.metrics import Counters
from serving.reassessing import chore
from serving.state import ServingState
from tests.app_client import AppClient
from tests.exchanges import KEY, as_sent, find, partner_with, partners_with, told
from tests.served_home import healthy_home, vehicle


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(chore, "SECONDS", 3_600.0)
    monkeypatch.setattr(chore, "RESTS_FOR_WORK", 0.0)
    made = healthy_home(home)
    make_partnership_key(made.keys, "north-sea")
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def receive(settings: Settings, event: Any) -> None:
    judged = judge([as_sent(event)], partners_with(), LOCAL, now_micros())
    with closing(open_ledger(settings.ledger)) as ledger, ledger.transaction() as transaction:
        store.prepare(transaction)
        (receipt,) = keep(judged, now_micros(), transaction)
    assert receipt.status == "accepted"


def alert_for(settings: Settings, haulier: str) -> Any:
    now = now_micros()
    tag = load_pseudonyms(settings.keys).tags("organisation", haulier)["north-sea"]
    message = AlertTold(
        entities={"organisation": tag},
        reason="seen at a known address",
        starts=from_micros(now),
        expires=from_micros(now + 86_400_000_000),
    )
    return told(1, "alert.raised", message, told_at=now)


def find_on(settings: Settings, haulier: str) -> Any:
    tag = load_pseudonyms(settings.keys).tags("organisation", haulier)["north-sea"]
    found = find(2, told_at=now_micros(), entities={"haulier_eori": tag})
    return found._replace(subject="ce" * 16)


def events_for(settings: Settings, teller: Teller) -> list[dict[str, Any]]:
    with Outbox(settings.ledger) as outbox:
        return [json.loads(one.body) for one in outbox.batch(teller, KEY, 0).events]


def test_a_find_and_an_alert_make_the_assessment_again_and_tell_whoever_asked(
    client: AppClient, settings: Settings
) -> None:
    arrives = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    moved = vehicle(1, arrives_at=arrives)
    first = client.post("/v1/scores", json=moved).json()
    tick = client.app.state.serving.reassessing.tick
    receive(settings, find_on(settings, moved["haulier_eori"]))
    client.run(tick())
    notifier = Notifier("border-force", Subscriber(name="news", agency="local", url="https://x"))
    assert len(events_for(settings, notifier)) == 1
    receive(settings, alert_for(settings, moved["haulier_eori"]))
    client.run(tick())
    _, notice = notices = events_for(settings, notifier)
    for said in notices:
        assert said["subject"] == said["data"]["first_score_id"] == first["score_id"]
        assert (said["data"]["because"], said["data"]["changed"]) == ("partner", ["matches"])
    again = client.get(f"/v1/scores/{notice['data']['score_id']}").json()
    reasons = {match["reason"] for match in again["matches"]}
    assert len(reasons) == 2
    assert "seen at a known address" in reasons
    assert (again["probability"], again["band"]) == (first["probability"], first["band"])


def test_that_partner_is_not_told_that_its_alert_was_met(
    client: AppClient, settings: Settings
) -> None:
    moved = vehicle(1)
    client.post("/v1/scores", json=moved)
    receive(settings, alert_for(settings, moved["haulier_eori"]))
    client.run(client.app.state.serving.reassessing.tick())
    key = load_partnership_keys(settings.keys)["north-sea"]
    sender = Sender("border-force", partner_with(shares=("assessments", "alerts")), key)
    assert [row["id"].partition(".")[2] for row in events_for(settings, sender)] == [
        "assessment.made"
    ]
