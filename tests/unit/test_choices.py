"""The log of choices: read from a file, and joined to what the ledger says of each movement."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.clock import MICROS_PER_DAY
from features.errors import InputError
from features.keys import Keyring, PseudonymKey
from features.ledger import MovementDeclared, OutcomeRecorded
from features.ledger.events import Recorded
from features.pseudonyms import Pseudonyms
from features.timeline import Timeline, timeline_of
from training.choices import chosen_of, read_choices

KEY = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
LOG = {
    "kind": ["vehicle", "vehicle", "vessel"],
    "movement": ["a", "b", "c"],
    "propensity": [0.5, 0.01, 1.0],
    "exploration": [0.05, 0.01, 0.0],
    "referred": [True, False, True],
    "reason": ["risk", "none", "risk"],
}


def write(path: Path, **changed: object) -> Path:
    table = {name: value for name, value in (LOG | changed).items() if value is not None}
    pd.DataFrame(table).to_parquet(path)
    return path


def test_a_log_is_read_by_pseudonym_or_by_reference(tmp_path: Path) -> None:
    log = read_choices(write(tmp_path / "log.parquet"), "vehicle", KEY)
    assert list(log.index) == ["a", "b"]
    assert log["propensity"].tolist() == [0.5, 0.01]
    by_reference = write(tmp_path / "r.parquet", movement=None, movement_ref=["X1", "X2", "X3"])
    assert list(read_choices(by_reference, "vehicle", KEY).index) == [
        KEY.movement("vehicle", "X1"),
        KEY.movement("vehicle", "X2"),
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"propensity": None}, "lacks propensity"),
        ({"movement": None}, "lacks movement_ref"),
        ({"movement": ["a", "a", "c"]}, "a movement twice"),
        ({"propensity": [0.5, 1.5, 1.0]}, r"propensity is missing or outside \[0, 1\]"),
        ({"exploration": [0.5, np.nan, 1.0]}, "exploration is missing"),
    ],
)
def test_a_log_that_cannot_be_used(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_choices(write(tmp_path / "log.parquet", **changed), "vehicle", KEY)


def test_a_file_that_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "log.parquet").write_text("no table")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_choices(tmp_path / "log.parquet", "vehicle", KEY)


def timeline(outcomes: dict[str, str]) -> Timeline:
    """Movement ``n`` becomes known on day n; an outcome is examined and known a day later."""
    events: list[Recorded] = []

    def hear(day: float, payload: MovementDeclared | OutcomeRecorded) -> None:
        at = int(day * MICROS_PER_DAY)
        events.append(
            Recorded(
                position=len(events) + 1,
                source="simulation",
                event_id=str(len(events)),
                occurred_at=at,
                available_at=at,
                backfill=True,
                payload=payload,
            )
        )

    for name in ("1", "5", "6", "7", "8", "30"):
        hear(
            float(name),
            MovementDeclared(kind="vehicle", movement=name, declared_at=int(name) * MICROS_PER_DAY),
        )
        if name in outcomes:
            at = (int(name) + 1) * MICROS_PER_DAY
            hear(
                float(name) + 0.9,
                OutcomeRecorded(
                    kind="vehicle", movement=name, examined_at=at, outcome=outcomes[name]
                ),
            )
    return timeline_of(events, 40 * MICROS_PER_DAY)


def test_choices_are_joined_to_movements_of_the_test_window() -> None:
    known = {"1": "positive", "5": "positive", "6": "no_show", "7": "negative", "8": "positive"}
    log = pd.DataFrame(
        {
            "kind": "vehicle",
            "propensity": 0.5,
            "exploration": 0.1,
            "referred": [True, True, True, False, True, True],
            "reason": ["risk", "exploration", "risk", "none", "risk", "risk"],
        },
        index=["1", "5", "6", "7", "8", "30"],
    )
    chosen = chosen_of(
        timeline(known),
        log,
        "vehicle",
        since=2 * MICROS_PER_DAY,
        until=40 * MICROS_PER_DAY,
        maturity_days=20,
    )
    # 1 is before the window, 30 too young; 7 was examined though the log did not refer it
    assert chosen.movements["movement"].tolist() == ["5", "6", "8"]
    sample = chosen.log.sample.checked()
    assert sample.found.tolist()[::2] == [1.0, 1.0]
    assert np.isnan(sample.found[1])  # a no-show is no result
    assert chosen.log.explored.tolist() == [True, False, False]
    assert chosen.log.exploration.tolist() == [0.1, 0.1, 0.1]
