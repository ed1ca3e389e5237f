"""Tables of the board page: numbers in a frame, how each column is written, and the CSV of it."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

Form = Literal["text", "count", "share", "rate", "number", "days"]
"""``share`` is a percentage of everything counted; ``rate`` is a percentage with the interval
that the columns ``<key>_low`` and ``<key>_high`` hold."""


class Column(NamedTuple):
    key: str
    heading: str
    form: Form = "text"
    missing: str = "not known"
    """What the page says where the value is missing."""


class Table(NamedTuple):
    """One table; its first column names the row."""

    name: str
    """File name of its CSV, without the suffix; unique on the page."""
    caption: str
    columns: tuple[Column, ...]
    frame: pd.DataFrame

    @property
    def rows(self) -> list[list[str]]:
        """Every cell as the page writes it."""
        return [
            [written(record, column) for column in self.columns]
            for record in self.frame.to_dict("records")
        ]


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def written(record: Any, column: Column) -> str:
    """One cell in words and figures.

    >>> row = {"finds": 1204, "rate": 0.125, "rate_low": 0.081, "rate_high": 0.17}
    >>> written(row, Column("finds", "Finds", "count"))
    '1,204'
    >>> written(row, Column("rate", "Find rate", "rate"))
    '12.5% (8.1% to 17.0%)'
    >>> written({"rate": float("nan")}, Column("rate", "Find rate", "rate", missing="too few"))
    'too few'
    """
    value = record[column.key]
    if pd.isna(value):
        return column.missing
    match column.form:
        case "text":
            return str(value)
        case "count":
            return f"{int(value):,}"
        case "share":
            return percent(value)
        case "rate":
            low, high = record[f"{column.key}_low"], record[f"{column.key}_high"]
            return f"{percent(value)} ({percent(low)} to {percent(high)})"
        case "number":
            return f"{value:.3f}"
        case "days":
            return f"{value:.1f}"


def percent(share: float) -> str:
    """
    >>> percent(0.0713), percent(0.0004), percent(0.00002)
    ('7.1%', '0.04%', 'under 0.01%')
    """
    if 1e-9 < share < 0.0001:  # below, it is a zero with rounding error
        return "under 0.01%"
    return f"{share:.2%}" if 1e-9 < share < 0.001 else f"{share:.1%}"


def counted(number: int, noun: str) -> str:
    """
    >>> counted(1, "outcome"), counted(1200, "report")
    ('1 outcome', '1,200 reports')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def write_csv(table: Table, folder: Path) -> Path:
    """The table's frame under ``folder``; what the page suppresses is missing here too.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    path = folder / f"{table.name}.csv"
    path.write_text(csv_of(table), encoding="utf-8")
    return path


def csv_of(table: Table) -> str:
    """The table's frame as :func:`write_csv` writes it."""
    return str(table.frame.map(_no_formula).to_csv(index=False, lineterminator="\n"))


def _no_formula(value: Any) -> Any:
    """
    >>> _no_formula("=1+1"), _no_formula("hull"), _no_formula(-1)
    ("'=1+1", 'hull', -1)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
