"""What goes over the wire: one Struct per message, every field described, unknown fields refused.

These types say how requests and answers look; what they mean is decided in ``serving.scorer``.
"""

from serving.wire.assessment import (
    AssessmentMessage,
    Interval,
    ModelIdentity,
    Reason,
    SimilarExaminations,
    ThreatShare,
    with_reference,
)
from serving.wire.json import encode
from serving.wire.movements import ScoreRequest, read_score_request
from serving.wire.outcomes import (
    OutcomeMessage,
    OutcomeReceipt,
    OutcomesAnswer,
    SentOutcomes,
    read_outcomes,
    rejected_receipt,
)
from serving.wire.standing import ModelsAnswer, Readiness, ServedModel

__all__ = [
    "AssessmentMessage",
    "Interval",
    "ModelIdentity",
    "ModelsAnswer",
    "OutcomeMessage",
    "OutcomeReceipt",
    "OutcomesAnswer",
    "Readiness",
    "Reason",
    "ScoreRequest",
    "SentOutcomes",
    "ServedModel",
    "SimilarExaminations",
    "ThreatShare",
    "encode",
    "read_outcomes",
    "read_score_request",
    "rejected_receipt",
    "with_reference",
]
