"""What was recorded before: shown to its agency alone, proven, and who was shown it recorded."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import serving.archive
from features.ledger import LedgerError, open_ledger, open_tables
from features.settings import Settings
from serving.app import create_app
from serving.audit import AuditLog
from serving.audit.entries import Assessed, Record, decode_record
from serving.audit.proof import check_proof
from serving.audit.trust import audit_keys
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.state import ServingState
from serving.wire.proof import ProofMessage
from tests.app_client import AppClient, refused_with

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(
        home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}", audit_head_records=1
    )
    open_ledger(made.ledger).close()
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def records(settings: Settings) -> list[Record]:
    with closing(open_tables(settings.ledger)) as tables:
        rows = tables.fetch("SELECT content FROM audit_records ORDER BY place")
    return [decode_record(content) for (content,) in rows]


def test_whoever_is_shown_an_assessment_is_recorded(client: AppClient, settings: Settings) -> None:
    score_id = client.post("/v1/scores", json=VEHICLE).json()["score_id"]
    for path in (
        f"/v1/scores/{score_id}",
        f"/v1/scores/{score_id}/page",
        f"/v1/scores?kind=vehicle&movement_ref={VEHICLE['movement_ref']}",
        f"/v1/audit/{score_id}/proof",
    ):
        assert client.get(path).status_code == 200
    said = [msgspec.to_builtins(record.entry) for record in records(settings)]
    assert [one["type"] for one in said] == [
        "assessed",
        "assessment_read",
        "assessment_read",
        "scores_listed",
        "proof_read",
    ]
    assert [one.get("how") for one in said[1:3]] == ["stored_score", "page"]
    assert {(one["client"], one["agency"]) for one in said} == {("local", "local")}


def test_what_is_not_there_is_shown_to_nobody(client: AppClient, settings: Settings) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    refused_with(client.get(f"/v1/audit/{unknown}/proof"), "no_such_score")
    refused_with(client.get(f"/v1/scores/{unknown}/page"), "no_such_score")
    assert records(settings) == []


def test_a_proof_can_be_checked_without_the_service(client: AppClient, settings: Settings) -> None:
    score_id = client.post("/v1/scores", json=VEHICLE).json()["score_id"]
    path = f"/v1/audit/{score_id}/proof"
    pending = msgspec.json.decode(client.get(path).content, type=ProofMessage)
    assert pending.status in ("pending", "covered")
    client.run(client.app.state.serving.heads.tick())
    proof = msgspec.json.decode(client.get(path).content, type=ProofMessage)
    assert proof.status == "covered"
    head = check_proof(proof, audit_keys(settings))
    assert head is not None
    entry = decode_record(proof.content).entry
    assert isinstance(entry, Assessed)
    assert entry.score_id == score_id


@pytest.mark.parametrize("fault", ["refused", "slow"])
def test_a_log_that_cannot_be_read_is_said_and_not_waited_for(
    client: AppClient, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    score_id = client.post("/v1/scores", json=VEHICLE).json()["score_id"]
    found = AuditLog.of_agency

    def broken(self: AuditLog, agency: str, asked: str) -> object:
        if fault == "refused":
            raise LedgerError("gone")
        time.sleep(0.3)
        return found(self, agency, asked)

    monkeypatch.setattr(serving.archive, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(AuditLog, "of_agency", broken)
    response = client.get(f"/v1/scores/{score_id}")
    refused_with(response, "ledger_unreadable")
    assert response.headers["retry-after"] == "1"
    monkeypatch.undo()
    assert client.get(f"/v1/scores/{score_id}").status_code == 200
