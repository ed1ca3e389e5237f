"""From an assessment to what is sent: pure."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import cast

from features.clock import Micros, iso
from features.ledger import MovementDeclared
from features.records.outcome import Threat
from models.bundle import Bundle
from serving.auth.access import LOCAL_AGENCY
from serving.matching import Match, is_told_all, may_see
from serving.pinned import Served
from serving.scorer import Assessment
from serving.selection import Selected
from serving.vocabulary import Because, Kind
from serving.wire import (
    AssessmentMessage,
    Consignments,
    Interval,
    MatchShown,
    ModelIdentity,
    Reason,
    ServedModel,
    SimilarExaminations,
    ThreatShare,
)


def answer_message(
    declared: MovementDeclared,
    assessment: Assessment,
    model: ModelIdentity | None,
    *,
    score_id: str,
    as_of: str,
    ledger_position: int,
    selected: Selected | None,
    matches: Sequence[Match] = (),
    agency: str = LOCAL_AGENCY,
    consignments: Consignments | None = None,
    number: int = 1,
    because: Because | None = None,
) -> AssessmentMessage:
    """The answer to a client of ``agency`` as it is recorded, without the movement's reference.

    Args:
        as_of: as the answer says it, see ``features.clock.iso``.
        matches: all of them; the answer has those of which a client of ``agency`` may know.
        number: which assessment of this version it is, from 1.
        because: what became known; None for the first.
    """
    similar, interval = assessment.similar, assessment.interval
    return AssessmentMessage(
        score_id=score_id,
        kind=cast(Kind, declared.kind),
        movement_ref=None,
        movement_version=declared.version,
        assessment_number=number,
        because=because,
        status=assessment.status,
        degraded_reasons=assessment.degraded,
        probability=assessment.probability,
        similar_past_examinations=None
        if similar is None
        else SimilarExaminations(found=similar[0], examined=similar[1]),
        interval=None if interval is None else Interval(low=interval[0], high=interval[1]),
        band=assessment.band,
        reasons=_reasons(assessment) if assessment.reasons else (),
        threats=_threats(assessment) if assessment.threats else (),
        model=model,
        # None for an answer from before there were selections
        selection=None if selected is None else selected.shown,
        matches=shown_matches(matches, agency) if matches else (),
        consignments=consignments,
        as_of=as_of,
        ledger_position=ledger_position,
        simulated=model is not None and model.simulated,
    )


def identity(bundle: Bundle | None) -> ModelIdentity | None:
    if bundle is None:
        return None
    manifest = bundle.manifest
    return _identity(
        manifest.kind, manifest.version, bundle.sha256, manifest.trained_until, manifest.simulated
    )


@lru_cache(16)
def _identity(
    kind: str, version: int, sha256: str, trained_until: Micros, simulated: bool
) -> ModelIdentity:
    """Kept by its own words, and not by the bundle, which is large and goes when it is replaced."""
    return ModelIdentity(
        kind=cast(Kind, kind),
        version=version,
        bundle_sha256=sha256,
        trained_until=iso(trained_until),
        simulated=simulated,
    )


def served_model(
    kind: str, served: Served, newest: Micros | None, suspended: str | None
) -> ServedModel:
    bundle, pin = served.bundle, served.pin
    return ServedModel(
        kind=cast(Kind, kind),
        model=identity(bundle),
        thresholds={}
        if bundle is None
        else {"high": bundle.thresholds.high, "medium": bundle.thresholds.medium},
        approvers=() if pin is None else tuple(pin.approvers),
        promoted_at=None if pin is None else iso(pin.promoted_at),
        problem=served.refusal,
        suspended=suspended,
        newest_event_at=None if newest is None else iso(newest),
    )


def _reasons(assessment: Assessment) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            group=reason.group,
            effect=reason.effect,
            contribution=reason.contribution,
            sentence=reason.sentence,
        )
        for reason in assessment.reasons
    )


def _threats(assessment: Assessment) -> tuple[ThreatShare, ...]:
    return tuple(
        ThreatShare(threat=cast(Threat, threat), probability=probability)
        for threat, probability in assessment.threats
    )


def shown_matches(matches: Iterable[Match], agency: str) -> tuple[MatchShown, ...]:
    """As a client of the agency reads them."""
    return tuple(_shown(match, agency) for match in may_see(matches, agency))


def _shown(match: Match, agency: str) -> MatchShown:
    if not is_told_all(match, agency):
        return MatchShown(by=match.by, action=match.action, contact=match.contact)
    return MatchShown(
        by=match.by,
        action=match.action,
        contact=match.contact,
        id=match.id,
        version=match.version,
        agency=match.agency,
        marking=match.marking,
        reason=match.reason,
        threat=cast(Threat | None, match.threat),
        points=match.points,
    )
