"""What differs between two assessments of one version, and whether to record the later. Pure."""

from collections.abc import Collection
from typing import Any

import msgspec

from features.clock import MICROS_PER_DAY, Micros
from features.history.view import Standing
from features.ledger import MovementDeclared
from serving.audit import AuditRecord, RecordedAssessment
from serving.reassessing.triggers import ABOUT_CARGO, DECISIVE, Trigger
from serving.wire import AssessmentMessage

SHARE_THAT_MOVED = 0.2
"""Of the larger one, by which two probabilities differ that are told as changed."""
DAYS_AFTER_ARRIVAL = 1.0


def changes(before: RecordedAssessment, now: AuditRecord) -> tuple[str, ...]:
    """Names of what differs, as ``MovementReassessed.changed`` has them."""
    then, again = _message(before.body or b""), _message(now.body)
    pairs: dict[str, tuple[Any, Any]] = {
        "band": (then.band, again.band),
        "selection": (_advice(then), _advice(again)),
        "matches": (then.matches, again.matches),
        "consignments": (then.consignments, again.consignments),
    }
    found = [name for name, (one, other) in pairs.items() if one != other]
    if moved(then.probability, again.probability):
        found.insert(1 if "band" in found else 0, "probability")
    return tuple(found)


def moved(before: float | None, now: float | None) -> bool:
    """
    >>> moved(0.10, 0.12), moved(0.10, 0.13), moved(None, 0.1), moved(0.0, 0.0)
    (False, True, True, False)
    """
    if before is None or now is None:
        return before is not now
    return abs(now - before) > SHARE_THAT_MOVED * max(before, now)


def is_worth_recording(
    trigger: Trigger, changed: Collection[str], before: RecordedAssessment, now: AuditRecord
) -> bool:
    """A consignment more is told of in any case: its carrier is another one than it was; one that
    is gone where it was told of. All else is when band, selection or matches say something else,
    and not for what is missing only now.
    """
    if trigger.because in ABOUT_CARGO and (not trigger.gone or "consignments" in changed):
        return True
    if now.status != "scored" and before.status != now.status:
        return False
    return not DECISIVE.isdisjoint(changed)


def is_live(
    first: RecordedAssessment,
    standing: Standing | None,
    declared: MovementDeclared,
    as_of: Micros,
    days: float,
) -> bool:
    """Whether an assessment can still be of use to somebody who waits for the movement.

    Args:
        first: the first assessment of the version. Being assessed again keeps nothing alive.
        standing: of the movement, from the history of all agencies.
        declared: what was assessed.
        days: for which a version is live at most.
    """
    if standing is None or standing.version is None or standing.verdict is not None:
        return False  # it is cancelled, or was examined
    if standing.version.rank[0] != first.movement_version:
        return False
    if as_of - first.available_at > days * MICROS_PER_DAY:
        return False
    arrives_at = declared.fields.get("arrives_at")
    # planned for the 1st at noon -> live until the 2nd at noon
    return arrives_at is None or as_of <= int(arrives_at) + DAYS_AFTER_ARRIVAL * MICROS_PER_DAY


def _message(body: bytes) -> AssessmentMessage:
    return msgspec.json.decode(body, type=AssessmentMessage)


def _advice(message: AssessmentMessage) -> tuple[bool, str] | None:
    selection = message.selection
    return None if selection is None else (selection.referred, selection.reason)
