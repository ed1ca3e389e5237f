"""A selector that becomes live meets what is on its way already."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from features.clock import from_micros, now_micros
from features.ledger import open_ledger
from features.pseudonyms import load_pseudonyms
from features.settings import Settings
from serving.reassessing.subjects import Subjects
from serving.selectors import approve, draft, propose
from tests.app_client import AppClient
from tests.assessed_again import (
    about,
    check_whole,
    events,
    home_of_low_vehicles,
    on_its_way,
    quiet,
    score,
    serving,
    tick,
)

DAY = 86_400_000_000
ROW: dict[str, Any] = {
    "agency": "local",
    "criteria": ["vehicle: AB12 CDE"],
    "reason": "seen with a watched haulier",
    "handling": "open",
    "contact": "Targeting desk",
}


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    quiet(monkeypatch)
    return home_of_low_vehicles(home)


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    with serving(settings) as opened:
        yield opened


def watch(settings: Settings, **changes: Any) -> None:
    """Proposed by one person and approved by another."""
    now = now_micros()
    expires = from_micros(now + 30 * DAY).isoformat()
    with closing(open_ledger(settings.ledger)) as ledger:
        said = draft(
            {**ROW, "expires": expires, **changes},
            load_pseudonyms(settings.keys),
            by="Ada Lovelace",
            now=now,
        )
        approve(ledger, propose(ledger, [said], by="Ada Lovelace"), "Ben Nevis")


def other_plate(number: int) -> dict[str, Any]:
    return on_its_way(number) | {"vehicle_reg": f"ZZ{number:02d} ZZZ"}


def test_who_meets_it_is_referred_and_nobody_else_is_assessed_again(
    client: AppClient,
    settings: Settings,
) -> None:
    first = score(client, on_its_way(1))
    for number in (2, 3):
        score(client, other_plate(number))
    watch(settings)
    tick(client)
    again, before = about(client)
    assert before == first
    assert (again["because"], again["band"]) == ("selector", first["band"])
    assert (again["selection"]["referred"], again["selection"]["reason"]) == (True, "intelligence")
    assert [one["reason"] for one in again["matches"]] == ["seen with a watched haulier"]
    (event,) = events(settings)
    assert event.changed == ("selection", "matches")
    tick(client)
    assert len(events(settings)) == 1
    check_whole(settings)


def test_what_a_client_may_not_know_of_leaves_no_record(
    client: AppClient,
    settings: Settings,
) -> None:
    score(client, on_its_way(1))
    watch(settings, agency="police", handling="hidden")
    tick(client)
    assert len(about(client)) == 1
    assert not events(settings)


def test_one_that_starts_later_meets_it_when_that_time_has_come(
    client: AppClient,
    settings: Settings,
) -> None:
    score(client, on_its_way(1))
    starts = now_micros() + 2_000_000
    watch(settings, starts=from_micros(starts).isoformat())
    tick(client)
    assert len(about(client)) == 1
    while now_micros() <= starts:
        pass
    tick(client)
    assert [one["because"] for one in about(client)] == ["selector", None]
    tick(client)
    assert len(events(settings)) == 1


def test_a_whole_watch_list_is_looked_through_once(
    client: AppClient,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    score(client, on_its_way(1))
    for number in range(5):
        watch(settings, criteria=[f"vehicle: WW{number:02d} WWW"])
    looked: list[str] = []
    read = Subjects.read

    def noted(self: Subjects, wanted: Any) -> Any:
        looked.extend(movement for (_, movement), _ in wanted)
        return read(self, wanted)

    monkeypatch.setattr(Subjects, "read", noted)
    tick(client)
    assert len(looked) == 1
    assert not events(settings)
