"""Referrals of the service: logged for every movement, reproducible once the day's key is told."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.draw_keys import draw_secret
from features.ledger import open_ledger
from features.pseudonyms import load_pseudonyms
from features.settings import Settings
from models.bands import Thresholds
from models.policies import AtBands, day_key, draw
from serving.app import create_app
from serving.audit import read_one
from serving.auth.access import LOCAL_AGENCY
from serving.choices import read_logged_choices, read_selected, write_choices
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.selection import Referrals, decode_selected
from serving.state import ServingState
from tests.app_client import AppClient
from tests.command import runner
from training.choices import read_choices

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]
DAY = 1_772_323_200_000_000
"""2026-03-01T00:00:00Z."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(made.ledger).close()
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def test_a_draw_is_that_of_the_day_on_which_the_movement_was_first_seen() -> None:
    secret = bytes(range(32))
    referrals = Referrals(secret, AtBands(0.5, 0.5))
    pseudonym = "4f0c" * 8
    selected = referrals.select(pseudonym, 0.1, Thresholds(high=0.4, medium=0.2), DAY + 1)
    drawn = draw(day_key(secret, datetime.date(2026, 3, 1)), pseudonym)
    assert selected.draw_day == "2026-03-01"
    assert selected.referred == (drawn < 0.25)
    assert float(selected.propensity) == 0.25
    before = referrals.select(pseudonym, 0.1, Thresholds(high=0.4, medium=0.2), DAY - 1)
    assert before.draw_day == "2026-02-28"


def test_every_answer_is_logged_with_its_propensity_and_can_be_recomputed(
    client: AppClient, settings: Settings
) -> None:
    answers = [
        client.post("/v1/scores", json={**VEHICLE, "movement_ref": f"M{number}"}).json()
        for number in range(5)
    ]
    secret = draw_secret(settings.keys)
    pseudonyms = load_pseudonyms(settings.keys)
    for number, answer in enumerate(answers):
        recorded = read_one(settings.ledger, answer["score_id"])
        assert recorded is not None
        assert recorded.selection is not None
        logged = decode_selected(recorded.selection)
        key = day_key(secret, datetime.date.fromisoformat(logged.draw_day))
        drawn = draw(key, pseudonyms.movement("vehicle", f"M{number}"))
        assert logged.referred == (drawn < 0.02)  # no model spoke
        assert answer["selection"] == {
            "referred": logged.referred,
            "reason": "cold_start" if logged.referred else "none",
            "policy": "at-bands(0.05 of 0.02)",
            "propensity": 0.02,
        }


def test_all_versions_of_a_movement_have_one_draw(client: AppClient, settings: Settings) -> None:
    days = []
    for version in (1, 2):
        answer = client.post("/v1/scores", json={**VEHICLE, "version": version}).json()
        recorded = read_one(settings.ledger, answer["score_id"])
        assert recorded is not None
        days.append(json.loads(recorded.selection or "{}")["draw_day"])
    assert days[0] == days[1]


def test_the_log_is_what_training_reads(
    client: AppClient, settings: Settings, tmp_path: Path
) -> None:
    for version in (1, 2):
        client.post("/v1/scores", json={**VEHICLE, "version": version})
    client.post("/v1/scores", json={**VEHICLE, "movement_ref": "OTHER"})
    out = tmp_path / "choices.parquet"
    assert write_choices(settings.ledger, LOCAL_AGENCY, out) == 2
    choices = read_choices(out, "vehicle", load_pseudonyms(settings.keys))
    assert choices["propensity"].tolist() == [0.02, 0.02]
    assert choices["exploration"].tolist() == [0.001, 0.001]


def test_a_ledger_that_never_served_has_no_choices(settings: Settings) -> None:
    assert read_selected(settings.ledger, LOCAL_AGENCY).empty
    assert read_logged_choices(settings.ledger, 0, 2**62).empty


def test_every_answer_of_a_time_is_read_with_its_choice(
    client: AppClient, settings: Settings
) -> None:
    answers = [client.post("/v1/scores", json={**VEHICLE, "version": v}).json() for v in (1, 2)]
    first, second = read_logged_choices(settings.ledger, 0, 2**62).to_dict("records")
    assert [first["score_id"], second["score_id"]] == [one["score_id"] for one in answers]
    assert first["logged"]
    assert (first["propensity"], first["exploration"]) == (0.02, 0.001)
    assert first["referred"] == answers[0]["selection"]["referred"]
    assert first["reason"] == answers[0]["selection"]["reason"]
    later = read_logged_choices(settings.ledger, second["available_at"], 2**62)
    assert later["score_id"].tolist() == [second["score_id"]]
    assert read_logged_choices(settings.ledger, 0, first["available_at"]).empty


def test_the_command_writes_the_log_and_says_how_much(
    client: AppClient, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/v1/scores", json=VEHICLE)
    monkeypatch.setenv("FORELAND_HOME", str(settings.home))
    run = runner(monkeypatch)
    out = tmp_path / "choices.parquet"
    done = run("audit", "choices", "--out", str(out))
    assert (done.status, done.out) == (0, f"1 movements of local: {out}\n")
    refused = run("audit", "choices", "--out", str(tmp_path / "choices.csv"))
    assert refused.status == 2
    assert "is a .parquet file" in refused.error
