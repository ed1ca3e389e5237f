"""After `foreland suspend` no model speaks, in any worker, until `foreland resume`."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from features.catalogue import catalogue_for
from features.clock import now_micros
from features.errors import InputError
from features.history.online import LiveHistory
from features.ledger import MovementDeclared, ServiceSuspended, open_ledger, open_tables
from features.rows import feature_row
from features.settings import Settings
from serving import audit
from serving.app import create_app
from serving.audit.entries import decode_record
from serving.metrics import Counters
from serving.recording import Recorder
from serving.state import ServingState
from serving.suspension import SOURCE, Suspensions, read_suspensions, resume, suspend
from tests.app_client import AppClient
from tests.command import Run, runner
from tests.example_events import movement_event
from tests.postgres import new_database
from tests.served_home import healthy_home, vehicle

WHY = "drift under investigation"


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, home: Path) -> Settings:
    url = None
    if request.param == "postgres":
        url = new_database(request.getfixturevalue("postgres_server"))
    return healthy_home(home, url)


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(monkeypatch)


def scored(client: AppClient, number: int, **changes: Any) -> dict[str, Any]:
    response = client.post("/v1/scores", json=vehicle(number, **changes))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_every_answer_is_unassessed_until_it_is_resumed(client: AppClient, run: Run) -> None:
    before = scored(client, 1)
    assert (before["status"], before["band"]) == ("scored", "low")
    done = run("suspend", "--reason", WHY, "--by", "A. Lovelace")
    assert done.status == 0, done.error
    assert "by A. Lovelace: drift under investigation" in done.out
    answer = scored(client, 2)
    assert (answer["status"], answer["band"]) == ("unassessed", "unassessed")
    assert (answer["probability"], answer["model"]) == (None, None)
    assert answer["degraded_reasons"][0].startswith(f"suspended: {WHY} (no vehicle is assessed")
    assert any(WHY in problem for problem in client.get("/readyz").json()["problems"])
    assert all(WHY in model["suspended"] for model in client.get("/v1/models").json()["models"])
    assert scored(client, 1) == before, "what was recorded stays what it was"
    assert run("resume", "--by", "A. Lovelace").status == 0
    assert scored(client, 3)["status"] == "scored"
    assert scored(client, 2) == answer
    assert scored(client, 2, version=2)["status"] == "scored"
    assert [model["suspended"] for model in client.get("/v1/models").json()["models"]] == [None] * 3


def test_one_kind_alone_can_be_suspended(client: AppClient, run: Run) -> None:
    assert run("suspend", "--kind", "vessel", "--reason", WHY).status == 0
    assert scored(client, 1)["status"] == "scored"
    assert run("suspend", "--reason", WHY).status == 0, "the others are not suspended yet"
    assert scored(client, 2)["status"] == "unassessed"
    assert run("resume", "--kind", "vehicle").status == 0
    assert scored(client, 3)["status"] == "scored"


def test_an_answer_on_its_way_is_withheld(
    client: AppClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was computed before the suspension, and would be committed after it."""
    done = Recorder.done
    with closing(open_ledger(settings.ledger)) as ledger:

        async def suspended_first(recorder: Recorder, work: Any, records: int) -> Any:
            suspend(ledger, "vehicle", "Ada", WHY)
            return await done(recorder, work, records)

        monkeypatch.setattr(Recorder, "done", suspended_first)
        answer = scored(client, 1)
        monkeypatch.undo()
    assert (answer["status"], answer["probability"]) == ("unassessed", None)
    assert answer["degraded_reasons"][0].startswith(f"suspended: {WHY}")
    assert client.get(f"/v1/scores/{answer['score_id']}").json() == answer | {"movement_ref": None}


def test_a_suspension_of_others_withholds_nothing(
    client: AppClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Recorder.done
    with closing(open_ledger(settings.ledger)) as ledger:

        async def suspended_first(recorder: Recorder, work: Any, records: int) -> Any:
            suspend(ledger, "vessel", "Ada", WHY)
            return await done(recorder, work, records)

        monkeypatch.setattr(Recorder, "done", suspended_first)
        assert scored(client, 1)["status"] == "scored"


def test_a_file_is_unassessed_too(run: Run, settings: Settings, tmp_path: Path) -> None:
    rows = "movement_ref,declared_at,haulier_eori\nM1,2026-03-01T08:30:00Z,GB1\n"
    (tmp_path / "m.csv").write_text(rows)
    arguments = ["--kind", "vehicle", "--movements", str(tmp_path / "m.csv")]
    arguments += ["--out", str(tmp_path / "s.csv"), "--ledger", settings.ledger]
    run("suspend", "--reason", WHY)
    assert run("score", *arguments).status == 0
    assert f"M1,unassessed,,unassessed,suspended: {WHY}" in (tmp_path / "s.csv").read_text()
    run("resume")
    assert run("score", *arguments).status == 0
    assert "suspended" not in (tmp_path / "s.csv").read_text()


def test_saying_it_twice_says_so_and_changes_nothing(settings: Settings, run: Run) -> None:
    run("suspend", "--reason", WHY)
    with closing(open_ledger(settings.ledger)) as ledger:
        last = ledger.last_position()
        again = run("suspend", "--reason", "another one")
        assert (again.status, again.out.splitlines()[0]) == (
            0,
            "suspended already, nothing is changed:",
        )
        assert WHY in again.out
        assert ledger.last_position() == last
        run("resume")
        assert "not suspended" in run("resume").out
        assert ledger.last_position() == last + 1


def test_both_are_in_the_audit_log(settings: Settings, run: Run) -> None:
    run("suspend", "--reason", WHY, "--by", "Ada", "--kind", "vehicle")
    run("resume", "--reason", "checked", "--by", "Grace", "--kind", "vehicle")
    with closing(open_tables(settings.ledger)) as tables:
        found = tables.fetch("SELECT content FROM audit_records ORDER BY recorded_at")
    entries = [decode_record(bytes(content)).entry for (content,) in found]
    said = [
        (entry.by, entry.kind, entry.reason)
        for entry in entries
        if isinstance(entry, audit.ServiceSuspended | audit.ServiceResumed)
    ]
    assert said == [("Ada", "vehicle", WHY), ("Grace", "vehicle", "checked")]


def test_two_who_saw_the_same_cannot_both_be_first(settings: Settings) -> None:
    with closing(open_ledger(settings.ledger)) as ledger, pytest.MonkeyPatch.context() as patch:
        suspend(ledger, None, "Ada", WHY)
        patch.setattr("serving.suspension.read_suspensions", lambda _: Suspensions())
        with pytest.raises(InputError, match="somebody else"):
            suspend(ledger, None, "Grace", "I was first")
        patch.undo()
        standing = read_suspensions(ledger).of("vehicle")
        assert standing is not None
        assert standing.by == "Ada"
        assert resume(ledger, None, "Ada", "done")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
def test_a_reason_is_given_and_short(settings: Settings, run: Run, reason: str) -> None:
    done = run("suspend", "--reason", reason)
    assert done.status == 2
    assert "--reason is 1 to 200 characters" in done.error
    with closing(open_ledger(settings.ledger)) as ledger:
        assert list(ledger.read_source(SOURCE)) == []


def test_history_knows_nothing_of_it(settings: Settings) -> None:
    with closing(open_ledger(settings.ledger)) as ledger:
        plain, told = LiveHistory(), LiveHistory()
        plain.follow(ledger)
        suspend(ledger, None, "Ada", WHY)
        told.follow(ledger)
        assert told.position == plain.position + 1
        (last,) = ledger.tail(plain.position)
        assert isinstance(last.payload, ServiceSuspended)
        now, catalogue = now_micros(), catalogue_for("vehicle")
        asked = movement_event(1).payload
        assert isinstance(asked, MovementDeclared)
        rows = [feature_row(history, asked, now, catalogue) for history in (plain, told)]
        assert rows[0].tobytes() == rows[1].tobytes()
        assert told.newest_available_at("vehicle") == plain.newest_available_at("vehicle")
