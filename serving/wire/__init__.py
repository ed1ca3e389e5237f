"""What goes over the wire: one Struct per message, every field described, unknown fields refused.

These types say how requests and answers look; what they mean is decided in ``serving.scorer``.
"""

from serving.wire.assessment import (
    AssessmentMessage,
    AssessmentsAnswer,
    ConsignmentRisk,
    Consignments,
    Interval,
    MatchShown,
    ModelIdentity,
    Reason,
    Selection,
    SimilarExaminations,
    ThreatShare,
    with_reference,
)
from serving.wire.decisions import CancellationReceipt, DecisionsAnswer, read_decisions
from serving.wire.json import encode, rejected
from serving.wire.movements import ScoreRequest, read_score_request
from serving.wire.outcomes import OutcomeMessage, OutcomesAnswer, read_outcomes
from serving.wire.receipts import Receipt, Sent, rejected_receipt
from serving.wire.standing import ModelsAnswer, Readiness, ServedModel

__all__ = [
    "AssessmentMessage",
    "AssessmentsAnswer",
    "CancellationReceipt",
    "ConsignmentRisk",
    "Consignments",
    "DecisionsAnswer",
    "Interval",
    "MatchShown",
    "ModelIdentity",
    "ModelsAnswer",
    "OutcomeMessage",
    "OutcomesAnswer",
    "Readiness",
    "Reason",
    "Receipt",
    "ScoreRequest",
    "Selection",
    "Sent",
    "ServedModel",
    "SimilarExaminations",
    "ThreatShare",
    "encode",
    "read_decisions",
    "read_outcomes",
    "read_score_request",
    "rejected",
    "rejected_receipt",
    "with_reference",
]
