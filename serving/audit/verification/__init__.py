"""Whether the audit log is what was written: every rule, in passes that hold little in memory."""

from serving.audit.verification.findings import Finding
from serving.audit.verification.verify import Counts, verify

__all__ = ["Counts", "Finding", "verify"]
