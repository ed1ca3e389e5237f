"""What the ledger says about promotions, on events written by hand."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from features.approvers import (
    Approver,
    ApproverRefused,
    approver_of,
    check_signature,
    is_authenticated,
    make_approver_key,
    signed_by,
)
from features.errors import InputError
from features.ledger import (
    ApprovalGiven,
    ChallengerNamed,
    GateResult,
    ModelPromoted,
    ModelRolledBack,
    Recorded,
)
from features.ledger.events import Payload, decode_payload, encode_payload
from features.signing import SignatureWrong, SigningKey
from training.approvals import recorded_approvals
from training.standing import standing

ADA = Approver("Ada", SigningKey(b"a" * 32))
GRACE = Approver("Grace", SigningKey(b"g" * 32))
KEYS = {one.name: one.key.verifying.public.hex() for one in (ADA, GRACE) if one.key}


def approval(name: str, version: int = 1) -> ApprovalGiven:
    return ApprovalGiven(kind="vehicle", version=version, approver=name, bundle_sha256="f" * 64)


def promotion(version: int) -> ModelPromoted:
    return ModelPromoted(
        kind="vehicle", version=version, approvers=("Ada", "Grace"), bundle_sha256="f" * 64
    )


def rollback(version: int, from_version: int) -> ModelRolledBack:
    return ModelRolledBack(
        kind="vehicle",
        version=version,
        from_version=from_version,
        bundle_sha256="f" * 64,
        approver="Ada",
        reason="too high",
    )


def recorded(*payloads: Payload) -> list[Recorded]:
    """Each happened, and was known, at its position."""
    return [
        Recorded(
            position=at,
            source="promotion",
            event_id=str(at),
            occurred_at=at,
            available_at=at,
            backfill=False,
            payload=payload,
        )
        for at, payload in enumerate(payloads, start=1)
    ]


def names(*payloads: Payload, keys: dict[str, str] | None = None) -> list[str]:
    found = standing(recorded(*payloads), "vehicle", keys or {})
    return [one.event.approver for one in found.of(1, "f" * 64)]


def test_one_person_counts_once_however_the_name_is_spelled() -> None:
    assert names(approval("Ada"), approval("ADA  "), approval("Grace")) == ["Ada", "Grace"]


def test_a_promotion_uses_its_approvals_up() -> None:
    assert names(approval("Ada"), approval("Grace"), promotion(1)) == []
    found = standing(recorded(approval("Ada"), approval("Grace"), promotion(1)), "vehicle", {})
    assert found.rounds == {(1, "f" * 64): 1}
    assert found.serving is not None
    assert (found.serving.event.version, found.serving.at) == (1, 3)


def test_other_kinds_and_other_bundles_do_not_count() -> None:
    other = replace(approval("Grace"), kind="vessel")
    altered = replace(approval("Grace"), bundle_sha256="0" * 64)
    assert names(approval("Ada"), other, altered) == ["Ada"]


def test_a_rollback_goes_back_along_what_served() -> None:
    history: list[Payload] = [promotion(1), promotion(2), promotion(3), rollback(2, 3)]
    found = standing(recorded(*history), "vehicle", {})
    assert [one.version for one in found.served] == [1, 2]
    assert found.serving is not None
    assert found.serving.event.version == 2
    again = standing(recorded(*history, rollback(1, 2)), "vehicle", {})
    assert [one.version for one in again.served] == [1]
    forward = standing(recorded(*history, rollback(3, 2)), "vehicle", {})
    assert [one.version for one in forward.served] == [1, 2, 3]


def test_the_challenger_is_the_last_that_was_named_until_it_is_promoted() -> None:
    named = ChallengerNamed(kind="vehicle", version=2, bundle_sha256="f" * 64, approver="Ada")
    assert standing(recorded(promotion(1), named), "vehicle", {}).challenger == named
    assert standing(recorded(named, promotion(2)), "vehicle", {}).challenger is None
    ended = replace(named, version=None, bundle_sha256="")
    assert standing(recorded(named, ended), "vehicle", {}).challenger is None


def test_with_keys_configured_only_signed_approvals_count() -> None:
    by_name = approval("Ada")
    assert names(by_name, keys=KEYS) == []
    assert names(signed_by(ADA, by_name, 1), keys=KEYS) == ["Ada"]
    forged = signed_by(Approver("Ada", SigningKey(b"x" * 32)), by_name, 1)
    assert names(forged, keys=KEYS) == []
    at_another_time = signed_by(ADA, by_name, 99)
    assert names(at_another_time, keys=KEYS) == []


def test_two_names_with_one_key_are_one_person() -> None:
    assert ADA.key is not None
    keys = {"Ada": KEYS["Ada"], "Augusta": KEYS["Ada"]}
    first = signed_by(ADA, approval("Ada"), 1)
    second = signed_by(Approver("Augusta", ADA.key), approval("Augusta"), 2)
    assert names(first, second, keys=keys) == ["Ada"]


def test_an_approval_cannot_be_used_again_after_a_promotion() -> None:
    first, second = signed_by(ADA, approval("Ada"), 1), signed_by(GRACE, approval("Grace"), 2)
    replayed = recorded(first, second, promotion(1), first)
    replayed[3] = replace(replayed[3], occurred_at=1)  # as the signature says
    assert standing(replayed, "vehicle", KEYS).of(1, "f" * 64) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"kind": "vessel"},
        {"bundle_sha256": "0" * 64},
        {"approver": "Grace"},
        {"gates": (GateResult(name="leakage", result="passed", sentence="all well"),)},
    ],
)
def test_a_signature_covers_all_that_an_approval_says(change: dict[str, object]) -> None:
    signed = signed_by(ADA, approval("Ada"), 1)
    assert check_signature(signed, 1)
    with pytest.raises(SignatureWrong, match="changed since"):
        check_signature(replace(signed, **change), 1)
    assert not is_authenticated(replace(signed, **change), 1, KEYS)


def test_an_approval_of_a_ledger_from_before_there_were_gates_is_the_same_bytes() -> None:
    old = b'{"approver":"Ada","bundle_sha256":"ff","kind":"vehicle","type":"approval","version":1}'
    read = decode_payload(old)
    assert isinstance(read, ApprovalGiven)
    assert (read.gates, read.signature) == ((), None)
    assert encode_payload(read) == old


def test_every_signature_is_verified_in_the_list() -> None:
    signed = signed_by(ADA, approval("Ada"), 1)
    accepted = GateResult(name="groups", result="failed", sentence="1 is off", acknowledged="new")
    by_name = replace(approval("Grace"), gates=(accepted,))
    events = recorded(signed, by_name, promotion(1), rollback(1, 2))
    found = recorded_approvals(events, "vehicle", KEYS)
    assert found.wrong == 0
    said = [line.partition(" version")[2] for line in found.lines]
    assert said[0] == " 1 approved by Ada (authenticated)"
    assert said[1] == " 1 approved by Grace (attributed)"
    assert found.lines[2] == "    accepted groups: new (it said: 1 is off)"
    assert said[3] == " 1 promoted, approved by Ada and Grace (attributed)"
    assert said[4] == " 1 serves again instead of 2, by Ada: too high (attributed)"
    altered = recorded(replace(signed, version=7))
    assert recorded_approvals(altered, "vehicle", KEYS).wrong == 1


def test_who_says_to_be_somebody_must_hold_the_key(tmp_path: Path) -> None:
    directory = tmp_path / "own"
    public = make_approver_key(directory / "ada.key").public.hex()
    assert oct((directory / "ada.key").stat().st_mode)[-3:] == "600"
    keys = {"Ada Lovelace": public, "Grace": KEYS["Grace"]}
    approver = approver_of(" ada   LOVELACE", directory / "ada.key", keys)
    assert approver.key is not None
    assert approver.key.verifying.public.hex() == public
    for name, file, said in (
        ("Ada Lovelace", None, "must sign"),
        ("Grace", directory / "ada.key", "approver_keys has"),
        ("Mallory", directory / "ada.key", "has no key in approver_keys"),
    ):
        with pytest.raises(ApproverRefused, match=said):
            approver_of(name, file, keys)
    with pytest.raises(InputError, match="nothing can be verified"):
        approver_of("Ada Lovelace", directory / "ada.key", {})
    with pytest.raises(InputError, match="there already"):
        make_approver_key(directory / "ada.key")
