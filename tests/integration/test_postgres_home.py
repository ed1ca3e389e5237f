"""A whole home on a PostgreSQL ledger: in, trained, promoted, scored, erased."""

import csv
from contextlib import closing
from pathlib import Path

import pytest

from features.clock import iso
from features.ledger import open_ledger, open_tables
from features.settings import Settings
from models.pins import read_pin
from serving import audit
from serving.app import create_app
from serving.audit.entries import decode_record
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.state import ServingState
from tests.app_client import AppClient
from tests.audit_examples import add_assessment
from tests.command import Run, runner
from tests.ingest_children import Children
from tests.integration.test_training import fill
from tests.postgres import new_database
from training.config import TrainingConfig
from training.data import gather

ROWS, KILLS = 2_000, 8
HEADER = "movement_ref,declared_at,haulier_eori,vehicle_reg,gross_mass_kg\n"


@pytest.fixture
def url(postgres_server: str) -> str:
    return new_database(postgres_server)


@pytest.fixture
def run(home: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The ``foreland`` command in this process, on a PostgreSQL ledger by environment."""
    del home
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORELAND_LEDGER_URL", url)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    return runner(monkeypatch)


def test_postgres_gives_training_the_same_bytes(url: str, tmp_path: Path) -> None:
    fill(url)
    fill(f"sqlite:///{tmp_path / 'ledger.db'}")
    facts = [
        gather(at, "vehicle", TrainingConfig(), None, lambda _: None).sha256
        for at in (url, f"sqlite:///{tmp_path / 'ledger.db'}")
    ]
    assert facts[0] == facts[1]


def test_postgres_from_a_file_to_a_promoted_model_and_an_erasure(
    run: Run, home: Path, url: str, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text(HEADER + "M1,2026-03-01T08:30:00Z,GB1,AB12 CDE,12500\n")
    arguments = ("ingest", "--kind", "vehicle", "--movements", "m.csv")
    assert "1 event added, 0 were there before" in run(*arguments).out
    assert "0 events added, 1 was there before" in run(*arguments).out
    fill(url)
    assert run("train", "--kind", "vehicle").status == 0
    for approver in ("A. Ahmed", "B. Brown"):
        done = run("promote", "--kind", "vehicle", "--version", "1", "--approver", approver)
        assert done.status == 0, done.error
    pin = read_pin(Settings(home=home).pins, "vehicle")
    assert pin is not None
    assert pin.approvers == ("A. Ahmed", "B. Brown")
    listed = run("approvals", "--kind", "vehicle").out
    assert "version 1 promoted, approved by A. Ahmed and B. Brown (attributed)" in listed
    assert run("score", "--kind", "vehicle", "--movements", "m.csv", "--out", "s.csv").status == 0
    with (tmp_path / "s.csv").open(newline="") as file:
        (scored,) = csv.DictReader(file)
    assert 0 < float(scored["probability"]) < 1
    (home / "retention.toml").write_text(
        '[[rule]]\nname = "old"\noutcome = "any"\nolder_than_days = 400\n'
    )
    assert "erased 1,500 vehicle movements" in run("retain").out
    assert run("keys", "rotate-pseudonyms").status == 0
    assert "0 events added, 1 was there before" in run(*arguments).out, "under the new key too"
    with closing(open_ledger(url)) as ledger:
        assert ledger.verify().erased > 2_000


def test_postgres_gives_the_report_its_assessments(run: Run, url: str, tmp_path: Path) -> None:
    fill(url)
    with closing(open_ledger(url)) as ledger, ledger.transaction() as transaction:
        audit.prepare(transaction)
        stamp = add_assessment(transaction, audit.AuditStream("a"), 10**9)
    month = iso(stamp)[:7]
    done = run("report", "--period", month, "--out", str(tmp_path / "site"))
    assert done.status == 0, done.error
    with (tmp_path / "site" / month / "downloads" / "volumes.csv").open(newline="") as file:
        bands = {row["band"]: row["movements"] for row in csv.DictReader(file)}
    assert bands["medium"] == "1"
    with closing(open_tables(url)) as tables:
        found = tables.fetch("SELECT content FROM audit_records WHERE stream LIKE ?", ["report-%"])
    entries = [decode_record(content).entry for (content,) in found]
    assert [one.rows for one in entries if isinstance(one, audit.AssessmentsListed)] == [1]


def test_postgres_serves_records_and_signs(run: Run, home: Path, url: str) -> None:
    fill(url)
    settings = Settings(home=home, ledger_url=url)
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    answer = client.post("/v1/scores", json=MOVEMENT_EXAMPLES["vehicle"])
    again = client.post("/v1/scores", json=MOVEMENT_EXAMPLES["vehicle"])
    stored = client.get(answer.headers["location"])
    client.close()
    assert (answer.status_code, again.content) == (200, answer.content)
    assert stored.json() == {**answer.json(), "movement_ref": None}
    assert run("explain", answer.json()["score_id"]).status == 0
    verified = run("audit", "verify")
    assert verified.status == 0, verified.out
    assert verified.out == "3 records in 2 streams, 1 heads, 1 pending\n"


def test_postgres_killed_at_many_points_of_an_ingest_holds_every_row_once(
    url: str, postgres_server: str, tmp_path: Path
) -> None:
    rows = [f"M{n},2026-03-01T08:30:00Z,GB{n % 50},AB{n},{n + 1}\n" for n in range(ROWS)]
    (tmp_path / "m.csv").write_text(HEADER + "".join(rows))
    command = ("ingest", "--kind", "vehicle", "--movements", "m.csv")
    with Children(tmp_path, tmp_path / "home", FORELAND_LEDGER_URL=url) as children:
        whole = children.run(*command, "--ledger", new_database(postgres_server))
        assert whole.status == 0, whole.error
        seen = [0]
        for _ in range(KILLS):
            # Each goes on from where the one before it had come, so it gets further.
            assert children.run(*command, calls=whole.calls * 52 // 100).killed
            seen.append(_held(url))
        assert seen == sorted(seen), "nothing that was committed is lost"
        assert len(set(seen)) > KILLS // 2, seen
        assert seen[-1] < ROWS
        done = children.run(*command, counted=0)
        assert done.status == 0, done.error
    with closing(open_ledger(url)) as ledger:
        assert ledger.verify().events == ROWS
        names = {event.event_id for event in ledger.tail(0)}
    assert len(names) == ROWS


def _held(url: str) -> int:
    with closing(open_ledger(url)) as ledger:
        return ledger.last_position()
