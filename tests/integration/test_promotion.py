"""Gates, signatures, roll-back and challenger, with a real MLflow and a real ledger."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.approvers import ApproverRefused, make_approver_key
from features.errors import InputError
from features.ledger import (
    ApprovalGiven,
    GateResult,
    LedgerDamaged,
    ModelPromoted,
    ModelRolledBack,
    Payload,
    open_ledger,
)
from features.rows import feature_rows
from features.settings import Settings
from features.timeline import load_timeline
from models.pins import load_pinned, read_pin
from models.trust import trusted_keys
from tests.integration.test_training import Trained, trained
from training import champion
from training.challenge import challenge
from training.champion import PromotionRefused, registered_bundle
from training.gates import GATES, asking
from training.gates.evidence import gather_evidence
from training.judged import judged
from training.promote import promote
from training.promotion_cli import app
from training.rollback import roll_back
from training.tracking import Tracking

__all__ = ["trained"]


@pytest.fixture
def no_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what comes after them: they take seconds."""
    monkeypatch.setattr(asking, "GATES", {})


def said_in(settings: Settings, *kinds: type[Payload]) -> list[Payload]:
    with closing(open_ledger(settings.ledger)) as ledger:
        return [e.payload for e in ledger.tail(0) if isinstance(e.payload, kinds)]


def test_what_the_gates_said_goes_into_ledger_and_mlflow(trained: Trained) -> None:
    from mlflow.tracking import MlflowClient

    settings = trained.settings
    result = promote(settings, "vehicle", 1, "Ada")
    assert [gate.name for gate in result.gates] == list(GATES)
    (approval,) = said_in(settings, ApprovalGiven)
    assert isinstance(approval, ApprovalGiven)
    assert approval.gates == result.gates
    tags = MlflowClient(settings.tracking_store).get_model_version("foreland-vehicle", "1").tags
    for gate in result.gates:
        assert tags[f"gate.{gate.name}"].startswith(f"{gate.result}: ")


def test_a_failed_gate_blocks_until_each_approver_acknowledges_it(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = trained.settings
    failing = GateResult(name="groups", result="failed", sentence="route A-B is off")
    monkeypatch.setattr(asking, "GATES", {"groups": lambda _: failing})
    with pytest.raises(PromotionRefused, match=r'A-B is off.*--acknowledge groups="REASON"'):
        promote(settings, "vehicle", 2, "Ada")
    with pytest.raises(InputError, match="there is no such gate"):
        promote(settings, "vehicle", 2, "Ada", acknowledge={"nonsense": "x"})
    assert not [a for a in said_in(settings, ApprovalGiven) if getattr(a, "version", 0) == 2]
    promote(settings, "vehicle", 2, "Ada", acknowledge={"groups": "one route only"})
    with pytest.raises(PromotionRefused, match="A-B is off"):
        promote(settings, "vehicle", 2, "Grace")
    promoted = promote(settings, "vehicle", 2, "Grace", acknowledge={"groups": "agreed"})
    assert promoted.promoted
    assert [gate.acknowledged for gate in promoted.gates] == ["agreed"]
    promotion = said_in(settings, ModelPromoted)[-1]
    assert isinstance(promotion, ModelPromoted)
    assert promotion.gates == promoted.gates
    assert not promotion.authenticated


def test_rows_of_the_one_pass_are_those_of_a_pass_for_each_gate(trained: Trained) -> None:
    """Judged, left out and reported: the same bytes, and rows of every label beyond the judged."""
    tracking = Tracking(trained.settings, create=False)
    with (
        closing(open_ledger(trained.settings.ledger)) as ledger,
        registered_bundle(trained.settings, tracking, "vehicle", 1) as bundle,
    ):
        found = gather_evidence(ledger, bundle, None, "nothing serves yet")
        timeline = load_timeline(ledger, available_before=1 << 62)
        alone = judged(timeline, [bundle])
    assert found.judged is not None
    assert found.tried is not None
    assert found.reported is not None
    assert found.judged.rows[0].tobytes() == alone.rows[0].tobytes()
    assert found.judged.probabilities[0].tobytes() == alone.probabilities[0].tobytes()
    blanks = found.tried.blanks
    of_blanks = feature_rows(timeline, blanks.movements, alone.as_of[blanks.of], bundle.catalogue)
    assert found.tried.rows.tobytes() == of_blanks.tobytes()
    labelled, rows, _ = found.reported
    of_all = feature_rows(timeline, labelled.movements, labelled.as_of, bundle.catalogue)
    assert rows.tobytes() == of_all.tobytes()
    assert len(rows) > len(alone.labels)


def test_a_ledger_that_was_altered_promotes_nothing(trained: Trained, tmp_path: Path) -> None:
    path = Path(trained.settings.ledger.removeprefix("sqlite:///"))
    copy = Path(shutil.copy(path, tmp_path / "ledger.db"))
    with closing(sqlite3.connect(copy)) as altered, altered:
        altered.execute("DROP TRIGGER events_never_change")
        altered.execute("UPDATE events SET sealed = zeroblob(99) WHERE position = 5")
    with pytest.raises(LedgerDamaged, match="one of them was changed"):
        promote(trained.settings, "vehicle", 1, "Zelda", ledger_url=f"sqlite:///{copy}")


@pytest.mark.usefixtures("no_gates")
def test_a_rollback_is_finished_when_broken_off_and_goes_back_no_further(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = trained.settings
    for version in (1, 2):
        for approver in ("C", "D"):
            promote(settings, "vehicle", version, approver)
    with pytest.raises(InputError, match="--reason must say why"):
        roll_back(settings, "vehicle", "C", " ")
    with pytest.raises(PromotionRefused, match="version 9 was never promoted"):
        roll_back(settings, "vehicle", "C", "why not", to=9)
    with monkeypatch.context() as broken:
        broken.setattr(champion, "write_pin", _no_space)
        with pytest.raises(OSError, match="no space"):
            roll_back(settings, "vehicle", "C", "too many high scores")
    finished = roll_back(settings, "vehicle", "C", "too many high scores")
    assert finished.version == 1
    pin = read_pin(settings.pins, "vehicle")
    assert pin is not None
    of_first = [p for p in said_in(settings, ModelPromoted) if getattr(p, "version", 0) == 1]
    assert isinstance(of_first[-1], ModelPromoted)
    assert (pin.version, pin.approvers) == (1, of_first[-1].approvers)
    served = load_pinned(settings.pins, "vehicle", trusted_keys(settings))
    assert served is not None
    assert served.version == 1, "the floor lets it through"
    assert Tracking(settings).champion("vehicle") == 1
    (event,) = said_in(settings, ModelRolledBack)
    assert isinstance(event, ModelRolledBack)
    assert (event.from_version, event.approver) == (2, "C")
    assert event.reason == "too many high scores"
    once = promote(settings, "vehicle", 2, "C")
    assert not once.promoted, "to promote it again takes two people again"


def _no_space(*_: object) -> None:
    raise OSError(28, "no space left on device")


@pytest.mark.usefixtures("no_gates")
def test_a_challenger_has_alias_and_pin_until_it_is_stopped(trained: Trained) -> None:
    settings = trained.settings
    serving = Tracking(settings).champion("vehicle")
    assert serving is not None
    other = 3 - serving
    assert "never shown" in challenge(settings, "vehicle", other, "Ada")
    assert Tracking(settings).challenger("vehicle") == other
    pinned = load_pinned(settings.pins, "vehicle", trusted_keys(settings), "challenger")
    assert pinned is not None
    assert pinned.version == other
    champion_pin = read_pin(settings.pins, "vehicle")
    assert champion_pin is not None
    assert champion_pin.version == serving
    with pytest.raises(InputError, match="is the champion"):
        challenge(settings, "vehicle", serving, "Ada")
    challenge(settings, "vehicle", None, "Ada")
    assert Tracking(settings).challenger("vehicle") is None
    assert read_pin(settings.pins, "vehicle", "challenger") is None


@pytest.mark.usefixtures("no_gates")
def test_with_keys_only_signatures_promote_and_anyone_can_verify_them(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = trained.settings.home / "approvers"
    keys = {name: make_approver_key(own / f"{name}.key").public.hex() for name in ("Eve", "Fay")}
    settings = trained.settings.model_copy(update={"approver_keys": keys})
    version = 3 - (Tracking(settings).champion("vehicle") or 1)
    with pytest.raises(ApproverRefused, match="must sign"):
        promote(settings, "vehicle", version, "Eve")
    first = promote(settings, "vehicle", version, "Eve", key_file=own / "Eve.key")
    assert not first.promoted
    with pytest.raises(ApproverRefused, match="use that one"):
        promote(settings, "vehicle", version, "Fay", key_file=own / "Eve.key")
    second = promote(settings, "vehicle", version, "Fay", key_file=own / "Fay.key")
    assert second.promoted
    assert second.approvers == ("Eve", "Fay"), "those by name alone do not count"
    assert "authenticated by their keys" in second.sentence
    monkeypatch.setenv("FORELAND_HOME", str(settings.home))
    monkeypatch.setenv("FORELAND_APPROVER_KEYS", str(keys).replace("'", '"'))
    listed = CliRunner().invoke(app, ["approvals", "--kind", "vehicle"], catch_exceptions=False)
    assert listed.exit_code == 0
    assert f"version {version} approved by Eve (authenticated)" in listed.stdout
    assert "version 1 approved by Ada (attributed)" in listed.stdout


def test_two_versions_of_the_same_data_are_not_told_apart(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    monkeypatch.setenv("FORELAND_HOME", str(trained.settings.home))
    compared = CliRunner().invoke(
        app, ["compare", "--kind", "vehicle", "1", "2"], catch_exceptions=False
    )
    assert compared.exit_code == 0, compared.stderr
    (line,) = compared.stdout.splitlines()
    document = json.loads(line)
    assert (document["first"], document["second"], document["only_first"]) == (1, 2, 0)
    assert all(one["difference"] == 0 for one in document["measures"])
    assert "the common test slice" in document["warning"]
    assert "not told apart from" in compared.stderr
