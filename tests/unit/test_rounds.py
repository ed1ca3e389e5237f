"""Movements that come together share a round; each has its answer, and nobody another's fault."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest

from features.clock import Micros
from features.settings import Settings
from serving.assessing import Asked, Question
from serving.audit import AuditRecord, read_assessments
from serving.auth.access import LOCAL, Client
from serving.committing import Computed, Fate
from serving.problems import RequestRefused
from serving.rounds import ENOUGH, MOST_OF_A_ROUND
from serving.scoring import ScoreAnswer
from serving.slices import Slices
from serving.state import ServingState
from serving.wire import read_score_request
from tests.served_home import healthy_home, vehicle

Said = ScoreAnswer | BaseException


@pytest.fixture
def settings(home: Any) -> Settings:
    return healthy_home(home)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of every slice that was recorded."""
    found: list[int] = []
    recorded = Slices.recorded

    async def noted(self: Slices, computed: Sequence[Computed]) -> list[tuple[AuditRecord, Fate]]:
        found.append(len(computed))
        return await recorded(self, computed)

    monkeypatch.setattr(Slices, "recorded", noted)
    return found


def scored_together(
    settings: Settings, requests: Sequence[dict[str, Any]], clients: Sequence[Client] = (LOCAL,)
) -> list[Said]:
    """Asked in one turn of the loop, by the clients in turns."""

    async def score() -> list[Said]:
        state = ServingState(settings)
        try:
            asked = [read_score_request(msgspec.json.encode(one)) for one in requests]
            return await asyncio.gather(
                *(
                    state.scoring.score(movement, "never", clients[at % len(clients)])
                    for at, movement in enumerate(asked)
                ),
                return_exceptions=True,
            )
        finally:
            state.close()

    return asyncio.run(score())


class SlowDisk:
    """Every commit waits until it is told to go on."""

    def __init__(self, state: ServingState) -> None:
        self.state = state
        self.go_on = asyncio.Event()
        self.sizes: list[int] = []
        """Of every slice that came to it."""
        self.asked: list[asyncio.Task[ScoreAnswer]] = []

    async def recorded(
        self, slices: Slices, computed: Sequence[Computed]
    ) -> list[tuple[AuditRecord, Fate]]:
        self.sizes.append(len(computed))
        await self.go_on.wait()
        return await _recorded(slices, computed)

    async def ask(self, *numbers: int) -> None:
        """And give the loop some turns; nothing is waited for."""
        for number in numbers:
            movement = read_score_request(msgspec.json.encode(vehicle(number)))
            score = self.state.scoring.score(movement, "never", LOCAL)
            self.asked.append(asyncio.create_task(score))
        for _ in range(10):
            await asyncio.sleep(0)


_recorded = Slices.recorded


def beside_a_slow_disk(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    scenario: Callable[[SlowDisk], Awaitable[None]],
) -> list[ScoreAnswer]:
    async def run() -> list[ScoreAnswer]:
        disk = SlowDisk(ServingState(settings))

        async def recorded(slices: Slices, computed: Sequence[Computed]) -> Any:
            return await disk.recorded(slices, computed)

        monkeypatch.setattr(Slices, "recorded", recorded)
        try:
            await scenario(disk)
            disk.go_on.set()
            return await asyncio.gather(*disk.asked)
        finally:
            disk.state.close()

    return asyncio.run(run())


def body(said: Said) -> dict[str, Any]:
    assert isinstance(said, ScoreAnswer), said
    answer: dict[str, Any] = msgspec.json.decode(said.body)
    return answer


def test_a_carrier_of_consignments_keeps_nobody_waiting(
    settings: Settings, sizes: list[int]
) -> None:
    carrier = vehicle(9, consignments=["26GB0000000000001"])
    said = [body(one) for one in scored_together(settings, [vehicle(1), carrier, vehicle(2)])]
    assert sorted(sizes) == [1, 2]
    assert said[1]["consignments"]["known"] == 1
    assert [one["consignments"] for one in (said[0], said[2])] == [None, None]


def test_who_comes_together_is_answered_by_one_round(settings: Settings, sizes: list[int]) -> None:
    said = [body(one) for one in scored_together(settings, [vehicle(n) for n in range(5)])]
    assert sizes == [5]
    assert [one["movement_ref"] for one in said] == [vehicle(n)["movement_ref"] for n in range(5)]
    assert len({one["score_id"] for one in said}) == 5
    assert len({(one["as_of"], one["ledger_position"]) for one in said}) == 1
    assert len(read_assessments(settings.ledger)) == 5


def test_a_round_is_the_same_answer_as_alone(settings: Settings) -> None:
    together = [body(one) for one in scored_together(settings, [vehicle(n) for n in range(3)])]
    for at, one in enumerate(together):
        alone = body(scored_together(settings, [vehicle(at)])[0])
        assert alone == one  # it is replayed, so every byte of the record


def test_what_is_too_much_for_one_round_makes_two(settings: Settings, sizes: list[int]) -> None:
    said = scored_together(settings, [vehicle(n) for n in range(MOST_OF_A_ROUND + 8)])
    assert sizes == [MOST_OF_A_ROUND, 8]
    assert all(body(one)["status"] == "scored" for one in said)


def test_one_that_cannot_be_computed_takes_no_other_with_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Slices.asked

    async def broken(
        self: Slices, questions: Sequence[Question], first_seen: dict[str, Micros]
    ) -> list[Asked]:
        if any(question.declared.version == 3 for question in questions):
            raise ZeroDivisionError
        return await asked(self, questions, first_seen)

    monkeypatch.setattr(Slices, "asked", broken)
    said = scored_together(settings, [vehicle(n, version=n) for n in range(1, 6)])
    assert [type(one) is ZeroDivisionError for one in said] == [False, False, True, False, False]
    assert len(read_assessments(settings.ledger)) == 4


def test_a_conflict_is_told_to_the_one_it_is_about(settings: Settings) -> None:
    same = [vehicle(1), vehicle(2), vehicle(1), vehicle(2, gross_mass_kg=1_234.0)]
    first, second, again, other = scored_together(settings, same)
    assert body(first) == body(again)
    assert isinstance(again, ScoreAnswer)
    assert again.replayed
    assert body(second)["status"] == "scored"
    assert isinstance(other, RequestRefused)
    assert other.code == "movement_conflict"
    assert len(read_assessments(settings.ledger)) == 2


def test_each_client_of_a_round_has_its_own_record(settings: Settings) -> None:
    port = Client("gate", "border-force", LOCAL.scopes)
    said = scored_together(settings, [vehicle(1), vehicle(1)], (LOCAL, port))
    assert len({body(one)["score_id"] for one in said}) == 2
    assert len(read_assessments(settings.ledger)) == 2


def test_when_nothing_is_recorded_nobody_is_answered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> Any:
        raise RequestRefused("not_recorded", "nothing was recorded")

    monkeypatch.setattr(Slices, "recorded", refused)
    said = scored_together(settings, [vehicle(n) for n in range(3)])
    assert all(isinstance(one, RequestRefused) for one in said)
    assert read_assessments(settings.ledger).empty


def test_who_comes_while_a_round_is_recorded_shares_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.rounds.LONGEST_HELD_SECONDS", 60.0)

    async def scenario(disk: SlowDisk) -> None:
        await disk.ask(1)
        await disk.ask(2)
        await disk.ask(3, 4)
        assert disk.sizes == [1]
        disk.go_on.set()
        await asyncio.gather(*disk.asked)
        assert disk.sizes == [1, 3]

    said = beside_a_slow_disk(settings, monkeypatch, scenario)
    assert len({one.score_id for one in said}) == 4


def test_a_slow_disk_holds_nobody_for_long(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(disk: SlowDisk) -> None:
        await disk.ask(1)
        await disk.ask(2)
        await asyncio.sleep(0.2)  # twenty times as long as a round is held
        assert disk.sizes == [1, 1]

    beside_a_slow_disk(settings, monkeypatch, scenario)


def test_enough_for_a_round_are_not_held(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.rounds.LONGEST_HELD_SECONDS", 60.0)

    async def scenario(disk: SlowDisk) -> None:
        await disk.ask(0)
        await disk.ask(*range(1, ENOUGH))
        assert disk.sizes == [1]
        await disk.ask(ENOUGH)
        assert disk.sizes == [1, ENOUGH]

    beside_a_slow_disk(settings, monkeypatch, scenario)
