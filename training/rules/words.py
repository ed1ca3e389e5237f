"""Rules as a person reads them in a terminal."""

from collections.abc import Iterator, Mapping

from features.approvers import shown_as
from features.clock import Micros, iso
from models.rules import APPROVERS_NEEDED, Rules, Version


def version_in_words(rules: Rules, version: Version, at: Micros) -> str:
    """One line: what it is and how it stands."""
    rule, state = version.rule, rules.state(version, at)
    standing: str = state
    if state == "proposed":
        given = len(version.approvers("shadow", at))
        standing = f"proposed, {given} of {APPROVERS_NEEDED} approvals"
    return (
        f"{rule.name} {rule.version}: {standing}; {rule.kind}, {rule.action}, {rule.points} "
        f"points, {rule.agency}, until {day_of(rule.expires_at)}: {rule.reason}"
    )


def story_in_words(version: Version, approver_keys: Mapping[str, str]) -> Iterator[str]:
    """All that was written and said of it, a line each."""
    rule = version.rule
    yield f"when: {rule.when}"
    yield (
        f"handling: {rule.handling}, {rule.marking}, contact: {rule.contact}, threat: "
        f"{rule.threat or 'any'}"
    )
    yield f"sha256: {version.sha256}"
    yield f"{iso(version.proposed_at)} proposed by {rule.created_by}"
    for said, available_at, occurred_at in version.approvals:
        knew = ""
        if said.estimate is not None:
            one = said.estimate
            knew = (
                f", back-tested from {day_of(one.since)} to {day_of(one.until)}: matches "
                f"{one.matched:,} of {one.movements:,}, "
                f"{one.found:,} finds in {one.examined:,} examined"
            )
        shown = shown_as(said, occurred_at, approver_keys)
        yield f"{iso(available_at)} approved for {said.mode} by {said.approver} ({shown}){knew}"
    if version.retired is not None:
        said_last, ended_at = version.retired
        yield f"{iso(ended_at)} retired by {said_last.by}: {said_last.reason}"


def day_of(instant: Micros) -> str:
    return iso(instant)[:10]
