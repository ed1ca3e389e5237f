"""``foreland audit`` as an auditor runs it, and what no verifier of one database can see."""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from features.ledger import open_ledger, open_tables
from features.settings import Settings
from models.trust import bundle_signing_key
from serving.app import create_app
from serving.audit import AuditStream
from serving.audit.entries import decode_record
from serving.audit.exported import write_head
from serving.audit.heads import heads_after
from serving.audit.trust import audit_keys, audit_signing_key
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES, OUTCOME_EXAMPLE
from serving.state import ServingState
from tests.app_client import AppClient
from tests.audit_examples import add_heads, add_many, build_log
from tests.command import Run, runner

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_audit.py"
NOBODY = 65_534


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    del home
    return runner(monkeypatch)


@pytest.fixture
def settings(home: Path) -> Settings:
    """A home that served."""
    made = Settings(home=home)
    with closing(open_ledger(made.ledger)) as ledger:
        build_log(ledger, audit_signing_key(made), made.exported_heads)
    return made


def spoil(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute(statement)


def script(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_verify_says_what_there_is_and_that_it_was_asked(run: Run, settings: Settings) -> None:
    done = run("audit", "verify")
    assert (done.status, done.out) == (0, "64 records in 3 streams, 4 heads, 16 pending\n")
    again = run("audit", "verify")
    assert again.out == "65 records in 4 streams, 4 heads, 17 pending\n"
    with closing(open_tables(settings.ledger)) as tables:
        notes = tables.fetch("SELECT content FROM audit_records WHERE stream LIKE 'verify-%'")
    said = [decode_record(content).entry for (content,) in notes]
    assert [entry.findings for entry in said] == [0, 0]  # type: ignore[union-attr]


def test_verify_gives_each_finding_a_line_and_exit_status_1(run: Run, settings: Settings) -> None:
    path = settings.home / "ledger.db"
    spoil(path, "UPDATE assessments SET band = 'low' WHERE score_id IN ('score-3', 'score-4')")
    done = run("audit", "verify")
    assert done.status == 1
    first, second, counts = done.out.splitlines()
    assert first.startswith(
        "assessment_changed: assessment score-3 differs from its record in band"
    )
    assert "score-4" in second
    assert "; keep the database as evidence" in first
    assert counts.startswith("64 records")
    assert "2 findings: the audit log is not what was written" in done.error


def test_an_export_verifies_without_anything_of_ours(
    run: Run, settings: Settings, tmp_path: Path
) -> None:
    done = run("audit", "export", "--out", str(tmp_path / "out"))
    assert done.status == 0, done.error
    assert "64 records and 4 heads" in done.out
    (key,) = audit_keys(settings)
    pinned = ("--key", key.public.hex(), "--heads", settings.exported_heads)
    good = script(tmp_path / "out", *pinned)
    assert (good.returncode, good.stdout) == (0, "64 records in 3 streams, 4 heads, 16 pending\n")
    assert script(tmp_path / "out", "--key", "00" * 32).returncode == 1
    records = tmp_path / "out" / "records.jsonl"
    records.write_text(records.read_text().replace("medium", "mediun", 1))
    bad = script(tmp_path / "out", *pinned)
    assert bad.returncode == 1
    assert "not what was chained there" in bad.stdout
    refused = run("audit", "export", "--out", str(tmp_path / "out"))
    assert (refused.status, "holds something already" in refused.error) == (2, True)


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_a_restored_back_up_is_found_by_its_exported_heads(
    run: Run, home: Path, tmp_path: Path, rounds: int
) -> None:
    settings, path = Settings(home=home), home / "ledger.db"
    key = audit_signing_key(settings)
    with closing(open_ledger(settings.ledger)) as ledger:
        for first in range(1, 1 + 6 * rounds, 6):
            add_many(ledger, [AuditStream(f"worker-{first}")], range(first, first + 6))
            add_heads(ledger, key, settings.exported_heads)
    shutil.copy(path, tmp_path / "back-up.db")
    with closing(open_ledger(settings.ledger)) as ledger:
        add_many(ledger, [AuditStream("worker-last")], range(50, 56))
        add_heads(ledger, key, settings.exported_heads)
    assert run("audit", "verify").status == 0
    shutil.copy(tmp_path / "back-up.db", path)
    done = run("audit", "verify")
    assert done.status == 1
    assert done.out.startswith("head_gone: ")
    # and it cannot be hidden by going on from there
    with closing(open_ledger(settings.ledger)) as ledger:
        add_many(ledger, [AuditStream("worker-other")], range(60, 66))
        with pytest.raises(Exception, match="another head of this number"):
            add_heads(ledger, key, settings.exported_heads)
    assert "export_differs: " in run("audit", "verify").out


def test_what_a_service_writes_verifies(run: Run, home: Path) -> None:
    settings = Settings(home=home)
    open_ledger(settings.ledger).close()
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    vehicle = MOVEMENT_EXAMPLES["vehicle"]
    first = client.post("/v1/scores", json=vehicle)
    assert client.post("/v1/scores", json=vehicle).content == first.content
    many = [{**vehicle, "version": version} for version in range(1, 9)]
    many += [{**vehicle, "movement_ref": f"M-{n}"} for n in range(30)]
    assert client.post("/v1/scores/batch", json=many).status_code == 200
    assert client.post("/v1/outcomes", json=OUTCOME_EXAMPLE).status_code == 200
    assert client.get(first.headers["location"]).status_code == 200
    client.close()
    done = run("audit", "verify")
    assert done.status == 0, done.out
    assert done.out.endswith(" 0 pending\n")


def test_what_is_pending_can_be_cut_off_unseen_and_no_more(run: Run, settings: Settings) -> None:
    """The limit that docs/audit.md states: it is why heads are exported every few minutes."""
    path = settings.home / "ledger.db"
    spoil(path, "DELETE FROM assessments WHERE position > 36")
    spoil(path, "DELETE FROM audit_records WHERE place > 48")
    spoil(path, "DELETE FROM audit_heads WHERE number = 4")
    spoil(path, "DELETE FROM record_keys WHERE position > 36")
    spoil(path, "DELETE FROM events WHERE position > 36")
    done = run("audit", "verify")
    assert (done.status, done.out) == (0, "48 records in 3 streams, 3 heads, 0 pending\n")
    spoil(path, "DELETE FROM audit_records WHERE place > 47")
    assert run("audit", "verify").status == 1


def test_a_rotated_key_is_recorded_and_both_are_believed(run: Run, settings: Settings) -> None:
    (old,) = audit_keys(settings)
    stolen = audit_signing_key(settings)
    done = run("audit", "rotate-key")
    assert done.status == 0, done.error
    new, *others = audit_keys(settings)
    assert (done.out.strip(), others) == (new.public.hex(), [old])
    with closing(open_tables(settings.ledger)) as tables:
        ((content,),) = tables.fetch(
            "SELECT content FROM audit_records WHERE stream LIKE 'rotate-key-%'"
        )
        for head in heads_after(tables, 3):
            write_head(settings.exported_heads, head)
    assert old.public.hex().encode() in content
    with closing(open_ledger(settings.ledger)) as ledger:
        add_heads(ledger, audit_signing_key(settings), settings.exported_heads)
    assert run("audit", "verify").status == 0
    with closing(open_ledger(settings.ledger)) as ledger:
        add_heads(ledger, stolen, settings.exported_heads)
    assert "key_superseded: head 6 " in run("audit", "verify").out


@pytest.mark.skipif(shutil.which("xxd") is None, reason="the line uses xxd")
def test_the_lines_by_hand_in_the_document_verify_a_head(
    settings: Settings, tmp_path: Path
) -> None:
    text = (SCRIPT.parent / "audit.md").read_text()
    block = text.split("One head by hand:")[1].split("One score:")[0]
    copied = settings.exported_heads / "head-0000000002.txt"
    for name, content, said in (
        ("good", copied.read_bytes(), "Signature Verified Successfully"),
        ("bad", copied.read_bytes().replace(b'"number":2', b'"number":3'), "Failure"),
    ):
        place = tmp_path / name
        (place / "var" / "keys").mkdir(parents=True)
        (place / "head-0000000007.txt").write_bytes(content)
        shutil.copy(settings.keys / "signing-audit.pub", place / "var" / "keys")
        command = ["bash", "-e", "-c", textwrap.dedent(block)]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        assert said in done.stdout + done.stderr
        assert (done.returncode == 0) == (name == "good")


def test_a_home_that_never_served_verifies_as_empty(run: Run, home: Path) -> None:
    open_ledger(Settings(home=home).ledger).close()
    assert run("audit", "verify").out == "0 records in 0 streams, 0 heads, 0 pending\n"
    assert run("audit", "rotate-key").status == 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_account_cannot_read_the_keys_that_sign(settings: Settings) -> None:
    """What file permissions give: the service under an account of its own reads neither the key
    that signs bundles nor, from outside, can anybody read the one that signs heads."""
    bundle_signing_key(settings)
    names = ("signing-bundles.key", "signing-audit.key")
    for name in names:
        assert (settings.keys / name).stat().st_mode & 0o777 == 0o600
    read = "import os, sys; os.setuid(int(sys.argv[1])); open(sys.argv[2]).read()"
    for name in names:
        command = [sys.executable, "-I", "-c", read, str(NOBODY), str(settings.keys / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "PermissionError" in done.stderr


def test_heads_are_signed_where_the_key_of_bundles_is_not(settings: Settings) -> None:
    bundle_signing_key(settings)
    (settings.keys / "signing-bundles.key").unlink()
    with closing(open_ledger(settings.ledger)) as ledger:
        add_heads(ledger, audit_signing_key(settings), settings.exported_heads)
