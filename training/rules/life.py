"""The life of a rule: proposed, approved by two others, retired. Each step is an event.

An approval for ``active`` needs a back-test of exactly this text, and is refused where the rule
would match more movements than anybody could examine.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from features.approvers import Approver, is_authenticated, signed_by
from features.clock import Micros, iso, now_micros
from features.errors import InputError
from features.ledger import (
    Appended,
    Event,
    EventConflict,
    Ledger,
    RuleApproved,
    RuleEstimate,
    RuleProposed,
    RuleRetired,
)
from features.people import same_name
from features.signing import SigningKey
from models.rules import (
    APPROVERS_NEEDED,
    SOURCE,
    Mode,
    RuleRefused,
    Rules,
    State,
    Version,
    check_life,
    read_rules,
)

LONGEST_REASON = 200


class Approved(NamedTuple):
    version: Version
    state: State
    """How it stands after the approval."""
    missing: int
    """Approvals for the mode that are still needed."""


def propose(ledger: Ledger, rule: RuleProposed) -> bool:
    """Record it; it matches nothing until two others approve it.

    Returns:
        False when exactly this was proposed before.

    Raises:
        RuleRefused: it has expired or stands too long, or the version's number or the rule's
            kind or owner is not what the versions before it say.
    """
    now = now_micros()
    check_life(rule, now)
    before = read_rules(ledger).of(rule.name)
    if any(version.rule == rule for version in before):
        return False
    _check_succession(rule, [version.rule for version in before])
    return not _append(ledger, f"{rule.name}:{rule.version}:proposal", rule, now).duplicate


def approve(
    ledger: Ledger,
    name: str,
    number: int,
    approver: str,
    mode: Mode,
    estimate: RuleEstimate | None,
    most_matched: float,
    *,
    key: SigningKey | None = None,
    approver_keys: Mapping[str, str] = MappingProxyType({}),
) -> Approved:
    """One person's word for one version.

    Args:
        estimate: of the back-test of this version; None when there was none.
        most_matched: share of movements that a rule may match to become active.
        key: the approver's, with which the approval is signed; None for one who is attributed.
        approver_keys: of the settings. Where there are any, a word that was not signed before
            makes no version stand.

    Raises:
        InputError: no name was given, or there is no such version.
        RuleRefused: the creator or the same person again, a version that cannot stand any more or
            that rests on a word without a signature, or one for ``active`` without a back-test or
            that matches too much.
    """
    said = " ".join(approver.split())
    if not said:
        raise InputError("--approver must be a name; two different people approve a rule")
    rules = read_rules(ledger)
    now = max(now_micros(), rules.newest + 1)  # of two words, one is later, whatever the clock says
    version = version_of(rules, name, number)
    _check_standing(version, rules.state(version, now))
    check_life(version.rule, now)
    _check_approver(version, said, version.approvers(mode, now), mode)
    _check_signed(version, mode, key, approver_keys)
    if mode == "active":
        check_estimate(version.rule, estimate, most_matched)
    approval = RuleApproved(
        name=name,
        version=number,
        rule_sha256=version.sha256,
        approver=said,
        mode=mode,
        estimate=estimate,
    )
    signed = signed_by(Approver(said, key), approval, now)
    stamp = _append(ledger, f"{name}:{number}:{mode}:{same_name(said)}", signed, now)
    rules, after = read_rules(ledger), stamp.available_at + 1
    version = version_of(rules, name, number)
    missing = max(APPROVERS_NEEDED - len(version.approvers(mode, after)), 0)
    return Approved(version, rules.state(version, after), missing)


def retire(ledger: Ledger, name: str, number: int, by: str, reason: str) -> bool:
    """From its return on the version matches nothing, by one person's word.

    Returns:
        False when it was retired before.

    Raises:
        InputError: there is no such version, or no name or reason.
    """
    said, why = " ".join(by.split()), " ".join(reason.split())
    if not said or not 0 < len(why) <= LONGEST_REASON:
        raise InputError(
            f"--by is a name and --reason 1 to {LONGEST_REASON} characters; both are recorded"
        )
    if version_of(read_rules(ledger), name, number).retired is not None:
        return False
    event = RuleRetired(name=name, version=number, by=said, reason=why)
    try:
        return not _append(ledger, f"{name}:{number}:retirement", event, now_micros()).duplicate
    except RuleRefused:  # somebody else was quicker, in other words
        return False


def version_of(rules: Rules, name: str, number: int | None = None) -> Version:
    """
    Args:
        number: None for the last version.

    Raises:
        InputError: there is none.
    """
    versions = rules.of(name)
    found = [v for v in versions if number is None or v.rule.version == number]
    if found:
        return found[-1]
    if versions:
        have = ", ".join(str(version.rule.version) for version in versions)
        raise InputError(f"rule {name!r} has no version {number}; there are {have}")
    known = ", ".join(dict.fromkeys(version.rule.name for version in rules.all())) or "none"
    raise InputError(f"there is no rule {name!r} (there are: {known}); see foreland rules list")


def check_estimate(rule: RuleProposed, estimate: RuleEstimate | None, most_matched: float) -> None:
    """
    Raises:
        RuleRefused: with the estimate, when it says that the rule would match too much.
    """
    if estimate is None or not estimate.movements:
        why = "was never back-tested" if estimate is None else "was back-tested on no movement"
        raise RuleRefused(
            f"{rule.name} version {rule.version} {why} in exactly these words, so nobody knows "
            f"what it would refer; run: foreland rules backtest {rule.name} --version "
            f"{rule.version}, or approve it with --shadow"
        )
    share = estimate.matched / estimate.movements
    if share > most_matched:
        raise RuleRefused(
            f"{rule.name} version {rule.version} would have matched {estimate.matched:,} of "
            f"{estimate.movements:,} movements ({share:.1%}) from {iso(estimate.since)[:10]} to "
            f"{iso(estimate.until)[:10]}; at most {most_matched:.1%} may be, so narrow it as a "
            "higher version, or change most_matched_by_a_rule in foreland.toml"
        )


def _check_succession(rule: RuleProposed, before: list[RuleProposed]) -> None:
    if not before:
        return
    newest = before[-1]
    if rule.version <= newest.version:
        raise RuleRefused(
            f"{rule.name} has version {newest.version} already, in other words than these; a "
            f"change is a new version, so write version = {newest.version + 1}"
        )
    if (rule.kind, rule.agency) != (newest.kind, newest.agency):
        raise RuleRefused(
            f"{rule.name} is a rule of {newest.agency} about a {newest.kind}; take another name "
            f"for one of {rule.agency} about a {rule.kind}"
        )


def _check_standing(version: Version, state: State) -> None:
    if state in {"retired", "superseded", "expired"}:
        raise RuleRefused(
            f"{version.rule.name} version {version.rule.version} is {state}; propose a higher "
            "version"
        )


def _check_approver(version: Version, approver: str, before: Collection[str], mode: Mode) -> None:
    rule = version.rule
    if same_name(approver) == same_name(rule.created_by):
        raise RuleRefused(
            f"{approver} wrote {rule.name} version {rule.version}, and nobody approves a rule of "
            f"their own; {APPROVERS_NEEDED} other people must"
        )
    if same_name(approver) in map(same_name, before):
        raise RuleRefused(
            f"{approver} approved {rule.name} version {rule.version} for {mode} already; a "
            "different person must"
        )


def _check_signed(
    version: Version, mode: Mode, key: SigningKey | None, approver_keys: Mapping[str, str]
) -> None:
    """Two names with one key are one person."""
    for said, _, occurred_at in version.approvals if approver_keys else ():
        counts = mode == "shadow" or said.mode == mode
        if counts and key is not None and said.public_key == key.verifying.public.hex():
            raise RuleRefused(
                f"{said.name} version {said.version} was approved with this key already, by "
                f"{said.approver}; a different person must"
            )
        if not is_authenticated(said, occurred_at, approver_keys):
            raise RuleRefused(
                f"{said.approver} approved {said.name} version {said.version} without the key that "
                f"approver_keys has for that name; propose version {said.version + 1}, so that "
                "everybody signs"
            )


def _append(
    ledger: Ledger, event_id: str, payload: RuleProposed | RuleApproved | RuleRetired, now: Micros
) -> Appended:
    event = Event(source=SOURCE, event_id=f"rule:{event_id}", occurred_at=now, payload=payload)
    try:
        (stamp,) = ledger.append([event])
    except EventConflict as exc:
        raise RuleRefused(
            f"somebody else said something about {payload.name} version {payload.version} at the "
            "same moment; look at foreland rules list, and say it again if it is still wanted"
        ) from exc
    return stamp
