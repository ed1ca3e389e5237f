"""What is answered by column is what is answered one by one, to the byte."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.ledger import MovementDeclared
from models.bands import Thresholds
from models.calibration import SimilarExaminations
from models.policies import AtBands
from serving.answer_columns import AskedColumns, PlainQuestions, answered, computed
from serving.assessing import Assessor
from serving.auth.access import LOCAL
from serving.knowledge import Circumstances
from serving.selection import Referrals
from serving.shadow import Shadow
from serving.wire import with_reference
from tests.movement_columns import as_columns

SIMILAR = SimilarExaminations(
    probabilities=(0.01, 0.1, 0.3), finds=(1, 10, 60), examined=(100, 100, 150)
)
MANIFEST = SimpleNamespace(kind="vehicle", version=3, trained_until=0, simulated=True)
ASSESSOR = Assessor(Referrals(bytes(32), AtBands(share=1.0, high_share=0.3)), Shadow())
PROBABILITIES = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.05, 0.01, 0.1, 0.2, 0.3, 0.4]))


def bundle(high: float, medium: float) -> Any:
    return SimpleNamespace(
        kind="vehicle",
        version=3,
        sha256="0" * 64,
        manifest=MANIFEST,
        thresholds=Thresholds(high=high, medium=medium),
        calibrated_on=SIMILAR,
        similar=SIMILAR.at,
        catalogue=SimpleNamespace(sha256="1" * 64),
    )


@given(
    st.lists(PROBABILITIES, min_size=1, max_size=60),
    st.sampled_from([(0.2, 0.05), (0.1, 0.1), (1.0, 0.0)]),
    st.sampled_from([(), ("history_stale: 5 % of \0",)]),
)
def test_columns_say_what_each_says(
    said: list[float], thresholds: tuple[float, float], degraded: tuple[str, ...]
) -> None:
    movements = [
        MovementDeclared(kind="vehicle", movement=f"{at:032x}", declared_at=at)
        for at in range(len(said))
    ]
    known = Circumstances(1_750_000_000_000_000, 7, bundle(*thresholds), degraded, None)
    questions = PlainQuestions(range(len(said)), as_columns(movements), LOCAL)
    asked = AskedColumns(questions, known, np.arange(2.0 * len(said)).reshape(-1, 2))
    columns = answered(asked, np.array(said), ASSESSOR)
    alone = ASSESSOR.answers([asked.one(at) for at in range(len(said))], said, columns.score_ids)
    assert [one.record for one in computed(columns, ASSESSOR)] == alone
    rows = columns.in_json([f'{at} "%s"' for at in range(len(said))])
    in_columns = columns.in_columns()
    for at, record in enumerate(alone):
        given_one = columns.given(at)
        assert (given_one.body, given_one.band, given_one.status) == (
            record.body,
            record.band,
            record.status,
        )
        assert with_reference(record.body, f'{at} "%s"') in rows[at]
        assert in_columns["band"][at] == record.band
        assert in_columns["probability"][at] == record.probability
    assert sum(columns.counted().values()) == len(said)
    left = columns.without([0])
    assert [left.given(at) for at in range(len(left))] == [
        columns.given(at) for at in range(1, len(said))
    ]
