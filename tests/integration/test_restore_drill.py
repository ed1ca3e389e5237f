"""The drill of docs/operating.md: a copy is made while scores come in, and serves elsewhere."""

import shutil
import threading
from contextlib import closing
from pathlib import Path

import pytest

from features.ledger import open_ledger
from serving.audit import read_assessments
from tests.command import Run, runner
from tests.integration.small_border import (
    as_json,
    client,
    make_ledger,
    promote,
    running,
    vehicle,
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(monkeypatch)


def test_a_copy_made_under_load_is_restored_elsewhere(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, copy, restored = tmp_path / "home", tmp_path / "copy", tmp_path / "restored"
    home.mkdir()
    promote(home, make_ledger(home), 1)
    stop = threading.Event()
    given: list[str] = []

    def keep_scoring(url: str) -> None:
        with client(url) as asking:
            number = 0
            while not stop.is_set():
                number += 1
                answer = as_json(asking.post("/v1/scores", json=vehicle(number)))
                given.append(answer["score_id"])

    with running(home) as server:
        load = threading.Thread(target=keep_scoring, args=(server.url,))
        load.start()
        while len(given) < 30:
            stop.wait(0.01)
        monkeypatch.setenv("FORELAND_HOME", str(home))
        before = list(given)
        done = run("backup", "--out", str(copy))
        while len(given) < len(before) + 30:
            stop.wait(0.01)
        stop.set()
        load.join()
        assert server.terminate() == 0
    assert done.status == 0, done.error
    assert "not in it: the keys" in done.error
    assert not (copy / "keys").exists()

    shutil.copytree(copy, restored)
    shutil.copytree(home / "keys", restored / "keys")
    monkeypatch.setenv("FORELAND_HOME", str(restored))
    url = f"sqlite:///{restored / 'ledger.db'}"
    with closing(open_ledger(url, create=False)) as ledger:
        ledger.verify()
    kept = set(read_assessments(url)["score_id"])
    assert set(before) <= kept, "what was acknowledged before is in it"
    lost = [score_id for score_id in given if score_id not in kept]
    assert lost, "what was acknowledged later is not"
    verified = run("audit", "verify", "--export", str(home / "audit-heads"))
    assert verified.status == 1, "the second place knows of more than the copy holds"
    assert run("replay", before[0]).status == 0
    with running(restored) as server, client(server.url) as asking:
        assert asking.get(f"/v1/scores/{before[0]}").status_code == 200
        assert asking.get(f"/v1/scores/{lost[-1]}").status_code == 404
        again = asking.post("/v1/scores", json=vehicle(1_000_000))
        assert as_json(again)["status"] in ("scored", "degraded")


def test_a_back_up_never_writes_over_another(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path / "home"))
    nothing = run("backup", "--out", str(tmp_path / "copy"))
    assert (nothing.status, nothing.out) == (2, "")
    assert "nothing to back up" in nothing.error
    (tmp_path / "home").mkdir()
    open_ledger(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}").close()
    assert run("backup", "--out", str(tmp_path / "copy")).status == 0
    again = run("backup", "--out", str(tmp_path / "copy"))
    assert again.status == 2
    assert "is not empty" in again.error
