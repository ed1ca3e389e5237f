"""Baselines by hand: what a model must beat."""

import numpy as np
import pytest
from numpy.typing import NDArray

from features.ledger import MovementDeclared
from models.baselines import (
    MEMORIES,
    LogisticRegression,
    Lookup,
    Prevalence,
    Random,
    Rows,
    baselines_for,
    unseen,
)
from models.metrics import at_capacity, roc_auc

NO_MATRIX: NDArray[np.float64] = np.empty((0, 0))


def lorry(haulier: str | None, route: str | None, goods: str | None = None) -> MovementDeclared:
    entities = {} if haulier is None else {"haulier_eori": f"organisation:{haulier}"}
    given = {"route_id": route, "commodity_code": goods}
    fields: dict[str, bool | int | float | str] = {k: v for k, v in given.items() if v is not None}
    return MovementDeclared(
        kind="vehicle", movement="m", declared_at=0, entities=entities, fields=fields
    )


def ship(**entities: str) -> MovementDeclared:
    return MovementDeclared(kind="vessel", movement="m", declared_at=0, entities=entities)


def goods(code: str, mass: float, amount: float) -> MovementDeclared:
    return MovementDeclared(
        kind="shipment",
        movement="m",
        declared_at=0,
        fields={"commodity_code": code, "net_mass_kg": mass, "invoice_amount": amount},
    )


def rows(*movements: MovementDeclared) -> Rows:
    return Rows(movements, NO_MATRIX)


def test_random_has_exactly_what_chance_has() -> None:
    labels = np.array([1.0, 0, 0, 0])
    scores = Random().scores(rows(*[lorry("a", "x")] * 4))
    assert roc_auc(scores, labels) == 0.5
    assert at_capacity(scores, labels, 1).precision == 0.25


def test_lookup_remembers_combinations_only() -> None:
    lookup = Lookup(MEMORIES["vehicle"].exact)
    fitted = [lorry("a", "x", "1")] * 10 + [lorry("b", "x", "1")] * 10
    lookup.fit(rows(*fitted), np.array([1.0] * 10 + [0.0] * 10))
    asked = rows(
        lorry("a", "x", "1"), lorry("b", "x", "1"), lorry("a", "x", "2"), lorry(None, None)
    )
    # mean 1/2: (10 + 10/2) / 20, (0 + 10/2) / 20, and the mean for what was never seen
    assert lookup.scores(asked).tolist() == [0.75, 0.25, 0.5, 0.5]


def test_prevalence_backs_off_to_the_coarser_key() -> None:
    prevalence = Prevalence(MEMORIES["vehicle"].chain)
    fitted = [lorry("a", "x")] * 10 + [lorry(None, "x")] * 10 + [lorry("b", "y")] * 20
    prevalence.fit(rows(*fitted), np.array([1.0] * 10 + [0.0] * 30))
    asked = rows(lorry("a", "x"), lorry("new", "x"), lorry("new", "new"), lorry(None, None))
    mean = 10 / 40
    route_x = (10 + 10 * mean) / (20 + 10)
    expected = [(10 + 10 * route_x) / (10 + 10), route_x, mean, mean]
    assert prevalence.scores(asked) == pytest.approx(expected)


def test_a_shipment_is_remembered_with_its_mass_and_amount() -> None:
    lookup = Lookup(MEMORIES["shipment"].exact)
    lookup.fit(rows(*[goods("010129", 5.0, 9.0)] * 10, goods("020000", 1, 1)), np.eye(1, 11, 10)[0])
    known, other = lookup.scores(rows(goods("010129", 5.0, 9.0), goods("010129", 5.0, 9.5)))
    assert known < other


def test_a_ship_is_known_by_the_first_identity_given() -> None:
    exact = MEMORIES["vessel"].exact
    assert exact(ship(imo="vessel:1", mmsi="vessel:2")) == "vessel:1"
    assert exact(ship(mmsi="vessel:2", hull_id="vessel:3")) == "vessel:2"
    assert exact(ship(operator_eori="organisation:4")) is None


def test_unseen_rows() -> None:
    fitted = [lorry("a", "x"), lorry(None, "x")]
    asked = [lorry("a", "new"), lorry("b", "x"), lorry(None, "x")]
    assert unseen("vehicle", fitted, asked).tolist() == [False, True, True]
    known = [goods("010129", 5.0, 9.0)]
    assert unseen("shipment", known, [*known, goods("010129", 5.0, 9.5)]).tolist() == [False, True]


def test_of_goods_that_come_back_within_the_test_only_the_first_are_unseen() -> None:
    """By then history has heard of them: counting them as new would pass memory for skill."""
    one, other = goods("010129", 5.0, 9.5), goods("847130", 5.0, 9.5)
    assert unseen("shipment", [], [one, other, one, one]).tolist() == [True, True, False, False]
    nameless = lorry(None, "x")
    assert unseen("vehicle", [nameless], [nameless, nameless]).tolist() == [True, True]


def test_logistic_regression_reads_rows_with_gaps_and_empty_columns() -> None:
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(200, 3))
    labels = (matrix[:, 0] > 0.3).astype(np.float64)
    matrix[:, 2] = np.nan
    matrix[::7, 0] = np.nan
    movements = [lorry("a", "x")] * 200
    baseline = LogisticRegression()
    baseline.fit(Rows(movements, matrix), labels)
    assert (roc_auc(baseline.scores(Rows(movements, matrix)), labels) or 0.0) > 0.9


@pytest.mark.parametrize("kind", ["vehicle", "vessel", "shipment"])
def test_each_kind_has_all_baselines(kind: str) -> None:
    names = [baseline.name for baseline in baselines_for(kind)]
    assert names == ["random", "prevalence", "lookup", "logistic regression"]
