"""What the ledger says about promotions of a kind: who approved what, what serves since when."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from features.approvers import is_authenticated
from features.clock import Micros
from features.ledger import (
    ApprovalGiven,
    ChallengerNamed,
    ModelPromoted,
    ModelRolledBack,
    Recorded,
)
from features.people import same_name

Serving = ModelPromoted | ModelRolledBack
"""After either, its version serves."""


class Approval(NamedTuple):
    event: ApprovalGiven
    authenticated: bool

    def is_by(self, name: str, public_key: str | None) -> bool:
        """The same name however it is spelled; two names with one key are one person."""
        same_key = public_key is not None and public_key == self.event.public_key
        return same_key or same_name(name) == same_name(self.event.approver)


class Since(NamedTuple):
    """What serves, and since when."""

    event: Serving
    at: Micros
    promotion: ModelPromoted
    """Of that version: its last one, which a roll-back goes back to."""


class Standing(NamedTuple):
    """Of one kind."""

    approvals: Mapping[tuple[int, str], tuple[Approval, ...]]
    """By version and sha256: since that bundle was last promoted, those that count."""
    rounds: Mapping[tuple[int, str], int]
    """How often each was promoted."""
    promotions: tuple[ModelPromoted, ...]
    """In order, from the first."""
    served: tuple[ModelPromoted, ...]
    """What served before, and last what serves: a roll-back takes off the end."""
    serving: Since | None
    challenger: ChallengerNamed | None

    def of(self, version: int, sha256: str) -> tuple[Approval, ...]:
        return self.approvals.get((version, sha256), ())

    def last_promotion(self, version: int) -> ModelPromoted | None:
        its = [promotion for promotion in self.promotions if promotion.version == version]
        return its[-1] if its else None


def standing(events: Iterable[Recorded], kind: str, approver_keys: Mapping[str, str]) -> Standing:
    """
    Args:
        events: of the ledger's source ``training.approvers.SOURCE``, by position.
        approver_keys: of the settings. Where there are any, an approval counts only when it was
            signed with the key that is configured for its approver now.
    """
    approvals: dict[tuple[int, str], tuple[Approval, ...]] = {}
    rounds: dict[tuple[int, str], int] = {}
    promotions: list[ModelPromoted] = []
    served: list[ModelPromoted] = []
    serving: Since | None = None
    challenger: ChallengerNamed | None = None
    newest_serving: Micros = -1
    for event in events:
        said = event.payload
        if not isinstance(said, ApprovalGiven | Serving | ChallengerNamed) or said.kind != kind:
            continue
        if isinstance(said, ChallengerNamed):
            challenger = said if said.version is not None else None
            continue
        name = (said.version, said.bundle_sha256)
        if isinstance(said, ApprovalGiven):
            signed = is_authenticated(said, event.occurred_at, approver_keys)
            replayed = event.occurred_at <= newest_serving
            before = approvals.get(name, ())
            repeated = any(one.is_by(said.approver, said.public_key) for one in before)
            if not repeated and (not approver_keys or (signed and not replayed)):
                approvals[name] = (*before, Approval(said, signed))
        elif isinstance(said, ModelPromoted):
            newest_serving = event.occurred_at
            promotions.append(said)
            approvals[name], rounds[name] = (), rounds.get(name, 0) + 1
            served.append(said)
            if challenger is not None and challenger.version == said.version:
                challenger = None  # a champion is not scored in its own shadow
            serving = Since(said, event.available_at, said)
        else:
            newest_serving = event.occurred_at
            served = _back_to(said.version, served, promotions)
            serving = Since(said, event.available_at, served[-1]) if served else None
    return Standing(approvals, rounds, tuple(promotions), tuple(served), serving, challenger)


def _back_to(
    version: int, served: list[ModelPromoted], promotions: list[ModelPromoted]
) -> list[ModelPromoted]:
    """``served`` up to where the version served last; after it, if it was rolled back from."""
    at = [place for place, one in enumerate(served) if one.version == version]
    if at:
        return served[: at[-1] + 1]
    return served + [one for one in promotions if one.version == version][-1:]
