"""Whatever the order in which a partner's events come, and how often, the same stands."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import from_micros
from features.ledger import open_ledger
from serving.auth.access import LOCAL
from serving.exchange import store
from serving.exchange.envelope import Exchanged
from serving.exchange.incoming import Sent, judge, keep
from serving.exchange.messages import (
    AlertTold,
    AlertWithdrawn,
    AssessmentTold,
    CancellationTold,
    MovementTold,
    OutcomeTold,
)
from serving.exchange.standing import dump_of, state_of
from tests.exchanges import NOW, as_sent, partners_with, told

SUBJECTS = ("c1" * 16, "c2" * 16)
TAGS = ("a1" * 16, "a2" * 16)
MESSAGES = ("e1" * 16, "e2" * 16, "e3" * 16)
INSTANTS = [from_micros(NOW + second * 1_000_000) for second in range(3)]

versions = st.integers(1, 3)
entities = st.dictionaries(st.just("haulier_eori"), st.sampled_from(TAGS), max_size=1)
instants = st.sampled_from(INSTANTS)
movements = st.builds(
    MovementTold,
    kind=st.just("vehicle"),
    version=versions,
    declared_at=instants,
    entities=entities,
    fields=st.dictionaries(st.just("gross_mass_kg"), st.floats(0, 10), max_size=1),
)
cancellations = st.builds(
    CancellationTold, kind=st.just("vehicle"), cancelled_at=instants, up_to_version=versions
)
outcomes = st.builds(
    OutcomeTold,
    kind=st.just("vehicle"),
    message=st.sampled_from(MESSAGES),
    corrects=st.none() | st.sampled_from(MESSAGES),
    examined_at=instants,
    outcome=st.sampled_from(["positive", "negative", "withdrawn", "no_show"]),
    thoroughness=st.just("full"),
    entities=entities,
)
assessments = st.builds(
    AssessmentTold,
    kind=st.just("vehicle"),
    version=versions,
    as_of=instants,
    band=st.sampled_from(["high", "low"]),
    status=st.just("scored"),
    entities=entities,
)
alerts = st.builds(
    AlertTold, entities=entities, reason=st.just("seen"), starts=instants, expires=instants
)
withdrawals = st.builds(AlertWithdrawn, withdrawn_at=instants)
said = st.one_of(
    movements.map(lambda one: ("movement.declared", one)),
    cancellations.map(lambda one: ("movement.cancelled", one)),
    outcomes.map(lambda one: ("outcome.recorded", one)),
    assessments.map(lambda one: ("assessment.made", one)),
    alerts.map(lambda one: ("alert.raised", one)),
    withdrawals.map(lambda one: ("alert.withdrawn", one)),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Exchanged]:
    """What the partner's ledger holds, each at a position of its own."""
    return [
        told(number, what, message, told_at=NOW + number, subject=draw(st.sampled_from(SUBJECTS)))
        for number, (what, message) in enumerate(draw(st.lists(said, max_size=12)), 1)
    ]


@given(histories(), st.data())
@settings(deadline=None)
def test_the_order_of_arrival_and_repetition_do_not_count(
    events: list[Exchanged], data: st.DataObject
) -> None:
    sent = [as_sent(event) for event in events]
    arrivals = data.draw(st.permutations([*sent, *data.draw(_some_of(sent))]))
    size = data.draw(st.integers(1, 5))
    assert received(arrivals, size) == received(sent, len(sent) or 1)


def _some_of(sent: Sequence[Sent]) -> Any:
    return st.lists(st.sampled_from(sent), max_size=6) if sent else st.just([])


def received(arrivals: Sequence[Sent], size: int) -> tuple[bytes, int]:
    """The state in the end, and how many events are in the ledger."""
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(open_ledger(f"sqlite:///{Path(directory) / 'ledger.db'}")) as ledger,
    ):
        with ledger.transaction() as transaction:
            store.prepare(transaction)
        for start in range(0, len(arrivals), size):
            judged = judge(arrivals[start : start + size], partners_with(), LOCAL, NOW)
            with ledger.transaction() as transaction:
                receipts = keep(judged, NOW, transaction)
            assert all(one.status != "rejected" for one in receipts), receipts
        return dump_of(state_of(ledger.tail(0))), ledger.last_position()
