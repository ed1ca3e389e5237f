"""One assessment with everything in it, as it is answered and as it is recorded."""

from serving.audit import RecordedAssessment
from serving.wire import (
    AssessmentMessage,
    Interval,
    ModelIdentity,
    Reason,
    SimilarExaminations,
    ThreatShare,
    encode,
)

ANSWER = AssessmentMessage(
    score_id="0199a3c2-7c1e-7b52-9d0e-4f6f1f0b8a11",
    kind="vehicle",
    movement_ref=None,
    movement_version=1,
    status="scored",
    degraded_reasons=(),
    probability=0.304,
    similar_past_examinations=SimilarExaminations(found=34, examined=112),
    interval=Interval(low=0.2262, high=0.3942),
    band="high",
    reasons=(
        Reason(
            group="haulier",
            effect="raises",
            contribution=1.2,
            sentence="haulier: 2 finds in 9 examinations, the last find 12 days ago",
        ),
        Reason(
            group="vehicle",
            effect="raises",
            contribution=0.5,
            sentence="vehicle: never examined in 14 movements",
        ),
        Reason(
            group="gross mass",
            effect="lowers",
            contribution=-0.3,
            sentence="gross mass 18,000 kg",
        ),
    ),
    threats=(
        ThreatShare(threat="tobacco_alcohol", probability=0.614),
        ThreatShare(threat="cash", probability=0.2),
    ),
    model=ModelIdentity(
        kind="vehicle",
        version=3,
        bundle_sha256="a4" * 32,
        trained_until="2026-10-01T00:00:00Z",
        simulated=True,
    ),
    as_of="2026-11-26T05:10:51.153576Z",
    ledger_position=240_407,
    simulated=True,
)


def recorded_as(answer: AssessmentMessage) -> RecordedAssessment:
    """As the audit table keeps it, without the feature row."""
    return RecordedAssessment(
        score_id=answer.score_id,
        kind=answer.kind,
        movement="0" * 32,
        movement_version=answer.movement_version,
        position=answer.ledger_position + 1,
        available_at=1_795_669_851_193_576,
        as_of=1_795_669_851_153_576,
        ledger_position=answer.ledger_position,
        status=answer.status,
        probability=answer.probability,
        band=answer.band,
        model_version=None if answer.model is None else answer.model.version,
        bundle_sha256=None if answer.model is None else answer.model.bundle_sha256,
        catalogue_sha256=None,
        selection=None,
        challenger=None,
        row=None,
        body=encode(answer),
        client=None,
        agency="local",
    )
