"""The records: each stream from 1 without a gap, each linked to the one before it."""

from typing import Any, NamedTuple

import msgspec

from features.ledger import Tables
from serving.audit.chain import FIRST_LINK, LinkedRecord, link_of
from serving.audit.entries import encode_canonical
from serving.audit.verification.coverage import Coverage
from serving.audit.verification.findings import Finding, Found

_RECORDS = (
    "SELECT place, stream, number, recorded_at, content, link FROM audit_records"
    " ORDER BY stream, number"
)
_TYPES = (str, int, int, bytes, bytes)
_ASSESSED = "assessed"


class Walked(NamedTuple):
    records: int
    streams: int
    assessed: int
    """Of the records those that say what a client was answered."""


class RecordWalk:
    """Checks records in order of stream and number; what was changed breaks in one place only,
    because the walk goes on from what is there."""

    def __init__(self, tables: Tables, coverage: Coverage, found: Found) -> None:
        self._tables = tables
        self._coverage = coverage
        self._found = found
        self._stream: str | None = None
        self._number, self._link, self._place = 0, FIRST_LINK, 0

    def walk(self) -> Walked:
        records = streams = assessed = 0
        for place, stream, number, recorded_at, content, link in self._tables.rows(_RECORDS):
            if stream != self._stream:
                streams += 1
                self._stream, self._number, self._link, self._place = stream, 0, FIRST_LINK, 0
            records += 1
            record = LinkedRecord(stream, number, recorded_at, content, link)
            if tuple(map(type, record)) != _TYPES:  # SQLite takes any type in any column
                self._found(Finding("record_malformed", f"record {number} of {stream}"))
                continue
            assessed += self._check(record) == _ASSESSED
            if place <= self._place:
                where = f"record {number} of {stream} came before the one it follows"
                self._found(Finding("record_misplaced", where))
            self._place = place
            self._coverage.record(stream, number, record.link, place)
        self._coverage.finish()
        return Walked(records, streams, assessed)

    def _check(self, record: LinkedRecord) -> str | None:
        """The type of its entry."""
        where = f"record {record.number} of {record.stream}"
        if record.number != self._number + 1:
            gap = f"{where} follows number {self._number}"
            self._found(Finding("records_missing", gap))
        elif record.link != link_of(self._link, record.content):
            self._found(Finding("record_changed", f"{where} is not what was chained there"))
        self._number, self._link = record.number, record.link
        said = _canonical(record.content)
        if said is None:
            self._found(Finding("record_not_canonical", f"{where} is no canonical JSON"))
            return None
        columns = (record.stream, record.number, record.recorded_at)
        if (said.get("stream"), said.get("number"), said.get("recorded_at")) != columns:
            self._found(Finding("record_elsewhere", f"{where} says that it is another one"))
        entry = said.get("entry")
        return entry.get("type") if isinstance(entry, dict) else None


def _canonical(content: bytes) -> dict[str, Any] | None:
    """What it says; None unless the same bytes say it again."""
    try:
        said = msgspec.json.decode(content)
    except msgspec.MsgspecError:
        return None
    same = isinstance(said, dict) and encode_canonical(said) == content
    return said if same else None
