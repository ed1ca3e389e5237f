"""``POST /v1/exchange/events``: who may send, in which forms, and what it never becomes."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from features.catalogue import catalogue_for
from features.clock import now_micros
from features.history.online import LiveHistory
from features.ledger import Ledger, open_ledger
from features.rows import live_rows
from features.settings import Settings
from features.timeline import load_timeline
from serving.app import create_app
from serving.audit import PartnerEventsRefused
from serving.audit.entries import decode_record
from serving.auth import key_store
from serving.auth.access import Client
from serving.auth.api_keys import new_key
from serving.exchange.envelope import BATCHED, MOST_EVENT_BYTES, STRUCTURED
from serving.exchange.incoming import Sent
from serving.metrics import Counters
from serving.problems import PROBLEMS
from serving.state import ServingState
from tests.app_client import AppClient, bearer, refused_with
from tests.exchanges import KEY, OTHER_KEY, altered, as_sent, find
from tests.served_home import healthy_home, vehicle

PATH = "/v1/exchange/events"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = healthy_home(tmp_path)
    (tmp_path / "partners.toml").write_text(
        f"""agency = "border-force"

[[partner]]
name = "nca"
agency = "nca-uk"
partnership = "north-sea"

[[partner.key]]
public = "{KEY.verifying.public.hex()}"
"""
    )
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def one(client: AppClient, sent: Sent, **headers: str) -> httpx.Response:
    headers = {"Content-Type": STRUCTURED, **headers}
    return client.request("POST", PATH, content=sent.raw, headers=headers)


def many(client: AppClient, *sent: Sent, **headers: str) -> dict[str, Any]:
    body = b"[" + b",".join(each.raw for each in sent) + b"]"
    headers = {"Content-Type": BATCHED, **headers}
    answer = client.request("POST", PATH, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def fresh(number: int = 1, **changes: Any) -> Sent:
    return as_sent(find(number, told_at=now_micros(), **changes))


def test_one_event_or_many(client: AppClient) -> None:
    first = fresh()
    answer = one(client, first)
    assert answer.json() == {
        "events": [{"id": "1.outcome.recorded", "status": "accepted", "errors": []}],
        "clock_ahead_seconds": None,
    }
    receipts = many(client, first, fresh(2), altered(fresh(3), subject="other"))["events"]
    assert [each["status"] for each in receipts] == ["duplicate", "accepted", "rejected"]
    assert receipts[2]["errors"][0]["code"] == "bad_signature"
    assert receipts[2]["errors"][0]["pointer"] == "/2/signature"
    assert 'foreland_partner_events_total{status="accepted"} 2.0' in client.get("/metrics").text


def test_the_library_of_cloudevents_reads_what_we_send() -> None:
    event = JSONFormat().read(CloudEvent, fresh().raw)
    assert event.get_type() == "uk.gov.foreland.outcome.recorded.v1"
    assert event.get_extension("originagency") == "nca-uk"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (as_sent(find(), key=OTHER_KEY), "unknown_key"),
        (as_sent(find(), agency="stranger"), "unknown_partner"),
        (altered(as_sent(find()), handling="hidden"), "bad_signature"),
        (as_sent(find(), partnership="channel"), "wrong_partnership"),
        (as_sent(find(), type="uk.gov.foreland.nothing.v1"), "unknown_event_type"),
        (as_sent(find(), originagency="border-force"), "own_event"),
        (as_sent(find(outcome="maybe")), "bad_event"),
        (as_sent(find(), contact="x" * 201), "bad_event"),
    ],
)
def test_a_single_event_that_is_rejected_is_a_problem_of_the_request(
    client: AppClient, sent: Sent, code: str
) -> None:
    document = refused_with(one(client, sent), code)
    assert document["errors"][0]["code"] == code
    assert PROBLEMS[code].status in {403, 422}


def test_what_is_too_large_is_refused_at_each_size(client: AppClient) -> None:
    padded = fresh()
    padded = padded._replace(raw=padded.raw + b" " * MOST_EVENT_BYTES)
    refused_with(one(client, padded), "event_too_large")
    huge = padded._replace(raw=b" " * (1 << 20) + padded.raw)
    refused_with(one(client, huge), "body_too_large")
    body = b"[" + b",".join([b"{}"] * 501) + b"]"
    answer = client.request("POST", PATH, content=body, headers={"Content-Type": BATCHED})
    refused_with(answer, "too_many_rows")


def test_bodies_that_are_no_events(client: AppClient) -> None:
    for media_type in (STRUCTURED, BATCHED):
        headers = {"Content-Type": media_type}
        refused_with(client.request("POST", PATH, content=b"{", headers=headers), "bad_json")
    batch = client.request("POST", PATH, content=b"{}", headers={"Content-Type": BATCHED})
    refused_with(batch, "bad_json")
    refused_with(client.post(PATH, json=[]), "unsupported_media_type")
    assert many(client) == {"events": [], "clock_ahead_seconds": None}
    twice = fresh().raw.replace(b'"specversion":', b'"id":"2","specversion":', 1)
    refused_with(one(client, Sent(None, twice)), "duplicate_key")


def credential(settings: Settings, agency: str, *scopes: str) -> dict[str, str]:
    key, kept = new_key(Client(agency, agency, frozenset(scopes)), created_at=now_micros())
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.open_keys(ledger).close()
        key_store.add(ledger, kept)
    return bearer(key)


def test_a_credential_and_a_signature_are_needed_and_belong_together(settings: Settings) -> None:
    theirs = credential(settings, "nca-uk", "exchange.write")
    others = credential(settings, "met", "exchange.write")
    scorer = credential(settings, "port", "score.write")
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    with closing(opened) as client:
        refused_with(one(client, fresh()), "unauthorized")
        refused_with(one(client, fresh(), **scorer), "scope_missing")
        refused_with(one(client, fresh(), **others), "wrong_agency")
        assert one(client, fresh(), **theirs).status_code == 200


def test_what_nobody_vouches_for_is_in_the_audit_log(client: AppClient, settings: Settings) -> None:
    many(client, as_sent(find(1), key=OTHER_KEY), as_sent(find(2), key=OTHER_KEY), fresh(3))
    with closing(open_ledger(settings.ledger)) as ledger, ledger.transaction() as transaction:
        rows = transaction.fetch("SELECT content FROM audit_records")
    entries = [decode_record(row[0]).entry for row in rows]
    (noted,) = [entry for entry in entries if isinstance(entry, PartnerEventsRefused)]
    assert (noted.client, noted.refused) == ("local", "unknown_key 2")


def test_a_clock_that_differs_by_a_day_is_said(client: AppClient) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    found = many(client, fresh(), Date=format_datetime(yesterday, usegmt=True))
    assert found["clock_ahead_seconds"] == pytest.approx(-86_400, abs=60)
    tomorrow = now_micros() + 86_400_000_000
    found = many(client, as_sent(find(2, told_at=tomorrow)), Date="no date")
    assert found["clock_ahead_seconds"] == pytest.approx(86_400, abs=60)
    assert found["events"][0]["status"] == "accepted"


def test_partners_are_read_again_when_the_file_changes(
    client: AppClient, settings: Settings
) -> None:
    assert one(client, fresh()).status_code == 200
    path = settings.home / "partners.toml"
    good = path.read_text()
    path.write_text(good + "nonsense = 1\n")
    assert one(client, fresh(2)).status_code == 200, "what it said before is followed"
    problem = "exchange: partners.toml as it stands cannot be followed"
    assert problem in client.get("/readyz").json()["problems"]
    path.write_text(good.replace(KEY.verifying.public.hex(), OTHER_KEY.verifying.public.hex()))
    refused_with(one(client, fresh(3)), "unknown_key")
    path.write_text(good + "valid_until = 2026-01-01T00:00:00Z\n")
    refused_with(one(client, fresh(3)), "key_not_valid")
    path.write_text(good)
    assert problem not in client.get("/readyz").json()["problems"]


def test_it_is_no_label_no_feature_and_no_history_of_ours(
    client: AppClient, settings: Settings
) -> None:
    client.post("/v1/scores", json=vehicle(1))
    with closing(open_ledger(settings.ledger)) as ledger:
        as_of = now_micros() + 60_000_000
        before = _learned(ledger, as_of)
        many(client, *(fresh(number) for number in range(1, 30)))
        assert len(list(ledger.read_source("partner:nca"))) == 29
        assert _learned(ledger, as_of) == before


def _learned(ledger: Ledger, as_of: int) -> tuple[list[str], list[str], bytes]:
    """Movements, labels, and the features of every movement again, as of an instant."""
    timeline = load_timeline(ledger, available_before=as_of)
    history = LiveHistory(lambda: as_of)
    history.follow(ledger)
    declared = timeline.movements["payload"].tolist()
    rows = live_rows(history, declared, as_of, catalogue_for("vehicle"))
    labels = timeline.outcomes["movement"].tolist()
    return timeline.movements["movement"].tolist(), labels, b"".join(row.tobytes() for row in rows)
