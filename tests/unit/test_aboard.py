"""What a carrier knows of the organisations on board, worked by hand."""

from typing import NamedTuple

import pytest

from features.catalogue import catalogue_for
from features.history.online import LiveHistory
from features.history.roles import Role, roles_of
from features.ledger.events import (
    LAST_VERSION,
    MovementCancelled,
    MovementDeclared,
    OutcomeRecorded,
    Payload,
)
from features.rows import feature_row, feature_rows
from features.sentences import sentence
from features.timeline import load_timeline
from tests.memory_ledger import MemoryLedger

DAY = 86_400_000_000
NOW = 100 * DAY
CATALOGUE = catalogue_for("vehicle")


class Happened(NamedTuple):
    day: int
    payload: Payload


def shipment(
    movement: str, *, consignee: str | None = None, carrier: str | None = None, version: int = 1
) -> MovementDeclared:
    return MovementDeclared(
        kind="shipment",
        movement=movement,
        version=version,
        declared_at=0,
        entities={} if consignee is None else {"consignee_eori": f"organisation:{consignee}"},
        references={} if carrier is None else {"carried_by": (carrier,)},
    )


def outcome(movement: str, result: str, message: str = "") -> OutcomeRecorded:
    return OutcomeRecorded(
        kind="shipment", movement=movement, examined_at=0, outcome=result, message=message
    )


def called_off(movement: str) -> MovementCancelled:
    return MovementCancelled(kind="shipment", movement=movement, cancelled_at=0)


def lorry(*consignments: str, movement: str = "lorry") -> MovementDeclared:
    return MovementDeclared(
        kind="vehicle",
        movement=movement,
        declared_at=0,
        references={"consignments": consignments} if consignments else {},
    )


def aboard(asked: MovementDeclared, *happened: Happened) -> tuple[dict[str, float], str]:
    """The numbers at NOW, from live state and offline alike, and the officer's sentence."""
    ledger, history = MemoryLedger(), LiveHistory(clock=lambda: NOW)
    for day, payload in happened:
        ledger.hear(payload, day * DAY)
    history.follow(ledger)
    live = feature_row(history, asked, NOW, CATALOGUE)
    timeline = load_timeline(ledger, available_before=NOW)
    (row,) = feature_rows(timeline, [asked], [NOW], CATALOGUE)
    assert live.tobytes() == row.tobytes()
    values = {
        name.removeprefix("carried."): value
        for name, value in zip(CATALOGUE.names, row.tolist(), strict=True)
        if name.startswith("carried.")
    }
    return values, sentence(CATALOGUE, "consignments on board", row)


def test_counts_and_sums_over_distinct_organisations() -> None:
    """Shipments 1 and 2 are on board now; 0 and 3 are how their consignees became known."""
    values, text = aboard(
        lorry("1", "2", "2", "never heard of"),
        Happened(10, shipment("0", consignee="a")),
        Happened(20, shipment("3", consignee="b")),
        Happened(30, outcome("0", "positive")),
        Happened(80, outcome("3", "negative")),
        Happened(90, shipment("1", consignee="a")),
        Happened(91, shipment("2", consignee="b")),
        Happened(92, shipment("4", consignee="a", carrier="lorry")),
        Happened(93, shipment("5", consignee="c", carrier="lorry")),
    )
    # The vehicles' own rate is what a find rate starts from; none was examined, so it is 7 %.
    assert values == {
        "consignments": 4.0,
        "organisations": 3.0,
        "never_examined": 1.0,
        "examinations": 2.0,
        "finds": 1.0,
        "find_rate": pytest.approx((2 ** (-70 / 730) + 0.7) / (2 ** (-70 / 730) + 10)),
        "finds_180d": pytest.approx(2 ** (-70 / 180)),
        "days_since_last_find": 70.0,
        "days_since_last_examination": 20.0,
    }
    assert text == (
        "consignments on board: 4 known, of 3 organisations, 1 of them never examined; "
        "1 find in 2 examinations, 70 days ago"
    )


def test_a_consignment_is_what_stands_of_it() -> None:
    """Moved to another lorry, given another consignee, called off, declared again."""
    first = Happened(1, shipment("1", consignee="a", carrier="lorry"))
    found = Happened(2, outcome("1", "positive"))
    moved = Happened(3, shipment("1", consignee="a", carrier="another", version=2))
    assert aboard(lorry(), first, found)[0]["finds"] == 1.0
    assert aboard(lorry(), first, found, moved)[0]["consignments"] == 0.0
    assert aboard(lorry(movement="another"), first, found, moved)[0]["finds"] == 1.0
    corrected = Happened(3, shipment("1", consignee="b", carrier="lorry", version=2))
    values, _ = aboard(lorry(), first, found, corrected)
    assert (values["organisations"], values["finds"]) == (1.0, 1.0), "the find goes with it"
    assert aboard(lorry("1"), first, Happened(4, called_off("1")))[0]["consignments"] == 0.0
    again = Happened(5, shipment("1", consignee="a", carrier="lorry", version=LAST_VERSION + 1))
    assert aboard(lorry(), first, Happened(4, called_off("1")), again)[0]["consignments"] == 1.0


def test_what_becomes_known_at_as_of_is_not_on_board() -> None:
    assert aboard(lorry("1"), Happened(100, shipment("1", consignee="a")))[0]["consignments"] == 0.0
    assert aboard(lorry("1"), Happened(99, shipment("1", consignee="a")))[0]["consignments"] == 1.0


def test_a_container_is_no_organisation() -> None:
    boxed = MovementDeclared(
        kind="shipment",
        movement="1",
        declared_at=0,
        entities={"container_no": "container:a"},
    )
    values, text = aboard(lorry("1"), Happened(1, boxed))
    assert (values["consignments"], values["organisations"]) == (1.0, 0.0)
    assert all(value != value for value in list(values.values())[2:]), "nothing was looked up"
    assert text == "consignments on board: 1 known, no organisation named"


def test_sentences_tell_apart_what_is_known() -> None:
    declared = Happened(1, shipment("1", consignee="a"))
    board = "consignments on board:"
    assert aboard(lorry("1"))[1] == f"{board} none known"
    assert aboard(lorry("1"), declared)[1] == f"{board} 1 known, of 1 organisation; never examined"
    clean = Happened(97, outcome("1", "negative"))
    assert aboard(lorry("1"), declared, clean)[1] == (
        f"{board} 1 known, of 1 organisation; examined once, nothing found, "
        "last examined 3 days ago"
    )
    found = Happened(80, outcome("1", "positive"))
    assert aboard(lorry("1"), declared, found)[1] == (
        f"{board} 1 known, of 1 organisation; 1 find in 1 examination, 20 days ago"
    )


def test_ten_thousand_consignments_of_one_vessel() -> None:
    happened = [
        Happened(1, shipment(str(n), consignee=str(n % 4_000), carrier="lorry"))
        for n in range(9_999)
    ]
    values, _ = aboard(lorry(*(str(n) for n in range(5_000, 9_999))), *happened)
    assert (values["consignments"], values["organisations"]) == (9_999.0, 4_000.0)
    assert values["never_examined"] == 4_000.0


ENTITIES = [
    (kind, role)
    for kind in ("vehicle", "vessel", "shipment")
    for role in roles_of(kind)
    if role.grade == "entity"
]


@pytest.mark.parametrize(
    ("kind", "role"), ENTITIES, ids=[f"{kind}-{role.name}" for kind, role in ENTITIES]
)
def test_never_examined_clean_and_found_differ_in_every_entity_role(kind: str, role: Role) -> None:
    """Three entities, each of one movement on the same day, differ in what was found of it."""
    (part,) = role.parts
    field, catalogue = part.field, catalogue_for(kind)
    ledger = MemoryLedger()

    def one(movement: str, entity: str) -> MovementDeclared:
        return MovementDeclared(
            kind=kind, movement=movement, declared_at=0, entities={field: f"{field}:{entity}"}
        )

    events: list[Payload] = [one(name, name) for name in ("unknown", "clean", "found")]
    for name, result in (("clean", "negative"), ("found", "positive")):
        events.append(OutcomeRecorded(kind=kind, movement=name, examined_at=0, outcome=result))
    for payload in events:
        ledger.hear(payload, DAY)
    asked = [one("asked", name) for name in ("unknown", "clean", "found")]
    rows = feature_rows(load_timeline(ledger, available_before=NOW), asked, [NOW] * 3, catalogue)
    assert len({row.tobytes() for row in rows}) == 3
    group = role.label
    texts = [sentence(catalogue, group, row) for row in rows]
    assert [text.split(": ", 1)[1] for text in texts] == [
        "never examined in 1 movement",
        "examined once, nothing found, last examined 3 months ago",
        "1 find in 1 examination, 3 months ago",
    ]
