"""A simulated appeal goes through ingest as the correction that it is."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.clock import to_micros
from features.files.mapping import read_mapping
from features.ingest import ingest
from features.keys import Keyring, PseudonymKey
from features.ledger import open_ledger
from features.pseudonyms import Pseudonyms
from features.simulate import Arena
from features.timeline import load_timeline

PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
A_YEAR = 365 * 86_400_000_000


def test_a_find_stands_until_its_appeal_is_known(tmp_path: Path) -> None:
    arena = Arena("stationary", seed=6, weeks=4, movements_per_week=7_000)
    movements, outcomes = [], []
    for _ in range(4):
        table = arena.next_week().movements["vehicle"]
        movements.append(table)
        outcomes.append(arena.examine("vehicle", np.arange(len(table)), ["random"] * len(table)))
    pq.write_table(pa.concat_tables(movements), tmp_path / "movements.parquet")
    pq.write_table(pa.concat_tables(outcomes), tmp_path / "outcomes.parquet")
    told = pd.read_parquet(tmp_path / "outcomes.parquet")
    finds, appeals = told[told.outcome == "positive"], told[told.corrects.notna()]
    assert len(appeals) > 1
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as ledger:
        report = ingest(
            ledger,
            "vehicle",
            tmp_path / "movements.parquet",
            tmp_path / "outcomes.parquet",
            read_mapping(None, "vehicle"),
            PSEUDONYMS,
        )
        first_appeal = to_micros(appeals.known_at.min().to_pydatetime())
        before = load_timeline(ledger, available_before=first_appeal).outcomes
        after = load_timeline(ledger, available_before=first_appeal + A_YEAR).outcomes
    assert report.rejected_rows == 0
    known_by_then = finds[finds.known_at < appeals.known_at.min()]
    assert (before.outcome == "positive").sum() == len(known_by_then)
    assert (after.outcome == "positive").sum() == len(finds) - len(appeals)
    assert len(after) == len(told) - len(appeals)
