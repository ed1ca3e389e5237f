"""Selectors end to end: a command, the next score, who sees what of it, and the record of it."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.clock import from_micros, now_micros
from features.ledger import DecisionTaken, open_ledger, open_tables
from features.settings import Settings
from serving.app import create_app
from serving.audit import read_one
from serving.audit.period import records_of
from serving.auth import key_store
from serving.auth.access import SCOPES, Client
from serving.auth.api_keys import new_key
from serving.metrics import Counters
from serving.replaying import replay
from serving.state import ServingState
from serving.suspension import suspend
from tests.app_client import AppClient
from tests.command import Run, runner
from tests.served_home import healthy_home, vehicle

EXPIRES = from_micros(now_micros() + 100 * 86_400_000_000).date().isoformat()
TOLD_TO_NOBODY = "seen at a yard nobody may know of"
DESK = "hidden targeting desk"


@pytest.fixture
def settings(home: Path) -> Settings:
    return healthy_home(home).model_copy(update={"exploration_share": 0.0})  # no draw in between


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FORELAND_HOME", str(settings.home))
    return runner(monkeypatch)


@contextmanager
def asking(settings: Settings) -> Iterator[AppClient]:
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    try:
        yield client
    finally:
        client.close()


def key_of(settings: Settings, agency: str) -> str:
    owner = Client(f"{agency}-system", agency, frozenset(SCOPES))
    key, stored = new_key(owner, created_at=time.time_ns() // 1_000)
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.open_keys(ledger).close()
        key_store.add(ledger, stored)
    return key


def added(run: Run, handling: str, *more: str, criterion: str = "vehicle: AB12CDE") -> str:
    done = run(
        "selectors", "add", "--criterion", criterion, "--reason", TOLD_TO_NOBODY, "--contact", DESK,
        "--handling", handling, "--expires", EXPIRES, "--agency", "police", "--by", "Ada", *more,
    )  # fmt: skip
    assert done.status == 0, done.error
    return done.out.splitlines()[-1]


def live(run: Run, handling: str, *more: str, **criterion: str) -> str:
    selector = added(run, handling, *more, **criterion)
    done = run("selectors", "approve", selector, "--approver", "Ben")
    assert (done.status, done.out) == (0, "1 approved\n")
    return selector


def test_the_next_score_of_every_worker_follows_a_command(settings: Settings, run: Run) -> None:
    ServingState(settings).close()
    with asking(settings) as one, asking(settings) as other:
        selector = added(run, "open")
        answers = [one.post("/v1/scores", json=vehicle(1)).json()]
        refused = run("selectors", "approve", selector, "--approver", " ADA")
        assert refused.status == 2
        assert "who cannot approve it" in refused.error
        run("selectors", "approve", selector, "--approver", "Ben")
        answers += [
            at.post("/v1/scores", json=vehicle(2 + n)).json() for n, at in enumerate([one, other])
        ]
        run("selectors", "withdraw", selector, "--reason", "scrapped", "--by", "Ben")
        answers += [
            at.post("/v1/scores", json=vehicle(4 + n)).json() for n, at in enumerate([one, other])
        ]
    found = [[match["id"] for match in answer["matches"]] for answer in answers]
    assert found == [[], [selector], [selector], [], []]
    reasons = [answer["selection"]["reason"] == "intelligence" for answer in answers]
    assert reasons == [False, True, True, False, False]
    assert {answer["band"] for answer in answers} == {"low"}
    for answer in answers:  # after it was withdrawn, each as it was
        done = replay(settings, settings.ledger, answer["score_id"])
        assert done.verdict == "the same", done.lines
    with closing(open_tables(settings.ledger)) as tables:
        acts = [record.entry for record in records_of(tables, "selectors")]
    assert [getattr(act, "act", None) for act in acts] == ["proposed", "approved", "withdrawn"]


def test_hidden_ones_leak_nowhere(settings: Settings, run: Run) -> None:
    ServingState(settings).close()
    police, border = key_of(settings, "police"), key_of(settings, "border")
    selector = live(run, "hidden")
    with asking(settings) as client:
        own = client.post("/v1/scores", json=vehicle(1), credential=police).json()
        others = client.post("/v1/scores", json=vehicle(1), credential=border)
        score_id = others.json()["score_id"]
        arrow = client.request(
            "POST", "/v1/scores/batch", json=[vehicle(2)],
            headers={
                "Authorization": f"Bearer {border}",
                "Accept": "application/vnd.apache.arrow.stream",
            },
        )  # fmt: skip
        seen = [
            others,
            arrow,
            client.post("/v1/scores", json=vehicle(1), credential=border),
            client.post("/v1/scores/batch", json=[vehicle(3)], credential=border),
            *(
                client.get(path, border)
                for path in (
                    f"/v1/scores/{score_id}",
                    f"/v1/scores/{score_id}/page",
                    f"/v1/audit/{score_id}/proof",
                    f"/v1/scores?kind=vehicle&movement_ref={vehicle(1)['movement_ref']}",
                    "/v1/models",
                    "/readyz",
                    "/openapi.json",
                )
            ),
        ]
        denied = client.post(
            "/v1/decisions",
            json=dismissal(score_id, "false_selector_match", selector),
            credential=border,
        )
    assert [match["id"] for match in own["matches"]] == [selector]
    assert own["selection"]["reason"] == "intelligence"
    assert others.json()["matches"] == []
    assert others.json()["selection"]["referred"] is False
    assert denied.json()["decisions"][0]["errors"][0]["code"] == "no_such_match"
    for response in seen:
        assert response.status_code == 200, response.text
        for secret in (selector, TOLD_TO_NOBODY, DESK, "police"):
            assert secret.encode() not in response.content, response.url
    recorded = read_one(settings.ledger, score_id)
    assert recorded is not None
    assert selector in str(recorded.matches), "it is recorded all the same"
    assert replay(settings, settings.ledger, score_id).verdict == "the same"


def test_another_agency_may_see_only_whom_to_ask(settings: Settings, run: Run) -> None:
    ServingState(settings).close()
    border = key_of(settings, "border")
    selector = live(run, "contact", "--threat", "cash")
    with asking(settings) as client:
        answer = client.post("/v1/scores", json=vehicle(1), credential=border)
        page = client.get(f"/v1/scores/{answer.json()['score_id']}/page", border)
        done = client.post(
            "/v1/decisions",
            json=dismissal(answer.json()["score_id"], "false_selector_match"),
            credential=border,
        )
    (match,) = answer.json()["matches"]
    assert {name: value for name, value in match.items() if value is not None} == {
        "by": "selector", "action": "refer", "contact": DESK,
    }  # fmt: skip
    assert f"Matched by a selector that asks to examine. Contact: {DESK}" in page.text
    assert TOLD_TO_NOBODY not in page.text
    assert done.json()["decisions"][0]["status"] == "accepted"
    with closing(open_ledger(settings.ledger)) as ledger:
        taken = [e.payload for e in ledger.tail(0) if isinstance(e.payload, DecisionTaken)]
    assert [one.matches for one in taken] == [(selector,)]


def test_a_suspended_service_still_matches(settings: Settings, run: Run) -> None:
    ServingState(settings).close()
    selector = live(run, "open", criterion="route_id = DUN-DVR")
    with asking(settings) as client:
        with closing(open_ledger(settings.ledger)) as ledger:
            suspend(ledger, None, "A. Lovelace", "a doubt")
        answer = client.post("/v1/scores", json=vehicle(1)).json()
        page = client.get(f"/v1/scores/{answer['score_id']}/page")
    assert (answer["status"], answer["probability"]) == ("unassessed", None)
    assert [match["id"] for match in answer["matches"]] == [selector]
    assert answer["selection"]["reason"] == "intelligence"
    assert "Referred for intelligence: it meets a selector." in page.text
    assert replay(settings, settings.ledger, answer["score_id"]).verdict == "unassessed"


def test_an_entry_outlives_the_key_and_passes_through_exports_and_retention(
    settings: Settings, run: Run, tmp_path: Path
) -> None:
    selector = live(run, "open")
    assert run("keys", "rotate-pseudonyms").status == 0
    rules = tmp_path / "rules.toml"
    rules.write_text(run("retain", "--example").out)
    assert run("retain", "--rules", str(rules)).status == 0
    assert run("export", "--out", str(tmp_path / "copy.parquet")).status == 0
    with asking(settings) as client:
        answer = client.post("/v1/scores", json=vehicle(1)).json()
    assert [match["id"] for match in answer["matches"]] == [selector]
    assert replay(settings, settings.ledger, answer["score_id"]).agrees
    with closing(open_ledger(settings.ledger)) as ledger:
        assert ledger.verify().erased == 0


def test_a_file_is_taken_whole_or_not_at_all(settings: Settings, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "watch.csv"
    header = "criteria,reason,handling,contact,expires,action\n"
    good = f"vehicle: AB12CDE; route_id = DUN-DVR,a watch,open,port desk,{EXPIRES},inform\n"
    file.write_text(f"{header}{good}vessel: IMO 0000000,a watch,open,port desk,{EXPIRES},\n,,,,,\n")
    refused = run("selectors", "import", str(file), "--by", "Ada")
    assert refused.status == 2
    assert "row 2: criteria: the identifier of the vessel is a placeholder" in refused.error
    assert "row 3: " in refused.error
    assert "2 are refused, so nothing is changed" in refused.error
    assert "AB12" not in refused.error
    file.write_text(header + good)
    done = run("selectors", "import", str(file), "--by", "Ada")
    ids = tmp_path / "ids.txt"
    ids.write_text(done.out)
    approved = run("selectors", "approve", "--from", str(ids), "--approver", "Ben")
    assert (done.status, approved.out) == (0, "1 approved\n")
    listed = run("selectors", "list")
    assert f"{done.out.strip()} live" in listed.out
    assert "AB12" not in listed.out
    assert run("selectors", "list", "--as-of", "2026-01-01").out == ""
    toml = tmp_path / "watch.toml"
    toml.write_text(
        '[[selector]]\ncriteria = ["commodity_code = 2402*"]\nreason = "a watch"\n'
        f'handling = "hidden"\ncontact = "port desk"\nexpires = {EXPIRES}\n'
    )
    assert run("selectors", "import", str(toml), "--by", "Ada").status == 0
    with asking(settings) as client:
        answer = client.post("/v1/scores", json=vehicle(1)).json()
    assert [match["action"] for match in answer["matches"]] == ["inform"]
    assert answer["selection"]["reason"] != "intelligence"


def dismissal(score_id: str, reason: str, *matches: str) -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"D-{reason}",
            "score_id": score_id,
            "decision": "released",
            "decided_at": datetime.now(UTC).isoformat(),
            "reason_code": reason,
            "matches": list(matches),
        }
    ]
