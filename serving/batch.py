"""Scoring a file: each row at its own declared time, as if the others had never been sent."""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import InputError
from features.files.tabular import SIMULATED
from features.ingest import FileRow
from features.intake import declare
from features.ledger import EventSource
from features.pseudonyms import Pseudonyms
from models.bundle import Bundle
from serving.file_beside import Beside, Movements
from serving.scorer import Assessment, assess, history_problem
from serving.suspension import read_suspensions
from serving.vocabulary import Explain

SUFFIXES = (".csv", ".parquet")


class ScoredRow(NamedTuple):
    """One row of the output, for the row of the input at the same place."""

    movement_ref: str | None
    status: str
    """scored, degraded, unassessed or rejected."""
    probability: float | None
    band: str | None
    reasons: str
    """Sentences, the strongest first, between them `` | ``; also what made it degraded."""
    model_version: int | None
    """None when no model spoke."""
    error: str
    """Why a rejected row is rejected; empty otherwise."""
    referral_reason: str | None = None
    """As of an answer's selection; None unless it was asked for."""
    matches: str | None = None
    """As of an answer, in JSON; None unless they were asked for."""


SCORES = ScoredRow._fields[:-2]
"""The columns of every file."""
WITH_MATCHES = ScoredRow._fields
_TYPES: dict[str, pa.DataType] = dict.fromkeys(ScoredRow._fields, pa.string()) | {
    "probability": pa.float64(),
    "model_version": pa.int64(),
}


def score_rows(
    ledger: EventSource,
    bundle: Bundle,
    rows: Sequence[FileRow],
    pseudonyms: Pseudonyms,
    explain: Explain,
    beside: Beside | None = None,
) -> Iterator[ScoredRow]:
    """One result per row, in the order of ``rows``; the ledger is only read.

    Each movement is scored at the time it was declared: of the ledger it sees what was available
    before then, and of the other rows nothing. While the kind is suspended, none is assessed.

    Args:
        beside: says what each meets beside its score; None where nobody asked.
    """
    declared = [declare(row.movement, pseudonyms) for row in rows if row.movement is not None]
    movements = Movements(ledger, declared)
    assessments = enumerate(_assessments(ledger, bundle, movements, explain))
    for row in rows:
        if row.movement is None:
            message = "; ".join(
                f"{p.code} at {p.pointer or '/'}: {p.message}" for p in row.problems
            )
            yield ScoredRow(row.movement_ref, "rejected", None, None, "", None, message)
            continue
        at, assessment = next(assessments)
        scored = _scored_row(row.movement_ref, assessment, bundle)
        if beside is not None:
            known = beside.of(movements, at, bundle, assessment.probability)
            scored = scored._replace(referral_reason=known.reason, matches=known.matches)
        yield scored


def _assessments(
    ledger: EventSource, bundle: Bundle, movements: Movements, explain: Explain
) -> Iterator[Assessment]:
    suspended = read_suspensions(ledger).problem(bundle.kind)
    if suspended is not None:
        yield from repeat(assess(None, None, degraded=(suspended,)), len(movements))
        return
    if not len(movements):
        return
    matrix = movements.features(bundle.catalogue)
    probabilities = bundle.probabilities(matrix)
    newest = movements.newest_outcomes(bundle.kind)
    for index, as_of in enumerate(movements.as_of.tolist()):
        stamp = int(newest[index]) if newest[index] >= 0 else None
        stale = history_problem(bundle.kind, stamp, as_of)
        yield assess(
            bundle,
            matrix[index],
            degraded=() if stale is None else (stale,),
            explain=explain,
            probability=float(probabilities[index]),
        )


def _scored_row(movement_ref: str | None, assessment: Assessment, bundle: Bundle) -> ScoredRow:
    sentences = (*assessment.degraded, *(reason.sentence for reason in assessment.reasons))
    return ScoredRow(
        movement_ref,
        assessment.status,
        assessment.probability,
        assessment.band,
        " | ".join(sentences),
        None if assessment.probability is None else bundle.version,
        "",
    )


def check_output(path: Path) -> None:
    """
    Raises:
        InputError: for a suffix that is not known, or a directory that does not exist.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"--out must end in {' or '.join(SUFFIXES)}, not {path.name!r}")
    if not path.parent.is_dir():
        raise InputError(f"--out needs a directory that exists; make {path.parent} first")


def write_rows(
    rows: Sequence[ScoredRow], path: Path, *, simulated: bool, columns: Sequence[str] = SCORES
) -> None:
    """The whole file or nothing: written beside its place, then moved there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=path.suffix)
    os.close(handle)
    unfinished = Path(name)
    try:
        if path.suffix == ".csv":
            _write_csv(rows, unfinished, columns)
        else:
            _write_parquet(rows, unfinished, columns, simulated=simulated)
        unfinished.chmod(0o644)
        unfinished.replace(path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


def _write_csv(rows: Sequence[ScoredRow], path: Path, columns: Sequence[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([getattr(row, name) for name in columns] for row in rows)


def _write_parquet(
    rows: Sequence[ScoredRow], path: Path, columns: Sequence[str], *, simulated: bool
) -> None:
    metadata: dict[bytes | str, bytes | str] = {SIMULATED: b"true"} if simulated else {}
    schema = pa.schema([(name, _TYPES[name]) for name in columns], metadata)
    values = {name: [getattr(row, name) for row in rows] for name in columns}
    pq.write_table(pa.table(values, schema=schema), path)
