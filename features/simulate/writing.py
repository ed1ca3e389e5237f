"""Parquet files with the records' own columns, written block by block."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.records import carried_fields, declared_fields
from features.simulate.codes import Column, Ints
from features.simulate.concealment import CONCEALMENTS
from features.simulate.networks import THREATS
from features.simulate.outcomes import NEGATIVE, RESULTS, Examined
from features.simulate.regime import REASONS
from features.simulate.sensitivity import THOROUGHNESS
from features.simulate.smuggling import Truth
from features.simulate.traffic import Traffic, instants, taken, to_micros
from features.simulate.world import NOBODY

SIMULATED = b"foreland.simulated"
"""Key of the schema metadata that marks a file as simulated."""
ROW_GROUP_ROWS = 65_536
MOMENT: pa.DataType = pa.timestamp("us", tz="UTC")
COMMON_COLUMNS: tuple[str, ...] = ("movement_ref", "declared_at", "version")
OUTCOME_SCHEMA = pa.schema(
    {
        "event_id": pa.string(),
        "movement_ref": pa.string(),
        "outcome": pa.string(),
        "examined_at": MOMENT,
        "known_at": MOMENT,
        "thoroughness": pa.string(),
        "selection_reason": pa.string(),
        "threat": pa.string(),
        "concealment": pa.string(),
        "corrects": pa.string(),
    }
)
TRUTH_COLUMNS: Mapping[str, pa.DataType] = {
    "movement_ref": pa.string(),
    "probability_of_find": pa.float64(),
    "is_smuggling": pa.bool_(),
    "network": pa.int64(),
    "threat": pa.string(),
    "concealment": pa.string(),
    "lorry_ref": pa.string(),
}
TRUTH_SCHEMA = pa.schema(TRUTH_COLUMNS)


class Spool:
    """Appends tables to one Parquet file, a row group at a time; memory stays one row group."""

    def __init__(self, path: Path, metadata: Mapping[bytes, bytes]) -> None:
        self._path = path
        self._metadata = dict(metadata)
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._rows_waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def append(self, table: pa.Table) -> None:
        self._waiting.append(table.replace_schema_metadata(self._metadata))
        self._rows_waiting += table.num_rows
        if self._rows_waiting >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting).combine_chunks()
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)
        self._waiting, self._rows_waiting = [], 0


def movement_table(traffic: Traffic, rng: np.random.Generator, amended_share: float) -> pa.Table:
    """Every movement once, and a few a second time as version 2; in order of declaration."""
    table = first_versions(traffic)
    second, declared_at = _amended(traffic, table, rng, amended_share)
    table = pa.concat_tables([table, second])
    order = np.argsort(np.concatenate([traffic.declared_at, declared_at]), kind="stable")
    return table.take(order)


def first_versions(traffic: Traffic) -> pa.Table:
    """As first declared, in the order of ``traffic``; fields not simulated have no column."""
    columns = dict(traffic.columns)
    columns["version"] = pa.array(np.ones(traffic.lane.size, dtype=np.int64))
    fields = (*declared_fields(traffic.kind), *carried_fields(traffic.kind))
    names = [name for name in (*COMMON_COLUMNS, *(f.name for f in fields)) if name in columns]
    return pa.table({name: columns[name] for name in names})


def _amended(
    traffic: Traffic, table: pa.Table, rng: np.random.Generator, share: float
) -> tuple[pa.Table, Ints]:
    """Second messages: the mass is corrected, or for a vessel the arrival, later than declared."""
    chosen = np.flatnonzero(rng.random(traffic.lane.size) < share)
    declared, arrives = traffic.declared_at[chosen], traffic.arrives_at[chosen]
    place = rng.uniform(0.1, 0.9, chosen.size)
    later_s = ((arrives - declared) * place).astype(np.int64) // 1_000_000
    again = declared + later_s * 1_000_000
    second = table.take(chosen)
    changes = {
        "declared_at": instants(again),
        "version": pa.array(np.full(chosen.size, 2, dtype=np.int64)),
    }
    if traffic.kind == "vessel":
        changes["arrives_at"] = instants(arrives + to_micros(rng.uniform(0.5, 8.0, chosen.size)))
    else:
        mass = second["gross_mass_kg"].to_numpy()
        mass = np.ceil(mass * rng.uniform(1.0, 1.1, chosen.size) * 10) / 10
        changes["gross_mass_kg"] = pa.array(mass, from_pandas=True)
    for name, values in changes.items():
        second = second.set_column(second.schema.get_field_index(name), name, values)
    return second, again


def outcome_table(prefix: str, examined: Examined, refs: Column, first_event: int) -> pa.Table:
    """One row an outcome, and after them one for each find that an appeal took back.

    ``refs`` are those of the movements that ``examined.at`` points into.
    """
    numbers = range(first_event, first_event + examined.at.size)
    messages = [f"{prefix}-{at:08d}" for at in numbers]
    first = _messages(messages, examined, refs, corrects=[None] * len(messages))
    back = np.flatnonzero(examined.reversed)
    corrected = [messages[at] for at in back]
    appeals = replace(
        examined.only(examined.reversed),
        result=np.full(back.size, NEGATIVE),
        threat=np.full(back.size, NOBODY),
        concealment=np.full(back.size, NOBODY),
        known_at=examined.reversed_at[back],
    )
    again = _messages([f"{of}-appeal" for of in corrected], appeals, refs, corrects=corrected)
    return pa.concat_tables([first, again])


def _messages(
    event_ids: list[str], examined: Examined, refs: Column, corrects: Sequence[str | None]
) -> pa.Table:
    return pa.table(
        {
            "event_id": pa.array(event_ids, pa.string()),
            "movement_ref": refs.take(examined.at),
            "outcome": taken(pa.array(RESULTS), examined.result),
            "examined_at": instants(examined.examined_at),
            "known_at": instants(examined.known_at),
            "thoroughness": taken(
                pa.array([*THOROUGHNESS, "unknown"]),
                np.where(examined.thoroughness == NOBODY, len(THOROUGHNESS), examined.thoroughness),
            ),
            "selection_reason": taken(pa.array(REASONS), examined.reason),
            "threat": taken(pa.array(THREATS), examined.threat),
            "concealment": taken(pa.array(CONCEALMENTS), examined.concealment),
            "corrects": pa.array(corrects, pa.string()),
        },
        schema=OUTCOME_SCHEMA,
    )


def truth_table(traffic: Traffic, truth: Truth) -> pa.Table:
    lorry_refs = traffic.lorry_refs
    if lorry_refs is None:
        lorry_refs = pa.nulls(traffic.lane.size, pa.string())
    return pa.table(
        {
            "movement_ref": traffic.columns["movement_ref"],
            "probability_of_find": pa.array(truth.probability_of_find),
            "is_smuggling": pa.array(truth.is_smuggling),
            "network": pa.array(truth.network, mask=truth.network == NOBODY),
            "threat": taken(pa.array(THREATS), truth.threat),
            "concealment": taken(pa.array(CONCEALMENTS), truth.concealment),
            "lorry_ref": lorry_refs,
        },
        schema=TRUTH_SCHEMA,
    )
