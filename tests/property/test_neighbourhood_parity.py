"""The file of links answers as the slow oracle does, as of any instant, however it grew."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from features.neighbourhood import spans
from features.neighbourhood.following import follow, open_ties
from features.neighbourhood.ties_file import TiesFile
from features.neighbourhood.walk import Neighbourhood, neighbourhood
from tests import oracles
from tests.memory_ledger import MemoryLedger
from tests.neighbourhood_oracle import Border
from tests.property.test_history_parity import START, Happening, quick, recorded
from tests.property.test_link_parity import most_tied, sharing, times

KEYS = [
    *(f"organisation:{letter}" for letter in "abcdz"),
    *("vehicle:a", "vehicle:b", "container:a", "container:b", "vessel:a", "vessel:b"),
]
questions = st.tuples(st.sampled_from(KEYS), st.one_of(times, st.just(START - 1)))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ties")


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.neighbourhood.ties_file.SYNCHRONOUS", "OFF")
        yield


def ledger_of(sequence: list[Happening]) -> MemoryLedger:
    ledger = MemoryLedger()
    for position, happening in enumerate(sequence, start=1):
        ledger.add(recorded(position, happening))
    return ledger


def file_of(directory: Path, ledger: MemoryLedger, most_events: int | None = None) -> TiesFile:
    shutil.rmtree(directory, ignore_errors=True)
    ties = open_ties(directory, ledger)
    while not follow(ties, ledger, most_events):
        ties.close()  # a restart after every step
        ties = open_ties(directory, ledger)
    return ties


def check(found: Neighbourhood, border: Border, asked: str, depth: int) -> None:
    expected = border.around(asked, depth)
    assert found.truncated == ()
    steps = {one.key: one.step for one in found.neighbours}
    assert steps == expected.steps
    assert {(one.organisation, one.connector): tuple(one.seen) for one in found.links} == (
        expected.links
    )
    for one in found.neighbours:
        assert tuple(one.examined) == border.examined(one.key)
        assert set(one.tied_by) == expected.tied_by.get(one.key, set())
        assert one.tied_since == expected.tied_since.get(one.key)
        if one.organisations is not None:
            assert one.organisations == len(border.on(one.key))


@quick
@given(sharing, most_tied, st.lists(questions, min_size=1, max_size=4), st.sampled_from([1, 2]))
def test_parity_of_neighbourhoods_with_the_oracle(
    directory: Path,
    sequence: list[Happening],
    most: int,
    asked: list[tuple[str, int]],
    depth: int,
) -> None:
    ledger = ledger_of(sequence)
    with pytest.MonkeyPatch.context() as patch, closing(file_of(directory, ledger)) as ties:
        patch.setattr("features.neighbourhood.walk.MOST_TIED", most)
        patch.setattr(oracles, "MOST_TIED", most)
        for key, as_of in asked:
            found = neighbourhood(ties, [key], as_of, depth=depth)
            check(found, Border(ledger.events, as_of), key, depth)


TABLES = {
    "links": "SELECT o.key, c.key, since, state, visible_from, visible_to, m.name FROM links"
    " JOIN entities o ON o.number = organisation JOIN entities c ON c.number = connector"
    " JOIN movements m ON m.number = movement",
    "examined": "SELECT e.key, examined_at, state, visible_from, visible_to, m.name FROM examined"
    " JOIN entities e ON e.number = entity JOIN movements m ON m.number = movement",
}


def told(ties: TiesFile) -> dict[str, list[tuple[object, ...]]]:
    return {name: sorted(ties.connection.execute(text)) for name, text in TABLES.items()}


@quick
@given(sharing, st.integers(1, 7), st.randoms(use_true_random=False))
def test_parity_of_a_file_that_grew_and_one_made_anew(
    directory: Path, sequence: list[Happening], most_events: int, random: object
) -> None:
    """Event by event with restarts, in one go, and in another order of arrival."""
    shuffled = list(sequence)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    with closing(file_of(directory, ledger_of(sequence))) as ties:
        anew = told(ties)
    with closing(file_of(directory, ledger_of(sequence), most_events)) as ties:
        assert told(ties) == anew
    with closing(file_of(directory, ledger_of(shuffled))) as ties:
        assert told(ties) == anew


@pytest.mark.parametrize("wrong", ["equal times visible", "nothing taken back"])
def test_parity_check_fails_when_the_file_is_wrong(
    directory: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """The negative controls."""
    right = spans.spans

    def spoilt(about: spans.About) -> Iterator[spans.Span]:
        for one in right(about):
            if wrong == "nothing taken back":
                yield one._replace(visible_to=spans.STILL)
            else:
                yield one._replace(visible_from=one.visible_from - 1, since=one.since - 1)

    monkeypatch.setattr(spans, "spans", spoilt)

    @settings(quick, phases=[Phase.generate], max_examples=500, derandomize=True)
    @given(sharing, st.lists(questions, min_size=4, max_size=4))
    def refuted(sequence: list[Happening], asked: list[tuple[str, int]]) -> None:
        ledger = ledger_of(sequence)
        with closing(file_of(directory, ledger)) as ties:
            for key, as_of in asked:
                found = neighbourhood(ties, [key], as_of)
                check(found, Border(ledger.events, as_of), key, 1)

    with pytest.raises(AssertionError):
        refuted()
