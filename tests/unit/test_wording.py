"""Answers of a batch are worded together, to the same bytes as each alone."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from features.clock import iso
from features.ledger import MovementDeclared
from models.reasons import Reason
from serving.answers import answer_message
from serving.auth.access import LOCAL_AGENCY
from serving.knowledge import Circumstances
from serving.scorer import Assessment
from serving.selection import Selected
from serving.wire import Consignments, encode
from serving.wording import FEW, Wording

CARGO = Consignments(known=1, assessed=0, highest=None, sentence="1")
AS_OF, POSITION = 1_750_000_000_000_000, 7
KNOWN = Circumstances(AS_OF, POSITION, None, (), None)
REASON = Reason(group="haulier", effect="raises", contribution=0.5, sentence='100 % of "finds"\0')
BAND = st.sampled_from(["high", "low"])
ID = "01a219de-c507-7240-8cc3-349334434985"
floats = st.floats(0.0, 1.0)

assessments = st.builds(
    Assessment,
    status=st.sampled_from(["scored", "degraded", "unassessed"]),
    degraded=st.sampled_from([(), ("history_stale: 5 %b of \0 'it'",)]),
    probability=st.one_of(floats, floats, st.none()),
    similar=st.sampled_from([(1, 200), (1, 200), (0, 0), None]),
    interval=st.one_of(st.tuples(floats, floats), st.tuples(floats, floats), st.none()),
    band=BAND,
    reasons=st.sampled_from([(), (), (REASON,)]),
    threats=st.sampled_from([(), (), (("cash", 0.25),)]),
)
selections = st.builds(
    Selected,
    referred=st.just(True),
    reason=st.sampled_from(["exploration", "risk"]),
    policy=st.just("at-bands(5 % of 0.02)"),
    propensity=st.just("1.0"),
    exploration=st.just("0.001"),
    draw_day=st.just("2026-03-01"),
)


@given(
    st.lists(
        st.tuples(
            assessments,
            selections,
            st.integers(1, 3),
            st.sampled_from([(1, None), (2, "outcome")]),
            st.sampled_from(
                [None, None, Consignments(known=1, assessed=0, highest=None, sentence="1")]
            ),
        ),
        min_size=9,
        max_size=30,
    )
)
def test_many_are_worded_as_each_is(answers: list[tuple[Any, ...]]) -> None:
    wording = Wording(KNOWN, FEW + 1)
    for assessment, selected, version, (number, because), consignments in answers:
        declared = MovementDeclared(kind="vehicle", movement="m", version=version, declared_at=0)
        alone = answer_message(
            declared,
            assessment,
            None,
            score_id=ID,
            as_of=iso(AS_OF),
            ledger_position=POSITION,
            selected=selected,
            consignments=consignments,
            number=number,
            because=because,
        )
        together = wording.of(
            declared, assessment, selected, ID, (), LOCAL_AGENCY, consignments, number, because
        )
        assert together == encode(alone)
