"""Rules in the service: what a movement meets, who is told, and that no score is touched."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from features.catalogue import Catalogue
from features.clock import now_micros
from features.ledger import ErasedCount, RuleEstimate, RuleProposed, open_ledger
from features.retention import Plan, erase
from features.retention import Rules as Retention
from features.rows import Floats
from features.settings import Settings
from models.rules import Mode
from serving.app import create_app
from serving.audit import RecordedAssessment, read_one
from serving.matching import Sighting, may_see
from serving.metrics import Counters
from serving.replaying import replay
from serving.rule_matcher import RuleMatcher
from serving.state import ServingState
from tests.app_client import AppClient
from tests.rule_texts import ADA, EMMY, GRACE, Word, approval, rule_of, said, vehicle
from tests.served_home import healthy_home
from tests.served_home import vehicle as asked
from training.rules.life import approve, propose, retire

FEW = RuleEstimate(since=0, until=1, movements=1_000, matched=1, examined=0, found=0)
HEAVY = "declared.gross_mass_kg > 20000.0"


@pytest.fixture
def settings(home: Path) -> Settings:
    return healthy_home(home)


def stands(settings: Settings, when: str, mode: Mode = "active", **given: Any) -> RuleProposed:
    """A rule in the ledger that two people have approved."""
    expires = (datetime.now(tz=UTC) + timedelta(days=90)).date()
    rule = rule_of(when, expires=expires, **given)
    with closing(open_ledger(settings.ledger)) as ledger:
        propose(ledger, rule)
        for approver in (GRACE, EMMY):
            approve(ledger, rule.name, rule.version, approver, mode, FEW, 0.05)
    return rule


@pytest.fixture
def counters() -> Counters:
    return Counters()


@contextmanager
def serving(settings: Settings, counters: Counters) -> Iterator[AppClient]:
    def failed(kind: str) -> None:
        counters.rule_failures.labels(kind).inc()

    def opened() -> ServingState:
        return ServingState(settings, rule_failed=failed)

    client = AppClient(create_app(opened, counters=counters))
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def client(settings: Settings, counters: Counters) -> Iterator[AppClient]:
    with serving(settings, counters) as client:
        yield client


def score(client: AppClient, number: int, **changes: Any) -> dict[str, Any]:
    response = client.post("/v1/scores?explain=always", json=asked(number, **changes))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def recorded(settings: Settings, answer: dict[str, Any]) -> RecordedAssessment:
    found = read_one(settings.ledger, answer["score_id"])
    assert found is not None
    return found


def test_a_rule_refers_what_it_matches_and_touches_no_score(
    settings: Settings, client: AppClient
) -> None:
    before = score(client, 1, gross_mass_kg=25_000)
    assert before["matches"] == []
    rule = stands(settings, HEAVY)  # while the service runs
    heavy = score(client, 2, gross_mass_kg=25_000)
    light = score(client, 3, gross_mass_kg=15_000)
    assert light["matches"] == []
    (match,) = heavy["matches"]
    assert match == {
        "by": "rule",
        "action": "refer",
        "contact": "Border Force targeting desk",
        "id": rule.name,
        "version": 1,
        "agency": "border-force",
        "marking": "OFFICIAL",
        "reason": rule.reason,
        "threat": "tobacco_alcohol",
        "points": 20,
    }
    selection = heavy["selection"]
    assert (selection["referred"], selection["reason"], selection["propensity"]) == (
        True,
        "rule",
        1.0,
    )
    for name in ("probability", "band", "status"):
        assert heavy[name] == before[name]
    with closing(open_ledger(settings.ledger)) as ledger:
        retire(ledger, rule.name, 1, ADA, "over")
    assert score(client, 4, gross_mass_kg=25_000)["matches"] == []
    for answer in (heavy, light):
        again = replay(settings, settings.ledger, answer["score_id"])
        assert again.agrees, again.lines


def test_a_rule_in_shadow_is_recorded_alone(settings: Settings, client: AppClient) -> None:
    rule = stands(settings, HEAVY, "shadow")
    answer = score(client, 1, gross_mass_kg=25_000)
    assert (answer["matches"], answer["selection"]["reason"]) == ([], "none")
    found = recorded(settings, answer)
    assert found.matches is not None
    (met,) = msgspec.json.decode(found.matches)
    assert (met["id"], met["mode"]) == (rule.name, "shadow")
    page = client.get(f"/v1/scores/{answer['score_id']}/page")
    assert rule.name not in page.text
    assert replay(settings, settings.ledger, answer["score_id"]).agrees


def test_a_rule_that_informs_refers_nothing(settings: Settings, client: AppClient) -> None:
    stands(settings, HEAVY, action="inform")
    answer = score(client, 1, gross_mass_kg=25_000)
    assert [match["action"] for match in answer["matches"]] == ["inform"]
    assert answer["selection"]["reason"] == "none"


def test_a_rule_needs_no_model(settings: Settings, client: AppClient) -> None:
    stands(settings, "declared.flag == 'PA'", kind="vessel", name="flag")
    stands(settings, "history.imo.movements < 1.0", kind="vessel", name="first-call")
    vessel = {
        "kind": "vessel",
        "movement_ref": "V1",
        "declared_at": "2026-03-01T08:00:00Z",
        "imo": "9074729",
        "flag": "PA",
    }
    first = client.post("/v1/scores", json=vessel).json()
    second = client.post("/v1/scores", json={**vessel, "movement_ref": "V2"}).json()
    assert first["status"] == "unassessed"
    assert [match["id"] for match in first["matches"]] == ["first-call", "flag"]
    assert [match["id"] for match in second["matches"]] == ["flag"]
    assert second["selection"]["reason"] == "rule"
    for answer in (first, second):
        assert replay(settings, settings.ledger, answer["score_id"]).agrees


def test_a_match_that_rests_on_what_retention_erased_is_no_finding(
    settings: Settings, counters: Counters
) -> None:
    stands(settings, "history.haulier.movements >= 1.0")
    with serving(settings, counters) as client:
        first, second = score(client, 1), score(client, 2)
    assert [len(answer["matches"]) for answer in (first, second)] == [0, 1]
    assert replay(settings, settings.ledger, second["score_id"]).verdict == "the same"
    count = ErasedCount(rule="all", kind="vehicle", movements=1, events=1)
    with closing(open_ledger(settings.ledger)) as ledger:
        positions = [recorded(settings, first).position]
        planned = Plan(positions, (count,), 0, 0, ledger.last_position())
        erase(ledger, planned, Retention((), "0" * 64), now_micros())
    done = replay(settings, settings.ledger, second["score_id"])
    assert done.verdict == "the same but for what was erased", done.lines
    assert any(line.startswith("matches: of rules that read history") for line in done.lines)


def test_a_rule_that_fails_breaks_no_score(
    settings: Settings,
    client: AppClient,
    counters: Counters,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("foreland"), "propagate", True)
    stands(settings, "declared.attribute.axles + 1.0 > 2.0", name="axles")
    stands(settings, HEAVY)
    answers = [
        score(client, number, gross_mass_kg=25_000, attributes={"axles": "three"})
        for number in (1, 2)
    ]
    for answer in answers:
        assert answer["status"] == "scored"
        assert [match["id"] for match in answer["matches"]] == ["tobacco-short-notice"]
        met = msgspec.json.decode(recorded(settings, answer).matches or "[]")
        assert [(one["id"], one.get("mode")) for one in met] == [
            ("axles", "failed"),
            ("tobacco-short-notice", None),
        ]
    (line,) = [one.getMessage() for one in caplog.records if "axles" in one.getMessage()]
    assert line.startswith("rule axles version 1 fails (Unsupported operation: string + float)")
    assert replay(settings, settings.ledger, answers[1]["score_id"]).agrees
    assert b'foreland_rule_failures_total{kind="vehicle"} 2.0' in counters.exposition()


def sighting(as_of: int, row: Floats | Exception, **fields: Any) -> Sighting:
    def row_of(_: Catalogue) -> Floats:
        if isinstance(row, Exception):
            raise row
        return row

    return Sighting(vehicle(fields=fields), as_of, row_of)


def matcher_of(*words: Word) -> RuleMatcher:
    matcher = RuleMatcher()
    for position, word in enumerate(words, start=1):
        matcher.hear(said(position, word))
    return matcher


def test_a_rule_ends_by_the_clock_without_a_word() -> None:
    rule = rule_of("declared.is_empty")
    matcher = matcher_of(rule, approval(rule, GRACE), approval(rule, EMMY))
    end = rule.expires_at
    for at, met in ((end - 1, 1), (end, 0), (end - 1, 1), (3, 0), (4, 1)):
        assert len(matcher.matches(sighting(at, np.empty(0), is_empty=True))) == met


def test_history_that_cannot_be_read_fails_every_rule_and_no_more() -> None:
    rule = rule_of("declared.is_empty")
    matcher = matcher_of(rule, approval(rule, GRACE), approval(rule, EMMY))
    (failed,) = matcher.matches(sighting(10, RuntimeError("broken"), is_empty=True))
    assert failed.mode == "failed"
    assert may_see([failed], "border-force") == ()
