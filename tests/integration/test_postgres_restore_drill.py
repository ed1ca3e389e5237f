"""The drill of docs/operating.md on a real PostgreSQL: dumped while scores come in, restored into
another database, verified, replayed, served."""

import shutil
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.audit import read_assessments
from serving.backup import DUMP
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient
from tests.command import Run, runner
from tests.postgres import new_database, programs
from tests.served_home import healthy_home, vehicle


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PATH", str(programs()), prepend=":")
    return runner(monkeypatch)


def serving(settings: Settings) -> AppClient:
    return AppClient(create_app(lambda: ServingState(settings), counters=Counters()))


def test_postgres_dumped_under_load_is_restored_elsewhere(
    run: Run, home: Path, tmp_path: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = healthy_home(home, new_database(postgres_server))
    client, given, stop = serving(settings), list[str](), threading.Event()

    def keep_scoring() -> None:
        while not stop.is_set():
            given.append(client.post("/v1/scores", json=vehicle(len(given))).json()["score_id"])

    load = threading.Thread(target=keep_scoring)
    load.start()
    while len(given) < 10:
        stop.wait(0.01)
    before, copy, restored = list(given), tmp_path / "copy", tmp_path / "restored"
    done = run("backup", "--out", str(copy))
    while len(given) < len(before) + 20:
        stop.wait(0.01)
    stop.set()
    load.join()
    client.close()
    assert done.status == 0, done.error
    assert not (copy / "keys").exists()
    assert (copy / DUMP).stat().st_mode & 0o777 == 0o600

    shutil.copytree(copy, restored)
    shutil.copytree(home / "keys", restored / "keys")
    url = new_database(postgres_server)
    options = ["--exit-on-error", "--no-owner", f"--dbname={url}"]
    subprocess.run([programs() / "pg_restore", *options, restored / DUMP], check=True)
    monkeypatch.setenv("FORELAND_HOME", str(restored))
    monkeypatch.setenv("FORELAND_LEDGER_URL", url)
    with closing(open_ledger(url, create=False)) as ledger:
        events = ledger.verify().events
    kept = set(read_assessments(url)["score_id"])
    assert done.out.startswith(f"{events:,} events and {len(kept):,} assessments: ")
    assert set(before) <= kept, "what was acknowledged before is in it"
    lost = [score_id for score_id in given if score_id not in kept]
    assert lost, "what was acknowledged later is not"
    verified = run("audit", "verify", "--export", str(home / "audit-heads"))
    assert verified.status == 1, "the second place knows of more than the copy holds"
    assert run("replay", before[0]).status == 0
    client = serving(settings.model_copy(update={"home": restored, "ledger_url": url}))
    assert client.get(f"/v1/scores/{before[0]}").status_code == 200
    assert client.get(f"/v1/scores/{lost[-1]}").status_code == 404
    assert client.post("/v1/scores", json=vehicle(1_000_000)).json()["band"] == "low"
    client.close()


def test_postgres_that_cannot_be_dumped_is_said(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    monkeypatch.setenv("FORELAND_LEDGER_URL", "postgresql://127.0.0.1:9/nowhere")
    gone = run("backup", "--out", str(tmp_path / "copy"))
    assert gone.status != 0
    assert "does not answer" in gone.error
    monkeypatch.setenv("PATH", str(tmp_path))
    without = run("backup", "--out", str(tmp_path / "other"))
    assert without.status == 2
    assert "no pg_dump on this machine" in without.error
