"""Decisions, choices and a challenger from a real ledger and audit log, on the page."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from features.clock import iso, now_micros
from features.ledger import DecisionTaken, Event, MovementDeclared, OutcomeRecorded, open_ledger
from features.settings import Settings
from monitoring import annex
from monitoring.report import write_report
from serving.audit import AuditRecord, AuditStream, prepare
from serving.auth.access import LOCAL
from serving.selection import Selected, encode_selected
from serving.shadow import ChallengerSaid
from tests.small_border import event, home_with_model

HIGH, DRAWN, LEFT = 40, 30, 200


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setattr(annex, "COMMAND", ("false",))  # no interactive annex
    with home_with_model() as made:
        yield made


def answered(number: int) -> tuple[MovementDeclared, AuditRecord]:
    """The first are high, the next drawn by chance, the rest let go; all with a challenger."""
    now = now_micros()
    high, drawn = number < HIGH, HIGH <= number < HIGH + DRAWN
    probability = 0.5 if high else 0.02
    declared = MovementDeclared(
        kind="vehicle", movement=f"live{number}", declared_at=now, fields={"route_id": "R1"}
    )
    selected = Selected(
        referred=high or drawn,
        reason="risk" if high else "exploration" if drawn else "none",
        policy="at-bands(0.5 of 0.2)",
        propensity="1.0" if high else "0.1",
        exploration="0.1",
        draw_day=iso(now)[:10],
    )
    said = ChallengerSaid(version=2, bundle_sha256="1" * 64, probability="0.03", band="low")
    record = AuditRecord(
        score_id=f"s{number}",
        kind="vehicle",
        movement=declared.movement,
        movement_version=1,
        as_of=now,
        ledger_position=1,
        status="scored",
        probability=probability,
        band="high" if high else "low",
        model_version=1,
        bundle_sha256="0" * 64,
        catalogue_sha256=None,
        selection=encode_selected(selected).decode(),
        challenger=msgspec.json.encode(said, order="sorted").decode(),
        row=None,
        body=b"{}",
    )
    return declared, record


def decided(number: int, decision: str, found: bool) -> Iterator[Event]:
    movement, now = f"live{number}", now_micros()
    taken = DecisionTaken(
        kind="vehicle",
        movement=movement,
        score_id=f"s{number}",
        decision=decision,
        decided_at=now,
        reason_code="intelligence" if decision == "overridden" else None,
    )
    result = OutcomeRecorded(
        kind="vehicle",
        movement=movement,
        examined_at=now,
        outcome="positive" if found else "negative",
        message=movement,
    )
    yield Event(source="api", event_id=f"d{number}", occurred_at=now, payload=taken)
    yield Event(source="api", event_id=f"o{number}", occurred_at=now, payload=result)


def test_decisions_choices_and_a_challenger_reach_the_page(
    settings: Settings, tmp_path: Path
) -> None:
    with closing(open_ledger(settings.ledger)) as ledger:
        with ledger.transaction() as transaction:
            prepare(transaction)
            stream = AuditStream("test")
            for number in range(HIGH + DRAWN + LEFT):
                declared, record = answered(number)
                (appended,) = transaction.append([event("api", declared)])
                stream.assessments(transaction, [(record, appended, LOCAL)])
        ledger.append(
            [
                each
                for number in range(HIGH + DRAWN)
                for each in decided(number, "referred", found=number % 4 == 0)
            ]
        )
        first = HIGH + DRAWN  # twelve that were let go are referred against advice
        ledger.append(
            [
                e
                for n in range(first, first + 12)
                for e in decided(n, "overridden", found=n % 2 == 0)
            ]
        )
    result = write_report(settings, iso(appended.available_at)[:7], tmp_path)
    tables = {
        file.stem: pd.read_csv(file).set_index(pd.read_csv(file).columns[0])
        for file in (result.page.parent / "downloads").glob("*.csv")
    }
    overrides = tables["vehicle-overrides"]
    assert overrides["decisions"].dropna().to_dict() == {
        "high": 40,
        "medium": 0,
        "low": 42,
        "unassessed": 0,
        "all": 82,
    }
    assert (overrides["referred"]["low"], overrides["not_referred"]["low"]) == (12, 0)
    by_advice = tables["vehicle-override-finds"]
    assert (by_advice["examined"].iloc[0], by_advice["finds"].iloc[0]) == (70, 18)
    assert (by_advice["examined"].iloc[1], by_advice["finds"].iloc[1]) == (12, 6)
    spent = tables["vehicle-exploration-spent"]
    assert spent["referrals"].to_dict() == {
        "for what an agency knows": 0,
        "by a rule": 0,
        "for risk": 40,
        "by chance": 30,
        "no model spoke": 0,
        "all referrals": 70,
    }
    estimates = tables["vehicle-unexamined"]
    finds_by_chance = sum(number % 4 == 0 for number in range(HIGH, HIGH + DRAWN))
    assert estimates["rate"]["Hájek, this period"] == pytest.approx(finds_by_chance / DRAWN)
    challenger = tables["vehicle-challenger"]
    assert challenger["n"].tolist() == [DRAWN] * 4
    said = (result.page.parent / "vehicle.html").read_text()
    assert "12 vehicles were examined although no referral was advised" in said
    assert "vehicle-groups-route" not in tables  # one route: nothing to compare
