"""Selectors and rules are approved by people who sign, where their keys are configured."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.approvers import check_signature, is_authenticated, make_approver_key, shown_as
from features.ledger import RuleApproved, RuleEstimate, SelectorApproved, open_ledger
from features.settings import Settings, read_settings
from serving.app import create_app
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient
from tests.command import Run, runner
from tests.rule_texts import EMMY, GRACE, rule_of
from tests.served_home import healthy_home, vehicle
from training.rules.life import propose

FEW = RuleEstimate(since=0, until=1, movements=1_000, matched=1, examined=0, found=0)
NEXT_SEASON = (datetime.now(tz=UTC) + timedelta(days=90)).date()
Words = list[tuple[SelectorApproved | RuleApproved, int]]


@pytest.fixture
def settings(home: Path) -> Settings:
    made = healthy_home(home)
    ServingState(made).close()
    return made


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("FORELAND_HOME", str(settings.home))
    yield runner(monkeypatch)


@pytest.fixture
def keys(settings: Settings) -> dict[str, str]:
    """Name to key file of two approvers, who are configured."""
    files = {name: settings.home / f"{name[0]}.key" for name in (GRACE, EMMY)}
    lines = [f'"{name}" = "{make_approver_key(at).public.hex()}"' for name, at in files.items()]
    with (settings.home / "foreland.toml").open("a") as file:
        file.write("\n".join(["[approver_keys]", *lines, ""]))
    return {name: str(at) for name, at in files.items()}


def approvals(settings: Settings) -> Words:
    with closing(open_ledger(settings.ledger)) as ledger:
        events = list(ledger.read_source("intelligence"))
    return [
        (event.payload, event.occurred_at)
        for event in events
        if isinstance(event.payload, SelectorApproved | RuleApproved)
    ]


def proposed_selector(run: Run) -> str:
    done = run(
        "selectors", "add", "--criterion", "vehicle: AB12CDE", "--reason", "watched",
        "--contact", "targeting desk", "--handling", "open", "--by", "Ada",
        "--expires", str(NEXT_SEASON),
    )  # fmt: skip
    return done.out.splitlines()[-1]


def proposed_rule(settings: Settings) -> tuple[str, ...]:
    rule = rule_of("declared.gross_mass_kg > 0.0", name="heavy", expires=NEXT_SEASON)
    with closing(open_ledger(settings.ledger)) as ledger:
        propose(ledger, rule)
    return ("rules", "approve", "heavy", "--version", "1", "--shadow", "--approver")


def test_a_selector_needs_the_key_of_its_approver(
    run: Run, settings: Settings, keys: dict[str, str]
) -> None:
    selector = proposed_selector(run)
    approve = ("selectors", "approve", selector, "--approver")
    for wrong, says in (
        ((GRACE,), "must sign: --key FILE"),
        ((GRACE, "--key", keys[EMMY]), "use that one"),
        (("Ben", "--key", keys[GRACE]), "has no key in approver_keys"),
    ):
        done = run(*approve, *wrong)
        assert (done.status, approvals(settings)) == (2, [])
        assert says in done.error
    assert run(*approve, GRACE, "--key", keys[GRACE]).status == 0
    ((said, at),) = approvals(settings)
    assert check_signature(said, at)
    assert is_authenticated(said, at, read_settings().approver_keys)
    assert f"approved by {GRACE} (authenticated)" in run("selectors", "list").out
    with closing(AppClient(create_app(lambda: ServingState(settings), counters=Counters()))) as at_:
        answer = at_.post("/v1/scores", json=vehicle(1)).json()
    assert [match["id"] for match in answer["matches"]] == [selector]


def test_both_approvers_of_a_rule_sign(run: Run, settings: Settings, keys: dict[str, str]) -> None:
    approve = proposed_rule(settings)
    assert "must sign" in run(*approve, GRACE).error
    for name in (GRACE, EMMY):
        assert run(*approve, name, "--key", keys[name]).status == 0
    assert all(
        is_authenticated(said, at, read_settings().approver_keys)
        for said, at in approvals(settings)
    )
    story = run("rules", "show", "heavy").out
    assert story.count("(authenticated)") == 2


def test_two_names_with_one_key_are_one_person(
    run: Run, settings: Settings, keys: dict[str, str]
) -> None:
    approve = proposed_rule(settings)
    toml = settings.home / "foreland.toml"
    toml.write_text(toml.read_text() + f'"Ben" = "{read_settings().approver_keys[GRACE]}"\n')
    assert run(*approve, GRACE, "--key", keys[GRACE]).status == 0
    done = run(*approve, "Ben", "--key", keys[GRACE])
    assert (done.status, len(approvals(settings))) == (2, 1)
    assert "approved with this key already" in done.error


def test_a_word_from_before_there_were_keys_makes_no_rule_stand(
    run: Run, settings: Settings, request: pytest.FixtureRequest
) -> None:
    approve = proposed_rule(settings)
    assert run(*approve, GRACE).status == 0
    assert "(attributed)" in run("rules", "show", "heavy").out
    keys = request.getfixturevalue("keys")
    done = run(*approve, EMMY, "--key", keys[EMMY])
    assert done.status == 2
    assert "without the key that approver_keys has for that name" in done.error
    assert len(approvals(settings)) == 1


def test_without_keys_a_key_verifies_nothing(run: Run, tmp_path: Path) -> None:
    make_approver_key(tmp_path / "k.key")
    selector = proposed_selector(run)
    done = run("selectors", "approve", selector, "--approver", GRACE, "--key", f"{tmp_path}/k.key")
    assert "no approver_keys are configured" in done.error
    assert run("selectors", "approve", selector, "--approver", GRACE).status == 0
    assert f"approved by {GRACE} (attributed)" in run("selectors", "list").out


def test_a_signature_holds_for_its_own_words_alone(
    run: Run, settings: Settings, keys: dict[str, str]
) -> None:
    approve = proposed_rule(settings)
    run(*approve, GRACE, "--key", keys[GRACE])
    ((said, at),) = approvals(settings)
    assert isinstance(said, RuleApproved)
    configured = read_settings().approver_keys
    fields = {name: getattr(said, name) for name in said.__struct_fields__}
    for changed in ({"mode": "active"}, {"version": 2}, {"rule_sha256": "0" * 64}):
        forged = RuleApproved(**{**fields, **changed})
        assert shown_as(forged, at, configured).startswith("WRONG SIGNATURE")
    assert shown_as(said, at + 1, configured).startswith("WRONG SIGNATURE")
    assert shown_as(said, at, configured) == "authenticated"
    other = SelectorApproved(
        selector="heavy", approver=GRACE, public_key=said.public_key, signature=said.signature
    )
    assert shown_as(other, at, configured).startswith("WRONG SIGNATURE")
