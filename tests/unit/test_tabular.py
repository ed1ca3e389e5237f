"""Files are read from any row on as if the rows before were not there."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.files.tabular import Table, open_table


@pytest.fixture(autouse=True)
def few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.files.tabular.BATCH", 4)
    monkeypatch.setattr("features.files.parquet_cells.RUN_ROWS", 10)


def numbered(table: Table, after: int) -> list[tuple[int, list[Any]]]:
    return [
        (batch.first + place, list(batch.row(place)))
        for batch in table.batches(after=after)
        for place in range(batch.size)
    ]


@pytest.mark.parametrize("sizes", [(37,), (3, 0, 7, 1, 1, 12, 0, 13), (10, 10, 10, 7)])
def test_parquet_from_any_row_on(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    path = tmp_path / "t.parquet"
    schema = pa.table({"n": pa.array([], pa.int64()), "text": pa.array([], pa.string())}).schema
    with pq.ParquetWriter(path, schema) as writer:
        first = 1
        for size in sizes:
            numbers = list(range(first, first + size))
            columns: dict[str, Any] = {"n": numbers, "text": [f"t{n}" for n in numbers]}
            writer.write_table(pa.table(columns, schema=schema))
            first += size
    table = open_table(path)
    whole = [(n, [n, f"t{n}"]) for n in range(1, 38)]
    for after in range(39):
        assert numbered(table, after) == whole[after:]


def test_csv_from_any_row_on(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f'{n},"a\nb"\n' + "\n" * (n % 3) for n in range(1, 20)]
    rows[4] = "5\n"
    rows[9] = "10,x,y\n"
    path.write_text("n,text\n" + "".join(rows))
    table = open_table(path)
    whole = [(n, [str(n), "a\nb"]) for n in range(1, 20)]
    whole[4] = (5, ["5"])
    whole[9] = (10, ["10", "x", "y"])
    for after in range(21):
        assert numbered(table, after) == whole[after:]
