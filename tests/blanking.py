"""The whole way from a declared record to its features on a simulated border, many times over."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.catalogue import Catalogue, catalogue_for
from features.intake import declare
from features.ledger import MovementDeclared, open_ledger
from features.pseudonyms import Pseudonyms, load_pseudonyms
from features.records import REQUIRED, RecordRejected, read_movement
from features.requirements import SIGNS
from features.rows import feature_rows
from features.settings import Settings
from features.timeline import Timeline, load_timeline
from tests.command import Run

Floats = NDArray[np.float64]
Record = dict[str, Any]
END_OF_TIME = 1 << 62


class Variant(NamedTuple):
    """A record as it could have been sent."""

    number: int
    """Of the record it was made from."""
    left_out: tuple[str, ...]
    movement: MovementDeclared


class Border:
    """One kind of a simulated border, ingested."""

    def __init__(self, home: Path, files: Path, kind: str, run: Run | None = None) -> None:
        """
        Args:
            home: where keys and ledger are, or come to be.
            files: of ``foreland simulate``.
            run: ingests them first.
        """
        self.kind = kind
        self._movements = files / f"{kind}-movements.parquet"
        self._truth = files / "truth" / f"{kind}-truth.parquet"
        if run is not None:
            outcomes = files / f"{kind}-outcomes.parquet"
            paths = ("--movements", str(self._movements), "--outcomes", str(outcomes))
            ingested = run("ingest", "--kind", kind, *paths)
            assert ingested.status == 0, ingested.error
        self._home = home

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogue_for(self.kind)

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        return load_pseudonyms(self._home / "keys")

    @cached_property
    def timeline(self) -> Timeline:
        with closing(open_ledger(Settings(home=self._home).ledger)) as ledger:
            return load_timeline(ledger, available_before=END_OF_TIME)

    def records(self) -> list[Record]:
        """Every record as it was sent, first versions only, by time."""
        sent = pq.read_table(self._movements).to_pylist()
        given = [{name: v for name, v in row.items() if v is not None} for row in sent]
        return [record for record in given if record.get("version", 1) == 1]

    def truth(self) -> dict[str, float]:
        """movement_ref to the probability of a find if examined, simulated."""
        columns = pq.read_table(self._truth, columns=["movement_ref", "probability_of_find"])
        return dict(zip(*(column.to_pylist() for column in columns.columns), strict=True))

    def declared(self, record: Record) -> MovementDeclared:
        return declare(read_movement(self.kind, record), self.pseudonyms)

    def rows(self, movements: Sequence[MovementDeclared]) -> Floats:
        """float64[n, F], each as of when it was declared."""
        as_of = [movement.declared_at for movement in movements]
        return feature_rows(self.timeline, movements, as_of, self.catalogue)

    def variants(
        self, number: int, record: Record, choices: Sequence[tuple[int, ...]]
    ) -> Iterator[Variant]:
        """The record without some of the fields that it gives, where that is still a record.

        Args:
            choices: places in ``REQUIRED`` that are left out together.
        """
        for chosen in choices:
            required = [REQUIRED[self.kind][place] for place in chosen]
            fields = tuple(field for one in required for field in one.fields if field in record)
            if not fields:
                continue
            left = {name: value for name, value in record.items() if name not in fields}
            try:
                yield Variant(number, fields, self.declared(left))
            except RecordRejected:
                continue


def applying(kind: str, row: dict[str, float]) -> list[int]:
    """Places in ``REQUIRED`` of what the mode of a row needs, or may need."""
    return [
        place
        for place, required in enumerate(REQUIRED[kind])
        if all(isnan(row[name]) or row[name] == v for name, v in SIGNS[required.mode].items())
    ]
