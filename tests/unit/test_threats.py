"""What a find would be: sums, mixtures and their weights, worked out by hand."""

import msgspec
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from features.catalogue import catalogue_for
from models.threats import (
    NO_THREAT,
    THREATS,
    ThreatModel,
    ThreatShares,
    base_rates,
    by_trees,
    number_of,
)
from training.threats import FEWEST_HELD_OUT, MOST_WEIGHT, learn_threats, mixture_weight

CATALOGUE = catalogue_for("vehicle")
TOBACCO, CASH, COUNTERFEIT = (number_of(of) for of in ("tobacco_alcohol", "cash", "counterfeit"))


def finds(rows: int, seed: int, told_by_first: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Half of the rows are finds: cash where the first feature is high, else mostly tobacco."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, len(CATALOGUE.names)))
    odds = np.exp(told_by_first * matrix[:, 0])
    cash = rng.random(rows) < odds / (1.0 + odds)
    rare = rng.random(rows) < 0.005
    threats = np.where(rare, COUNTERFEIT, np.where(cash, CASH, TOBACCO))
    return matrix, np.where(rng.random(rows) < 0.5, threats, NO_THREAT)


def test_base_rates_by_hand() -> None:
    # 10 threats, half an imagined find each: (3 + 0.5) / (4 + 5)
    found = base_rates(np.array([CASH, CASH, CASH, TOBACCO]))
    assert found[CASH] == pytest.approx(3.5 / 9)
    assert found[TOBACCO] == pytest.approx(1.5 / 9)
    assert found[0] == pytest.approx(0.5 / 9)
    assert sum(found) == pytest.approx(1.0)


def test_without_a_find_all_are_alike() -> None:
    assert base_rates(np.array([], dtype=np.int64)) == pytest.approx((0.1,) * 10)


def test_few_finds_give_base_rates_alone() -> None:
    matrix, threats = finds(60, seed=1)
    shares, record = learn_threats((matrix, threats), (matrix, threats), CATALOGUE, seed=1)
    assert (shares.trees, shares.told_apart, shares.weight) == ("", (), 0.0)
    assert shares.base == base_rates(np.concatenate([threats[threats >= 0]] * 2))
    assert (record.told_apart, record.log_loss) == (0, None)
    given = ThreatModel(shares).distribution(matrix)
    assert given.tolist() == [list(shares.base)] * 60


def test_few_held_out_finds_give_base_rates_alone() -> None:
    matrix, threats = finds(2_000, seed=1)
    few = np.where(np.cumsum(threats >= 0) < FEWEST_HELD_OUT, threats, NO_THREAT)
    shares, _ = learn_threats((matrix, threats), (matrix, few), CATALOGUE, seed=1)
    assert shares.trees == ""


def test_trees_tell_apart_what_was_found_often() -> None:
    shares, record = learn_threats(finds(3_000, 1), finds(1_000, 2), CATALOGUE, seed=1)
    assert shares.told_apart == (TOBACCO, CASH), "counterfeit is too rare to be a class"
    assert record.log_loss is not None
    assert record.log_loss_of_base_rates is not None
    assert record.log_loss < record.log_loss_of_base_rates - 0.1
    matrix, threats = finds(4_000, 3)
    given = ThreatModel(shares).distribution(matrix)
    assert given.sum(axis=1) == pytest.approx(np.ones(4_000))
    assert (given > 0.0).all()
    assert given[:, COUNTERFEIT] == pytest.approx(np.full(4_000, shares.base[COUNTERFEIT]))
    known = threats >= 0
    likely_cash = known & (given[:, CASH] > 0.7)
    # the trees count for 0.8 at most: 0.9 in truth is given as 0.8 * 0.9 + 0.2 * 0.5 = 0.82
    came_true = np.mean(threats[likely_cash] == CASH)
    expected = MOST_WEIGHT * came_true + (1.0 - MOST_WEIGHT) * shares.base[CASH]
    assert given[likely_cash, CASH].mean() == pytest.approx(expected, abs=0.06)


def test_trees_that_know_nothing_count_for_little() -> None:
    shares, _ = learn_threats(finds(3_000, 1, 0.0), finds(1_000, 2, 0.0), CATALOGUE, seed=1)
    assert shares.weight < 0.35


def test_the_same_finds_give_the_same_bytes() -> None:
    first, second = (learn_threats(finds(900, 1), finds(400, 2), CATALOGUE, 1) for _ in range(2))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


@pytest.mark.parametrize("seed", range(4))
def test_the_weight_is_the_likeliest(seed: int) -> None:
    """Against a general minimiser."""
    rng = np.random.default_rng(seed)
    of_trees, of_base = rng.beta(1, 2, 200), np.full(200, 0.25)

    def loss(weight: float) -> float:
        return float(-np.log(weight * of_trees + (1 - weight) * of_base).sum())

    best = minimize_scalar(loss, bounds=(0, 1), method="bounded")
    assert mixture_weight(of_trees, of_base) == pytest.approx(best.x, abs=0.005)


def test_by_trees_by_hand() -> None:
    # equal margins: tobacco and cash share what the base rates give to both; others keep theirs
    base = base_rates(np.array([TOBACCO] * 5 + [CASH] * 3 + [COUNTERFEIT]))
    shares = ThreatShares(
        base=base, finds=9, told_apart=(TOBACCO, CASH), weight=1.0, trees="unread"
    )
    (given,) = by_trees(np.array([[0.7, 0.7]]), shares)
    assert given[TOBACCO] == given[CASH] == pytest.approx((5.5 + 3.5) / 14 / 2)
    assert given[COUNTERFEIT] == pytest.approx(1.5 / 14)
    assert given.sum() == pytest.approx(1.0)


EVEN = (0.1,) * len(THREATS)


@pytest.mark.parametrize(
    "broken",
    [
        {"base": (0.5, 0.5)},
        {"base": (0.0, 0.2, *EVEN[2:])},
        {"base": (0.2, *EVEN[1:])},
        {"weight": 1.5},
        {"told_apart": (1, 2)},
        {"trees": "tree"},
        {"told_apart": (2, 1), "trees": "tree"},
        {"told_apart": (1, 10), "trees": "tree"},
        {"told_apart": (1, 1), "trees": "tree"},
    ],
)
def test_shares_that_do_not_fit_together_are_refused(broken: dict[str, object]) -> None:
    parts = {"base": EVEN, "finds": 0} | broken
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(parts, ThreatShares)
