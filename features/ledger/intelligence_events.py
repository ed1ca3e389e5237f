"""Payloads about what agencies know: selectors and rules, from proposal to retirement."""

import msgspec

from features.clock import Micros


class RuleProposed(
    msgspec.Struct, frozen=True, kw_only=True, tag="rule_proposed", omit_defaults=True
):
    """One version of a rule, as somebody wrote it. It matches nothing until others approve it."""

    name: str
    version: int
    kind: str
    agency: str
    """Who owns it."""
    when: str
    """An expression in CEL over declared and history values (``models.rules``)."""
    points: int
    action: str
    """``refer`` or ``inform``."""
    handling: str
    """Who may see a match: ``open``, ``contact`` or ``hidden``."""
    marking: str
    """Of the reason: ``OFFICIAL`` or ``OFFICIAL-SENSITIVE``."""
    contact: str
    """The desk to ask about a match, never a person."""
    reason: str
    """What an officer reads."""
    threat: str | None = None
    expires_at: Micros
    """From here on it matches nothing."""
    created_by: str


class RuleEstimate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a back-test said that a version would have done."""

    since: Micros
    until: Micros
    movements: int
    """That became known in ``[since, until)``."""
    matched: int
    """Of them."""
    examined: int
    """Of those: with a matured label."""
    found: int
    """Of those."""


class RuleApproved(
    msgspec.Struct, frozen=True, kw_only=True, tag="rule_approved", omit_defaults=True
):
    """One person's word for one version of a rule."""

    name: str
    version: int
    rule_sha256: str
    """Of the proposal as the ledger writes it."""
    approver: str
    mode: str
    """``shadow`` (matched and recorded, never shown, refers nothing) or ``active``."""
    estimate: RuleEstimate | None = None
    """What the approver knew of it; always there for ``active``."""
    public_key: str | None = None
    """As of an ``ApprovalGiven``."""
    signature: str | None = None


class RuleRetired(
    msgspec.Struct, frozen=True, kw_only=True, tag="rule_retired", omit_defaults=True
):
    """From here on the version matches nothing."""

    name: str
    version: int
    by: str
    reason: str


class SelectorProposed(
    msgspec.Struct, frozen=True, kw_only=True, tag="selector_proposed", omit_defaults=True
):
    """An entry of an agency's watch-list: live once somebody else has approved it, from ``starts``
    until before ``expires``."""

    selector: str
    """Its id, a digest of what it says."""
    agency: str
    criteria: tuple[str, ...]
    """All must hold of a movement: ``namespace:pseudonym``, ``field=value``, ``field=prefix*``."""
    kinds: tuple[str, ...]
    reason: str
    threat: str | None = None
    handling: str
    marking: str
    contact: str
    """A desk, never a person."""
    action: str
    starts: Micros
    expires: Micros
    creator: str
    """Who says so; attributed, not authenticated."""
    tags: dict[str, dict[str, str]] = {}
    """Partnership to criterion to the tag of the same identifier under that partnership's key."""


class SelectorApproved(
    msgspec.Struct, frozen=True, kw_only=True, tag="selector_approved", omit_defaults=True
):
    """A person other than its creator has approved it."""

    selector: str
    approver: str
    public_key: str | None = None
    """As of an ``ApprovalGiven``."""
    signature: str | None = None


class SelectorWithdrawn(
    msgspec.Struct, frozen=True, kw_only=True, tag="selector_withdrawn", omit_defaults=True
):
    """From here on it matches no more, for good."""

    selector: str
    by: str
    reason: str
