"""The audit log, beside the ledger in its database: what was answered and on what evidence, who
read it, and that nothing of it was changed since.

``docs/audit.md`` says what is kept and how it is verified.
"""

from serving.audit.assessments import AuditRecord, RecordedAssessment, row_bytes
from serving.audit.entries import (
    AlertAcknowledged,
    AlertCleared,
    AlertDelivered,
    AlertRaised,
    AssessmentRead,
    AssessmentsListed,
    AuditExported,
    AuditKeyRotated,
    AuditVerified,
    EvidenceExported,
    LinksRead,
    MovementScoresListed,
    Note,
    PartnerEventsRefused,
    ProofRead,
    RecordingResumed,
    ReportIssued,
    ReportViewed,
    SelectorsChanged,
    SelectorsListed,
    ServiceResumed,
    ServiceSuspended,
)
from serving.audit.reading import AuditLog, read_assessments, read_one
from serving.audit.schema import prepare
from serving.audit.stream import AuditStream, account, new_stream_name, record_note

__all__ = [
    "AlertAcknowledged",
    "AlertCleared",
    "AlertDelivered",
    "AlertRaised",
    "AssessmentRead",
    "AssessmentsListed",
    "AuditExported",
    "AuditKeyRotated",
    "AuditLog",
    "AuditRecord",
    "AuditStream",
    "AuditVerified",
    "EvidenceExported",
    "LinksRead",
    "MovementScoresListed",
    "Note",
    "PartnerEventsRefused",
    "ProofRead",
    "RecordedAssessment",
    "RecordingResumed",
    "ReportIssued",
    "ReportViewed",
    "SelectorsChanged",
    "SelectorsListed",
    "ServiceResumed",
    "ServiceSuspended",
    "account",
    "new_stream_name",
    "prepare",
    "read_assessments",
    "read_one",
    "record_note",
    "row_bytes",
]
