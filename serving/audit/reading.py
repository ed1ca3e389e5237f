"""Reading assessments back, from either database."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

import pandas as pd

from features.clock import Micros
from features.ledger import open_ledger, open_tables
from serving.audit.assessments import STORED, RecordedAssessment, opened
from serving.audit.schema import is_current, prepare

_SELECT = f"SELECT {STORED}, key FROM assessments LEFT JOIN record_keys USING (position)"  # noqa: S608 - our own text
ASKED_AT_ONCE = 500
"""Movements in one statement."""
_ANSWERED_BEFORE = (
    "SELECT movement_version, movement, score_id, band, probability, selection FROM assessments"
    " WHERE agency = ? AND position <= ? AND available_at < ? AND movement IN ({}) ORDER BY number"
)
_FRAME_COLUMNS = (
    "score_id, kind, movement, as_of, available_at, ledger_position, status, probability, band,"
    " model_version AS version, bundle_sha256, assessment"
)


_LATEST = (
    "SELECT score_id FROM assessments WHERE agency = ? AND movement = ?"
    " ORDER BY movement_version DESC, assessment DESC LIMIT 1"
)
_FIRST_ONES = (
    "SELECT number, agency, kind, movement FROM assessments"
    " WHERE number > ? AND available_at >= ? AND assessment = 1 ORDER BY number LIMIT ?"
)
_FIRST_SINCE = (
    "SELECT number, position FROM assessments WHERE available_at >= ? ORDER BY available_at LIMIT 1"
)


class LiveRow(NamedTuple):
    """One version of a movement that was assessed lately."""

    number: int
    """Of the row: they rise."""
    agency: str
    kind: str
    movement: str


class Begin(NamedTuple):
    """Where in table and ledger the first assessment of a time is."""

    number: int
    position: int


def bring_up_to_date(ledger_url: str) -> None:
    """The tables of an older program become those of this one; nothing is made where none are.

    Raises:
        LedgerError: a newer program wrote them.
    """
    with closing(open_tables(ledger_url)) as tables:
        if not tables.has("assessments") or is_current(tables):
            return
    with (
        closing(open_ledger(ledger_url, create=False)) as ledger,
        ledger.transaction() as transaction,
    ):
        prepare(transaction)


class AuditLog:
    """Reads the assessments of one ledger; used by one thread at a time."""

    def __init__(self, ledger_url: str, *, answer_seconds: float | None = None) -> None:
        bring_up_to_date(ledger_url)
        self._tables = open_tables(ledger_url, answer_seconds=answer_seconds)

    def by_id(self, score_id: str) -> RecordedAssessment | None:
        return self._one("score_id = ?", score_id)

    def of_agency(self, agency: str, score_id: str) -> RecordedAssessment | None:
        """None also for a score of another agency."""
        return self._one("score_id = ? AND agency = ?", score_id, agency)

    def by_movement(
        self, agency: str, movement: str, movement_version: int
    ) -> RecordedAssessment | None:
        """The first assessment of the version: what was answered when it was sent."""
        condition = "agency = ? AND movement = ? AND movement_version = ? AND assessment = 1"
        return self._one(condition, agency, movement, movement_version)

    def later_than(self, recorded: RecordedAssessment) -> str | None:
        """Id of the last assessment of the highest version of its movement for the agency; None
        when it is that one."""
        rows = self._tables.fetch(_LATEST, [recorded.agency, recorded.movement])
        latest = str(rows[0][0])
        return None if latest == recorded.score_id else latest

    def of_movement(self, agency: str, movement: str) -> list[RecordedAssessment]:
        """All versions that were assessed for the agency, the newest assessment first."""
        return self._all("agency = ? AND movement = ? ORDER BY number DESC", agency, movement)

    def answered_before(
        self, agency: str, movements: Sequence[str], position_up_to: int, as_of: Micros
    ) -> list[tuple[Any, ...]]:
        """Of each movement that was assessed for the agency, what was answered about its highest
        version, the last time with ``available_at < as_of`` and no later in the ledger.

        Returns:
            movement, score_id, band, probability and selection of each.
        """
        last: dict[str, tuple[Any, ...]] = {}
        highest: dict[str, int] = {}
        if not self._tables.has("assessments"):
            return []
        for start in range(0, len(movements), ASKED_AT_ONCE):
            asked = movements[start : start + ASKED_AT_ONCE]
            statement = _ANSWERED_BEFORE.format(", ".join("?" * len(asked)))
            bounds = (agency, position_up_to, as_of)
            for version, movement, *said in self._tables.fetch(statement, [*bounds, *asked]):
                if version >= highest.get(movement, 0):
                    last[movement], highest[movement] = (movement, *said), version
        return list(last.values())

    def begin(self, since: Micros) -> Begin | None:
        """Of the first assessment with ``available_at >= since``; None when there is none."""
        rows = []
        if self._tables.has("assessments"):
            rows = self._tables.fetch(_FIRST_SINCE, [since])
        return Begin._make(rows[0]) if rows else None

    def first_assessments(self, since: Micros, after_number: int, most: int) -> list[LiveRow]:
        """Of versions that were assessed for the first time at or after ``since``."""
        rows = self._tables.fetch(_FIRST_ONES, [after_number, since, most])
        return [LiveRow._make(row) for row in rows]

    def frame(self, since: Micros | None, until: Micros | None) -> pd.DataFrame:
        """See ``read_assessments``."""
        bounds = {"available_at >= ?": since, "available_at < ?": until}
        given = {condition: bound for condition, bound in bounds.items() if bound is not None}
        where = f" WHERE {' AND '.join(given)}" if given else ""
        statement = f"SELECT {_FRAME_COLUMNS} FROM assessments{where} ORDER BY number"  # noqa: S608 - our own text
        rows = []
        if self._tables.has("assessments"):
            rows = self._tables.fetch(statement, list(given.values()))
        columns = [name.split()[-1] for name in _FRAME_COLUMNS.split(", ")]
        integers = dict.fromkeys(
            ("as_of", "available_at", "ledger_position", "assessment"), "int64"
        )
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype({**integers, "probability": "float64", "version": "Int64"})

    def close(self) -> None:
        self._tables.close()

    def _one(self, condition: str, *values: object) -> RecordedAssessment | None:
        return next(iter(self._all(condition, *values)), None)

    def _all(self, condition: str, *values: object) -> list[RecordedAssessment]:
        if not self._tables.has("assessments"):
            return []
        rows = self._tables.fetch(f"{_SELECT} WHERE {condition}", values)
        return [_opened(*row) for row in rows]


def _opened(*columns: Any) -> RecordedAssessment:
    *sealed, key = columns
    return opened(RecordedAssessment(*sealed), key)


def read_assessments(
    ledger_url: str, *, since: Micros | None = None, until: Micros | None = None
) -> pd.DataFrame:
    """Assessments with ``since <= available_at < until``, in the order they were recorded.

    Columns: score_id, kind, movement (pseudonym), as_of, available_at (microseconds),
    ledger_position, status, probability (NaN when unassessed), band, version and bundle_sha256
    (missing when no model spoke), assessment (of its version, from 1). Empty when the ledger never
    served.
    """
    with closing(AuditLog(ledger_url)) as log:
        return log.frame(since, until)


def read_one(ledger_url: str, score_id: str) -> RecordedAssessment | None:
    with closing(AuditLog(ledger_url)) as log:
        return log.by_id(score_id)
