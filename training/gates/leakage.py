"""No alarm of its training run stands unacknowledged."""

import msgspec

from features.ledger import GateResult
from models.alarms import alarms_in
from training.gates.evidence import Evidence
from training.gates.results import FAILED, PASSED, gate

NAME = "leakage"


def ask(evidence: Evidence) -> GateResult:
    try:
        alarms = alarms_in(evidence.bundle.metrics)
    except (KeyError, msgspec.ValidationError):
        nothing = "its training run lists no alarms, so nothing was checked; train again"
        return gate(NAME, FAILED, nothing)
    standing = [alarm for alarm in alarms if alarm.blocks]
    if standing:
        said = "; ".join(f"{alarm.name}: {alarm.sentence}" for alarm in standing)
        return gate(NAME, FAILED, f"{len(standing)} of {len(alarms)} alarms stand: {said}")
    accepted = [alarm for alarm in alarms if alarm.failed]
    said = "; ".join(f"{alarm.name} failed, accepted: {alarm.acknowledged}" for alarm in accepted)
    return gate(
        NAME, PASSED, f"{len(alarms)} alarms checked, none stands" + (f" ({said})" if said else "")
    )
