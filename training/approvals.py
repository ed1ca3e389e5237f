"""What the ledger holds of approvals, promotions and roll-backs, with every signature verified."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from features.approvers import shown_as
from features.clock import iso
from features.ledger import (
    ApprovalGiven,
    ChallengerNamed,
    GateResult,
    ModelPromoted,
    ModelRolledBack,
    Recorded,
)

OfModels = ApprovalGiven | ModelRolledBack | ChallengerNamed


class RecordedApprovals(NamedTuple):
    lines: tuple[str, ...]
    """One for each event, in order; indented ones for what was acknowledged."""
    wrong: int
    """Signatures that do not hold."""


def recorded_approvals(
    events: Iterable[Recorded], kind: str, approver_keys: Mapping[str, str]
) -> RecordedApprovals:
    lines: list[str] = []
    wrong = 0
    for event in events:
        said = event.payload
        if not isinstance(said, OfModels | ModelPromoted) or said.kind != kind:
            continue
        shown = (
            ""
            if isinstance(said, ModelPromoted)
            else shown_as(said, event.occurred_at, approver_keys)
        )
        wrong += shown.startswith("WRONG")
        moment = iso(event.available_at)[:19].replace("T", " ")
        lines.append(f"{moment} {_in_words(said)}{f' ({shown})' if shown else ''}")
        gates = said.gates if isinstance(said, ApprovalGiven) else ()
        lines += map(_acknowledged, (gate for gate in gates if gate.acknowledged))
    return RecordedApprovals(tuple(lines), wrong)


def _in_words(said: OfModels | ModelPromoted) -> str:
    what = f"version {said.version}"
    match said:
        case ApprovalGiven():
            return f"{what} approved by {said.approver}"
        case ModelPromoted():
            shown = "authenticated" if said.authenticated else "attributed"
            return f"{what} promoted, approved by {' and '.join(said.approvers)} ({shown})"
        case ModelRolledBack():
            back = f"{what} serves again instead of {said.from_version}"
            return f"{back}, by {said.approver}: {said.reason}"
        case ChallengerNamed():
            named = f"{what} named challenger" if said.version else "no challenger any more"
            return f"{named}, by {said.approver}"


def _acknowledged(gate: GateResult) -> str:
    return f"    accepted {gate.name}: {gate.acknowledged} (it said: {gate.sentence})"
