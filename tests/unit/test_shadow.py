"""A challenger is scored in the shadow and recorded; no client can tell that it is there."""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from features.catalogue import Catalogue, catalogue_for
from features.ledger import open_ledger
from features.settings import Settings
from models.bundle import Bundle, load_bundle
from models.pins import read_pin, write_pin
from serving.app import create_app
from serving.audit import RecordedAssessment, read_one
from serving.audit.assessments import entry_of
from serving.choices import read_logged_choices
from serving.comparing import Difference
from serving.metrics import Counters
from serving.replaying import replay
from serving.shadow_replay import challenger_again
from serving.state import ServingState
from serving.suspension import suspend
from tests.app_client import AppClient
from tests.served_home import healthy_home, pin_small, vehicle

OF_THE_MOMENT = {"score_id", "as_of", "ledger_position"}


@pytest.fixture
def settings(home: Path) -> Settings:
    return healthy_home(home)


@contextmanager
def asking(settings: Settings) -> Iterator[tuple[AppClient, Counters]]:
    counters = Counters()
    failed = counters.challenger_failures

    def opened() -> ServingState:
        return ServingState(
            settings, shadow_failed=lambda kind, why: failed.labels(kind, why).inc()
        )

    client = AppClient(create_app(opened, counters=counters))
    try:
        yield client, counters
    finally:
        client.close()


def recorded(settings: Settings, answer: dict[str, Any]) -> RecordedAssessment:
    found = read_one(settings.ledger, answer["score_id"])
    assert found is not None
    return found


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in OF_THE_MOMENT}


def everything_shown(settings: Settings) -> list[Any]:
    """To a client who asks all that can be asked, less ids, times and digests."""
    with asking(settings) as (client, _):
        alone = client.post("/v1/scores?explain=always", json=vehicle(1)).json()
        batch = client.post("/v1/scores/batch", json=[vehicle(2), vehicle(3)])
        rows = [lasting(row["assessment"]) for row in batch.json()["results"]]
        stored = client.get(f"/v1/scores/{alone['score_id']}").json()
        models = client.get("/v1/models").json()["models"]
        ready = client.get("/readyz").json()["problems"]
        proof = client.get(f"/v1/audit/{alone['score_id']}/proof").json()
        entry = json.loads(proof["content"])["entry"]
        chained = {name: entry[name] for name in entry if name != "body_sha256"}
        kept = ("band", "bundle_sha256", "challenger", "model_version", "probability", "status")
        return [
            lasting(alone),
            rows,
            lasting(stored),
            [{**model, "newest_event_at": None} for model in models],
            ready,
            sorted(chained),
            {name: chained[name] for name in kept},
        ]


def test_no_client_can_tell_that_there_is_one(settings: Settings, tmp_path: Path) -> None:
    ServingState(settings).close()  # makes the keys that both homes shall have
    other = tmp_path / "other"
    shutil.copytree(settings.home, other)
    pin_small(other, 2, "challenger")
    url = f"sqlite:///{other / 'ledger.db'}"
    with_one = settings.model_copy(update={"home": other, "ledger_url": url})
    assert everything_shown(settings) == everything_shown(with_one)


def test_alone_and_in_a_batch_it_is_recorded_as_text_that_reads_back(settings: Settings) -> None:
    pin_small(settings.home, 2, "challenger")
    with asking(settings) as (client, counters):
        alone = client.post("/v1/scores", json=vehicle(1)).json()
        batch = client.post("/v1/scores/batch", json=[vehicle(2)]).json()
        assert b"challenger_failures_total{" not in counters.exposition()
    done = replay(settings, settings.ledger, alone["score_id"])
    assert "challenger: vehicle 2 says the same, to the bit" in done.lines, done.lines
    for answer in (alone, batch["results"][0]["assessment"]):
        row = recorded(settings, answer)
        assert row.challenger is not None
        said = json.loads(row.challenger)
        assert row.challenger == json.dumps(said, sort_keys=True, separators=(",", ":"))
        assert (said["version"], said["band"]) == (2, "low")
        assert said["bundle_sha256"] != row.bundle_sha256
        assert float(said["probability"]) == row.probability  # the same trees
        silent = entry_of(row)
        assert silent.challenger is None
        assert silent.body_sha256 != entry_of(row._replace(challenger=None)).body_sha256
    read = read_logged_choices(settings.ledger, 0, 2**62)
    assert read["challenger"].tolist() == [2, 2]
    assert read["challenger_probability"].tolist() == read["probability"].tolist()


def test_a_catalogue_of_its_own_has_rows_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = catalogue_for("vehicle").features
    reworded = Catalogue("vehicle", (msgspec.structs.replace(first, description="new"), *others))
    pin_small(settings.home, 2, "challenger", catalogue=reworded)
    with asking(settings) as (client, counters):
        row = recorded(settings, client.post("/v1/scores", json=vehicle(1)).json())
        assert row.challenger is not None
        assert float(json.loads(row.challenger)["probability"]) == row.probability
        done = replay(settings, settings.ledger, row.score_id)
        assert "challenger: vehicle 2 says the same, to the bit" in done.lines, done.lines

        def broken(*_: Any) -> None:
            raise OverflowError

        monkeypatch.setattr("serving.shadow.live_rows", broken)
        answer = client.post("/v1/scores", json=vehicle(2)).json()
        assert (answer["status"], answer["band"]) == ("scored", "low")
        assert json.loads(recorded(settings, answer).challenger or "")["failed"] == "features"
        assert b'total{kind="vehicle",why="features"} 1.0' in counters.exposition()


@pytest.mark.parametrize(("gives", "word"), [(None, "model"), (np.nan, "no_number")])
def test_its_failure_is_a_word_in_the_record_and_one_line_in_the_log(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    gives: float | None,
    word: str,
) -> None:
    pin_small(settings.home, 2, "challenger")
    real = Bundle.probabilities

    def failing(self: Bundle, rows: Any) -> Any:
        if self.version == 1:
            return real(self, rows)
        if gives is None:
            raise MemoryError
        return np.full(len(rows), gives)

    with asking(settings) as (client, counters):
        monkeypatch.setattr(Bundle, "probabilities", failing)
        with caplog.at_level(logging.ERROR):
            for number in (1, 2):
                answer = client.post("/v1/scores", json=vehicle(number)).json()
                assert (answer["status"], answer["degraded_reasons"]) == ("scored", [])
                said = json.loads(recorded(settings, answer).challenger or "")
                assert (said["failed"], said["version"]) == (word, 2)
                assert "probability" not in said
        assert len([r for r in caplog.records if "challenger 2 fails" in r.message]) == 1
        assert f'total{{kind="vehicle",why="{word}"}} 2.0'.encode() in counters.exposition()


def test_one_that_is_refused_is_not_asked_and_nobody_is_told(settings: Settings) -> None:
    trees = pin_small(settings.home, 2, "challenger") / "booster.txt"
    trees.write_bytes(trees.read_bytes() + b"\n")
    with asking(settings) as (client, counters):
        answer = client.post("/v1/scores", json=vehicle(1)).json()
        assert (answer["status"], answer["band"]) == ("scored", "low")
        assert recorded(settings, answer).challenger is None
        assert b'total{kind="vehicle",why="refused"} 1.0' in counters.exposition()


def test_a_champion_has_no_shadow_of_itself_nor_one_that_is_suspended(settings: Settings) -> None:
    pin_small(settings.home, 2, "challenger")
    challenger = read_pin(settings.pins, "vehicle", "challenger")
    assert challenger is not None
    write_pin(settings.pins, challenger)
    with asking(settings) as (client, _):
        own = client.post("/v1/scores", json=vehicle(1)).json()
    pin_small(settings.home, 3)
    with asking(settings) as (client, _):
        with closing(open_ledger(settings.ledger)) as ledger:
            suspend(ledger, "vehicle", "A. Lovelace", "a doubt")
        none = client.post("/v1/scores", json=vehicle(2)).json()
    assert (own["status"], none["status"]) == ("scored", "unassessed")
    assert [recorded(settings, one).challenger for one in (own, none)] == [None, None]


def test_words_that_were_altered_are_not_what_the_bundle_says(settings: Settings) -> None:
    pin_small(settings.home, 2, "challenger")
    with asking(settings) as (client, _):
        row = recorded(settings, client.post("/v1/scores", json=vehicle(1)).json())
    said = json.loads(row.challenger or "") | {"probability": "0.5"}
    altered = row._replace(challenger=json.dumps(said, sort_keys=True, separators=(",", ":")))
    bundle = load_bundle(settings.bundles / "vehicle-2")
    found = challenger_again(altered, lambda _: bundle, lambda _: None)
    assert isinstance(found, Difference)
    assert found.recorded == altered.challenger
    assert found.recomputed == row.challenger
