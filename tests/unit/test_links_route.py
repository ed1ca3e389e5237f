"""Who is tied with whom over HTTP: what is told to whom, what is refused, and that it is noted."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from features.clock import iso, now_micros
from features.ledger import open_ledger, open_tables
from features.settings import Settings
from serving import neighbourhoods
from serving.app import create_app
from serving.audit import LinksRead
from serving.audit.period import notes_between
from serving.auth import key_store
from serving.auth.access import Client
from serving.auth.api_keys import new_key
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES, OUTCOME_EXAMPLE
from serving.state import ServingState
from tests.app_client import AppClient, bearer, refused_with

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]
LORRY, HAULIER = "vehicle:" + VEHICLE["vehicle_reg"], "organisation:" + VEHICLE["haulier_eori"]
FRONT = "GB987654312000"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(made.ledger).close()
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    app = create_app(lambda: ServingState(settings), counters=Counters())
    with closing(AppClient(app)) as opened:
        yield opened


def key_of(settings: Settings, agency: str, *scopes: str) -> str:
    owner = Client(f"{agency}-client", agency, frozenset(scopes))
    key, stored = new_key(owner, created_at=time.time_ns() // 1_000)
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.open_keys(ledger).close()
        key_store.add(ledger, stored)
    time.sleep(0.3)
    return key


def scored(client: AppClient, ref: str, credential: str | None = None, **changes: Any) -> str:
    movement = {**VEHICLE, "movement_ref": ref, **changes}
    answer = client.post("/v1/scores", json=movement, credential=credential)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["score_id"])


def links(client: AppClient, key: str, query: str = "", credential: str | None = None) -> Any:
    return client.get(f"/v1/entities/{quote(key, safe='')}/links{query}", credential)


def found(client: AppClient, ref: str) -> None:
    outcome = {**OUTCOME_EXAMPLE, "movement_ref": ref, "kind": "vehicle", "outcome": "positive"}
    assert client.post("/v1/outcomes", json=outcome).status_code == 200


def by_step(answer: httpx.Response) -> dict[int, list[str]]:
    steps: dict[int, list[str]] = {}
    for one in answer.json()["entities"]:
        steps.setdefault(one["step"], []).append(one["namespace"])
    return steps


def test_who_shares_a_lorry_with_the_caught_is_told_with_counts_and_times(
    client: AppClient,
) -> None:
    scored(client, "A")
    found(client, "A")
    scored(client, "B", haulier_eori=FRONT)
    answer = links(client, f"organisation:{FRONT}").json()
    caught = answer["entities"][1]
    lorry = next(one for one in answer["entities"] if one["namespace"] == "vehicle")
    assert (caught["step"], caught["known"], caught["finds"]) == (1, "find", 1)
    assert lorry["key"] in caught["tied_by"]
    assert caught["last_find_at"] <= answer["as_of"]
    asked = answer["entities"][0]
    assert (asked["key"], asked["known"], asked["examinations"]) == (
        answer["key"],
        "never_examined",
        0,
    )
    first = answer["links"][0]
    assert (first["movements"], first["examinations"], first["finds"]) == (1, 1, 1)
    assert answer["truncated"] == []
    again = links(client, answer["key"])
    assert again.json()["entities"] == answer["entities"], "the pseudonym is a key too"
    assert links(client, LORRY).json()["entities"][0]["key"] == lorry["key"]


def test_it_is_told_as_of_an_instant(client: AppClient) -> None:
    before = iso(now_micros())
    scored(client, "A")
    between = iso(now_micros())
    scored(client, "B", haulier_eori=FRONT)
    key = f"organisation:{FRONT}"
    assert by_step(links(client, key, f"?as_of={before}")) == {0: ["organisation"]}
    assert by_step(links(client, key, f"?as_of={between}")) == {0: ["organisation"]}
    assert "vehicle" in by_step(links(client, key))[1]
    lorry = by_step(links(client, LORRY, f"?as_of={between}&depth=2&limit=3"))
    assert lorry[1][0] == "organisation"
    assert by_step(links(client, LORRY, f"?as_of={before}")) == {0: ["vehicle"]}


@pytest.mark.parametrize(
    ("key", "query", "code"),
    [
        ("haulier:GB1", "", "bad_entity_key"),
        ("GB123456789000", "", "bad_entity_key"),
        ("vehicle:", "", "bad_entity_key"),
        ("vehicle:UNKNOWN", "", "bad_entity_key"),
        ("vehicle:" + "A" * 71, "", "bad_entity_key"),
        ("vehicle:NEVERSEEN1", "", "no_such_entity"),
        ("vehicle:" + "0" * 32, "", "no_such_entity"),
        (LORRY, "?depth=3", "bad_query"),
        (LORRY, "?depth=0", "bad_query"),
        (LORRY, "?depth=1.5", "bad_query"),
        (LORRY, "?limit=201", "bad_query"),
        (LORRY, "?limit=²", "bad_query"),
        (LORRY, "?as_of=yesterday", "bad_query"),
        (LORRY, "?as_of=2026-03-01T12:00:00", "bad_query"),
        (LORRY, "?as_of=2999-01-01T00:00:00Z", "as_of_in_future"),
        (LORRY, "?kind=vehicle", "bad_query"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_not_repeated(
    client: AppClient, key: str, query: str, code: str
) -> None:
    scored(client, "A")
    refused = refused_with(links(client, key, query), code)
    identifier = key.rpartition(":")[2]
    assert not identifier or identifier not in refused["detail"]


def test_another_agency_sees_ties_and_no_movement_and_needs_the_scope(
    client: AppClient, settings: Settings
) -> None:
    border = key_of(settings, "border", "score.write")
    police = key_of(settings, "police", "links.read")
    scored(client, "BORDER-REF-1", border)
    refused_with(links(client, LORRY, "", border), "scope_missing")
    answer = links(client, LORRY, "", police)
    assert answer.json()["entities"][0]["organisations"] == 1
    for secret in ("BORDER-REF-1", "border", VEHICLE["vehicle_reg"], VEHICLE["haulier_eori"]):
        assert secret not in answer.text
    with closing(open_ledger(settings.ledger)) as ledger:
        (event,) = ledger.tail(0)
    assert event.payload.movement not in answer.text  # type: ignore[union-attr]


def test_that_it_was_read_is_recorded_by_pseudonym_and_never_logged(
    client: AppClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    scored(client, "A")
    with caplog.at_level(logging.DEBUG):
        answer = links(client, LORRY, "?depth=2").json()
        refused_with(links(client, "vehicle:NEVERSEEN1"), "no_such_entity")
    with closing(open_tables(settings.ledger)) as tables:
        entries = [record.entry for record in notes_between(tables, 0, 2**62)]
    (note,) = [entry for entry in entries if isinstance(entry, LinksRead)]
    assert (note.entity, note.depth, note.entities) == (answer["key"], 2, len(answer["entities"]))
    assert iso(note.as_of) == answer["as_of"]
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    told = " ".join(str(record.__dict__) for record in ours)
    assert "GET /v1/entities/{key:path}/links" in told
    assert "AB12" not in told
    assert "NEVERSEEN1" not in told


def test_more_than_can_be_read_at_once_is_read_by_another_process(
    client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ABC":
        scored(client, name)
    monkeypatch.setattr(neighbourhoods, "EVENTS_AT_ONCE", 1)
    refused = links(client, LORRY)
    refused_with(refused, "links_behind")
    assert refused.headers["retry-after"] == "10"
    deadline = time.monotonic() + 60
    while (answer := links(client, LORRY)).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert answer.status_code == 200


def test_the_page_of_an_assessment_shows_who_was_tied_with_it_then(
    client: AppClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(client, "A")
    found(client, "A")
    score_id = scored(client, "B", haulier_eori=FRONT)
    scored(client, "C", haulier_eori="GB111111111000")
    page = client.get(f"/v1/scores/{score_id}/page").text
    assert "1 organisation is tied with what this movement names: 1 with a find" in page
    assert '<svg role="img"' in page
    assert "<strong>1 find in 1 examination" in page
    monkeypatch.setattr(neighbourhoods, "drawn_elsewhere", lambda _: None)
    page = client.get(f"/v1/scores/{score_id}/page").text
    assert "The picture could not be drawn; the table says the same." in page
    reader = key_of(settings, "local", "audit.read")
    page = client.get(f"/v1/scores/{score_id}/page", reader).text
    assert "It is shown to clients with the scope links.read." in page


def test_a_page_is_shown_while_links_are_behind(
    client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_id = scored(client, "A")
    scored(client, "B")
    monkeypatch.setattr(neighbourhoods, "EVENTS_AT_ONCE", 1)
    monkeypatch.setattr(neighbourhoods.Neighbourhoods, "_follow_elsewhere", lambda _: None)
    page = client.request("GET", f"/v1/scores/{score_id}/page", headers=bearer(None))
    assert page.status_code == 200
    assert "It is not shown: links are still being read from the ledger" in page.text


def test_a_service_far_behind_begins_before_anybody_asks(
    client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def start(_: object) -> None:
        started.append(1)

    monkeypatch.setattr(neighbourhoods.Neighbourhoods, "_follow_elsewhere", start)
    state: ServingState = client.app.state.serving
    state.neighbourhoods.tick(10)
    assert started == []
    for position in (30_000, 30_001, 49_999):
        state.neighbourhoods.tick(position)
    assert len(started) == 1
