"""Rows that ingest refused, by rule, from the lists that stand under the home."""

import re
from pathlib import Path

import pandas as pd

from features.clock import Micros
from features.ingest.rejects import COLUMNS
from monitoring.publishing import SiteError

_NAME = re.compile(r".*-(vehicle|vessel|shipment)-(movements|outcomes)-[0-9a-f]{8}\.csv")


def rejected_rows(folder: Path, start: Micros, end: Micros) -> pd.DataFrame:
    """One row per kind, sort of file and code, of the lists that were written in the period.

    Columns: ``kind``, ``about`` (movements or outcomes), ``code``, ``rows``, ``files``, most first.
    An ingest that is repeated replaces its list, so a row counts once.

    Raises:
        SiteError: a list cannot be read.
    """
    found = []
    for file in sorted(folder.glob("*.csv")):
        named = _NAME.fullmatch(file.name)
        if named and start <= file.stat().st_mtime_ns // 1_000 < end:
            kind, about = named.groups()
            found.append(_codes(file).to_frame().assign(kind=kind, about=about, file=file.name))
    if not found:
        return pd.DataFrame(columns=["kind", "about", "code", "rows", "files"])
    grouped = pd.concat(found).groupby(["kind", "about", "code"])["file"]
    counts = grouped.agg(rows="size", files="nunique").reset_index()
    return counts.sort_values(["rows", "code"], ascending=[False, True], ignore_index=True)


def _codes(file: Path) -> pd.Series:
    try:
        read: pd.DataFrame = pd.read_csv(file, dtype=str, usecols=["number", "code"])
    except (OSError, ValueError) as exc:
        raise SiteError(
            f"{file} is no list of refused rows with the columns {', '.join(COLUMNS)}; "
            "ingest its file again, or move it away"
        ) from exc
    return read.drop_duplicates()["code"]
