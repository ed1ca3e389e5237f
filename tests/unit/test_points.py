"""Rules as points, on rows small enough to count by hand."""

import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.ledger import MovementDeclared
from features.records import KINDS
from models.baselines import Rows
from models.points import INDICATORS, RulesAsPoints

COLUMNS = ("is_empty", "seal_missing", "haulier.movements")
NOTHING = MovementDeclared(kind="vehicle", movement="m", declared_at=0)


def rows(matrix: list[list[float]]) -> Rows:
    return Rows([NOTHING] * len(matrix), np.array(matrix))


def fitted() -> RulesAsPoints:
    """An empty lorry is a find twice in three, a seal in one in four, a full one never."""
    empty, unsealed, neither = [1.0, 0.0, 50.0], [0.0, 1.0, 50.0], [0.0, 0.0, 50.0]
    baseline = RulesAsPoints("vehicle", COLUMNS)
    matrix = [empty] * 300 + [unsealed] * 400 + [neither] * 300
    labels = [1.0] * 200 + [0.0] * 100 + [1.0] * 100 + [0.0] * 300 + [1.0] * 75 + [0.0] * 225
    baseline.fit(rows(matrix), np.array(labels))
    return baseline


def test_points_are_log_odds_in_tens_and_never_below_none() -> None:
    table = {rule.sentence: rule for rule in fitted().table}
    # odds 2 against 1/3 of neither: six times, so 10 log2(6) = 25.8 points but for the pull to 0
    assert table["declared empty"].points == pytest.approx(26, abs=1)
    assert (table["declared empty"].rows, table["declared empty"].finds) == (300, 200)
    assert table["no seal where one is expected"].points == 0  # as likely as neither
    assert table["haulier with fewer than 5 movements"].rows == 0
    assert next(iter(table)) == "declared empty"


def test_a_score_is_the_sum_of_points_and_missing_meets_no_rule() -> None:
    baseline = fitted()
    points = baseline.table[0].points
    scores = baseline.scores(rows([[1.0, 0.0, 9.0], [np.nan, np.nan, np.nan], [1.0, 1.0, 2.0]]))
    assert scores.tolist() == [points, 0.0, points]


def test_a_rule_never_takes_points_away() -> None:
    baseline = RulesAsPoints("vehicle", ("is_empty",))
    baseline.fit(rows([[1.0]] * 50 + [[0.0]] * 50), np.array([0.0] * 50 + [1.0] * 50))
    assert baseline.scores(rows([[1.0], [0.0]])).tolist() == [0.0, 0.0]


def test_without_any_known_column_everything_ties() -> None:
    baseline = RulesAsPoints("vehicle", ("something",))
    baseline.fit(rows([[1.0], [0.0]]), np.array([0.0, 1.0]))
    assert baseline.table == ()
    assert baseline.scores(rows([[1.0], [0.0]])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_is_about_a_feature_of_its_kind(kind: str) -> None:
    names = catalogue_for(kind).names
    assert [rule.feature for rule in INDICATORS[kind] if rule.feature not in names] == []
    sentences = [rule.sentence for rule in INDICATORS[kind]]
    assert len(set(sentences)) == len(sentences)
