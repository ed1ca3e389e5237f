"""Online equals offline byte for byte, both equal the oracle, whatever came in whatever order."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.catalogue import catalogue_for
from features.declared import FEW
from features.history import consignments as consignments_module
from features.history import offline
from features.history.errors import FutureRefused
from features.history.kernel import Changes
from features.history.online import LiveHistory
from features.history.view import Counted
from features.ledger.events import (
    LAST_VERSION,
    MovementCancelled,
    MovementDeclared,
    OutcomeRecorded,
    Recorded,
)
from features.records import KINDS
from features.rows import feature_row, feature_rows, live_rows
from features.timeline import Timeline, load_timeline, timeline_of
from tests.memory_ledger import MemoryLedger
from tests.movement_columns import as_columns, without_the_rest
from tests.oracles import history_value, standing_facts

DAY = 86_400_000_000
START = 20_000 * DAY
FAR = START + 40_000 * DAY
CATALOGUES = {
    kind: catalogue_for(kind, {"tax": "code", "weight": "number"}, two_steps=True) for kind in KINDS
}

# Few instants, so that events and questions often fall on the same one; whole and broken
# half-lives; a century on, and a year before 1970.
instants = st.sampled_from(
    [
        *(START + offset for offset in (0, 1, 3_600_000_000, DAY, 7 * DAY, 8 * DAY + 17)),
        *(START + int(days * DAY) for days in (13.7, 29.123, 31.1, 64.05, 179.9, 731.3, 4000)),
        START + 36_500 * DAY,
        -400 * DAY,
    ]
)
# Few names, so that one key gets many weights, and versions take them back.
organisations = st.sampled_from(["organisation:a", "organisation:a", "organisation:b", ""])
FIELDS = {
    "vehicle": (
        {
            "haulier_eori": organisations,
            "consignor_eori": organisations,
            "consignee_eori": organisations,
            "vehicle_reg": st.sampled_from(["vehicle:a", "vehicle:b"]),
            "trailer_reg": st.just("trailer:a"),
        },
        {
            "route_id": st.sampled_from(["DOVCAL", "HARHOE"]),
            "commodity_code": st.sampled_from(["0803", "0804"]),
        },
    ),
    "vessel": (
        {
            "imo": st.sampled_from(["vessel:a", "vessel:b"]),
            "mmsi": st.sampled_from(["vessel:a", "vessel:b"]),
            "operator_eori": organisations,
        },
        {"port": st.sampled_from(["GBFXT", "GBSOU"]), "last_port": st.just("NLRTM")},
    ),
    "shipment": (
        {
            "declarant_eori": organisations,
            "consignor_eori": organisations,
            "consignee_eori": organisations,
        },
        {"commodity_code": st.sampled_from(["080390", "080450"])},
    ),
}
kinds = st.sampled_from([*KINDS, "vehicle", "vehicle"])
references = st.sampled_from("1123")
# A carrier lists shipments, one of them twice or never heard of; a shipment says who carries it.
lists = st.lists(st.sampled_from("1234"), max_size=3).map(tuple)
lists_some = st.fixed_dictionaries({}, optional={"consignments": lists})
carrier = st.lists(st.sampled_from("123"), min_size=1, max_size=1).map(tuple)
names_carrier = st.fixed_dictionaries({}, optional={"carried_by": carrier})
CARRIAGE: dict[str, st.SearchStrategy[dict[str, tuple[str, ...]]]] = {
    "vehicle": lists_some,
    "vessel": lists_some,
    "shipment": names_carrier,
}


@st.composite
def movements(draw: st.DrawFn) -> MovementDeclared:
    kind = draw(kinds)
    identifiers, codes = FIELDS[kind]
    return MovementDeclared(
        kind=kind,
        movement=draw(references),
        version=draw(st.integers(1, 3)),
        declared_at=0,
        entities=draw(st.fixed_dictionaries({}, optional=identifiers)),
        fields=draw(st.fixed_dictionaries({}, optional=codes)),
        attributes=draw(
            st.fixed_dictionaries({}, optional={"tax": st.sampled_from(["A", "B", 2.0])})
        ),
        references=draw(CARRIAGE[kind]),
    )


# Few message names, so that corrections hit, miss, chain, and now and then run in a circle.
messages = st.sampled_from(["", "a", "b", "c"])
corrected = st.sampled_from([None, None, "a", "b", "c"])
outcomes = st.builds(
    OutcomeRecorded,
    kind=kinds,
    movement=references,
    examined_at=instants,
    outcome=st.sampled_from(["positive", "negative", "positive", "negative", "withdrawn"]),
    message=messages,
    corrects=corrected,
)
cancellations = st.builds(
    MovementCancelled,
    kind=kinds,
    movement=references,
    cancelled_at=st.just(0),
    up_to_version=st.sampled_from([1, 2, 3, LAST_VERSION]),
)


class Happening(NamedTuple):
    """An event arrives; then, perhaps, the state is lost, and a question is asked."""

    payload: Counted
    available_at: int
    backfill: bool
    now: int
    restart: bool
    as_of: int
    asked: MovementDeclared


def sequences(
    payloads: st.SearchStrategy[Counted],
    asked: st.SearchStrategy[MovementDeclared],
    times: st.SearchStrategy[int],
) -> st.SearchStrategy[list[Happening]]:
    happening = st.builds(
        Happening,
        payload=payloads,
        available_at=times,
        backfill=st.sampled_from([False, False, True]),
        now=times,
        restart=st.sampled_from([False, False, False, True]),
        as_of=times,
        asked=asked,
    )
    return st.lists(happening, min_size=1, max_size=30)


# The same few lorries of one haulier amended over and over within weeks: sums of many weights
# that no power of two relates, taken back in every order.
close_times = st.sampled_from([START + int(days * DAY) for days in (0, 0.7, 3.1, 8.3, 17.9, 33.3)])
lorries = st.builds(
    MovementDeclared,
    kind=st.just("vehicle"),
    movement=st.sampled_from("1234"),
    version=st.integers(1, 3),
    declared_at=st.just(0),
    entities=st.sampled_from(
        [
            {"haulier_eori": "organisation:a", "vehicle_reg": "vehicle:a"},
            {"haulier_eori": "organisation:a", "vehicle_reg": "vehicle:b"},
            {"haulier_eori": "organisation:b", "consignor_eori": "organisation:a"},
        ]
    ),
)
verdicts = st.builds(
    OutcomeRecorded,
    kind=st.just("vehicle"),
    movement=st.sampled_from("1234"),
    examined_at=close_times,
    outcome=st.sampled_from(["positive", "negative"]),
    message=messages,
    corrects=corrected,
)
called_off = st.builds(
    MovementCancelled,
    kind=st.just("vehicle"),
    movement=st.sampled_from("1234"),
    cancelled_at=st.just(0),
    up_to_version=st.integers(1, 3),
)
# One lorry and what is on it: declared before or after it, corrected to other consignees and
# other lorries, called off, examined.
consignments = st.builds(
    MovementDeclared,
    kind=st.just("shipment"),
    movement=st.sampled_from("1234"),
    version=st.integers(1, 3),
    declared_at=st.just(0),
    entities=st.fixed_dictionaries(
        {},
        optional={
            "consignor_eori": st.sampled_from(["organisation:a", "organisation:b", ""]),
            "consignee_eori": st.sampled_from(["organisation:b", "organisation:c"]),
            "notify_party_eori": st.just("organisation:d"),
            "container_no": st.just("container:a"),
        },
    ),
    references=names_carrier,
)
carriers = st.builds(
    MovementDeclared,
    kind=st.sampled_from(["vehicle", "vehicle", "vessel"]),
    movement=st.sampled_from("12"),
    declared_at=st.just(0),
    references=lists_some,
)
cargo_verdicts = st.builds(
    OutcomeRecorded,
    kind=st.just("shipment"),
    movement=st.sampled_from("1234"),
    examined_at=close_times,
    outcome=st.sampled_from(["positive", "negative"]),
    message=messages,
    corrects=corrected,
)
cargo_called_off = st.builds(
    MovementCancelled,
    kind=st.just("shipment"),
    movement=st.sampled_from("1234"),
    cancelled_at=st.just(0),
    up_to_version=st.integers(1, 3),
)
loads = sequences(
    st.one_of(consignments, consignments, cargo_verdicts, cargo_called_off), carriers, close_times
)
happenings = st.one_of(
    loads,
    sequences(st.one_of(movements(), outcomes, movements(), cancellations), movements(), instants),
    sequences(st.one_of(lorries, verdicts), lorries, close_times),
    sequences(st.one_of(lorries, verdicts, lorries, called_off), lorries, close_times),
)
quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
fewer = settings(quick, max_examples=quick.max_examples * 4 // 10)
"""Of what takes a third of a second an example; the deep profile multiplies these too."""


def recorded(position: int, happening: Happening) -> Recorded:
    return Recorded(
        position=position,
        source="file",
        event_id=str(position),
        occurred_at=happening.available_at,
        available_at=happening.available_at,
        backfill=happening.backfill,
        payload=happening.payload,
    )


def check_parity(sequence: list[Happening], *, online: bool = True, oracle: bool = True) -> int:
    """How many questions were answered; ``AssertionError`` at the first difference."""
    ledger, answered = MemoryLedger(), 0
    now = [0]
    live = LiveHistory(clock=lambda: now[0])
    for position, happening in enumerate(sequence, start=1):
        ledger.add(recorded(position, happening))
        if happening.restart:
            live = LiveHistory(clock=lambda: now[0])
        now[0] = happening.now
        live.follow(ledger)
        assert live.position == position
        catalogue = CATALOGUES[happening.asked.kind]
        try:
            live_row = feature_row(live, happening.asked, happening.as_of, catalogue)
        except FutureRefused:
            continue
        answered += 1
        timeline = load_timeline(ledger, available_before=FAR)  # it must not show all of it
        (row,) = feature_rows(timeline, [happening.asked], [happening.as_of], catalogue)
        if online:
            assert live_row.tobytes() == row.tobytes(), differences(catalogue.names, live_row, row)
        if oracle:
            check_against_oracle(ledger.events, happening.asked, happening.as_of, row)
    return answered


def differences(
    names: tuple[str, ...], a: NDArray[np.float64], b: NDArray[np.float64]
) -> list[tuple[str, float, float]]:
    return [
        (name, x, y)
        for name, x, y in zip(names, a.tolist(), b.tolist(), strict=True)
        if x != y and not (np.isnan(x) and np.isnan(y))
    ]


def check_against_oracle(
    events: list[Recorded], asked: MovementDeclared, as_of: int, row: NDArray[np.float64]
) -> None:
    facts = standing_facts(events, as_of)
    for feature, value in zip(CATALOGUES[asked.kind].features, row.tolist(), strict=True):
        if feature.source == "history":
            expected = history_value(facts, asked, as_of, feature.name)
            assert value == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True), feature.name


@quick
@given(happenings)
def test_parity_of_online_offline_and_oracle(sequence: list[Happening]) -> None:
    """Ties, late and replaced outcomes, versions, backfills, restarts, late arrivals."""
    check_parity(sequence)


@quick
@given(st.lists(st.one_of(movements(), outcomes), max_size=12), st.lists(movements(), max_size=9))
def test_parity_of_rows_alone_and_of_many(
    heard: list[Counted], asked: list[MovementDeclared]
) -> None:
    """What no movement gives is not looked for, and a key that many have is looked up once."""
    ledger, live = MemoryLedger(), LiveHistory(clock=lambda: FAR)
    for payload in heard:
        ledger.hear(payload, START)
    live.follow(ledger)
    for kind, catalogue in CATALOGUES.items():
        together = [movement for movement in asked if movement.kind == kind] * (FEW + 1)
        alone = [feature_row(live, movement, FAR, catalogue).tobytes() for movement in together]
        assert live_rows(live, together, FAR, catalogue).tobytes() == b"".join(alone)
        if bare := list(map(without_the_rest, together)):
            alone = [feature_row(live, movement, FAR, catalogue).tobytes() for movement in bare]
            columns = as_columns(bare)
            assert live_rows(live, columns, FAR, catalogue).tobytes() == b"".join(alone)


@quick
@given(happenings)
def test_parity_of_a_movement_apart_from_what_it_added_itself(sequence: list[Happening]) -> None:
    """As if it had been cancelled the instant before, and afterwards as if nobody had asked."""
    ledger, now = MemoryLedger(), [0]
    live = LiveHistory(clock=lambda: now[0])
    for position, happening in enumerate(sequence, start=1):
        ledger.add(recorded(position, happening))
        now[0] = happening.now
        live.follow(ledger)
        asked, as_of = happening.asked, happening.as_of + 9  # later than all, less one instant
        catalogue = CATALOGUES[asked.kind]
        try:
            with live.apart(asked.kind, asked.movement, as_of):
                apart = feature_row(live, asked, as_of, catalogue)
        except FutureRefused:
            continue
        gone = MovementCancelled(kind=asked.kind, movement=asked.movement, cancelled_at=0)
        called_off = recorded(
            position + 1, happening._replace(payload=gone, available_at=as_of - 1)
        )
        for row, events in (
            (apart, [called_off]),
            (feature_row(live, asked, as_of, catalogue), []),
        ):
            timeline = timeline_of((*ledger.read(available_before=as_of), *events), as_of)
            (offline_row,) = feature_rows(timeline, [asked], [as_of], catalogue)
            assert row.tobytes() == offline_row.tobytes(), differences(
                catalogue.names, row, offline_row
            )


@quick
@given(happenings, st.data())
def test_parity_of_many_questions_at_once(sequence: list[Happening], data: st.DataObject) -> None:
    """Rows of one call are the rows of many calls; the order of the questions does not matter."""
    events = [recorded(position, h) for position, h in enumerate(sequence, start=1)]
    kind = data.draw(st.sampled_from(KINDS))
    questions = [(h.asked, h.as_of) for h in sequence if h.asked.kind == kind]
    timeline = timeline_of(
        sorted(events, key=lambda event: (event.available_at, event.position)),
        FAR,
    )
    rows = feature_rows(
        timeline, [m for m, _ in questions], [t for _, t in questions], CATALOGUES[kind]
    )
    for (asked, as_of), row in zip(questions, rows, strict=True):
        (alone,) = feature_rows(timeline, [asked], [as_of], CATALOGUES[kind])
        assert row.tobytes() == alone.tobytes()
        check_against_oracle(events, asked, as_of, row)


@quick
@given(happenings, st.randoms(use_true_random=False), movements(), instants)
def test_parity_whatever_the_order_of_arrival(
    sequence: list[Happening], random: object, asked: MovementDeclared, as_of: int
) -> None:
    """Events of the same time commute, and no position matters beyond that."""
    shuffled = list(sequence)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    rows = []
    for order in (sequence, shuffled):
        ledger = MemoryLedger()
        for position, happening in enumerate(order, start=1):
            ledger.add(recorded(position, happening))
        timeline = load_timeline(ledger, available_before=as_of)
        rows.append(feature_rows(timeline, [asked], [as_of], CATALOGUES[asked.kind]))
    assert rows[0].tobytes() == rows[1].tobytes()


@quick
@given(
    happenings,
    happenings,
    st.one_of(movements(), carriers),
    st.one_of(instants, close_times),
)
def test_nothing_available_later_changes_a_row(
    sequence: list[Happening], more: list[Happening], asked: MovementDeclared, as_of: int
) -> None:
    """Equal timestamps included: ``available_at >= as_of`` is later. Offline, and once live."""
    known = [h for h in sequence if h.available_at < as_of]
    later = [h for h in (*sequence, *more) if h.available_at >= as_of]
    rows = []
    for chosen in (known, [*known, *later]):
        events = [recorded(position, h) for position, h in enumerate(chosen, start=1)]
        events.sort(key=lambda event: (event.available_at, event.position))
        timeline = timeline_of(events, FAR)
        rows.append(feature_rows(timeline, [asked], [as_of], CATALOGUES[asked.kind]))
    assert rows[0].tobytes() == rows[1].tobytes()
    ledger, live = MemoryLedger(), LiveHistory(clock=lambda: as_of)
    for position, happening in enumerate([*known, *later], start=1):
        ledger.add(recorded(position, happening))
        live.follow(ledger)
        if position >= len(known):
            row = feature_row(live, asked, as_of, CATALOGUES[asked.kind])
            assert row.tobytes() == rows[0].tobytes()


def test_parity_sequences_have_something_on_board() -> None:
    """Else the columns of consignments would agree because they are empty."""
    seen: set[tuple[bool, ...]] = set()

    @settings(quick, phases=[Phase.generate], max_examples=300, derandomize=True)
    @given(loads)
    def collect(sequence: list[Happening]) -> None:
        events = [recorded(position, h) for position, h in enumerate(sequence, start=1)]
        events.sort(key=lambda event: (event.available_at, event.position))
        last = sequence[-1]
        catalogue = CATALOGUES[last.asked.kind]
        (row,) = feature_rows(timeline_of(events, FAR), [last.asked], [FAR], catalogue)
        values = dict(zip(catalogue.names, row.tolist(), strict=True))
        least = {"consignments": 2, "organisations": 2, "never_examined": 1, "finds": 1}
        seen.add(tuple(values[f"carried.{name}"] >= n for name, n in least.items()))

    collect()
    assert all(any(several) for several in zip(*seen, strict=True)), seen


def test_parity_check_fails_when_a_cancelled_consignment_stays_on_board(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control of what is on board when."""

    @settings(quick, phases=[Phase.generate], max_examples=500, derandomize=True)
    @given(loads)
    def refuted(sequence: list[Happening]) -> None:
        check_parity(sequence, oracle=False)

    stood = consignments_module._stood

    def never_replaced(timeline: Timeline) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        since, until = stood(timeline)
        return since, np.full_like(until, FAR)

    monkeypatch.setattr(consignments_module, "_stood", never_replaced)
    with pytest.raises(AssertionError):
        refuted()


def _equal_times_visible(original: Callable[..., Changes]) -> Callable[..., Changes]:
    def shifted(*args: object) -> Changes:
        changes = original(*args)
        return changes._replace(visible_from=changes.visible_from - 1)

    return shifted


@pytest.mark.parametrize("with_oracle", [False, True])
def test_parity_check_fails_when_equal_times_are_visible(
    monkeypatch: pytest.MonkeyPatch, with_oracle: bool
) -> None:
    """The negative control: with ``<=`` for ``<``, live state and oracle each refute offline."""

    @settings(quick, phases=[Phase.generate], max_examples=500, derandomize=True)
    @given(happenings)
    def refuted(sequence: list[Happening]) -> None:
        check_parity(sequence, online=not with_oracle, oracle=with_oracle)

    monkeypatch.setattr(offline, "changes_on", _equal_times_visible(offline.changes_on))
    with pytest.raises(AssertionError):
        refuted()
