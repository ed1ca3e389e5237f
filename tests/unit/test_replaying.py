"""Replay of recorded scores: the same bits whatever came since, and not when anything was altered.

One border is scored under three models, with a restart, an outcome, its correction, a rotation of
the pseudonym key and a backfill between; what is altered afterwards is altered in a copy.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

import serving.replaying
from features.catalogue import Catalogue, catalogue_for
from features.clock import now_micros
from features.errors import InputError
from features.ledger import (
    ErasedCount,
    Event,
    MovementDeclared,
    OutcomeRecorded,
    Recorded,
    open_ledger,
)
from features.ledger.events import decode_payload, encode_payload
from features.ledger.rows import FIRST_LINK, linked_row
from features.ledger.sealing import seal, unseal
from features.retention import Plan, Rules, erase
from features.rotation import rotate_pseudonym_key
from features.settings import Settings
from models.bundle import BundleError
from serving.app import create_app
from serving.audit import read_one
from serving.metrics import Counters
from serving.replaying import replay
from serving.state import ServingState
from tests.app_client import AppClient
from tests.integration.small_border import RISKY_HAULIER, make_ledger, promote, vehicle

VESSEL = {"kind": "vessel", "movement_ref": "V1", "declared_at": "2026-03-01T00:00:00Z"}


class Border(NamedTuple):
    settings: Settings
    answers: dict[str, dict[str, Any]]
    """By a word for when each was given."""


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> Border:
    home = tmp_path_factory.mktemp("home")
    url = make_ledger(home, movements=300)
    settings = Settings(home=home, ledger_url=url)
    answers: dict[str, dict[str, Any]] = {}
    promote(home, url, 1)
    with asking(settings) as client:
        answers["first"] = score(client, 1)
        answers["unassessed"] = client.post("/v1/scores", json=VESSEL | {"imo": "9074729"}).json()
        examine(client, "EXAM-1", vehicle(1)["movement_ref"], "positive")
    promote(home, url, 2)
    with asking(settings) as client:
        answers["second"] = score(client, 2)
        examine(client, "EXAM-2", vehicle(1)["movement_ref"], "negative", corrects="EXAM-1")
    with closing(open_ledger(url)) as ledger:
        rotate_pseudonym_key(ledger, settings.keys)
        ledger.backfill([earlier_find(url)])
    promote(home, url, 3)
    with asking(settings) as client:
        answers["third"] = score(client, 3)
        answers["without reasons"] = score(client, 4, explain="never")
    return Border(settings, answers)


@contextmanager
def asking(settings: Settings) -> Iterator[AppClient]:
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    try:
        yield client
    finally:
        client.close()


def score(client: AppClient, number: int, explain: str = "always") -> dict[str, Any]:
    request = vehicle(number, haulier_eori=RISKY_HAULIER)
    answer: dict[str, Any] = client.post(f"/v1/scores?explain={explain}", json=request).json()
    assert answer["status"] == "scored"
    return answer


def examine(client: AppClient, event: str, reference: str, outcome: str, **more: str) -> None:
    message = {"kind": "vehicle", "event_id": event, "movement_ref": reference, "outcome": outcome}
    message |= {"examined_at": "2026-03-01T10:00:00Z", **more}
    assert client.post("/v1/outcomes", json=message).status_code == 200


def earlier_find(url: str) -> Event:
    """An old file with a find of before the first score, on the haulier that is scored."""
    events: list[Any] = recorded_events(url)
    examined = {e.payload.movement for e in events if isinstance(e.payload, OutcomeRecorded)}
    declared = [e for e in events if isinstance(e.payload, MovementDeclared)]
    haulier = next(e.payload.entities["haulier_eori"] for e in declared if e.source == "api")
    before = next(
        e
        for e in declared
        if e.payload.entities["haulier_eori"] == haulier and e.payload.movement not in examined
    )
    stamp = before.available_at + 1
    found = OutcomeRecorded(
        kind="vehicle",
        movement=before.payload.movement,
        examined_at=stamp,
        outcome="positive",
        message="late file",
    )
    return Event(
        source="file", event_id="late", occurred_at=stamp, available_at=stamp, payload=found
    )


def recorded_events(url: str) -> list[Recorded]:
    with closing(open_ledger(url)) as ledger:
        return list(ledger.tail(0))


@pytest.fixture
def copy(border: Border, tmp_path: Path) -> str:
    """The ledger's URL in a place of its own, to be altered; the home is the same."""
    shutil.copyfile(border.settings.ledger.removeprefix("sqlite:///"), tmp_path / "ledger.db")
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@contextmanager
def altering(url: str) -> Iterator[sqlite3.Connection]:
    """Past the triggers, as somebody with the file could."""
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in found.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


@pytest.mark.parametrize("when", ["first", "second", "third", "without reasons"])
def test_every_score_is_the_same_bit_for_bit(border: Border, when: str) -> None:
    answer = border.answers[when]
    done = replay(border.settings, border.settings.ledger, answer["score_id"])
    assert (done.verdict, done.agrees) == ("the same", True), done.lines
    assert any(answer["model"]["bundle_sha256"] in line for line in done.lines)
    assert any(answer["probability"].hex() in line for line in done.lines)
    assert done.lines[-1] == "replayed: the same"


def test_an_unassessed_answer_says_why_there_is_nothing_to_compute(border: Border) -> None:
    score_id = border.answers["unassessed"]["score_id"]
    done = replay(border.settings, border.settings.ledger, score_id)
    assert done.verdict == "unassessed"
    assert "no_model: no vessel model is promoted" in done.lines[-2]


def test_an_altered_column_is_named(border: Border, copy: str) -> None:
    score_id = border.answers["first"]["score_id"]
    with altering(copy) as connection:
        connection.execute(
            "UPDATE assessments SET probability = 0.5 WHERE score_id = ?", [score_id]
        )
    done = replay(border.settings, copy, score_id)
    assert not done.agrees
    assert "column probability: recorded 0.5 (3fe0000000000000), recomputed" in done.lines[-2]


def test_an_answer_that_was_sealed_anew_is_not_what_the_bundle_says(
    border: Border, copy: str
) -> None:
    """Whoever has the database has the keys of its records; the model he has not."""
    score_id = border.answers["first"]["score_id"]
    kept = read_one(copy, score_id)
    assert kept is not None
    assert kept.body is not None
    with altering(copy) as connection:
        (key,) = connection.execute(
            "SELECT key FROM record_keys WHERE position = ?", [kept.position]
        ).fetchone()
        was = f'"probability":{kept.probability!r}'.encode()
        body = kept.body.replace(was, b'"probability":0.5', 1)
        assert body != kept.body
        connection.execute(
            "UPDATE assessments SET probability = 0.5, body = ? WHERE score_id = ?",
            [seal(key, "assessment.body", body), score_id],
        )
    done = replay(border.settings, copy, score_id)
    assert not done.agrees
    assert done.lines[-2].startswith("DIFFERS: probability: recorded 0.5 (3fe0000000000000)")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE events SET available_at = available_at + 1 WHERE position = 7", "position 7"),
        ("DELETE FROM events WHERE position = 7", "position 7 is missing"),
        ("UPDATE assessments SET row = body", "sealed assessment.row"),
        ("UPDATE assessments SET position = position - 1", "does not open with its key"),
        ("UPDATE assessments SET as_of = as_of + 1", "column as_of"),
        ("UPDATE assessments SET movement = 'other'", "event's movement"),
        ("UPDATE assessments SET catalogue_sha256 = 'other'", "catalogue_sha256"),
        ("UPDATE assessments SET row = NULL", "number of features"),
    ],
)
def test_whatever_is_altered_is_found(border: Border, copy: str, statement: str, said: str) -> None:
    with altering(copy) as connection:
        connection.execute("UPDATE assessments SET agency = score_id")  # keeps movements apart
        connection.execute(statement)
    done = replay(border.settings, copy, border.answers["second"]["score_id"])
    assert not done.agrees
    assert said in done.lines[-2]


def test_a_history_that_was_rewritten_chain_and_all_gives_another_row(
    border: Border, copy: str
) -> None:
    """The outcome that the second score knew is turned round, and every link made anew."""
    second = border.answers["second"]
    found = next(
        event.position
        for event in recorded_events(copy)
        if event.source == "api" and isinstance(event.payload, OutcomeRecorded)
    )
    with altering(copy) as connection:
        rewrite(
            connection, found, lambda payload: msgspec.structs.replace(payload, outcome="negative")
        )
    done = replay(border.settings, copy, second["score_id"])
    assert done.lines[1].endswith("every link of the chain holds"), "the forgery is a good one"
    assert not done.agrees
    assert "finds" in done.lines[-2]


KEPT = (
    "SELECT position, source, event_id, occurred_at, available_at, backfill, sealed, key"
    " FROM events JOIN record_keys USING (position) ORDER BY position"
)


def rewrite(connection: sqlite3.Connection, altered: int, change: Callable[[Any], Any]) -> None:
    link = FIRST_LINK
    for position, source, name, occurred, available, backfill, was, key in connection.execute(
        KEPT
    ).fetchall():
        sealed = was
        if position == altered:
            payload = change(decode_payload(unseal(key, "event", was)))
            sealed = seal(key, "event", encode_payload(payload))
        link = linked_row(
            link, position, source, name, occurred, available, bool(backfill), sealed
        ).link
        connection.execute(
            "UPDATE events SET sealed = ?, link = ? WHERE position = ?", (sealed, link, position)
        )


def test_what_retention_took_since_is_no_forgery(border: Border, copy: str) -> None:
    """The history of the second score is gone, the first score itself too."""
    first, second = (read_one(copy, border.answers[w]["score_id"]) for w in ("first", "second"))
    assert first is not None
    assert second is not None
    about = [
        event.position
        for event in recorded_events(copy)
        if getattr(event.payload, "movement", None) == first.movement
    ]
    erase_positions(copy, about)
    done = replay(border.settings, copy, second.score_id)
    assert (done.verdict, done.agrees) == ("the same but for what was erased", True), done.lines
    (said,) = [line for line in done.lines if line.startswith("row: ")]
    assert "retention erased some of it since (1 vehicle movements by the rule 'all')" in said
    assert "haulier" in said
    done = replay(border.settings, copy, first.score_id)
    assert (done.verdict, done.agrees) == ("erased", True), done.lines
    assert f"{first.probability!r}" in done.lines[-2]


def erase_positions(url: str, positions: list[int]) -> None:
    count = ErasedCount(rule="all", kind="vehicle", movements=1, events=len(positions))
    with closing(open_ledger(url)) as ledger:
        planned = Plan(positions, (count,), 0, 0, ledger.last_position())
        erase(ledger, planned, Rules((), "0" * 64), now_micros())


def test_a_key_that_nobody_s_rule_took_is_no_retention(border: Border, copy: str) -> None:
    score_id = border.answers["first"]["score_id"]
    kept = read_one(copy, score_id)
    assert kept is not None
    with altering(copy) as connection:
        connection.execute("DELETE FROM record_keys WHERE position = ?", [kept.position])
    done = replay(border.settings, copy, score_id)
    assert not done.agrees
    assert "no run of retention took it" in done.lines[-2]


def test_without_its_bundle_it_says_which_to_restore(border: Border, tmp_path: Path) -> None:
    elsewhere = Settings(home=tmp_path)
    answer = border.answers["second"]
    with pytest.raises(InputError, match=answer["model"]["bundle_sha256"]):
        replay(elsewhere, border.settings.ledger, answer["score_id"])
    bundle = shutil.copytree(border.settings.bundles / "vehicle-2", elsewhere.bundles / "restored")
    assert replay(elsewhere, border.settings.ledger, answer["score_id"]).verdict == "the same"
    (bundle / "booster.txt").write_text("no trees")
    with pytest.raises(BundleError, match="booster"):
        replay(elsewhere, border.settings.ledger, answer["score_id"])


def test_an_unknown_score_is_named(border: Border) -> None:
    with pytest.raises(InputError, match="'nothing'"):
        replay(border.settings, border.settings.ledger, "nothing")


def test_code_that_describes_features_otherwise_is_named(
    border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reworded(kind: str, attributes: Any, **options: bool) -> Catalogue:
        first, *others = catalogue_for(kind, attributes, **options).features
        return Catalogue(kind, (msgspec.structs.replace(first, description="new"), *others))

    monkeypatch.setattr(serving.replaying, "catalogue_for", reworded)
    done = replay(border.settings, border.settings.ledger, border.answers["third"]["score_id"])
    assert done.agrees
    assert any(
        line.startswith("code: this version of Foreland describes 1 of") for line in done.lines
    )
