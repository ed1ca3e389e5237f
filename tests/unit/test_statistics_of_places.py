"""Finds where intelligence led, place by place: worked by hand, and under no change."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import combine_pvalues

from monitoring.statistics.chance import colour_of
from monitoring.statistics.places import finds_by_place

START = 1_000
NOW, BEFORE = 1_500, 500


def led(place: str, when: int, finds: int, examined: int) -> pd.DataFrame:
    label = np.repeat([1.0, 0.0], [finds, examined - finds])
    return pd.DataFrame({"place": place, "examined_at": when, "label": label})


def test_a_place_that_finds_less_than_before_stands_first() -> None:
    results = [led("A", BEFORE, 10, 20), led("A", NOW, 0, 20)]
    results += [led("B", BEFORE, 8, 20), led("B", NOW, 9, 20)]
    found = finds_by_place(pd.concat(results), START)
    counts = found.table.drop(columns="by_chance").to_dict("split")["data"]
    assert counts == [["A", 20, 0, 20, 10], ["B", 20, 9, 20, 8]]
    # A: none of the ten finds in the later half of 40 examinations, mid-p: half of it
    assert found.table["by_chance"][0] == pytest.approx(
        math.comb(20, 10) / math.comb(40, 10) / 2, rel=1e-6
    )
    assert found.by_chance == pytest.approx(4 * found.table["by_chance"][0], rel=1e-6)
    assert colour_of(found.by_chance) == "red"
    assert found.examined == 40


def test_several_places_that_fall_a_little_are_seen_together() -> None:
    results = [
        part for place in "ABCDEF"
        for part in (led(place, BEFORE, 10, 20), led(place, NOW, 4, 20))
    ]  # fmt: skip
    found = finds_by_place(pd.concat(results), START)
    alone = found.table["by_chance"].min() * 6
    together = combine_pvalues(found.table["by_chance"].to_numpy(np.float64), "fisher").pvalue
    assert together < alone / 20
    assert found.by_chance == pytest.approx(2 * together)


def test_places_with_a_handful_or_with_no_past_are_left_out() -> None:
    results = [led("A", BEFORE, 2, 3), led("A", NOW, 0, 30), led("B", NOW, 0, 30)]
    found = finds_by_place(pd.concat(results), START)
    assert found.table.empty
    assert math.isnan(found.by_chance)
    assert colour_of(found.by_chance) == "grey"


def test_chance_alone_turns_few_places_amber() -> None:
    """Simulated: 200 honest borders of seven places that differ; 1 amber is expected."""
    rng = np.random.default_rng(7)
    amber = 0
    for _ in range(200):
        rates = rng.beta(4, 4, 7)
        parts = [
            led(str(place), when, int(rng.binomial(count, rate)), int(count))
            for place, rate in enumerate(rates)
            for when, count in ((BEFORE, rng.integers(4, 40)), (NOW, rng.integers(4, 40)))
        ]
        amber += colour_of(finds_by_place(pd.concat(parts), START).by_chance) != "green"
    assert amber <= 4
