"""Matches beside the score: who sees which, what they refer, and that nothing else changes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from features.clock import Micros
from features.handling import Action, Handling
from features.ledger import (
    PartnerEventReceived,
    Payload,
    Recorded,
    RuleApproved,
    RuleProposed,
    RuleRetired,
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
)
from features.movement_columns import MovementColumns
from features.settings import Settings
from models.policies import AtBands
from serving import intelligence, matching
from serving.answers import shown_matches
from serving.app import create_app
from serving.audit import RecordedAssessment, read_one
from serving.audit.assessments import entry_of
from serving.intelligence import matchers
from serving.matching import Match, Matching, Sighting, encode_matches
from serving.metrics import Counters
from serving.officer import narrative
from serving.replaying import replay
from serving.selection import Referrals
from serving.state import ServingState
from tests.app_client import AppClient
from tests.audit_examples import audit_record
from tests.example_events import movement_event
from tests.memory_ledger import recorded
from tests.served_home import healthy_home, vehicle


def match(handling: Handling = "open", action: Action = "refer", **changes: Any) -> Match:
    return msgspec.structs.replace(
        Match(
            by="selector",
            id="a1",
            agency="police",
            handling=handling,
            marking="OFFICIAL",
            action=action,
            reason="a watched haulier",
            threat="cash",
            contact="targeting desk",
        ),
        **changes,
    )


class Always:
    """Meets every movement."""

    hears: ClassVar[tuple[type, ...]] = ()

    def __init__(self, *found: Match) -> None:
        self._found = found

    def hear(self, _: Recorded) -> None:
        pass

    def matches(self, _: Sighting) -> tuple[Match, ...]:
        return self._found

    def may_meet(self, movements: MovementColumns, _: Micros) -> range:
        return range(len(movements))


@contextmanager
def asking(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *found: Match
) -> Iterator[AppClient]:
    monkeypatch.setattr(intelligence, "matchers", lambda _: [Always(*found)])
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def settings(home: Path) -> Settings:
    return healthy_home(home).model_copy(update={"exploration_share": 0.0})  # no draw in between


def copy_of(settings: Settings, home: Path) -> Settings:
    shutil.copytree(settings.home, home)
    url = f"sqlite:///{home / 'ledger.db'}"
    return settings.model_copy(update={"home": home, "ledger_url": url})


WHOLE = {
    "by": "selector",
    "action": "refer",
    "contact": "targeting desk",
    "id": "a1",
    "version": None,
    "agency": "police",
    "marking": "OFFICIAL",
    "reason": "a watched haulier",
    "threat": "cash",
    "points": None,
}
CONTACT = {
    **dict.fromkeys(WHOLE),
    "by": "selector",
    "action": "refer",
    "contact": "targeting desk",
}


@pytest.mark.parametrize(
    ("agency", "handling", "shown", "reason"),
    [
        ("police", "open", [WHOLE], "intelligence"),
        ("police", "contact", [WHOLE], "intelligence"),
        ("police", "hidden", [WHOLE], "intelligence"),
        ("border", "open", [WHOLE], "intelligence"),
        ("border", "contact", [CONTACT], "intelligence"),
        ("border", "hidden", [], "none"),
    ],
)
def test_who_sees_what_and_whom_it_refers(
    agency: str, handling: Handling, shown: list[dict[str, Any]], reason: str
) -> None:
    met = (match(handling),)
    assert list(msgspec.to_builtins(shown_matches(met, agency))) == shown
    referrals = Referrals(bytes(32), AtBands(0.0, 0.5))
    selected = referrals.select("m", 0.1, None, 0, matching.may_see(met, agency))
    unmatched = referrals.select("m", 0.1, None, 0)
    assert unmatched.reason == "none"
    if reason == "none":
        assert selected == unmatched
    else:
        assert (selected.referred, selected.reason, selected.propensity) == (True, reason, "1.0")
        drawn = ("policy", "exploration", "draw_day")
        assert [getattr(selected, name) for name in drawn] == [
            getattr(unmatched, name) for name in drawn
        ]


def test_intelligence_comes_before_rules_and_information_refers_nobody() -> None:
    referrals = Referrals(bytes(32), AtBands(0.0, 0.5))
    rule = match(by="rule", id="fruit", version=2)
    told = match(action="inform")
    for met, reason in [
        ([rule, match()], "intelligence"),
        ([rule, told], "rule"),
        ([told], "none"),
    ]:
        assert referrals.select("m", None, None, 0, met).reason == reason


def test_an_answer_carries_matches_and_nothing_else_of_them(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = match("contact", "inform", by="rule", id="fruit", version=2, points=5)
    hidden = match("hidden", id="h9", reason="never to be seen")
    ServingState(settings).close()  # makes the keys that both homes shall have
    other = copy_of(settings, tmp_path / "other")
    with asking(other, monkeypatch) as client:
        plain = client.post("/v1/scores?explain=always", json=vehicle(2)).json()
    with asking(settings, monkeypatch, rule, match(), hidden) as client:
        response = client.post("/v1/scores?explain=always", json=vehicle(2))
        matched = response.json()
        stored = client.get(f"/v1/scores/{matched['score_id']}")
        page = client.get(f"/v1/scores/{matched['score_id']}/page")
        proof = client.get(f"/v1/audit/{matched['score_id']}/proof")
        batch = client.post("/v1/scores/batch", json=[vehicle(3)])
        again = client.post("/v1/scores?explain=always", json=vehicle(2))
    rows = batch.json()["results"]
    assert plain["matches"] == []
    assert matched["matches"] == [
        WHOLE,
        {**CONTACT, "by": "rule", "action": "inform"},
    ]
    assert matched["selection"]["reason"] == "intelligence"
    assert rows[0]["assessment"]["matches"] == matched["matches"]
    for name in ("probability", "band", "reasons", "threats", "status"):
        assert matched[name] == plain[name]
    assert "Selector a1 of police asks to examine: a watched haulier (cash)" in page.text
    assert "What agencies know advises to examine this movement" in page.text
    assert "It advises no examination" not in page.text
    for said in (response, stored, page, proof, batch, again):
        assert "h9" not in said.text
        assert "never to be seen" not in said.text
    recorded = read_one(settings.ledger, matched["score_id"])
    assert recorded is not None
    assert recorded.matches == encode_matches((match(), hidden, rule))
    assert "Contact: targeting desk" in narrative(recorded)
    done = replay(settings, settings.ledger, matched["score_id"])
    assert done.agrees, done.lines
    assert "matches: the same selectors and rules stood then, and were met" in done.lines
    assert [line for line in done.lines if line.endswith("features, the same bits")]


def test_a_match_that_did_not_stand_then_is_a_finding(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking(settings, monkeypatch, match("hidden")) as client:
        answer = client.post("/v1/scores", json=vehicle(1)).json()
    assert (answer["matches"], answer["selection"]["reason"]) == ([], "none")
    monkeypatch.setattr(intelligence, "matchers", lambda _: [])
    done = replay(settings, settings.ledger, answer["score_id"])
    assert not done.agrees
    assert "column matches" in done.lines[-2]


def test_hidden_matches_are_bound_by_a_digest_and_not_said() -> None:
    sealed = RecordedAssessment(
        **audit_record(1)._asdict(), position=1, available_at=2, client="c", agency="a"
    )
    with_one = entry_of(sealed._replace(matches=encode_matches([match("hidden")])))
    other = entry_of(sealed._replace(matches=encode_matches([match("hidden", id="b2")])))
    as_challenger = entry_of(sealed._replace(challenger=encode_matches([match("hidden")])))
    digests = {one.body_sha256 for one in (entry_of(sealed), with_one, other, as_challenger)}
    assert len(digests) == 4
    assert b"a1" not in msgspec.json.encode(with_one)


def test_a_matcher_is_told_of_what_it_names_and_of_nothing_else() -> None:
    told: list[Any] = []

    class Listening(Always):
        hears: ClassVar[tuple[type, ...]] = (SelectorApproved,)

        def hear(self, event: Recorded) -> None:
            told.append(event.payload)

    listening = Matching([Listening(), Always()])
    words: list[Payload] = [SelectorApproved(selector="a", approver="B"), movement_event(1).payload]
    for position, payload in enumerate(words, 1):
        listening.hear(recorded(position, payload, position))
    assert told == words[:1]
    named = {payload for matcher in matchers(0) for payload in matcher.hears}
    assert named == {
        PartnerEventReceived, RuleApproved, RuleProposed, RuleRetired,
        SelectorApproved, SelectorProposed, SelectorWithdrawn,
    }  # fmt: skip
