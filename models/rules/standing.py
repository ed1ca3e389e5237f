"""Which rules stand at an instant, and how each came to: from the ledger alone.

Two people who are neither the creator nor each other approve a version, for ``shadow`` or for
``active``; whoever says that it may refer says that it may be tried too. A new version stands
beside the old one until it is active itself; then the old one is superseded for good.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from features.clock import Micros
from features.ledger import Recorded, RuleApproved, RuleProposed, RuleRetired
from features.ledger.protocol import EventSource
from features.people import same_name
from models.rules.definition import sha256_of_rule

SOURCE = "intelligence"
"""Of every event about a rule, and of other intelligence."""
APPROVERS_NEEDED = 2

_NEVER: Micros = 1 << 62

Mode = Literal["shadow", "active"]
State = Literal["proposed", "shadow", "active", "expired", "superseded", "retired"]


class Approval(NamedTuple):
    said: RuleApproved
    available_at: Micros
    occurred_at: Micros


class Retirement(NamedTuple):
    said: RuleRetired
    available_at: Micros


class Version(NamedTuple):
    """One version of a rule with what was said of it."""

    rule: RuleProposed
    sha256: str
    proposed_at: Micros
    approvals: tuple[Approval, ...] = ()
    retired: Retirement | None = None

    def mode(self, at: Micros) -> Mode | None:
        """What its approvals allow at an instant; None while there are too few."""
        for mode in ("active", "shadow"):
            if len(self.approvers(mode, at)) >= APPROVERS_NEEDED:
                return mode
        return None

    def approvers(self, mode: Mode, at: Micros) -> tuple[str, ...]:
        """Whose word counts for the mode, each once, in the order in which they gave it."""
        found: dict[str, str] = {}
        for said, available_at, _ in self.approvals:
            if available_at < at and (mode == "shadow" or said.mode == mode):
                found.setdefault(same_name(said.approver), said.approver)
        return tuple(found.values())

    def is_retired(self, at: Micros) -> bool:
        return self.retired is not None and self.retired.available_at < at


class LiveRule(NamedTuple):
    rule: RuleProposed
    sha256: str
    mode: Mode


class Rules:
    """Every version of every rule, by all that was heard of it."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, int], Version] = {}
        self.position = 0
        """Of the last word about a rule; 0 before the first."""
        self.newest: Micros = 0
        """When the last word of all became available."""

    def hear(self, event: Recorded) -> None:
        """Events come by position; other ones, and those heard before, change nothing."""
        said = event.payload
        if event.position <= self.position or not isinstance(
            said, RuleProposed | RuleApproved | RuleRetired
        ):
            return
        self.position = event.position
        self.newest = max(self.newest, event.available_at)
        key = said.name, said.version
        if isinstance(said, RuleProposed):
            self._versions.setdefault(key, Version(said, sha256_of_rule(said), event.available_at))
            return
        version = self._versions.get(key)
        if version is None:
            return
        if isinstance(said, RuleRetired):
            ended = version.retired or Retirement(said, event.available_at)
            self._versions[key] = version._replace(retired=ended)
        elif _counts(version, said):
            approval = Approval(said, event.available_at, event.occurred_at)
            self._versions[key] = version._replace(approvals=(*version.approvals, approval))

    def of(self, name: str) -> list[Version]:
        """Its versions, the first one first; none when there is no such rule."""
        return [version for version in self.all() if version.rule.name == name]

    def all(self) -> list[Version]:
        """By name, then by version."""
        return [self._versions[key] for key in sorted(self._versions)]

    def state(self, version: Version, at: Micros) -> State:
        """How the version stands at an instant, by what was available before it."""
        if version.is_retired(at):
            return "retired"
        if any(
            other.rule.version > version.rule.version and other.mode(at) == "active"
            for other in self.of(version.rule.name)
        ):
            return "superseded"
        # expires_at 2027-03-01T00:00Z -> the last match is at 2027-02-28T23:59:59.999999Z
        if version.rule.expires_at <= at:
            return "expired"
        return version.mode(at) or "proposed"

    def live(self, kind: str, at: Micros) -> tuple[LiveRule, ...]:
        """What is evaluated for a movement of the kind at the instant, by name and version."""
        found = []
        for version in self.all():
            if version.rule.kind != kind or version.proposed_at >= at:
                continue
            state = self.state(version, at)
            if state == "active" or state == "shadow":
                found.append(LiveRule(version.rule, version.sha256, state))
        return tuple(found)

    def unchanged_for(self, kind: str, at: Micros) -> tuple[Micros, Micros]:
        """Instants ``[first, end)`` around ``at`` at which the same rules of the kind are live,
        unless more is heard."""
        marks = [0, _NEVER]
        for version in self.all():
            if version.rule.kind == kind:
                marks += [version.rule.expires_at, version.proposed_at + 1]
                marks += [approval.available_at + 1 for approval in version.approvals]
                if version.retired is not None:
                    marks.append(version.retired.available_at + 1)
        return max(m for m in marks if m <= at), min(m for m in marks if m > at)


def rules_heard(events: Iterable[Recorded], *, before: Micros | None = None) -> Rules:
    """
    Args:
        before: events with ``available_at`` at or after it are not heard; None: all are.
    """
    rules = Rules()
    for event in events:
        if before is None or event.available_at < before:
            rules.hear(event)
    return rules


def read_rules(ledger: EventSource, *, before: Micros | None = None) -> Rules:
    return rules_heard(ledger.read_source(SOURCE), before=before)


def _counts(version: Version, said: RuleApproved) -> bool:
    """Whatever a ledger holds: a creator's own word is none, nor is one for another text."""
    return said.rule_sha256 == version.sha256 and same_name(said.approver) != same_name(
        version.rule.created_by
    )
