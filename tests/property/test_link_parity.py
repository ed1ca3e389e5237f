"""Links: online equals offline byte for byte, and both equal the oracle, however they came about.

A sequence of 30 events seldom brings nine organisations together, so the most that a connector
ties is lowered for most of them: it is passed upwards and downwards again and again.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.history import link_pass
from features.history.kernel import Changes
from features.history.statistics import FIND, MOVEMENT
from features.history.tables import ENTITY, Tables
from features.ledger.events import MovementCancelled, MovementDeclared, OutcomeRecorded
from features.rows import feature_rows
from features.timeline import load_timeline
from tests import oracles
from tests.memory_ledger import MemoryLedger
from tests.property.test_history_parity import (
    CATALOGUES,
    DAY,
    FAR,
    START,
    Happening,
    check_parity,
    corrected,
    fewer,
    messages,
    quick,
    recorded,
)
from tests.property.test_snapshot_parity import check_parity as check_restarts
from tests.reading_links import numbers_of_links

hauliers = st.sampled_from([f"organisation:{letter}" for letter in "abc"])
references = st.sampled_from("0123")
times = st.sampled_from([START + int(days * DAY) for days in (0, 0.7, 3.1, 8.3, 17.9, 4000)])
kinds = st.sampled_from([*["vehicle"] * 4, "shipment", "vessel"])
ENTITIES = {
    "vehicle": {
        "haulier_eori": hauliers,
        "vehicle_reg": st.sampled_from([*["vehicle:a"] * 3, "vehicle:b"]),
        "container_no": st.just("container:a"),
        "consignee_eori": hauliers,
    },
    "shipment": {
        "consignor_eori": hauliers,
        "container_no": st.sampled_from(["container:a", "container:b"]),
        "consignee_eori": st.sampled_from(["organisation:a", "organisation:z"]),
        "declarant_eori": hauliers,
    },
    "vessel": {"operator_eori": hauliers, "imo": st.sampled_from(["vessel:a", "vessel:b"])},
}


@st.composite
def shared_movements(draw: st.DrawFn) -> MovementDeclared:
    kind = draw(kinds)
    identifiers = list(ENTITIES[kind].items())
    return MovementDeclared(
        kind=kind,
        movement=draw(references),
        version=draw(st.integers(1, 3)),
        declared_at=0,
        entities=draw(st.fixed_dictionaries(dict(identifiers[:2]), optional=dict(identifiers[2:]))),
    )


verdicts = st.builds(
    OutcomeRecorded,
    kind=kinds,
    movement=references,
    examined_at=times,
    outcome=st.sampled_from(["positive", "positive", "negative", "withdrawn"]),
    message=messages,
    corrects=corrected,
)
called_off = st.builds(
    MovementCancelled,
    kind=kinds,
    movement=references,
    cancelled_at=st.just(0),
    up_to_version=st.integers(1, 3),
)


def lorry(number: int, version: int, vehicle: str) -> MovementDeclared:
    """Each haulier has one, which goes over from one vehicle to another and back."""
    haulier = f"organisation:{'abcd'[number]}"
    return MovementDeclared(
        kind="vehicle",
        movement=str(number),
        version=version,
        declared_at=0,
        entities={"haulier_eori": haulier, "vehicle_reg": vehicle},
    )


lorries = st.builds(
    lorry,
    st.integers(0, 3),
    st.integers(1, 4),
    st.sampled_from([*["vehicle:a"] * 3, "vehicle:b"]),
)


def sequences(
    movements: st.SearchStrategy[MovementDeclared],
) -> st.SearchStrategy[list[Happening]]:
    happening = st.builds(
        Happening,
        payload=st.one_of(*[movements] * 4, verdicts, called_off),
        available_at=times,
        backfill=st.sampled_from([False, False, False, True]),
        now=times,
        restart=st.sampled_from([False, False, False, True]),
        as_of=st.one_of(times, st.just(START + 41 * DAY)),
        asked=movements,
    )
    return st.lists(happening, min_size=8, max_size=30)


sharing = st.one_of(sequences(shared_movements()), sequences(lorries))
most_tied = st.sampled_from([2, 2, 2, 8])


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.history.snapshot.os.fsync", lambda _: None)
        yield


@contextmanager
def tying(most: int, *, offline: int | None = None) -> Iterator[None]:
    """``most`` organisations, for everybody; for the offline pass another number if it is given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.history.link_pass.MOST_TIED", offline or most)
        patch.setattr("features.history.link_tables.MOST_TIED", most)
        patch.setattr(oracles, "MOST_TIED", most)
        yield


@fewer
@given(sharing, most_tied)
def test_parity_of_links_online_offline_and_oracle(sequence: list[Happening], most: int) -> None:
    """Shared vehicles, containers and consignees; movements that go over to another vehicle, are
    called off and come back; finds that are revoked."""
    with tying(most):
        check_parity(sequence)


@fewer
@given(sharing, most_tied, st.randoms(use_true_random=False))
def test_parity_of_links_with_restarts_by_snapshot(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[Happening], most: int, random: Random
) -> None:
    directory = tmp_path_factory.getbasetemp() / "links"
    directory.mkdir(exist_ok=True)
    with tying(most):
        check_restarts(directory, sequence, random)


@quick
@given(sharing, most_tied, st.randoms(use_true_random=False), shared_movements(), times)
def test_parity_of_links_whatever_the_order_of_arrival(
    sequence: list[Happening], most: int, random: Random, asked: MovementDeclared, as_of: int
) -> None:
    shuffled = list(sequence)
    random.shuffle(shuffled)
    with tying(most):
        rows = [row_offline(order, asked, as_of) for order in (sequence, shuffled)]
    assert rows[0].tobytes() == rows[1].tobytes()


def row_offline(
    sequence: list[Happening], asked: MovementDeclared, as_of: int
) -> NDArray[np.float64]:
    ledger = MemoryLedger()
    for position, happening in enumerate(sequence, start=1):
        ledger.add(recorded(position, happening))
    timeline = load_timeline(ledger, available_before=as_of)
    return feature_rows(timeline, [asked], [as_of], CATALOGUES[asked.kind])


Link = tuple[int, int]
"""Organisation, connector; of a find the connector is 0."""
ORGANISATIONS, SHARED = 6, 2
added = st.one_of(
    st.tuples(
        st.just(MOVEMENT),
        st.tuples(st.integers(0, ORGANISATIONS - 1), st.integers(0, SHARED - 1)),
    ),
    st.tuples(st.just(FIND), st.tuples(st.integers(0, ORGANISATIONS - 1), st.just(0))),
)
taken_back = st.integers(0, 99)
"""Which of those that are there."""


@quick
@given(st.lists(st.one_of(added, added, taken_back), min_size=10, max_size=80), st.integers(2, 5))
def test_parity_of_the_graph_with_sets(steps: list[tuple[int, Link] | int], most: int) -> None:
    """After every step, what every organisation reads."""
    with tying(most):
        tables = Tables()
    slots = [tables.learn(ENTITY, f"organisation:{i}") // 3 for i in range(ORGANISATIONS)]
    connectors = [tables.learn(ENTITY, f"vehicle:{i}") // 3 for i in range(SHARED)]
    counts: Counter[tuple[int, Link]] = Counter()
    for step in steps:
        there = sorted(counts.elements())
        if isinstance(step, int) and not there:
            continue
        sign, one = (-1, there[step % len(there)]) if isinstance(step, int) else (1, step)
        counts[one] += sign
        what, (organisation, connector) = one
        key = 3 * slots[organisation]
        if what == MOVEMENT:
            key = tables.links.learn(slots[organisation], connectors[connector])
        tables.apply((what, sign, START, 1, key))
        for place, slot in enumerate(slots):
            assert numbers(tables, slot) == expected(+counts, place, most)


def numbers(tables: Tables, slot: int) -> list[float]:
    return numbers_of_links(tables.links, tables, slot, FAR, [0, 1, 2])


def expected(counts: Counter[tuple[int, Link]], organisation: int, most: int) -> list[float]:
    live = {link for what, link in counts if what == MOVEMENT}
    on = [{o for o, connector in live if connector == c} for c in range(SHARED)]
    ties = [
        other
        for sharing in on
        if organisation in sharing and len(sharing) <= most
        for other in sharing - {organisation}
    ]
    finds = [counts[FIND, (other, 0)] for other in set(ties)]
    return [len(ties), sum(map(bool, finds)), sum(finds)]


def _nothing_taken_back(changes: Changes) -> Changes:
    kept = changes.sign > 0
    of, what, sign, instant, visible_from, unchanged = changes
    return Changes(of[kept], what[kept], sign[kept], instant[kept], visible_from[kept], unchanged)


def _equal_times_visible(changes: Changes) -> Changes:
    return changes._replace(visible_from=changes.visible_from - 1)


@pytest.mark.parametrize("with_oracle", [False, True])
@pytest.mark.parametrize("wrong", [None, _nothing_taken_back, _equal_times_visible])
def test_parity_check_fails_when_offline_links_are_wrong(
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[Changes], Changes] | None,
    with_oracle: bool,
) -> None:
    """The negative controls: no limit to who is tied (None), nothing taken back, ``<=`` for ``<``;
    live state and oracle each refute them."""
    right = link_pass._changes
    if wrong is not None:
        monkeypatch.setattr(link_pass, "_changes", lambda timeline: wrong(right(timeline)))

    # A refutation is enough, however long; 100 sequences may hold none. Four hauliers whose
    # lorries change vehicles are soon too many on one.
    @settings(quick, phases=[Phase.generate], max_examples=1000, derandomize=True)
    @given(sequences(lorries) if wrong is None else sharing)
    def refuted(sequence: list[Happening]) -> None:
        with tying(2, offline=99 if wrong is None else 2):
            check_parity(sequence, online=not with_oracle, oracle=with_oracle)

    with pytest.raises(AssertionError):
        refuted()
