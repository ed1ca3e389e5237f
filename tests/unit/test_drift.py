"""Drift on made-up references: against a slow oracle, against chance, when a feed stops."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.catalogue import catalogue_for
from models.reference import reference_of
from models.stability import psi
from monitoring.drift import chance_bound, change_in_words, drift_table, most_useful

CATALOGUE = catalogue_for("vessel", {})
FEATURES = len(CATALOGUE.names)
USED = (3, 0, 7)
"""Places of the features that the made-up model uses, by falling gain."""


def bundle_from(rows: np.ndarray, probabilities: np.ndarray) -> Any:
    gains = np.zeros(FEATURES)
    gains[list(USED)] = (9.0, 5.0, 1.0)
    return SimpleNamespace(
        catalogue=CATALOGUE,
        reference=reference_of(CATALOGUE.names, rows, probabilities),
        gains=lambda: gains,
    )


def made_up(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, FEATURES)), rng.beta(1, 9, size=count)


def slow_psi(reference: np.ndarray, current: np.ndarray) -> float:
    """Ten equal-count bins of the reference, half a row added to each, no missing values."""
    edges = [float("-inf"), *np.quantile(reference, np.arange(1, 10) / 10, method="inverted_cdf")]
    total = 0.0
    for low, high in zip(edges, [*edges[1:], float("inf")], strict=True):
        e = sum(low < value <= high for value in reference) + 0.5
        a = sum(low < value <= high for value in current) + 0.5
        e, a = e / (len(reference) + 5.0), a / (len(current) + 5.0)
        total += (a - e) * math.log(a / e)
    return total


def test_psi_of_score_and_features_agrees_with_a_slow_oracle() -> None:
    rows, scores = made_up(1_000, seed=1)
    later_rows, later_scores = made_up(400, seed=2)
    later_rows = later_rows + 0.4
    table = drift_table(bundle_from(rows, scores), later_scores, later_rows)
    names = [CATALOGUE.names[place] for place in USED]
    assert table["name"].tolist() == ["score", *names]
    expected = [slow_psi(scores, later_scores)]
    expected += [slow_psi(rows[:, place], later_rows[:, place]) for place in USED]
    assert table["psi"].tolist() == pytest.approx(expected, abs=1e-12)
    assert (table["movements"] == 400).all()
    assert (table["reference"] == 1_000).all()
    assert table["change"].tolist()[0] == "little"
    assert set(table["change"].tolist()[1:]) <= {"some", "large"}


def test_without_change_nineteen_of_twenty_psi_lie_below_the_bound() -> None:
    rng = np.random.default_rng(5)
    shares = np.full(10, 0.1)
    above = []
    for _ in range(2_000):
        reference, current = rng.multinomial(5_000, shares), rng.multinomial(800, shares)
        above.append(psi(reference, current) > chance_bound(reference, current))
    assert 0.035 < np.mean(above) < 0.065


def test_a_feed_that_stops_shows_although_the_values_left_are_the_same() -> None:
    rows, scores = made_up(2_000, seed=3)
    quiet = rows.copy()
    quiet[::2, USED[0]] = np.nan
    table = drift_table(bundle_from(rows, scores), scores, quiet).set_index("name")
    assert table.loc[CATALOGUE.names[USED[0]], "change"] == "large"
    assert table.loc[CATALOGUE.names[USED[1]], "psi"] == pytest.approx(0.0, abs=1e-12)


def test_a_small_period_is_not_called_drift_when_chance_explains_it() -> None:
    assert change_in_words(0.3, by_chance=0.35) == "little"
    rows, scores = made_up(2_000, seed=4)
    few_rows, few_scores = made_up(25, seed=5)
    table = drift_table(bundle_from(rows, scores), few_scores, few_rows)
    assert (table["psi"] > 0.1).any()  # noise alone passes the rule of thumb at 25 rows
    assert (table.loc[table["psi"] < table["by_chance"], "change"] == "little").all()


@pytest.mark.parametrize(
    ("value", "word"),
    [(0.0999, "little"), (0.1, "some"), (0.2499, "some"), (0.25, "large"), (math.nan, None)],
)
def test_the_rule_of_thumb_has_its_bounds_inside(value: float, word: str | None) -> None:
    assert change_in_words(value, by_chance=0.0) == word


def test_nothing_scored_is_not_known_rather_than_no_drift() -> None:
    rows, scores = made_up(100, seed=6)
    nothing = drift_table(bundle_from(rows, scores), np.empty(0), np.empty((0, FEATURES)))
    assert nothing["psi"].isna().all()
    assert nothing["change"].isna().all()


def test_features_that_the_model_does_not_use_are_not_asked_about() -> None:
    bundle = bundle_from(*made_up(50, seed=7))
    assert most_useful(bundle, 10) == tuple(CATALOGUE.names[place] for place in USED)
    assert most_useful(bundle, 1) == (CATALOGUE.names[USED[0]],)
