"""A verification that is itself recorded, so that a board can read when the log was last whole."""

from pathlib import Path

from features.ledger import Ledger
from features.settings import Settings
from serving.audit import AuditVerified, account, record_note
from serving.audit.trust import audit_keys
from serving.audit.verification.findings import Finding, Found
from serving.audit.verification.verify import Counts, verify


def verify_on_record(
    settings: Settings, ledger: Ledger, found: Found, exported: Path | None = None
) -> tuple[Counts, int]:
    """What was looked at, and the number of findings.

    Args:
        found: hears of each.
        exported: the second place of the heads; that of the settings by default.
    """
    findings = 0

    def count(finding: Finding) -> None:
        nonlocal findings
        findings += 1
        found(finding)

    counts = verify(ledger, exported or settings.exported_heads, audit_keys(settings), count)
    note = AuditVerified(account=account(), findings=findings, **counts._asdict())
    record_note(ledger, "verify", note)
    return counts, findings
