"""Scoring a file: each row at its own declared time, as if the others had never been sent."""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.errors import InputError
from features.files.tabular import SIMULATED
from features.ingest import FileRow
from features.intake import declare
from features.ledger import EventSource, MovementDeclared
from features.pseudonyms import Pseudonyms
from features.rows import feature_rows
from features.timeline import Timeline, load_timeline
from models.bundle import Bundle
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
) -> Iterator[ScoredRow]:
    """One result per row, in the order of ``rows``; the ledger is only read.

    Each movement is scored at the time it was declared: of the ledger it sees what was available
    before then, and of the other rows nothing. While the kind is suspended, none is assessed.
    """
    declared = [declare(row.movement, pseudonyms) for row in rows if row.movement is not None]
    assessments = _assessments(ledger, bundle, declared, explain)
    for row in rows:
        if row.movement is None:
            message = "; ".join(
                f"{p.code} at {p.pointer or '/'}: {p.message}" for p in row.problems
            )
            yield ScoredRow(row.movement_ref, "rejected", None, None, "", None, message)
        else:
            yield _scored_row(row.movement_ref, next(assessments), bundle)


def _assessments(
    ledger: EventSource, bundle: Bundle, declared: Sequence[MovementDeclared], explain: Explain
) -> Iterator[Assessment]:
    suspended = read_suspensions(ledger).problem(bundle.kind)
    if suspended is not None:
        yield from repeat(assess(None, None, degraded=(suspended,)), len(declared))
        return
    if not declared:
        return
    as_of = np.array([movement.declared_at for movement in declared], dtype=np.int64)
    timeline = load_timeline(ledger, available_before=int(as_of.max()))
    matrix = feature_rows(timeline, declared, as_of, bundle.catalogue)
    probabilities = bundle.probabilities(matrix)
    newest = _newest_before(timeline, bundle.kind, as_of)
    for index in range(len(declared)):
        stamp = int(newest[index]) if newest[index] >= 0 else None
        stale = history_problem(bundle.kind, stamp, int(as_of[index]))
        yield assess(
            bundle,
            matrix[index],
            degraded=() if stale is None else (stale,),
            explain=explain,
            probability=float(probabilities[index]),
        )


def _newest_before(timeline: Timeline, kind: str, as_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[n]: when the kind's newest outcome before each instant was known; -1 for none."""
    outcomes = timeline.outcomes
    known = outcomes.loc[outcomes["kind"] == kind, "available_at"].to_numpy(dtype=np.int64)
    known = np.sort(known)
    before = np.searchsorted(known, as_of, side="left")
    return np.where(before > 0, np.append(known, 0)[before - 1], -1)


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


def write_rows(rows: Sequence[ScoredRow], path: Path, *, simulated: bool) -> None:
    """The whole file or nothing: written beside its place, then moved there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=path.suffix)
    os.close(handle)
    unfinished = Path(name)
    try:
        if path.suffix == ".csv":
            _write_csv(rows, unfinished)
        else:
            _write_parquet(rows, unfinished, simulated=simulated)
        unfinished.chmod(0o644)
        unfinished.replace(path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


def _write_csv(rows: Sequence[ScoredRow], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(ScoredRow._fields)
        writer.writerows(rows)


def _write_parquet(rows: Sequence[ScoredRow], path: Path, *, simulated: bool) -> None:
    metadata: dict[bytes | str, bytes | str] = {SIMULATED: b"true"} if simulated else {}
    schema = pa.schema(list(_TYPES.items()), metadata)
    columns = {name: [getattr(row, name) for row in rows] for name in _TYPES}
    pq.write_table(pa.table(columns, schema=schema), path)
