"""Made-up answers to reserved references, so that a client meets every answer before it matters.

Nothing here reaches ledger, audit log or referrals; every answer says ``sandbox: true``. The same
reference always gets the same answer.
"""

import uuid
from collections.abc import Mapping
from typing import NamedTuple

from features.records import Problem
from serving.auth.access import Client, require
from serving.problems import PROBLEMS, RequestRefused
from serving.vocabulary import Band, Kind, ReferralReason, Status
from serving.wire.assessment import (
    AssessmentMessage,
    Interval,
    MatchShown,
    ModelIdentity,
    Reason,
    Selection,
    SimilarExaminations,
    ThreatShare,
)
from serving.wire.receipts import Receipt, rejected_receipt

PREFIX = "SANDBOX-"
_SPACE = uuid.UUID("5bb2ab0e-0b5f-5d0a-9c55-9d3c6f0a7c11")
_AS_OF = "2026-01-01T00:00:00.000000Z"


class _Answer(NamedTuple):
    status: Status
    band: Band
    probability: float | None
    degraded: tuple[str, ...] = ()
    matched: bool = False


ANSWERS: Mapping[str, _Answer] = {
    "HIGH": _Answer("scored", "high", 0.42),
    "MEDIUM": _Answer("scored", "medium", 0.12),
    "LOW": _Answer("scored", "low", 0.01),
    "DEGRADED": _Answer(
        "degraded",
        "medium",
        0.01,
        ("history_stale: made up for the sandbox; what would be low is medium",),
    ),
    "UNASSESSED": _Answer(
        "unassessed", "unassessed", None, ("no_model: made up for the sandbox; no model spoke",)
    ),
    "MATCHED": _Answer("scored", "low", 0.01, matched=True),
}
"""Ending of the reference to what is answered; the code of a problem is an ending too."""

_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    403: {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
    405: {"Allow": "POST"},
    429: {"Retry-After": "1"},
    503: {"Retry-After": "1"},
}


def is_reserved(movement_ref: str) -> bool:
    """Whoever spells it otherwise means it too: nothing that looks like it is ever recorded."""
    return movement_ref[: len(PREFIX)].upper() == PREFIX


def reference_of_code(code: str) -> str:
    """
    >>> reference_of_code("quota_exceeded")
    'SANDBOX-QUOTA-EXCEEDED'
    """
    return PREFIX + code.upper().replace("_", "-")


REFERENCES = (*(PREFIX + name for name in ANSWERS), *map(reference_of_code, PROBLEMS))
_CODES = {reference_of_code(code): code for code in PROBLEMS}
_BY_ID = {str(uuid.uuid5(_SPACE, PREFIX + name)): PREFIX + name for name in ANSWERS}


def reference_of(score_id: str) -> str | None:
    """The reference whose answer has this id; None for a score that is no sandbox's."""
    return _BY_ID.get(score_id)


def answer(kind: Kind, movement_ref: str, version: int, client: Client) -> AssessmentMessage:
    """What is made up for the reference.

    Raises:
        RequestRefused: what the reference asks for; ``scope_missing`` without the scope
            ``sandbox``; ``no_such_sandbox_reference``.
    """
    require(client, "sandbox")
    if movement_ref in _CODES:
        raise _refusal(_CODES[movement_ref])
    name = movement_ref.removeprefix(PREFIX)
    if name not in ANSWERS:
        raise RequestRefused(
            "no_such_sandbox_reference",
            f"references that begin with {PREFIX} are reserved, and this is none of them; use one "
            f"of {', '.join(PREFIX + known for known in ANSWERS)}, or {PREFIX} and a problem's "
            "code such as SANDBOX-QUOTA-EXCEEDED",
        )
    return _made_up(kind, movement_ref, version, ANSWERS[name])


def stored(score_id: str, client: Client) -> AssessmentMessage:
    """The answer that was given under this id, as a stored assessment is told: as a vehicle's."""
    require(client, "sandbox")
    reference = _BY_ID[score_id]
    return _made_up("vehicle", reference, 1, ANSWERS[reference.removeprefix(PREFIX)])


def receipt(event_id: str, pointer: str, field: str, client: Client) -> Receipt:
    """Of an event about a sandbox reference: accepted, and recorded nowhere."""
    if "sandbox" in client.scopes:
        return Receipt(event_id=event_id, status="accepted", position=None)
    reserved = Problem(
        "reserved_reference", field, "it belongs to the sandbox, which needs the scope sandbox"
    )
    return rejected_receipt(event_id, (reserved,), pointer)


def _refusal(code: str) -> RequestRefused:
    broken = Problem("bad_value", "/gross_mass_kg", "made up for the sandbox; nothing is wrong")
    return RequestRefused(
        code,
        f"made up for the sandbox: {PROBLEMS[code].title}",
        errors=(broken,) if code == "record_rejected" else (),
        headers=_HEADERS.get(PROBLEMS[code].status),
    )


def _made_up(kind: Kind, movement_ref: str, version: int, said: _Answer) -> AssessmentMessage:
    explained = said.band in ("high", "medium")
    spoke = said.probability is not None
    return AssessmentMessage(
        score_id=str(uuid.uuid5(_SPACE, movement_ref)),
        kind=kind,
        movement_ref=movement_ref,
        movement_version=version,
        status=said.status,
        degraded_reasons=said.degraded,
        probability=said.probability,
        similar_past_examinations=SimilarExaminations(found=34, examined=112) if spoke else None,
        interval=Interval(low=0.0, high=0.6) if spoke else None,
        band=said.band,
        reasons=(_REASON,) if explained else (),
        threats=(ThreatShare(threat="tobacco_alcohol", probability=0.6),) if explained else (),
        selection=_selection(said),
        matches=_MATCHES if said.matched else (),
        model=_model(kind) if spoke else None,
        as_of=_AS_OF,
        ledger_position=0,
        simulated=True,
        sandbox=True,
    )


_REASON = Reason(
    group="haulier",
    effect="raises",
    contribution=0.8,
    sentence="made up for the sandbox: haulier had 2 finds in the last 90 days",
)

_MATCHES = (
    MatchShown(
        by="selector",
        action="refer",
        contact="made up for the sandbox: targeting desk",
        id="0" * 20,
        agency="sandbox",
        marking="OFFICIAL",
        reason="made up for the sandbox: a watched haulier",
        threat="tobacco_alcohol",
    ),
    MatchShown(by="rule", action="inform", contact="made up for the sandbox: another agency"),
)


def _selection(said: _Answer) -> Selection:
    referred = said.matched or said.band == "high"
    for_risk: ReferralReason = "risk" if referred else "none"
    return Selection(
        referred=referred,
        reason="intelligence" if said.matched else for_risk,
        policy="sandbox",
        propensity=1.0 if referred else 0.0,
    )


def _model(kind: Kind) -> ModelIdentity:
    return ModelIdentity(
        kind=kind, version=1, bundle_sha256="0" * 64, trained_until=_AS_OF, simulated=True
    )
