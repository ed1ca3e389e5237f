"""A file says of intelligence what an answer of the service says at the same instant."""

import csv
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.clock import Micros, iso, now_micros
from features.ledger import RuleEstimate, open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.auth import key_store
from serving.auth.access import SCOPES, Client
from serving.auth.api_keys import new_key
from serving.knowledge import Knowledge
from serving.metrics import Counters
from serving.state import ServingState
from serving.suspension import suspend
from tests.app_client import AppClient
from tests.command import Run, runner
from tests.rule_texts import EMMY, GRACE, rule_of
from tests.served_home import healthy_home
from training.rules.life import approve, propose

FEW = RuleEstimate(since=0, until=1, movements=1_000, matched=1, examined=0, found=0)
NEXT_SEASON = (datetime.now(tz=UTC) + timedelta(days=90)).date()
MOVEMENTS = 250


@pytest.fixture
def settings(home: Path) -> Settings:
    settings = healthy_home(home)
    with (home / "foreland.toml").open("a") as file:
        file.write("exploration_share = 1.0\n")  # so that some are drawn: one in twenty
    return settings.model_copy(update={"exploration_share": 1.0})


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FORELAND_HOME", str(settings.home))
    return runner(monkeypatch)


def movement(number: int, declared_at: str) -> dict[str, Any]:
    return {
        "kind": "vehicle",
        "movement_ref": f"GMRF{number:08d}",
        "declared_at": declared_at,
        "vehicle_reg": f"AB{number % 4}2CDE",
        "haulier_eori": "FR11223344556677",
        "gross_mass_kg": 1_000.0 * (number + 1),
    }


def intelligence(settings: Settings, run: Run) -> None:
    """Of everything that may differ: who may know, what it asks for, and what it reads."""
    for number, handling in enumerate(("open", "contact", "hidden")):
        done = run(
            "selectors", "add", "--criterion", f"vehicle: AB{number}2CDE", "--reason", "watched",
            "--contact", "targeting desk", "--handling", handling, "--by", "Ada",
            "--expires", str(NEXT_SEASON), "--agency", "police",
        )  # fmt: skip
        run("selectors", "approve", done.out.splitlines()[-1], "--approver", "Ben")
    whens = {
        "heavy": "declared.gross_mass_kg > 5000.0",
        "no-finds": "history.haulier.finds < 1.0 && declared.gross_mass_kg < 90000.0",
    }
    for name, when in whens.items():
        rule = rule_of(when, name=name, expires=NEXT_SEASON)
        with closing(open_ledger(settings.ledger)) as ledger:
            propose(ledger, rule)
            for approver in (GRACE, EMMY):
                approve(
                    ledger, name, 1, approver, "shadow" if name == "heavy" else "active", FEW, 1
                )


def key_of(settings: Settings, agency: str) -> str:
    key, stored = new_key(Client(agency, agency, frozenset(SCOPES)), created_at=now_micros())
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.open_keys(ledger).close()
        key_store.add(ledger, stored)
    return key


@contextmanager
def at_one_instant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Micros]:
    """At which every answer of the service is given, after all that the ledger holds."""
    as_of = now_micros()
    with monkeypatch.context() as patch:
        patch.setattr(Knowledge, "as_of", lambda _: as_of)
        time.sleep(0.001)  # whatever is recorded from here on comes after it
        yield as_of


def answers(settings: Settings, rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    with closing(client):
        body = client.post("/v1/scores/batch", json=rows, credential=key).json()
    return [one["assessment"] for one in body["results"]]


def scored(run: Run, rows: list[dict[str, Any]], folder: Path, *more: str) -> list[dict[str, str]]:
    given, out = folder / "m.csv", folder / "s.csv"
    with given.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]][1:], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    files = ("--kind", "vehicle", "--movements", str(given), "--out", str(out))
    done = run("score", *files, *more)
    assert done.status == 0, done.error
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("agency", ["police", "border"])
@pytest.mark.parametrize("suspended", [False, True])
def test_parity_of_a_file_and_the_service(
    settings: Settings,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    agency: str,
    suspended: bool,
) -> None:
    ServingState(settings).close()
    intelligence(settings, run)
    key = key_of(settings, agency)
    if suspended:
        with closing(open_ledger(settings.ledger)) as ledger:
            suspend(ledger, "vehicle", "Ada", "drift")
    with at_one_instant(monkeypatch) as as_of:
        rows = [movement(number, iso(as_of)) for number in range(MOVEMENTS)]
        given = answers(settings, rows, key)
    found = scored(run, rows, tmp_path, "--matches", "--agency", agency)
    assert [json.loads(row["matches"]) for row in found] == [one["matches"] for one in given]
    reasons = [row["referral_reason"] for row in found]
    assert reasons == [one["selection"]["reason"] for one in given]
    assert {"intelligence", "rule", "none", "exploration"} <= set(reasons)
    numbers = [float(row["probability"]) if row["probability"] else None for row in found]
    assert numbers == [one["probability"] for one in given]
    assert [row["status"] for row in found] == [one["status"] for one in given]
    names = [match.get("agency") for row in found for match in json.loads(row["matches"])]
    assert ("police" in names) and (None in names) == (agency == "border")


def test_what_was_approved_after_a_row_was_declared_is_not_met(
    settings: Settings, run: Run, tmp_path: Path
) -> None:
    before = iso(now_micros())
    intelligence(settings, run)
    rows = [movement(0, before), movement(4, iso(now_micros()))]
    found = scored(run, rows, tmp_path, "--matches")
    by = [[match["by"] for match in json.loads(row["matches"])] for row in found]
    assert by == [[], ["selector", "rule"]]


def test_matches_are_asked_for_and_nothing_is_recorded(
    settings: Settings, run: Run, tmp_path: Path
) -> None:
    intelligence(settings, run)
    rows = [movement(0, iso(now_micros())), {**movement(1, ""), "gross_mass_kg": "heavy"}]
    with closing(open_ledger(settings.ledger)) as ledger:
        last = ledger.last_position()
        (plain, _), (asked, refused) = (
            scored(run, rows, tmp_path),
            scored(run, rows, tmp_path, "--matches"),
        )
        assert ledger.last_position() == last
    assert {**plain, **asked} == asked
    assert asked.keys() - plain.keys() == {"referral_reason", "matches"}
    assert (refused["status"], refused["matches"], refused["referral_reason"]) == (
        "rejected",
        "",
        "",
    )
