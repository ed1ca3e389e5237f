"""Files of movements and outcomes into the ledger: bad rows are set aside, bad files refused."""

from features.ingest.report import IngestReport, Refusal
from features.ingest.run import ingest
from features.ingest.sources import FileRow, Read, check_files, read_files, read_movements

__all__ = [
    "FileRow",
    "IngestReport",
    "Read",
    "Refusal",
    "check_files",
    "ingest",
    "read_files",
    "read_movements",
]
