"""Neighbourhoods worked by hand; what is cut off, and in which order; files that cannot stay."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from features.clock import now_micros
from features.ledger import Event, Ledger, RecordsErased, open_ledger
from features.ledger.events import Erased
from features.neighbourhood import reading, spans, walk
from features.neighbourhood.following import follow, open_ties, remove_ties
from features.neighbourhood.walk import Link, Neighbourhood, neighbourhood
from tests.postgres import new_database
from tests.unit.test_links import DAY, Border, Payload, found, lorry, moved


class Asked(Border):
    """Events a day apart, from day 1, in a file that follows them."""

    def __init__(self, directory: Path, *payloads: Payload) -> None:
        self.directory = directory
        super().__init__(*payloads)

    def around(self, *keys: str, day: int = 100, **bounds: float) -> Neighbourhood:
        with closing(open_ties(self.directory, self.ledger)) as ties:
            follow(ties, self.ledger)
            return neighbourhood(ties, keys, day * DAY, **bounds)  # type: ignore[arg-type]


def keys(found: Neighbourhood) -> list[str]:
    return [one.key for one in found.neighbours]


def days(link: Link) -> tuple[int, int, int, int, int]:
    movements, first_seen, last_seen, examinations, finds = link.seen
    return movements, first_seen // DAY, last_seen // DAY, examinations, finds


A, B, V = "organisation:a", "organisation:b", "vehicle:v"


def test_who_shares_a_lorry_is_tied_by_it_since_both_were_seen_with_it(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"), lorry("2", "a", "v"), lorry("3", "b", "v"))
    border.happens(found("2"))
    around = border.around(B)
    assert keys(around) == [B, A, V]
    _, a, v = around.neighbours
    assert (a.step, a.tied_by, a.tied_since) == (1, (V,), 3 * DAY)
    assert tuple(a.examined) == (1, 1, 4 * DAY)
    assert (v.step, v.organisations, tuple(v.examined)) == (1, 2, (1, 1, 4 * DAY))
    assert [(one.organisation, one.connector, days(one)) for one in around.links] == [
        (A, V, (2, 1, 2, 1, 1)),
        (B, V, (1, 3, 3, 0, 0)),
    ]
    assert around.truncated == ()


def test_nothing_shows_before_it_is_known_nor_at_the_same_instant(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"), lorry("2", "b", "v"), found("1"))
    assert keys(border.around(B, day=2)) == [B]
    assert keys(border.around(B, day=3)) == [B, A, V]
    assert border.around(B, day=3).neighbours[1].examined.examinations == 0
    assert border.around(B, day=4).neighbours[1].examined.finds == 1


def test_what_was_corrected_or_called_off_still_shows_for_the_time_before(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"), lorry("2", "b", "v"))
    border.happens(lorry("2", "b", "w", version=2))
    assert keys(border.around(B, day=3)) == [B, A, V]
    assert keys(border.around(B, day=4)) == [B, "vehicle:w"]


def test_the_second_step_leads_on_from_who_is_tied(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"), lorry("2", "b", "v"))
    border.happens(lorry("3", "b", "w"))
    border.happens(lorry("4", "c", "w"))
    assert keys(border.around(A)) == [A, B, V]
    around = border.around(A, depth=2)
    assert {one.key: one.step for one in around.neighbours} == {
        A: 0,
        B: 1,
        V: 1,
        "organisation:c": 2,
        "vehicle:w": 2,
    }
    assert around.neighbours[3].tied_by == ("vehicle:w",)


def test_a_vehicle_knows_who_uses_it_and_with_whom_they_are_tied(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"), lorry("2", "b", "v"), lorry("3", "b", "w"))
    border.happens(lorry("4", "c", "w"))
    assert keys(border.around(V)) == [V, B, A]
    assert keys(border.around(V, depth=2))[3:] == ["organisation:c", "vehicle:w"]


def test_what_many_share_ties_nobody_but_says_so(tmp_path: Path) -> None:
    border = Asked(tmp_path, *[lorry(str(n), f"{n}", "pool") for n in range(9)])
    around = border.around("organisation:0")
    assert keys(around) == ["organisation:0", "vehicle:pool"]
    assert around.neighbours[1].organisations == 9
    assert len(border.around("vehicle:pool").neighbours) == 10, "asked about itself, it tells all"
    assert keys(border.around("vehicle:pool", "organisation:x")) == [
        "organisation:x",
        "vehicle:pool",
    ], "as what a movement names it does not"


def test_the_caught_come_first_then_those_seen_last(tmp_path: Path) -> None:
    border = Asked(tmp_path, *[lorry(name, name, "v") for name in "acbd"], found("c"))
    assert keys(border.around(A)) == [A, "organisation:c", "organisation:d", B, V]
    cut = border.around(A, most_entities=2)
    assert keys(cut) == [A, "organisation:c", V]
    assert cut.truncated == ("entities",)


def test_an_unknown_key_has_nothing_about_it(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"))
    around = border.around("organisation:nobody", V)
    assert keys(around) == ["organisation:nobody", V, A]
    assert keys(border.around(V, day=0)) == [V], "before the first event"


def test_of_more_movements_than_are_read_the_newest_and_those_with_finds_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_ROWS", 2)
    border = Asked(tmp_path, lorry("1", "a", "old"), found("1"), lorry("2", "a", "older"))
    border.happens(lorry("3", "a", "v"))
    border.happens(lorry("4", "a", "v"))
    around = border.around(A)
    assert keys(around) == [A, "vehicle:old", V]
    assert around.truncated == ("movements",)
    assert around.neighbours[0].examined.finds == 1, "of an entity itself all count"


def test_when_the_time_is_over_what_was_found_is_the_answer(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"), lorry("2", "b", "v"))
    around = border.around(A, stop_at=time.monotonic() - 1)
    assert keys(around) == [A]
    assert around.truncated == ("time",)


def test_a_long_read_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_LOOKS", 1)
    border = Asked(tmp_path, lorry("1", "a", "v"), lorry("2", "b", "v"))
    clock = iter([0.0, *[9.0] * 1000])
    monkeypatch.setattr("features.neighbourhood.reading.time.monotonic", lambda: next(clock))
    assert border.around(A, stop_at=5.0).truncated == ("time",)


def test_a_file_of_another_epoch_or_ledger_is_made_anew(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"))
    assert keys(border.around(A)) == [A, V]
    border.ledger.events[0] = replace(border.ledger.events[0], payload=Erased())
    assert keys(border.around(A)) == [A], "the ledger at its mark is another one"
    border.ledger.hear(lorry("2", "a", "w"), 2 * DAY)
    assert keys(border.around(A)) == [A, "vehicle:w"]
    border.ledger._epoch += 1
    assert keys(border.around(A)) == [A, "vehicle:w"]
    assert len(list(tmp_path.glob("ties-*.db"))) == 1, "those of earlier epochs are gone"


def test_a_damaged_file_is_made_anew_and_all_are_removed(tmp_path: Path) -> None:
    border = Asked(tmp_path, lorry("1", "a", "v"), moved("2", "vessel", operator_eori="a", imo="s"))
    assert keys(border.around(A)) == [A, "vessel:s", V]
    (file,) = tmp_path.glob("ties-*.db")
    file.write_bytes(b"no database at all, whatever its name says" * 100)
    assert keys(border.around(A)) == [A, "vessel:s", V]
    assert remove_ties(tmp_path) >= 1
    assert list(tmp_path.glob("ties-*")) == []


A_MILLION = """
BEGIN;
CREATE TEMPORARY TABLE n AS WITH RECURSIVE n(number)
    AS (SELECT 10 UNION ALL SELECT number + 1 FROM n LIMIT 1000000) SELECT number FROM n;
INSERT INTO entities SELECT number, 'vehicle:' || number FROM n;
INSERT INTO links SELECT {ends}, {after} + number, 0, {after} + number, {still}, number FROM n;
COMMIT;
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", ["organisation", "connector"])
def test_an_entity_with_a_million_links_is_answered_within_bounds(tmp_path: Path, end: str) -> None:
    """As an organisation that uses a million vehicles, and as a vehicle that all of these use."""
    border = Asked(tmp_path, lorry("1", "a", "v"), found("1"))
    border.around(A)
    with closing(open_ties(tmp_path, border.ledger)) as ties:
        ends = "1, number" if end == "organisation" else "number, 2"
        ties.connection.executescript(A_MILLION.format(ends=ends, after=2 * DAY, still=spans.STILL))
        began = time.monotonic()
        asked = A if end == "organisation" else V
        around = neighbourhood(ties, [asked], 10 * DAY, depth=2, stop_at=began + 1.0)
        assert time.monotonic() - began < 1.5
        assert len(around.neighbours) == 61
        assert {"entities", "connectors", "movements"} <= set(around.truncated)
        caught = around.neighbours[-60 if end == "organisation" else 1]
        assert caught.examined.finds == 1, "the oldest link of all, and the only one with a find"


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    if request.param == "postgres":
        url = new_database(request.getfixturevalue("postgres_server"))
    with closing(open_ledger(url)) as ledger:
        yield ledger


def test_it_follows_a_real_ledger_and_forgets_what_is_erased(
    tmp_path: Path, opened: Ledger
) -> None:
    """Live events, a backfill, an erasure."""
    ledger = opened

    def around() -> Neighbourhood:
        with closing(open_ties(tmp_path, ledger)) as ties:
            assert follow(ties, ledger)
            return neighbourhood(ties, [B], now_micros() + DAY)

    def event(name: str, payload: Payload, source: str = "file") -> Event:
        return Event(source=source, event_id=name, occurred_at=0, payload=payload)

    ledger.append([event("2", lorry("2", "b", "v"))])
    assert keys(around()) == [B, V]
    old = replace(event("1", lorry("1", "a", "v"), "simulation"), available_at=DAY)
    assert not around().simulated
    ledger.backfill([old])
    assert keys(around()) == [B, A, V]
    assert around().simulated
    payload = RecordsErased(rules_sha256="", erased=())
    erasure = Event(source="retention", event_id="run", occurred_at=0, payload=payload)
    ledger.erase([1], erasure, chosen_at=ledger.last_position())
    assert keys(around()) == [B]
    assert len(list(tmp_path.glob("ties-*.db"))) == 1
