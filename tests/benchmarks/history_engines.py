"""The same statistics with polars and DuckDB, one thread each."""

import os
from typing import Any

os.environ["POLARS_MAX_THREADS"] = "1"  # read when polars is imported

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from features.clock import MICROS_PER_DAY
from features.history.statistics import HALF_LIVES, NEVER_DAYS, WHATS
from tests.benchmarks.history_offline import Border, Floats, in_order, numbers_of

DAYS = HALF_LIVES["entity"]


def with_polars(border: Border) -> Floats:
    """Running totals by key, then ``join_asof``."""
    numbers, _ = numbers_of(border)
    asked = pl.DataFrame({"key": numbers, "instant": border.as_of})
    frame = pl.DataFrame(
        {"key": numbers[border.of], "what": border.what, "instant": border.instant}
    )
    landmark = int(border.instant[0])
    instant = pl.col("instant")
    found: dict[str, Floats] = {}
    for what, word in enumerate(WHATS):
        weights = [
            ((instant - landmark) / (days * MICROS_PER_DAY) * float(np.log(2))).exp()
            for days in DAYS
        ]
        totals = frame.filter(pl.col("what") == what).select(
            "key",
            "instant",
            pl.int_range(1, pl.len() + 1).over("key").cast(pl.Float64).alias("count"),
            *(w.cum_sum().over("key").alias(f"{d}d") for w, d in zip(weights, DAYS, strict=True)),
            instant.alias("last"),
            *([instant.first().over("key").alias("first")] if what == 0 else []),
        )
        joined = asked.join_asof(
            totals, on="instant", by="key", allow_exact_matches=False, check_sortedness=False
        )
        asked_for = ("last", "first") if what == 0 else ("last",)
        ago = {w: (instant - pl.col(w)) / MICROS_PER_DAY for w in asked_for}
        scaled = [
            (pl.col(f"{days}d").fill_null(0.0) / weight).alias(f"{word}s_{days}d")
            for days, weight in zip(DAYS, weights, strict=True)
        ]
        made = joined.select(
            pl.col("count").fill_null(0.0).alias(f"{word}s"),
            *scaled,
            *(ago[w].fill_null(NEVER_DAYS).alias(f"days_since_{w}_{word}") for w in ago),
        )
        found |= {name: made[name].to_numpy() for name in made.columns}
    return in_order(found)


def with_duckdb_asof(border: Border) -> Floats:
    """Running totals by a window, then ``ASOF LEFT JOIN``."""
    found: dict[str, Floats] = {}
    connection = _connected(border)
    weights = ", ".join(
        f"sum(exp2((instant - $landmark) / {days * MICROS_PER_DAY}.0)) OVER past AS d{days}"
        for days in DAYS
    ).replace("exp2(", "pow(2.0, ")
    for what, word in enumerate(WHATS):
        scaled = ", ".join(
            f"coalesce(d{days}, 0.0) / pow(2.0, (a.instant - $landmark)"
            f" / {days * MICROS_PER_DAY}.0) AS {word}s_{days}d"
            for days in DAYS
        )
        first = ", first_value(instant) OVER past AS first" if what == 0 else ""
        ago = ", ".join(
            f"coalesce((a.instant - t.{column}) / {MICROS_PER_DAY}.0, {NEVER_DAYS})"
            f" AS days_since_{which}_{word}"
            for which, column in (("last", "instant"), ("first", "first"))[: 2 - (what > 0)]
        )
        table = connection.execute(
            f"""
            WITH totals AS (
              SELECT key, instant, count(*) OVER past AS n, {weights}{first}
              FROM events WHERE what = {what}
              WINDOW past AS (PARTITION BY key ORDER BY instant
                              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
            )
            SELECT a.row, coalesce(n, 0)::DOUBLE AS {word}s, {scaled}, {ago}
            FROM asked a ASOF LEFT JOIN totals t
              ON a.key = t.key AND a.instant > t.instant
            """,  # noqa: S608 - its own constants
            {"landmark": int(border.instant[0])},
        ).fetchnumpy()
        found |= _by_row(table)
    return in_order(found)


def with_duckdb_range(border: Border) -> Floats:
    """One pass of windows over events and questions together, ``RANGE ... 1 PRECEDING``."""
    connection = _connected(border)
    columns = []
    for what, word in enumerate(WHATS):
        its = f"what = {what}"
        columns.append(f"count(*) FILTER ({its}) OVER past::DOUBLE AS {word}s")
        columns += [
            f"coalesce(sum(pow(2.0, (instant - $landmark) / {days * MICROS_PER_DAY}.0))"
            f" FILTER ({its}) OVER past, 0.0)"
            f" / pow(2.0, (instant - $landmark) / {days * MICROS_PER_DAY}.0) AS {word}s_{days}d"
            for days in DAYS
        ]
        columns += [
            f"coalesce((instant - {f}(instant) FILTER ({its}) OVER past) / {MICROS_PER_DAY}.0,"
            f" {NEVER_DAYS}) AS days_since_{which}_{word}"
            for which, f in (("last", "max"), ("first", "min"))[: 2 - (what > 0)]
        ]
    table = connection.execute(
        f"""
        WITH both_kinds AS (
          SELECT key, instant, what, NULL AS row FROM events
          UNION ALL SELECT key, instant, NULL, row FROM asked
        ), seen AS (
          SELECT row, {", ".join(columns)} FROM both_kinds
          WINDOW past AS (PARTITION BY key ORDER BY instant
                          RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        )
        SELECT * FROM seen WHERE row IS NOT NULL
        """,  # noqa: S608 - its own constants
        {"landmark": int(border.instant[0])},
    ).fetchnumpy()
    return in_order(_by_row(table))


def _by_row(table: dict[str, Any]) -> dict[str, Floats]:
    order = np.argsort(table.pop("row"))
    return {name: np.asarray(column)[order] for name, column in table.items()}


def _connected(border: Border) -> duckdb.DuckDBPyConnection:
    numbers, _ = numbers_of(border)
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET preserve_insertion_order = true")
    row = np.arange(len(numbers))
    table: Any = pa.table  # its stubs refuse numpy columns
    asked = table({"row": row, "key": numbers, "instant": border.as_of})
    events = table({"key": numbers[border.of], "what": border.what, "instant": border.instant})
    connection.register("asked", asked)
    connection.register("events", events)
    return connection
