"""The table of assessments: each row says what its record says, and belongs to its movement."""

from typing import Any, NamedTuple

import msgspec

from features.ledger import LedgerDamaged, Tables
from serving.audit.assessments import STORED, RecordedAssessment, entry_of, opened
from serving.audit.entries import Assessed, decode_record
from serving.audit.verification.findings import Finding, Found

_COLUMNS = ", ".join(f"a.{name.strip()}" for name in STORED.split(","))
_ROWS = (
    f"SELECT {_COLUMNS}, a.stream, a.stream_number, r.content, e.event_id, e.available_at, k.key"  # noqa: S608 - our own text
    " FROM assessments a"
    " LEFT JOIN audit_records r ON r.stream = a.stream AND r.number = a.stream_number"
    " LEFT JOIN events e ON e.position = a.position"
    " LEFT JOIN record_keys k ON k.position = a.position ORDER BY a.number"
)
_ALL_RECORDS = "SELECT stream, number, content FROM audit_records"
_IS_THERE = "SELECT 1 FROM assessments WHERE score_id = ?"
_WIDTH = len(RecordedAssessment._fields)


class _Beside(NamedTuple):
    """What stands elsewhere about one row; None where there is nothing."""

    stream: str | None
    number: int | None
    content: bytes | None
    event_id: str | None
    available_at: int | None
    key: bytes | None


def check_assessments(tables: Tables, found: Found) -> int:
    """The number of rows."""
    rows, position = 0, 0
    for row in tables.rows(_ROWS):
        rows += 1
        sealed = RecordedAssessment._make(row[:_WIDTH])
        try:
            _check(sealed, _Beside._make(row[_WIDTH:]), found)
            if sealed.position <= position:
                where = f"assessment {sealed.score_id} is not in the order of the ledger"
                found(Finding("assessment_misplaced", where))
            position = sealed.position
        except (TypeError, ValueError):  # SQLite takes any type in any column
            where = f"assessment {sealed.score_id} has a column of another type"
            found(Finding("assessment_malformed", where))
    return rows


def find_lost(tables: Tables, found: Found) -> None:
    """Records of answers whose rows are gone; asked only when the numbers differ."""
    lost = []
    for stream, number, content in tables.rows(_ALL_RECORDS):
        entry = _entry(content)
        if isinstance(entry, Assessed) and not tables.fetch(_IS_THERE, [entry.score_id]):
            lost.append((stream, number, entry.score_id))
    for stream, number, score_id in lost:
        where = f"assessment {score_id} (record {number} of {stream}) has no row"
        found(Finding("assessment_gone", where))


def _check(sealed: RecordedAssessment, beside: _Beside, found: Found) -> None:
    where = f"assessment {sealed.score_id}"
    if beside.content is None:
        has = f"{where} has no record in the log ({beside.stream}, {beside.number})"
        found(Finding("assessment_unrecorded", has))
    elif (differing := _differing(beside.content, entry_of(sealed))) is not None:
        found(Finding("assessment_changed", f"{where} differs from its record in {differing}"))
    if beside.available_at != sealed.available_at or not _is_its_event(beside.event_id, sealed):
        lies = f"{where} does not belong to the event at position {sealed.position}"
        found(Finding("assessment_without_event", lies))
    try:
        opened(sealed, beside.key)
    except LedgerDamaged:
        found(Finding("assessment_unopenable", f"{where} does not open with its key"))


def _is_its_event(event_id: str | None, sealed: RecordedAssessment) -> bool:
    """The version itself for its first assessment; for another one what called for that."""
    version = f"{sealed.movement}:{sealed.movement_version}"
    if sealed.assessment == 1:
        return event_id == version
    return event_id is not None and event_id.startswith(f"{version}:{sealed.agency}:")


def _differing(content: bytes, stored: Assessed) -> str | None:
    """Names of what the record says otherwise; None when they agree."""
    said = _entry(content)
    if said == stored:
        return None
    if not isinstance(said, Assessed):
        return "everything"
    names = Assessed.__struct_fields__
    return ", ".join(name for name in names if getattr(said, name) != getattr(stored, name))


def _entry(content: bytes) -> Any:
    try:
        return decode_record(content).entry
    except msgspec.MsgspecError:
        return None
