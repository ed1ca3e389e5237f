"""All passes, over one state of the database."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from features.ledger import Ledger, LedgerDamaged, RecordsErased, Tables, open_tables
from features.signing import VerifyingKey
from serving.audit.exported import ExportRefused
from serving.audit.verification.assessments import check_assessments, find_lost
from serving.audit.verification.findings import Finding, Found
from serving.audit.verification.heads import HeadWalk, check_exported
from serving.audit.verification.records import RecordWalk


class Counts(NamedTuple):
    records: int
    streams: int
    heads: int
    pending: int
    """Records after the last exported head: nothing outside the database vouches for them yet."""


def verify(ledger: Ledger, exported: Path, trusted: Sequence[VerifyingKey], found: Found) -> Counts:
    """Hold the log against itself, its heads, their copies and the ledger.

    Args:
        exported: the second place of the heads.
        trusted: whose heads are believed.
        found: hears of everything that does not hold.
    """
    with closing(open_tables(ledger.url)) as tables, tables.snapshot():
        counts = _verify(tables, exported, trusted, found)
    _check_ledger(ledger, found)
    return counts


def _verify(
    tables: Tables, exported: Path, trusted: Sequence[VerifyingKey], found: Found
) -> Counts:
    walk = HeadWalk(tables, trusted, found)
    heads = walk.walk()
    try:
        last_exported = check_exported(tables, exported, found)
    except ExportRefused as exc:
        found(Finding("export_unreadable", str(exc), "mend the place and verify again"))
        last_exported = 0
    records, streams, assessed = RecordWalk(tables, walk.coverage, found).walk()
    if check_assessments(tables, found) != assessed:
        find_lost(tables, found)
    vouched_for = walk.coverage.covered_up_to(last_exported)
    return Counts(records, streams, heads, max(0, records - vouched_for))


def _check_ledger(ledger: Ledger, found: Found) -> None:
    try:
        verified = ledger.verify()
    except LedgerDamaged as exc:
        found(Finding("ledger_damaged", "the ledger beside the log", str(exc)))
        return
    told = sum(
        count.events
        for event in ledger.read_source("retention")
        if isinstance(event.payload, RecordsErased)
        for count in event.payload.erased
    )
    if verified.erased > told:
        where = f"{verified.erased} events are erased, and runs of retention tell of {told}"
        found(Finding("erased_without_a_run", where))
