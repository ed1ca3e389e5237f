"""Finds that stop being reported at one place are noticed; networks that end are not mistaken."""

import numpy as np
import pytest

from features.catalogue import catalogue_for
from training.gates.feedback import SUSPECT
from training.missing_finds import LabelledRows, missing_finds

CATALOGUE = catalogue_for("vehicle", {})
SIGN = CATALOGUE.names.index("booking_amendments")
N, DAYS = 3_000, 300
PLACES = ("north", "south", "east")


def border(*, silent_from: int | None = None, ends_on: int = DAYS) -> LabelledRows:
    """One movement in ten shows a sign, and half of those hold something.

    Args:
        silent_from: from that day on nine finds in ten of the south are reported as nothing.
        ends_on: from that day on nobody comes to the south who shows the sign.
    """
    rng = np.random.default_rng(4)
    days = np.sort(rng.integers(0, DAYS, N))
    place = rng.integers(0, 3, N)
    sign = rng.random(N) < 0.2
    sign &= ~((place == 1) & (days >= ends_on))
    labels = (rng.random(N) < np.where(sign, 0.5, 0.02)).astype(np.float64)
    if silent_from is not None:
        labels[(place == 1) & (days >= silent_from) & (rng.random(N) < 0.9)] = 0.0
    rows = np.zeros((N, len(CATALOGUE.names)))
    rows[:, SIGN] = np.where(sign, 3.0, 0.0)
    at = {name: place == number for number, name in enumerate(PLACES)}
    return LabelledRows(rows, labels, days, days + 1, at)


def worst(labelled: LabelledRows) -> tuple[str, float]:
    found = min(missing_finds(labelled, CATALOGUE), key=lambda one: one.deviations)
    return found.place, found.deviations


def test_a_place_that_stops_reporting_is_named() -> None:
    place, deviations = worst(border(silent_from=150))
    assert place == "south"
    assert deviations < 2 * SUSPECT


def test_an_honest_border_is_left_alone() -> None:
    assert worst(border())[1] > SUSPECT


def test_a_network_that_ends_leaves_nothing_to_be_missed() -> None:
    assert worst(border(ends_on=150))[1] > SUSPECT


def test_what_falls_everywhere_is_no_place_s_doing() -> None:
    labelled = border()
    rng = np.random.default_rng(9)
    late = (labelled.days >= 150) & (rng.random(N) < 0.6)
    fallen = labelled._replace(labels=np.where(late, 0.0, labelled.labels))
    assert worst(fallen)[1] > SUSPECT


@pytest.mark.parametrize("labels", [0, 40])
def test_too_little_known_before_gives_nothing(labels: int) -> None:
    whole = border()
    few = LabelledRows(
        rows=whole.rows[:labels],
        labels=whole.labels[:labels],
        days=whole.days[:labels],
        known_on=whole.known_on[:labels],
        at={name: there[:labels] for name, there in whole.at.items()},
    )
    assert missing_finds(few, CATALOGUE) == []


def test_one_place_alone_cannot_be_told_from_the_times() -> None:
    labelled = border(silent_from=150)
    assert missing_finds(labelled._replace(at={"all": np.ones(N, dtype=bool)}), CATALOGUE) == []
