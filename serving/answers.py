"""From an assessment to what is sent and what is recorded; no clock but the id's, no file."""

import os
import time
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros, iso
from features.ledger import MovementDeclared
from features.records.outcome import Threat
from models.bundle import Bundle
from serving.audit import AuditRecord, row_bytes
from serving.auth.access import LOCAL_AGENCY
from serving.matching import Match, encode_matches, is_told_all, may_see
from serving.pinned import Served
from serving.scorer import Assessment
from serving.selection import Selected, encode_selected
from serving.vocabulary import Because, Kind
from serving.wire import (
    AssessmentMessage,
    Consignments,
    Interval,
    MatchShown,
    ModelIdentity,
    Reason,
    Selection,
    ServedModel,
    SimilarExaminations,
    ThreatShare,
    encode,
)


def new_score_id() -> str:
    """A UUID of version 7 (RFC 9562): ids that rise with time keep the index's last page hot."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def audit_record(
    declared: MovementDeclared,
    assessment: Assessment,
    bundle: Bundle | None,
    row: NDArray[np.float64] | None,
    *,
    as_of: Micros,
    ledger_position: int,
    selected: Selected,
    matches: Sequence[Match] = (),
    agency: str = LOCAL_AGENCY,
    consignments: Consignments | None = None,
    challenger: str | None = None,
    number: int = 1,
    because: Because | None = None,
) -> AuditRecord:
    """The record of one answer; its ``body`` is the answer with ``movement_ref`` null.

    Args:
        matches: all of them; the answer has those of which a client of ``agency`` may know.
        challenger: what ``serving.shadow`` recorded; None without one.
        number: which assessment of this version it is, from 1.
        because: what became known; None for the first.
    """
    message = answer_message(
        declared,
        assessment,
        bundle,
        score_id=new_score_id(),
        as_of=as_of,
        ledger_position=ledger_position,
        selected=selected,
        matches=matches,
        agency=agency,
        consignments=consignments,
        number=number,
        because=because,
    )
    return AuditRecord(
        score_id=message.score_id,
        kind=declared.kind,
        movement=declared.movement,
        movement_version=declared.version,
        as_of=as_of,
        ledger_position=ledger_position,
        status=assessment.status,
        probability=assessment.probability,
        band=assessment.band,
        model_version=None if bundle is None else bundle.version,
        bundle_sha256=None if bundle is None else bundle.sha256,
        catalogue_sha256=None if bundle is None else bundle.catalogue.sha256,
        selection=encode_selected(selected).decode(),
        challenger=challenger,
        assessment=number,
        because=because,
        row=None if row is None else row_bytes(row),
        body=encode(message),
        matches=encode_matches(matches),
    )


def answer_message(
    declared: MovementDeclared,
    assessment: Assessment,
    bundle: Bundle | None,
    *,
    score_id: str,
    as_of: Micros,
    ledger_position: int,
    selected: Selected | None,
    matches: Sequence[Match] = (),
    agency: str = LOCAL_AGENCY,
    consignments: Consignments | None = None,
    number: int = 1,
    because: Because | None = None,
) -> AssessmentMessage:
    """The answer to a client of ``agency`` as it is recorded, without the movement's reference."""
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
        similar_past_examinations=_similar(assessment),
        interval=_interval(assessment),
        band=assessment.band,
        reasons=tuple(
            Reason(
                group=reason.group,
                effect=reason.effect,
                contribution=reason.contribution,
                sentence=reason.sentence,
            )
            for reason in assessment.reasons
        ),
        threats=tuple(
            ThreatShare(threat=cast(Threat, threat), probability=probability)
            for threat, probability in assessment.threats
        ),
        model=identity(bundle),
        selection=_selection(selected),
        matches=shown_matches(matches, agency),
        consignments=consignments,
        as_of=iso(as_of),
        ledger_position=ledger_position,
        simulated=bundle is not None and bundle.manifest.simulated,
    )


def identity(bundle: Bundle | None) -> ModelIdentity | None:
    if bundle is None:
        return None
    return ModelIdentity(
        kind=cast(Kind, bundle.kind),
        version=bundle.version,
        bundle_sha256=bundle.sha256,
        trained_until=iso(bundle.manifest.trained_until),
        simulated=bundle.manifest.simulated,
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


def _selection(selected: Selected | None) -> Selection | None:
    """None for an answer from before there were selections."""
    if selected is None:
        return None
    return Selection(
        referred=selected.referred,
        reason=selected.reason,
        policy=selected.policy,
        propensity=float(selected.propensity),
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


def _interval(assessment: Assessment) -> Interval | None:
    if assessment.interval is None:
        return None
    low, high = assessment.interval
    return Interval(low=low, high=high)


def _similar(assessment: Assessment) -> SimilarExaminations | None:
    if assessment.similar is None:
        return None
    found, examined = assessment.similar
    return SimilarExaminations(found=found, examined=examined)
