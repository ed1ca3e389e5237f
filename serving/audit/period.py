"""What the audit log says about a stretch of time, as streams: for reports and for evidence.

Intervals are ``since <= instant < until``, in microseconds.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from features.clock import Micros
from features.ledger import Tables
from serving.audit.assessments import STORED, RecordedAssessment, opened
from serving.audit.entries import Record, decode_record
from serving.audit.heads import MOST_RECORDS, decode_head, heads_after

_WITHIN = "available_at >= ? AND available_at < ?"
_ANSWERS = (
    "SELECT score_id, kind, available_at, status, band, selection, client, agency, assessment"  # noqa: S608 - our own text
    f" FROM assessments WHERE {_WITHIN} ORDER BY number"
)
_NOT_SCORED = (
    f"SELECT {STORED}, key FROM assessments LEFT JOIN record_keys USING (position)"  # noqa: S608 - our own text
    f" WHERE status <> 'scored' AND assessment = 1 AND {_WITHIN} ORDER BY number"
)
_RECORDS = (
    "SELECT stream, number, content, link FROM audit_records"
    " WHERE place > ? AND place <= ? AND recorded_at >= ? AND recorded_at < ? ORDER BY place"
)
_OF_ROLE = "SELECT content FROM audit_records WHERE stream >= ? AND stream < ? ORDER BY place"
_LAST_PLACE = 2**63 - 1
_AN_ANSWER = b'"type":"assessed"'


class Answer(NamedTuple):
    """Who got which answer, and what was decided about a referral."""

    score_id: str
    kind: str
    available_at: Micros
    status: str
    band: str
    selection: str | None
    """``serving.selection.Selected`` as JSON."""
    client: str | None
    agency: str
    assessment: int
    """1 for the answer to whoever asked; above that nobody did."""


class NotScored(NamedTuple):
    """An answer that was degraded or unassessed, and why."""

    kind: str
    available_at: Micros
    status: str
    codes: tuple[str, ...]
    """Of its reasons, such as ``history_stale``; ``erased`` alone once retention has been there."""


class StoredRecord(NamedTuple):
    """One line of the table of records, as an export has it."""

    stream: str
    number: int
    content: bytes
    link: bytes


class _Reasons(msgspec.Struct):
    degraded_reasons: tuple[str, ...] = ()


_decode_reasons = msgspec.json.Decoder(_Reasons).decode


def answers_between(tables: Tables, since: Micros, until: Micros) -> Iterator[Answer]:
    """In the order in which they were recorded; none when the ledger never served."""
    if tables.has("assessments"):
        yield from map(Answer._make, tables.rows(_ANSWERS, [since, until]))


def not_scored_between(tables: Tables, since: Micros, until: Micros) -> Iterator[NotScored]:
    """Those that whoever asked was given, and that were not ``scored``."""
    if not tables.has("assessments"):
        return
    for *columns, key in tables.rows(_NOT_SCORED, [since, until]):
        found = opened(RecordedAssessment(*columns), key)
        codes: tuple[str, ...] = ("erased",)
        if found.body is not None:
            said = _decode_reasons(found.body).degraded_reasons
            codes = tuple(reason.partition(":")[0] for reason in said)
        yield NotScored(found.kind, found.available_at, found.status, codes)


def records_between(tables: Tables, since: Micros, until: Micros) -> Iterator[StoredRecord]:
    """Answers and notes that were recorded then, in the order in which they came."""
    if tables.has("audit_records"):
        places = places_between(tables, since, until)
        for stream, number, content, link in tables.rows(_RECORDS, [*places, since, until]):
            yield StoredRecord(stream, number, bytes(content), bytes(link))


def notes_between(tables: Tables, since: Micros, until: Micros) -> Iterator[Record]:
    """All that was recorded then and is no answer."""
    for stored in records_between(tables, since, until):
        if _AN_ANSWER not in stored.content:
            yield decode_record(stored.content)


def records_of(tables: Tables, role: str) -> Iterator[Record]:
    """All that one role ever wrote (see ``new_stream_name``), in the order in which it came."""
    if tables.has("audit_records"):
        for (content,) in tables.rows(_OF_ROLE, [f"{role}-", f"{role}."]):  # "." follows "-"
            yield decode_record(bytes(content))


def places_between(tables: Tables, since: Micros, until: Micros) -> tuple[int, int]:
    """After which place, and up to which, the records of that time are: heads know, and are few.

    A head covers all that was recorded before it, unless that was more than one head may.
    """
    before = 0
    for head in heads_after(tables, 0):
        said = decode_head(head.content)
        if said.made_at < since:
            before = head.last_place
        elif said.made_at >= until and said.records < MOST_RECORDS:
            return before, head.last_place
    return before, _LAST_PLACE
