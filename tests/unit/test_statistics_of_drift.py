"""Prior drift, weekly scores and the domain classifier: by hand, by slow sums, under no change."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from features.catalogue import catalogue_for
from features.clock import MICROS_PER_DAY
from models.reference import distribution
from monitoring.months import COLUMNS
from monitoring.periods import parse_period
from monitoring.statistics.classifier import (
    DomainClassifier,
    auc_error,
    classifier_colour,
    tell_apart,
)
from monitoring.statistics.prior import design_effect, difference, find_rate_by_month, trend
from monitoring.statistics.weekly import (
    Moved,
    moved_colour,
    ordinary_spread,
    recent_scores,
    scores_by_week,
    scores_moved,
)
from tests.scored_frames import scored_frame

CATALOGUE = catalogue_for("vehicle", {})
DECLARED = [i for i, f in enumerate(CATALOGUE.features) if f.source == "declared"]
HISTORY = [i for i, f in enumerate(CATALOGUE.features) if f.source == "history"]
BUNDLE: Any = SimpleNamespace(catalogue=CATALOGUE)


def month(name: str, finds: int, clean: int, unexamined: int = 0) -> pd.DataFrame:
    rows: list[tuple[str, float, str | None]] = [("low", 0.1, "positive")] * finds
    rows += [("low", 0.1, "negative")] * clean + [("low", 0.1, None)] * unexamined
    return scored_frame(rows).assign(month=name, stands_for=1.0)[list(COLUMNS)]


def test_each_month_is_held_against_all_matured_months_before_it() -> None:
    months = pd.concat([month("1", 48, 32), month("2", 4, 5), month("3", 56, 14, 500)])
    months = months.assign(company=np.arange(len(months)))
    table = find_rate_by_month(months, frozenset({"1", "3"})).set_index("month")
    assert table["examined"].to_dict() == {"1": 80, "2": 9, "3": 70}
    assert table["find_rate"].isna()["2"]
    # Newcombe's example: 56 of 70 against 48 of 80; month 2 is neither shown nor compared with
    rows = table[["difference", "difference_low", "difference_high"]].to_dict("split")["data"]
    assert rows[2] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)
    assert table["by_chance"].isna().tolist() == [True, True, False]
    oracle = chi2_contingency([[56, 14], [48, 32]], correction=False).pvalue
    assert table["by_chance"]["3"] == pytest.approx(oracle, rel=0.25)


def test_finds_that_come_together_are_less_news() -> None:
    months = pd.concat([month("1", 10, 290), month("2", 30, 270)])
    alone = find_rate_by_month(months.assign(company=np.arange(600)), frozenset({"1", "2"}))
    # the first 10 finds are of two companies, the 30 of the second month of three
    company = np.concatenate(
        [np.arange(10) % 2, 2 + np.arange(290), 300 + np.arange(30) % 3, 400 + np.arange(270)]
    )
    together = find_rate_by_month(months.assign(company=company), frozenset({"1", "2"}))
    # slow: clusters of 10 finds among 300 examinations at 10 %, and 270 clean ones
    off = sum((10 - 10 * 0.1) ** 2 for _ in range(3)) + 270 * 0.1**2
    effect = off * 273 / 272 / (300 * 0.1 * 0.9)
    assert design_effect(np.repeat([1.0, 0.0], [30, 270]), company[300:]) == pytest.approx(effect)
    assert alone["by_chance"][1] < 0.002
    assert together["by_chance"][1] > 0.1
    assert together["difference"].equals(alone["difference"])


def test_the_trend_is_armitages_chi_squared() -> None:
    finds, examined = np.array([10, 14, 22, 30]), np.array([100, 100, 110, 120])
    # slow: N (N Σ f m − F Σ n m)² / (F (N − F) (N Σ n m² − (Σ n m)²)), m = 0, 1, 2, 3
    N, F = int(examined.sum()), int(finds.sum())
    fm = sum(int(f) * m for m, f in enumerate(finds))
    nm = sum(int(n) * m for m, n in enumerate(examined))
    nmm = sum(int(n) * m * m for m, n in enumerate(examined))
    chi = N * (N * fm - F * nm) ** 2 / (F * (N - F) * (N * nmm - nm**2))
    assert trend(finds, examined) == pytest.approx(math.erfc(math.sqrt(chi / 2)))
    assert math.isnan(trend(np.array([0, 0]), np.array([50, 50])))
    assert math.isnan(trend(np.array([], dtype=np.int64), np.array([], dtype=np.int64)))


def test_the_difference_of_nothing_is_not_known() -> None:
    assert all(math.isnan(part) for part in difference(0, 0, 3, 10))


def test_scores_move_in_the_week_in_which_they_move() -> None:
    rng = np.random.default_rng(3)
    reference = distribution("score", rng.beta(1, 9, 20_000))
    start = parse_period("2026-06").start  # a Monday
    days = rng.integers(0, 28, 4_000)
    scores = np.where(days >= 21, rng.beta(2, 6, 4_000), rng.beta(1, 9, 4_000))
    frame = scored_frame([("low", p, None) for p in scores])
    frame = frame.assign(available_at=start + days * MICROS_PER_DAY)
    table = scores_by_week(reference, frame)
    assert table["week"].tolist() == ["2026-06-01", "2026-06-08", "2026-06-15", "2026-06-22"]
    assert table["movements"].sum() == 4_000
    assert table["change"].tolist() == ["little", "little", "little", "large"]
    assert scores_by_week(reference, frame.head(40)).empty


def scored_month(name: str, scores: np.ndarray, **columns: Any) -> pd.DataFrame:
    frame = scored_frame([("low", p, None) for p in scores], **columns)
    return frame.assign(month=name, stands_for=1.0)


def test_what_moved_of_late_is_seen_against_the_months_before_and_not_against_training() -> None:
    rng = np.random.default_rng(4)
    learned = scored_month("2026-01", rng.beta(5, 5, 3_000), may_have_seen=True)
    earlier = scored_month("2026-02", rng.beta(2, 9, 3_000))
    period = scored_month("2026-03", rng.beta(2, 9, 2_000))
    months = pd.concat([learned, earlier, period])
    recent = recent_scores(months, "2026-03")
    assert recent is not None
    assert sum(recent.counts) == 3_000
    assert moved_colour(scores_moved(recent, period, 0.02)) == "green"
    changed = scored_month("2026-03", rng.beta(4, 6, 2_000))
    assert moved_colour(scores_moved(recent, changed, 0.02)) == "red"
    assert moved_colour(scores_moved(recent, changed, 9.0)) == "green"
    assert moved_colour(scores_moved(recent, changed, math.nan)) == "grey"
    assert moved_colour(scores_moved(recent, changed.head(20), 0.02)) == "grey"
    assert recent_scores(months[months["month"] != "2026-02"], "2026-03") is None
    assert moved_colour(Moved(1_000, 0.12, 0.05)) == "amber"


def test_a_sample_that_is_not_even_is_weighed_back() -> None:
    rng = np.random.default_rng(5)
    scores = rng.random(20_000)
    examined = rng.random(20_000) < scores**2  # the riskier, the more are kept
    kept = examined | (rng.random(20_000) < 0.1)
    weights = np.where(examined, 1.0, 10.0)[kept]
    months = scored_month("2026-02", scores[kept]).assign(stands_for=weights)
    recent = recent_scores(months, "2026-03")
    assert recent is not None
    assert sum(recent.counts) < 0.8 * kept.sum()  # worth less than an even sample of the size
    fresh = scored_month("2026-03", rng.random(3_000))
    assert moved_colour(scores_moved(recent, fresh, 0.0)) == "green"
    naive = recent_scores(months.assign(stands_for=1.0), "2026-03")
    assert naive is not None
    assert moved_colour(scores_moved(naive, fresh, 0.0)) != "green"


def test_months_that_differ_every_time_are_no_news() -> None:
    rng = np.random.default_rng(8)
    names = ("2026-01", "2026-02", "2026-03", "2026-04")
    alike = pd.concat([scored_month(name, rng.beta(2, 9, 2_000)) for name in names])
    restless = pd.concat(
        [
            scored_month(name, rng.beta(shape, 9, 2_000))
            for name, shape in zip(names, (2.0, 2.6, 1.7, 2.3), strict=True)
        ]
    )
    assert ordinary_spread(alike, "2026-05") < 0.1 < ordinary_spread(restless, "2026-05")
    assert math.isnan(ordinary_spread(alike, "2026-01")) is False  # three others
    two = alike[alike["month"] < "2026-03"]
    assert math.isnan(ordinary_spread(two, "2026-05"))
    learned = alike.assign(may_have_seen=alike["month"] < "2026-03")
    assert math.isnan(ordinary_spread(learned, "2026-05"))


def test_a_month_without_change_seldom_beats_the_ordinary_spread() -> None:
    """Simulated: 100 borders whose months differ by more than chance; 1 alarm is expected."""
    rng, beaten = np.random.default_rng(9), 0
    for _ in range(100):
        shapes = 2.0 * np.exp(rng.normal(0, 0.15, 5))
        *earlier, period = (
            scored_month(f"2026-0{number}", rng.beta(shape, 9, 800))
            for number, shape in enumerate(shapes, 1)
        )
        months = pd.concat(earlier)
        recent = recent_scores(months, "2026-05")
        assert recent is not None
        moved = scores_moved(recent, period, ordinary_spread(months, "2026-05"))
        beaten += moved.psi > moved.by_chance
    assert beaten <= 4


def made_up(count: int, seed: int, place: int | None = None, shift: float = 0.0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, len(CATALOGUE.names)))
    if place is not None:
        rows[:, place] += shift
    return rows


def test_samples_of_one_border_cannot_be_told_apart() -> None:
    for seed in (1, 3, 5):
        found = tell_apart(BUNDLE, made_up(1_500, seed), made_up(1_500, seed + 1))
        assert found.auc_low < 0.5 < found.auc_high
        assert classifier_colour(found) == "green"


def test_what_changed_is_named() -> None:
    found = tell_apart(BUNDLE, made_up(1_500, 1), made_up(1_500, 2, DECLARED[2], 1.5))
    # two normal distributions 1.5 apart: AUC = Φ(1.5 / √2) = 0.856
    assert found.auc == pytest.approx(0.856, abs=0.02)
    assert found.features["share"].iloc[0] > 0.7
    assert classifier_colour(found) == "red"
    again = tell_apart(BUNDLE, made_up(1_500, 1), made_up(1_500, 2, DECLARED[2], 1.5))
    assert again.auc == found.auc


def test_history_that_grows_with_the_ledger_is_no_drift() -> None:
    found = tell_apart(BUNDLE, made_up(900, 1), made_up(900, 2, HISTORY[0], 5.0))
    assert found.auc == pytest.approx(0.5, abs=0.05)


def test_small_samples_are_not_told_apart() -> None:
    found = tell_apart(BUNDLE, made_up(900, 1), made_up(199, 2))
    assert math.isnan(found.auc)
    assert classifier_colour(found) == "grey"


def test_the_error_of_an_auc_is_that_of_repeated_samples() -> None:
    rng = np.random.default_rng(7)
    drawn = []
    for _ in range(400):
        high, low = rng.normal(1, 1, 80), rng.normal(0, 1, 120)
        drawn.append(np.mean(high[:, None] > low[None, :]))
    assert auc_error(float(np.mean(drawn)), 80, 120) == pytest.approx(np.std(drawn), rel=0.15)
    sure = DomainClassifier(5_000, 5_000, 0.7, 0.69, 0.71, pd.DataFrame())
    assert classifier_colour(sure) == "amber"
    assert classifier_colour(sure._replace(earlier=10, now=10)) == "green"
