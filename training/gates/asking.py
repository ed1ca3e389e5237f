"""Asks every gate of a version, and says which of them block."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from msgspec.structs import replace

from features.errors import ForelandError, InputError
from features.ledger import GateResult, Ledger
from features.settings import Settings
from models.bundle import Bundle
from training.champion import registered_bundle
from training.gates import better, blanking, calibrated, feedback, groups, leakage
from training.gates.evidence import Evidence, gather_evidence
from training.gates.results import FAILED
from training.standing import Since

if TYPE_CHECKING:
    from training.tracking import Tracking

GATES: Mapping[str, Callable[[Evidence], GateResult]] = {
    module.NAME: module.ask for module in (better, calibrated, blanking, groups, leakage, feedback)
}
"""By name, in the order in which they are asked and shown."""


def ask_gates(
    settings: Settings,
    tracking: "Tracking",
    ledger: Ledger,
    bundle: Bundle,
    serving: Since | None,
) -> tuple[GateResult, ...]:
    """What every gate says of a registered version now."""
    if serving is None:
        return _ask(gather_evidence(ledger, bundle, None, "nothing serves yet"))
    version = serving.event.version
    try:
        with registered_bundle(settings, tracking, bundle.kind, version) as champion:
            return _ask(gather_evidence(ledger, bundle, champion, ""))
    except ForelandError as exc:
        why = f"the champion, version {version}, cannot be loaded ({exc})"
        return _ask(gather_evidence(ledger, bundle, None, why))


def _ask(evidence: Evidence) -> tuple[GateResult, ...]:
    return tuple(ask(evidence) for ask in GATES.values())


def acknowledged(gates: Sequence[GateResult], reasons: Mapping[str, str]) -> tuple[GateResult, ...]:
    """The gates with the reasons of those that failed; a reason for one that passed is dropped.

    Raises:
        InputError: a reason for a gate that there is not, or an empty one.
    """
    for name, reason in reasons.items():
        if name not in GATES:
            near = get_close_matches(name, GATES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(GATES)}"
            raise InputError(f"--acknowledge {name}: there is no such gate; {hint}")
        if not reason.strip():
            raise InputError(f"--acknowledge {name} needs a reason: --acknowledge {name}=REASON")
    return tuple(
        replace(gate, acknowledged=" ".join(reasons[gate.name].split()))
        if gate.result == FAILED and gate.name in reasons
        else gate
        for gate in gates
    )


def blocking(gates: Sequence[GateResult]) -> list[GateResult]:
    return [gate for gate in gates if gate.result == FAILED and gate.acknowledged is None]


def in_words(gate: GateResult) -> str:
    """
    >>> said = GateResult(name="groups", result="failed", sentence="1 is off", acknowledged="new")
    >>> in_words(said)
    'groups: failed, acknowledged (new): 1 is off'
    """
    accepted = f", acknowledged ({gate.acknowledged})" if gate.acknowledged else ""
    return f"{gate.name}: {gate.result}{accepted}: {gate.sentence}"
