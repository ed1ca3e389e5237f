"""What history makes of odd input: each case with the outcome that it must have.

Every row is made twice, by live state and by the offline pass, and both must be the same bytes.
"""

import math
import random
import subprocess
import sys
from collections.abc import Sequence

import msgspec
import pytest

from features.catalogue import catalogue_for
from features.history.online import LiveHistory
from features.ledger.events import MovementDeclared, OutcomeRecorded, Payload
from features.rows import feature_row, feature_rows
from features.sentences import sentence
from features.timeline import load_timeline
from tests.memory_ledger import MemoryLedger

DAY = 86_400_000_000
YEAR = 365 * DAY
NOW = 20_000 * DAY
CATALOGUE = catalogue_for("vehicle")
At = tuple[int, Payload]
"""When it became available, what."""


def lorry(movement: str = "asked", haulier: str = "organisation:a") -> MovementDeclared:
    return MovementDeclared(
        kind="vehicle", movement=movement, declared_at=0, entities={"haulier_eori": haulier}
    )


def outcome(
    movement: str, result: str, message: str = "", corrects: str | None = None
) -> OutcomeRecorded:
    return OutcomeRecorded(
        kind="vehicle",
        movement=movement,
        examined_at=NOW,
        outcome=result,
        message=message,
        corrects=corrects,
    )


def ledger_of(events: Sequence[At]) -> MemoryLedger:
    ledger = MemoryLedger()
    for at, payload in events:
        ledger.hear(payload, at)
    return ledger


def row_at(
    as_of: int, events: Sequence[At], asked: MovementDeclared | None = None
) -> dict[str, float]:
    ledger, asked = ledger_of(events), asked or lorry()
    live = LiveHistory(clock=lambda: as_of)
    live.follow(ledger)
    row = feature_row(live, asked, as_of, CATALOGUE)
    timeline = load_timeline(ledger, available_before=as_of)
    (offline,) = feature_rows(timeline, [asked], [as_of], CATALOGUE)
    assert row.tobytes() == offline.tobytes()
    return dict(zip(CATALOGUE.names, row.tolist(), strict=True))


def haulier(values: dict[str, float], *statistics: str) -> list[float]:
    return [values[f"haulier.{name}"] for name in statistics]


def test_events_out_of_order_end_in_the_row_of_those_in_order() -> None:
    events: list[At] = [(n * DAY, lorry(str(n))) for n in range(1, 30)]
    events += [(n * DAY + 1, outcome(str(n), "positive")) for n in range(5, 25, 5)]
    expected = row_at(NOW, events)
    assert haulier(expected, "movements", "examinations", "finds") == [29.0, 4.0, 4.0]
    for seed in range(5):
        shuffled = random.Random(seed).sample(events, len(events))
        assert str(row_at(NOW, shuffled)) == str(expected)


def test_a_clock_that_jumps_back_and_forward_loses_and_repeats_nothing() -> None:
    """What is applied stays; what is stamped later than the clock waits until it is due."""
    clock = [0]
    ledger, live = MemoryLedger(), LiveHistory(clock=lambda: clock[0])
    jumps = [(50, 40), (10, 41), (300, 260), (20, 261), (20, 262), (400, 390)]
    for position, (clock_day, stamped_day) in enumerate(jumps, start=1):
        clock[0] = clock_day * DAY
        (event,) = ledger_of([(stamped_day * DAY, lorry(str(position)))]).events
        ledger.add(msgspec.structs.replace(event, position=position))
        live.follow(ledger)
    assert ledger.rebuilds == 1, "only the start was a rebuild"
    row = feature_row(live, lorry(), 500 * DAY, CATALOGUE)
    timeline = load_timeline(ledger, available_before=500 * DAY)
    (offline,) = feature_rows(timeline, [lorry()], [500 * DAY], CATALOGUE)
    assert row.tobytes() == offline.tobytes()
    assert row[CATALOGUE.names.index("haulier.movements")] == 6.0


def test_an_outcome_of_an_unknown_movement_is_parked_and_counts_when_that_comes() -> None:
    parked: At = (3 * DAY, outcome("late", "positive"))
    other: At = (2 * DAY, lorry("other"))
    names = ("movements", "examinations", "finds", "days_since_last_find")
    assert haulier(row_at(10 * DAY, [other, parked]), *names) == [1.0, 0.0, 0.0, 3650.0]
    joined = row_at(10 * DAY, [other, parked, (9 * DAY, lorry("late"))])
    assert haulier(joined, *names) == [2.0, 1.0, 1.0, 1.0]


def test_a_correction_of_a_correction_leaves_the_last_word() -> None:
    """Found, corrected to nothing, that corrected to found again; in any order of arrival."""
    first = (1 * DAY, outcome("m", "positive", "a"))
    second = (2 * DAY, outcome("m", "negative", "b", corrects="a"))
    third = (3 * DAY, outcome("m", "positive", "c", corrects="b"))
    moved: At = (0, lorry("m"))
    names = ("examinations", "finds", "days_since_last_find")
    assert haulier(row_at(4 * DAY, [moved, first, second]), *names) == [1.0, 0.0, 3650.0]
    for later in ([first, second, third], [third, first, second], [second, third, first]):
        assert haulier(row_at(4 * DAY, [moved, *later]), *names) == [1.0, 1.0, 1.0]
    taken_back = (4 * DAY, outcome("m", "withdrawn", "d", corrects="c"))
    row = row_at(5 * DAY, [moved, first, second, third, taken_back])
    assert haulier(row, *names) == [0.0, 0.0, 3650.0], "never examined, and not clean"


def test_a_blank_key_is_nobody() -> None:
    """Neither clean nor found: no history, however many movements share the blank."""
    events: list[At] = [(n * DAY, lorry(str(n), haulier="")) for n in range(1, 9)]
    events += [(9 * DAY, outcome("1", "negative")), (9 * DAY, outcome("2", "positive"))]
    values = row_at(NOW, events, lorry(haulier=""))
    history = [v for name, v in values.items() if name.startswith("haulier")]
    assert len(history) > 20
    assert all(map(math.isnan, history))
    ledger = ledger_of(events)
    timeline = load_timeline(ledger, available_before=NOW)
    (row,) = feature_rows(timeline, [lorry(haulier="")], [NOW], CATALOGUE)
    assert sentence(CATALOGUE, "haulier", row) == "haulier: not declared"


@pytest.mark.parametrize("years", [0, -1, -56, -300, -5_000], ids="{} years".format)
def test_events_before_1970_count_like_any(years: int) -> None:
    """1970 is where microseconds are counted from, and no landmark: five thousand years too."""
    start = years * YEAR
    events: list[At] = [(start, lorry("m")), (start + DAY, outcome("m", "positive"))]
    names = ("finds", "finds_7d", "days_since_last_find", "days_since_first_movement")
    soon = row_at(start + 8 * DAY, events)
    assert haulier(soon, *names) == [1.0, pytest.approx(0.5, rel=1e-12), 7.0, 8.0]
    long_after = row_at(NOW, events)
    assert haulier(long_after, "finds", "days_since_last_find") == [1.0, 3650.0]
    assert 0.0 <= long_after["haulier.finds_7d"] < 1e-300


@pytest.mark.parametrize("years", [100, 5_000], ids="{} years".format)
def test_an_event_far_ahead_waits_and_then_counts(years: int) -> None:
    ahead = NOW + years * YEAR
    events: list[At] = [(NOW - DAY, lorry("now")), (ahead, lorry("then"))]
    names = ("movements", "movements_7d", "days_since_last_movement")
    today = row_at(NOW, events)
    assert haulier(today, *names) == [1.0, pytest.approx(2 ** (-1 / 7)), 1.0]
    assert haulier(row_at(ahead, events), "movements") == [1.0], "equal is not visible"
    then = row_at(ahead + 7 * DAY, events)
    assert haulier(then, *names) == [2.0, pytest.approx(0.5, rel=1e-12), 7.0]
    assert all(not math.isinf(value) for value in then.values())


TEN_MILLION_KEYS = """
import resource
from features.history.tables import Tables

tables, keys = Tables(), 10_000_000
for start in range(0, keys, 10_000):
    stream = []
    for number in range(start, start + 10_000):
        stream += (0, 1, number, 1, tables.learn(0, f"organisation:{number:032x}"))
    tables.apply(stream)
assert tables.used[0] == keys
assert tables.learn(0, f"organisation:{keys // 2:032x}") == (keys // 2 + 1) * 3
assert tables.states[0].values[1:keys + 1, 1].sum() == keys  # each has its one movement
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // keys)
"""


@pytest.mark.slow
def test_ten_million_distinct_keys_take_no_more_than_400_bytes_each() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TEN_MILLION_KEYS], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= 400, done.stdout
