"""Organisations linked by what they share, worked by hand, online and offline."""

import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.history import link_tables
from features.history.kernel import UNSEEN
from features.history.link_kernel import PAIRS
from features.history.link_reading import MOST_LED
from features.history.link_tables import LinkTable
from features.history.links import LINK_STATISTICS, MOST_TIED
from features.history.online import LiveHistory
from features.history.statistics import NEVER_DAYS
from features.history.tables import ENTITY, Tables
from features.ledger.events import MovementCancelled, MovementDeclared, OutcomeRecorded
from features.rows import feature_row, feature_rows
from features.timeline import load_timeline
from tests.memory_ledger import MemoryLedger
from tests.reading_links import numbers_of_links

DAY = 86_400_000_000
Payload = MovementDeclared | MovementCancelled | OutcomeRecorded
NONE = [0.0, 0.0, 0.0, NEVER_DAYS]
PREFIX = {
    "haulier_eori": "organisation",
    "consignee_eori": "organisation",
    "consignor_eori": "organisation",
    "declarant_eori": "organisation",
    "operator_eori": "organisation",
    "vehicle_reg": "vehicle",
    "container_no": "container",
    "imo": "vessel",
}


def moved(movement: str, kind: str = "vehicle", version: int = 1, **names: str) -> MovementDeclared:
    entities = {field: f"{PREFIX[field]}:{name}" for field, name in names.items()}
    return MovementDeclared(
        kind=kind, movement=movement, version=version, declared_at=0, entities=entities
    )


def lorry(movement: str, haulier: str, vehicle: str, version: int = 1) -> MovementDeclared:
    return moved(movement, version=version, haulier_eori=haulier, vehicle_reg=vehicle)


def found(movement: str, kind: str = "vehicle", outcome: str = "positive") -> OutcomeRecorded:
    return OutcomeRecorded(kind=kind, movement=movement, examined_at=0, outcome=outcome)


class Border:
    """Events a day apart, from day 1."""

    def __init__(self, *payloads: Payload) -> None:
        self.ledger = MemoryLedger()
        for payload in payloads:
            self.happens(payload)

    def happens(self, payload: Payload) -> None:
        """A day after what happened before."""
        self.ledger.hear(payload, (self.ledger.last_position() + 1) * DAY)

    def read(self, asked: MovementDeclared, day: int = 100) -> list[float]:
        """Ties, organisations with finds, finds, days since the last."""
        return self._read(asked, day)[:4]

    def read_beyond(self, asked: MovementDeclared, day: int = 100) -> list[float]:
        """At two steps: organisations with finds, days since the last."""
        return self._read(asked, day)[4:]

    def _read(self, asked: MovementDeclared, day: int) -> list[float]:
        """The same by both ways."""
        catalogue = catalogue_for(asked.kind, two_steps=True)
        live = LiveHistory(clock=lambda: 0)
        live.follow(self.ledger)
        online = feature_row(live, asked, day * DAY, catalogue)
        timeline = load_timeline(self.ledger, available_before=day * DAY)
        (offline,) = feature_rows(timeline, [asked], [day * DAY], catalogue)
        assert online.tobytes() == offline.tobytes()
        columns = [i for i, name in enumerate(catalogue.names) if "_links." in name]
        assert [catalogue.names[i].split(".")[1] for i in columns] == list(LINK_STATISTICS)
        return [float(online[i]) for i in columns]


A, B = lorry("asked", "a", "asked"), lorry("asked", "b", "asked")


def test_a_find_on_who_shares_a_lorry_shows_and_on_oneself_does_not() -> None:
    border = Border(lorry("1", "a", "v"), lorry("2", "b", "v"), found("1"))
    assert border.read(B, day=10) == [1.0, 1.0, 1.0, 7.0]
    assert border.read(A, day=10) == [1.0, 0.0, 0.0, NEVER_DAYS]
    assert border.read(lorry("asked", "stranger", "v")) == NONE


def test_nothing_shows_before_it_is_known_nor_at_the_same_instant() -> None:
    border = Border(lorry("1", "a", "v"), lorry("2", "b", "v"), found("1"))
    assert border.read(B, day=2) == NONE
    assert border.read(B, day=3) == [1.0, 0.0, 0.0, NEVER_DAYS]


def test_an_organisation_counts_once_and_its_ties_as_often_as_they_are() -> None:
    border = Border(
        moved("1", haulier_eori="a", vehicle_reg="v", container_no="c", consignee_eori="z"),
        moved("2", haulier_eori="b", vehicle_reg="v", container_no="c", consignee_eori="z"),
        lorry("3", "e", "v"),
        found("1"),
        found("3"),
    )
    # b is tied with a by three connectors and with e by one.
    assert border.read(B, day=10) == [4.0, 2.0, 2.0, 5.0]


def test_links_join_the_kinds_and_finds_count_in_every_role() -> None:
    border = Border(
        lorry("1", "a", "v"),
        moved("1", "vessel", operator_eori="a", imo="ship"),
        moved("2", "vessel", operator_eori="b", imo="ship"),
        moved("1", "shipment", consignor_eori="b", container_no="c"),
        moved("2", "shipment", consignor_eori="d", container_no="c", declarant_eori="a"),
        found("2", "shipment"),
    )
    # The find counts on d, its consignor, and on a, its declarant: b is tied with both.
    assert border.read(B, day=10) == [2.0, 2.0, 2.0, 4.0]
    asked = moved("asked", "vessel", operator_eori="b")
    assert border.read(asked, day=10) == [2.0, 2.0, 2.0, 4.0]
    asked = moved("asked", "shipment", consignor_eori="a")
    assert border.read(asked, day=10) == [1.0, 0.0, 0.0, NEVER_DAYS]


def test_an_organisation_is_no_connector_of_itself() -> None:
    border = Border(
        moved("1", haulier_eori="a", consignee_eori="a"),
        moved("2", haulier_eori="b", consignee_eori="a"),
        found("1"),
    )
    assert border.read(B) == NONE


def test_what_many_share_says_nothing_and_what_few_share_again_says_it_again() -> None:
    border = Border(*(lorry(str(i), f"h{i}", "v") for i in range(MOST_TIED)), found("0"))
    asked = lorry("asked", "h1", "v")
    assert border.read(asked) == [MOST_TIED - 1.0, 1.0, 1.0, 100.0 - 9]
    border.happens(lorry("ninth", "h9", "v"))
    assert border.read(asked) == NONE
    border.happens(lorry("2", "h2", "another", version=2))
    assert border.read(asked) == [MOST_TIED - 1.0, 1.0, 1.0, 100.0 - 9]
    assert border.read(lorry("asked", "h2", "v")) == NONE
    border.happens(MovementCancelled(kind="vehicle", movement="ninth", cancelled_at=0))
    assert border.read(asked) == [MOST_TIED - 2.0, 1.0, 1.0, 100.0 - 9]


def test_a_link_is_live_while_one_movement_stands() -> None:
    border = Border(
        lorry("1", "a", "v"),
        lorry("2", "b", "v"),
        lorry("3", "a", "v"),
        found("2"),
        lorry("1", "a", "w", version=2),
    )
    assert border.read(A)[0] == 1.0
    border.happens(MovementCancelled(kind="vehicle", movement="3", cancelled_at=0))
    assert border.read(A) == NONE


def test_a_find_that_is_revoked_no_longer_shows() -> None:
    border = Border(lorry("1", "a", "v"), lorry("2", "b", "v"), found("1"))
    revoked = OutcomeRecorded(
        kind="vehicle", movement="1", examined_at=DAY, outcome="negative", message="later"
    )
    assert border.read(B)[1:3] == [1.0, 1.0]
    border.happens(revoked)
    assert border.read(B) == [1.0, 0.0, 0.0, NEVER_DAYS]


def test_only_who_is_not_declared_is_nan() -> None:
    border = Border(lorry("1", "a", "v"))
    assert np.isnan(border.read(moved("asked", vehicle_reg="v"))).all()


def test_who_is_two_steps_away_shows_once_and_only_with_a_find() -> None:
    border = Border(
        lorry("1", "a", "v"),
        lorry("2", "b", "v"),
        lorry("3", "b", "w"),
        lorry("4", "c", "w"),
        found("4"),
    )
    assert border.read(A) == [1.0, 0.0, 0.0, NEVER_DAYS]
    assert border.read_beyond(A, day=10) == [1.0, 5.0]
    assert border.read_beyond(B) == [0.0, NEVER_DAYS], "c is one step from b, and a has no find"
    border.happens(lorry("5", "d", "v"))  # a second way from a to c
    border.happens(lorry("6", "d", "w"))
    assert border.read_beyond(A, day=10) == [1.0, 5.0], "counted once, whichever way"
    border.happens(lorry("7", "a", "w"))
    assert border.read_beyond(A) == [0.0, NEVER_DAYS], "c is one step away now"
    assert border.read(A)[1:3] == [1.0, 1.0]


def test_the_own_finds_do_not_come_back_by_two_steps() -> None:
    border = Border(lorry("1", "a", "v"), lorry("2", "b", "v"), found("1"))
    assert border.read_beyond(A) == [0.0, NEVER_DAYS]


@pytest.mark.parametrize(("others", "shows"), [(MOST_LED, 1.0), (MOST_LED + 1, 0.0)])
def test_who_has_very_many_ties_leads_to_nobody(others: int, shows: float) -> None:
    """b shares a lorry of its own with each of its ties, among them a, who asks, and c."""
    names = ["a", "c", *(f"x{n}" for n in range(others - 2))]
    border = Border(*[lorry(f"{who}{n}", who, n) for n in names for who in (n, "b")], found("cc"))
    assert border.read_beyond(A, day=500)[0] == shows
    asks = lorry("asked", "b", "asked")
    assert border.read(asks, day=500)[0] == others
    border.happens(lorry("far", "far", "far"))
    border.happens(lorry("near", "c", "far"))
    border.happens(found("far"))
    assert border.read_beyond(asks, day=500)[0] == shows, "nor has a second step"


@pytest.mark.parametrize("reserved", [0, 1 << 24])
def test_the_graph_grows_and_goes_on_from_its_arrays(
    monkeypatch: pytest.MonkeyPatch, reserved: int
) -> None:
    """A chain: each organisation shares a lorry with the next, and every third is caught."""
    monkeypatch.setattr(link_tables, "RESERVED", reserved)
    tables, count = Tables(), 3_000
    slots = [tables.learn(ENTITY, f"organisation:{i}") // 3 for i in range(count)]
    vehicles = [tables.learn(ENTITY, f"vehicle:{i}") // 3 for i in range(count)]
    for i in range(count - 1):
        stream = [
            key
            for at in (i, i + 1)
            for key in (0, 1, i, 1, tables.links.learn(slots[at], vehicles[i]))
        ]
        tables.apply((*stream, *((2, 1, i, 1, 3 * slots[i]) if i % 3 == 0 else ())))
    graph = tables.graph()
    assert graph.links_used == 2 * count - 2
    assert graph.sides_used == 2 * count
    again = LinkTable.of(graph)
    assert again.learn(slots[5], vehicles[4]) == tables.links.learn(slots[5], vehicles[4])
    for table in (tables.links, again):
        assert [caught(table, tables, slots[i]) for i in (0, 3, 4, 5)] == [0.0, 0.0, 1.0, 1.0]
        assert caught(table, tables, UNSEEN) == 0.0
    new = again.learn(slots[0], vehicles[5])
    again.apply(tables.addresses, 2 * count, np.array([0, 1, 0, 1, new]))
    assert caught(again, tables, slots[0]) == 1.0, "tied with 6, which is caught"


def caught(table: LinkTable, tables: Tables, slot: int) -> float:
    return numbers_of_links(table, tables, slot, DAY, [1])[0]


def test_the_most_ties_that_one_change_makes_are_those_of_eight_with_each_other() -> None:
    assert MOST_TIED * (MOST_TIED - 1) // 2 == PAIRS
