"""Assessments from before there were streams get a stream of their own, once."""

from features.clock import now_micros
from features.ledger import Transaction
from serving.audit.assessments import STORED, RecordedAssessment, entry_of
from serving.audit.chain import FIRST_END, INSERT_RECORD, link_record

STREAM = "adopted"
_ROWS = 1_000
_WITHOUT = (
    f"SELECT number, {STORED} FROM assessments"  # noqa: S608 - our own text
    f" WHERE stream IS NULL AND number > ? ORDER BY number LIMIT {_ROWS}"
)


def adopt(transaction: Transaction) -> None:
    """Chain every row that has no record yet: from here on a change to it shows.

    Called once in the life of a database: a row that comes without a record later was not written
    by a service, and ``foreland audit verify`` says so.
    """
    end, last, now = FIRST_END, 0, now_micros()
    while rows := transaction.fetch(_WITHOUT, [last]):
        for row_number, *columns in rows:
            record = link_record(STREAM, end, now, entry_of(RecordedAssessment(*columns)))
            transaction.execute(INSERT_RECORD, record)
            transaction.execute(
                "UPDATE assessments SET stream = ?, stream_number = ? WHERE number = ?",
                (STREAM, record.number, row_number),
            )
            end = (record.number, record.link)
        last = rows[-1][0]
