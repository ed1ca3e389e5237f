"""What a carrier's answer says of its consignments: which, of whom, how many, and what follows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.history.carriage import OnBoard
from features.settings import Settings
from models.policies import AtBands
from serving import aboard
from serving.aboard import AnsweredBefore, aboard_of, to_look_up
from serving.app import create_app
from serving.audit import read_one
from serving.audit.reading import ASKED_AT_ONCE
from serving.metrics import Counters
from serving.replaying import replay
from serving.selection import Known, Referrals, Selected, decode_selected, encode_selected
from serving.state import ServingState
from tests.app_client import AppClient
from tests.served_home import ALL_HIGH, healthy_home, pin_small, shipment, vehicle
from tests.unit.test_access import key_of, opened

NOTHING: frozenset[str] = frozenset()
CARRIER = vehicle(1)["movement_ref"]
ABOARD = {"carried_by": {"kind": "vehicle", "movement_ref": CARRIER}}


def answered(
    movement: str,
    band: str = "low",
    probability: float | None = 0.1,
    reason: str = "none",
    propensity: str = "0.001",
) -> AnsweredBefore:
    selected = Selected(
        referred=reason != "none",
        reason=reason,  # type: ignore[arg-type]
        policy="p",
        propensity=propensity,
        exploration="0.001",
        draw_day="2026-03-01",
    )
    score_id = f"score-{movement}"
    return AnsweredBefore(movement, score_id, band, probability, encode_selected(selected).decode())


def told(*answers: AnsweredBefore, announced: str = "", listed: str = "") -> aboard.Aboard | None:
    """Of consignments that are declared and answered, and of others that are only listed."""
    declared = frozenset(one.movement for one in answers) | {"of another agency"}
    on_board = OnBoard(declared, frozenset(announced.split()))
    return aboard_of(on_board, listed.split(), answers)


def test_the_riskiest_consignment_is_named_and_all_are_counted() -> None:
    found = told(
        answered("a", "medium", 0.2),
        answered("b", "medium", 0.3),
        answered("c", "low", 0.05),
        answered("d", "unassessed", None),
        announced="z",
        listed="a z",
    )
    assert found is not None
    assert found.refers is None
    said = found.consignments
    assert (said.known, said.assessed) == (5, 4)
    assert said.highest is not None
    assert (said.highest.score_id, said.highest.band) == ("score-b", "medium")
    assert (said.highest.probability, said.highest.referred) == (0.3, False)
    assert said.sentence == (
        "5 consignments on board are known; 4 of them were assessed; the highest risk is band "
        "medium, probability 0.300 (assessment score-b)"
    )


def test_unassessed_is_below_low_and_still_named() -> None:
    found = told(answered("a", "unassessed", None), answered("b", "low", 0.0))
    assert found is not None
    assert found.consignments.highest is not None
    assert found.consignments.highest.score_id == "score-b"
    alone = told(answered("a", "unassessed", None))
    assert alone is not None
    assert alone.consignments.sentence.endswith(
        "it was assessed; the highest risk is unassessed (assessment score-a)"
    )


def test_what_another_agency_alone_has_declared_is_not_counted() -> None:
    assert told() is None
    found = told(announced="z", listed="z")
    assert found is not None
    assert (found.consignments.known, found.consignments.assessed) == (1, 0)


@pytest.mark.parametrize(
    ("reason", "propensity", "refers"),
    [
        ("risk", "1.0", "risk"),
        ("rule", "1.0", "rule"),
        ("intelligence", "1.0", "intelligence"),
        ("exploration", "1.0", "risk"),  # drawn, and in band high all the same
        ("exploration", "0.001", None),
        ("cold_start", "1.0", None),
        ("none", "0.001", None),
    ],
)
def test_only_what_is_known_of_a_consignment_refers_its_carrier(
    reason: str, propensity: str, refers: Known | None
) -> None:
    found = told(answered("a", reason=reason, propensity=propensity), answered("b", "high", 0.9))
    assert found is not None
    assert found.refers == refers
    assert found.consignments.highest is not None
    assert found.consignments.highest.referred == (refers is not None)
    assert found.consignments.highest.score_id == ("score-b" if refers is None else "score-a")


def test_intelligence_on_one_consignment_goes_before_the_risk_of_another() -> None:
    found = told(
        answered("a", "high", 0.9, "risk", "1.0"),
        answered("b", "low", 0.01, "intelligence", "1.0"),
    )
    assert found is not None
    assert found.refers == "intelligence"
    assert found.consignments.highest is not None
    assert found.consignments.highest.score_id == "score-b"


def test_a_draw_that_would_have_referred_the_carrier_stays_a_draw() -> None:
    drawn, undrawn = Referrals(b"\1" * 32, AtBands(1.0, 1.0)), Referrals(b"\1" * 32, AtBands(0.0))
    thresholds = ALL_HIGH.__class__(high=0.9, medium=0.8)
    explored = drawn.select("m", 0.1, thresholds, 0, aboard="risk")
    assert (explored.reason, explored.referred, explored.propensity) == ("exploration", True, "1.0")
    known = undrawn.select("m", 0.1, thresholds, 0, aboard="intelligence")
    assert (known.reason, known.referred, known.propensity) == ("intelligence", True, "1.0")
    assert known.exploration == undrawn.select("m", 0.1, thresholds, 0).exploration


def test_thousands_are_bounded_and_the_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aboard, "MOST_LOOKED_UP", 3)
    on_board = OnBoard(frozenset("edcba"), NOTHING)
    assert to_look_up(on_board) == ["a", "b", "c"]
    found = aboard_of(on_board, "abcde", [answered("a"), answered("c")])
    assert found is not None
    assert "5 consignments on board are known; 2 of them were assessed, of the 3 that were" in (
        found.consignments.sentence
    )


@pytest.fixture
def settings(home: Path) -> Settings:
    """Every vehicle is low, every shipment high."""
    made = healthy_home(home)
    pin_small(home, 1, kind="shipment", thresholds=ALL_HIGH)
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def score(client: AppClient, movement: dict[str, Any]) -> dict[str, Any]:
    response = client.post("/v1/scores", json=movement)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_risky_consignment_refers_the_lorry_and_moves_no_number(
    client: AppClient, settings: Settings
) -> None:
    alone = score(client, vehicle(2))
    assert alone["consignments"] is None
    cargo = score(client, shipment(1, **ABOARD))
    assert (cargo["band"], cargo["consignments"]) == ("high", None)
    lorry = score(client, vehicle(1, consignments=[shipment(2)["movement_ref"]]))
    assert (lorry["band"], lorry["selection"]["referred"]) == ("low", True)
    assert (lorry["selection"]["reason"], lorry["selection"]["propensity"]) == ("risk", 1.0)
    assert (lorry["consignments"]["known"], lorry["consignments"]["assessed"]) == (2, 1)
    highest = lorry["consignments"]["highest"]
    assert highest == {
        "score_id": cargo["score_id"],
        "band": "high",
        "probability": cargo["probability"],
        "referred": True,
    }
    recorded = read_one(settings.ledger, lorry["score_id"])
    assert recorded is not None
    assert recorded.selection is not None
    assert decode_selected(recorded.selection).exploration == "0.001"
    page = client.get(f"/v1/scores/{lorry['score_id']}/page")
    assert f"assessment {cargo['score_id']}" in page.text


def test_of_each_consignment_the_last_version_counts_and_a_cancelled_one_does_not(
    client: AppClient,
) -> None:
    score(client, shipment(1, **ABOARD))
    second = score(client, shipment(1, version=2, gross_mass_kg=20_999, **ABOARD))
    gone = score(client, shipment(2, **ABOARD))
    client.request("DELETE", f"/v1/movements/{shipment(2)['movement_ref']}?kind=shipment")
    said = score(client, vehicle(1))["consignments"]
    assert (said["known"], said["assessed"]) == (1, 1)
    assert said["highest"]["score_id"] == second["score_id"] != gone["score_id"]


def test_movements_of_one_batch_do_not_see_each_other(client: AppClient) -> None:
    batch = [shipment(1, **ABOARD), vehicle(1)]
    _, lorry = client.post("/v1/scores/batch", json=batch).json()["results"]
    assert lorry["assessment"]["consignments"] is None


def test_a_replay_tells_the_consignments_again_whatever_came_since(
    client: AppClient, settings: Settings
) -> None:
    score(client, shipment(1, **ABOARD))
    lorry = score(client, vehicle(1))
    score(client, shipment(1, version=2, gross_mass_kg=20_999, **ABOARD))
    score(client, shipment(2, **ABOARD))
    replayed = replay(settings, settings.ledger, lorry["score_id"])
    assert replayed.verdict == "the same", replayed.lines


def test_more_consignments_than_one_statement_asks_for_are_all_counted(client: AppClient) -> None:
    batch = [shipment(number, **ABOARD) for number in range(ASKED_AT_ONCE + 3)]
    answers = client.post("/v1/scores/batch", json=batch).json()["results"]
    said = score(client, vehicle(1))["consignments"]
    assert said["known"] == said["assessed"] == len(batch)
    riskiest = max(one["assessment"]["probability"] for one in answers)
    assert said["highest"]["probability"] == riskiest


def test_what_another_agency_had_assessed_is_neither_shown_nor_told_of(settings: Settings) -> None:
    keys = {agency: key_of(settings, agency, agency) for agency in ("border", "customs")}
    with opened(settings) as client:

        def ask(agency: str, movement: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = client.post(
                "/v1/scores", json=movement, credential=keys[agency]
            ).json()
            return answer

        first = vehicle(1)
        first.pop("arrives_at"), first.pop("departs_at")
        ask("border", first)
        ask("customs", shipment(1, **ABOARD))
        client.run(client.app.state.serving.reassessing.tick())
        about = client.get(f"/v1/scores?kind=vehicle&movement_ref={CARRIER}", keys["border"])
        assert len(about.json()["assessments"]) == 1
        second = ask("border", vehicle(1, version=2))
        assert second["consignments"] is None
        listing = ask("border", vehicle(1, version=3, consignments=[shipment(1)["movement_ref"]]))
        assert (listing["consignments"]["known"], listing["consignments"]["assessed"]) == (1, 0)
        own = ask("customs", vehicle(1, version=4))
        assert own["consignments"]["assessed"] == 1
