"""Slices by time: what is fitted on was known before what it is tested on."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ledger import MovementDeclared
from models.threats import NO_THREAT
from training.config import Split
from training.labels import Labelled
from training.splits import FEWEST_LABELS, SliceTooSmall, split_by_time

DAY = 86_400_000_000


def labelled(days: list[int], delay_days: int = 0, finds: int = 2) -> Labelled:
    """One row per entry of ``days``, every ``finds``-th a find."""
    as_of = np.array(sorted(days), dtype=np.int64) * DAY
    rows = len(days)
    return Labelled(
        movements=[MovementDeclared(kind="vehicle", movement="m", declared_at=0)] * rows,
        as_of=as_of,
        known_at=as_of + delay_days * DAY,
        examined_at=as_of,
        threats=np.full(rows, NO_THREAT),
        labels=(np.arange(rows) % finds == 0).astype(np.float64),
        simulated=np.zeros(rows, dtype=bool),
    )


def test_shares_by_hand() -> None:
    # 100 days, one row each: the 61st and the 81st begin the slices, no gap
    slices = split_by_time(labelled(list(range(100))), Split(gap_days=0), "vehicle")
    assert slices.fit.tolist() == list(range(60))
    assert slices.calibrate.tolist() == list(range(60, 80))
    assert slices.test.tolist() == list(range(80, 100))
    assert (slices.calibrate_from, slices.test_from) == (60 * DAY, 80 * DAY)


def test_the_gap_is_in_no_slice() -> None:
    slices = split_by_time(labelled(list(range(100))), Split(gap_days=7), "vehicle")
    assert slices.fit.tolist() == list(range(53))
    assert slices.calibrate.tolist() == list(range(60, 73))
    assert slices.test.tolist() == list(range(80, 100))


def test_what_was_not_known_at_the_boundary_is_in_no_earlier_slice() -> None:
    rows = labelled(list(range(100)), delay_days=5)
    slices = split_by_time(rows, Split(gap_days=0), "vehicle")
    assert slices.fit.tolist() == list(range(55))  # day 55 is known on day 60: too late
    assert slices.calibrate.tolist() == list(range(60, 75))


def test_days_of_the_configuration() -> None:
    days = Split(calibrate_from=date(1970, 2, 1), test_from=date(1970, 3, 1), gap_days=0)
    slices = split_by_time(labelled(list(range(100))), days, "vehicle")
    assert slices.calibrate.tolist() == list(range(31, 59))


def test_days_are_not_torn_apart() -> None:
    days = [day for day in range(20) for _ in range(7)]
    rows = labelled(days)
    slices = split_by_time(rows, Split(gap_days=0), "vehicle")
    of_day = [set((rows.as_of[part] // DAY).tolist()) for part in slices[:3]]
    assert not (of_day[0] & of_day[1] or of_day[1] & of_day[2])


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        (labelled(list(range(12))), "fit"),
        (labelled([1] * 200), "fit"),
        (labelled(list(range(100)), finds=1), "fit"),
        (labelled(list(range(100)), delay_days=15), "calibrate"),
    ],
)
def test_slices_that_are_too_small_are_said_with_counts(rows: Labelled, name: str) -> None:
    with pytest.raises(SliceTooSmall) as caught:
        split_by_time(rows, Split(gap_days=0), "vehicle")
    said = str(caught.value)
    assert said.startswith(f"vehicle: of {len(rows.labels)} matured labels the {name} slice holds")
    assert "ingest more outcomes" in said
    assert "\n" not in said


@given(
    st.lists(st.integers(0, 60), min_size=80, max_size=160),
    st.integers(0, 10),
    st.integers(0, 10),
)
def test_nothing_later_is_learned_from(days: list[int], gap: int, delay: int) -> None:
    rows = labelled(days, delay_days=delay)
    try:
        slices = split_by_time(rows, Split(gap_days=gap), "vehicle")
    except SliceTooSmall:
        return
    fit, calibrate, test = (rows.as_of[part] for part in slices[:3])
    assert fit.max() < calibrate.min() - gap * DAY
    assert calibrate.max() < test.min() - gap * DAY
    assert rows.known_at[slices.fit].max() < calibrate.min()
    assert rows.known_at[slices.calibrate].max() < test.min()
    assert min(map(len, slices[:3])) >= FEWEST_LABELS
