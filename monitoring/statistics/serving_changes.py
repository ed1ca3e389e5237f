"""What changed about the models that serve, and by whose word."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from features.approvers import is_authenticated
from features.clock import Micros
from features.ledger import (
    ApprovalGiven,
    ChallengerNamed,
    ModelPromoted,
    ModelRolledBack,
    Recorded,
)

What = Literal["approved", "promoted", "rolled back", "challenger named", "challenger stopped"]


class Change(NamedTuple):
    """One decision of people about what serves, as the ledger has it."""

    at: Micros
    kind: str
    what: What
    version: int | None
    """After a roll-back the one that serves again; None where no challenger is any more."""
    from_version: int | None
    """Of a roll-back: what served until then."""
    bundle_sha256: str
    by: tuple[str, ...]
    authenticated: bool
    """Signed with the keys that are configured for these names; else attributed only."""
    reason: str | None
    acknowledged: tuple[str, ...]
    """Gates that failed and were accepted, each ``name: reason``."""


def changes(events: Iterable[Recorded], approver_keys: Mapping[str, str]) -> tuple[Change, ...]:
    """Of these events those that say what serves, in their order."""
    found = (_change(event, approver_keys) for event in events)
    return tuple(change for change in found if change is not None)


def served_before(every: Iterable[Change], kind: str, instant: Micros) -> int | None:
    """The version that served the kind just before ``instant``; None when none did.

    Args:
        every: changes in the order in which they became known.
    """
    serving = [
        change.version
        for change in every
        if change.kind == kind and change.at < instant and change.what in SERVES
    ]
    return serving[-1] if serving else None


SERVES: frozenset[What] = frozenset({"promoted", "rolled back"})
"""After these another version serves than before."""


def _change(event: Recorded, approver_keys: Mapping[str, str]) -> Change | None:
    said = event.payload
    at = event.available_at
    match said:
        case ApprovalGiven():
            signed = is_authenticated(said, event.occurred_at, approver_keys)
            accepted = tuple(f"{g.name}: {g.acknowledged}" for g in said.gates if g.acknowledged)
            by = (said.approver,)
            return Change(
                at, said.kind, "approved", said.version, None, said.bundle_sha256, by, signed, None,
                accepted,
            )  # fmt: skip
        case ModelPromoted():
            return Change(
                at, said.kind, "promoted", said.version, None, said.bundle_sha256, said.approvers,
                said.authenticated, None, (),
            )  # fmt: skip
        case ModelRolledBack():
            signed = is_authenticated(said, event.occurred_at, approver_keys)
            return Change(
                at, said.kind, "rolled back", said.version, said.from_version, said.bundle_sha256,
                (said.approver,), signed, said.reason, (),
            )  # fmt: skip
        case ChallengerNamed():
            signed = is_authenticated(said, event.occurred_at, approver_keys)
            what: What = "challenger stopped" if said.version is None else "challenger named"
            return Change(
                at, said.kind, what, said.version, None, said.bundle_sha256, (said.approver,),
                signed, None, (),
            )  # fmt: skip
    return None
