"""What the rules choose, by hand; what erasing does is in the ledger's contract too."""

from pathlib import Path

import pytest

from features.ledger import (
    DecisionTaken,
    ErasedCount,
    Event,
    HoldLifted,
    HoldPlaced,
    Ledger,
    LedgerMoved,
    MovementCancelled,
    MovementDeclared,
    MovementReassessed,
    OutcomeRecorded,
    Payload,
    RecordsErased,
)
from features.retention import (
    EXAMPLE,
    Hold,
    RetentionError,
    Rules,
    erase,
    erased_so_far,
    holds,
    plan,
    read_rules,
    set_hold,
)
from features.timeline import load_timeline

DAY = 86_400_000_000
NOW = 1_000 * DAY


def rules(tmp_path: Path, text: str = EXAMPLE) -> Rules:
    path = tmp_path / "retention.toml"
    path.write_text(text)
    return read_rules(path)


def declared(movement: str, kind: str = "vehicle", version: int = 1) -> MovementDeclared:
    return MovementDeclared(kind=kind, movement=movement, version=version, declared_at=0)


def outcome(movement: str, result: str) -> OutcomeRecorded:
    return OutcomeRecorded(kind="vehicle", movement=movement, examined_at=0, outcome=result)


def assessed_again(movement: str) -> MovementReassessed:
    return MovementReassessed(
        kind="vehicle",
        movement=movement,
        version=2,
        assessment=2,
        score_id="t",
        because="outcome",
        trigger=1,
    )


def fill(ledger: Ledger, *happened: tuple[float, Payload]) -> None:
    """Each payload that many days before ``NOW``."""
    ledger.backfill(
        Event(
            source="file",
            event_id=str(number),
            occurred_at=NOW - int(days * DAY),
            available_at=NOW - int(days * DAY),
            payload=payload,
        )
        for number, (days, payload) in enumerate(happened)
    )


def test_a_movement_goes_whole_and_only_by_a_rule_that_fits(ledger: Ledger, tmp_path: Path) -> None:
    fill(
        ledger,
        (800, declared("old")),  # 1: goes, with all that is about it
        (799, declared("old", version=2)),
        (799, outcome("old", "no_show")),  # no label: it is unlabelled
        (
            798,
            DecisionTaken(
                kind="vehicle", movement="old", score_id="s", decision="referred", decided_at=0
            ),
        ),
        (798, assessed_again("old")),
        (797, MovementCancelled(kind="vehicle", movement="old", cancelled_at=0)),
        (800, declared("labelled")),  # 7: not unlabelled
        (800, outcome("labelled", "negative")),
        (800, declared("recent")),  # 9: something happened since
        (700, declared("recent", version=2)),
        (730, declared("just")),  # 11: exactly as old as the rule says is not older
        (800, declared("ship", kind="vessel")),  # 12: another kind
    )
    planned = plan(ledger.tail(0), rules(tmp_path), NOW)
    assert planned.positions == [1, 2, 3, 4, 5, 6]
    assert planned.counts == (
        ErasedCount(rule="unlabelled movements", kind="vehicle", movements=1, events=6),
    )
    assert (planned.kept, planned.held) == (4, 0)


TWO = """
[[rule]]
name = "clean"
outcome = "negative"
older_than_days = 10
[[rule]]
name = "all"
outcome = "any"
older_than_days = 100
"""


def test_the_first_rule_that_fits_counts(ledger: Ledger, tmp_path: Path) -> None:
    fill(
        ledger,
        (20, declared("a")),
        (20, outcome("a", "negative")),
        (200, declared("b")),
        (200, outcome("b", "positive")),
        (200, declared("c")),
        (200, outcome("c", "negative")),
        (20, declared("d")),
    )
    planned = plan(ledger.tail(0), rules(tmp_path, TWO), NOW)
    assert planned.positions == [1, 2, 3, 4, 5, 6]
    assert [(c.rule, c.movements, c.events) for c in planned.counts] == [
        ("all", 1, 2),
        ("clean", 2, 4),
    ]


def test_a_legal_hold_keeps_a_movement_until_it_is_lifted(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, (800, declared("a")), (800, declared("b")))
    set_hold(ledger, "vehicle", "a", "court order 7", NOW, lift=False)
    planned = plan(ledger.tail(0), rules(tmp_path), NOW)
    assert (planned.positions, planned.held) == ([2], 1)
    set_hold(ledger, "vehicle", "a", "case closed", NOW + 1, lift=True)
    assert plan(ledger.tail(0), rules(tmp_path), NOW).positions == [1, 2]
    set_hold(ledger, "vehicle", "a", "appeal", NOW + 2, lift=False)
    assert plan(ledger.tail(0), rules(tmp_path), NOW).positions == [2]
    assert [type(e.payload) for e in ledger.tail(2)] == [HoldPlaced, HoldLifted, HoldPlaced]


def test_erasing_leaves_the_rest_and_says_what_went(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, (800, declared("a")), (20, declared("b")), (800, declared("c")))
    followed = rules(tmp_path)
    erase(ledger, plan(ledger.tail(0), followed, NOW), followed, NOW)
    assert ledger.verify()[:2] == (4, 2)
    *_, last = ledger.tail(0)
    assert isinstance(last.payload, RecordsErased)
    assert last.payload.rules_sha256 == followed.sha256
    assert [(c.rule, c.kind, c.movements, c.events) for c in last.payload.erased] == [
        ("unlabelled movements", "vehicle", 2, 2)
    ]
    timeline = load_timeline(ledger, available_before=10**18)
    assert timeline.movements["movement"].tolist() == ["b"]
    assert timeline.erased == 2
    assert erased_so_far(ledger) == last.payload.erased
    again = plan(ledger.tail(0), followed, NOW)
    assert (again.positions, again.counts) == ([], ()), "a second run finds nothing left to erase"


def test_a_hold_that_comes_in_meanwhile_stops_the_run(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, (800, declared("a")))
    followed = rules(tmp_path)
    planned = plan(ledger.tail(0), followed, NOW)
    set_hold(ledger, "vehicle", "a", "court order", NOW, lift=False)
    with pytest.raises(LedgerMoved):
        erase(ledger, planned, followed, NOW)
    assert ledger.verify().erased == 0


def test_holds_are_listed_and_a_mistyped_one_is_told(ledger: Ledger) -> None:
    fill(ledger, (800, declared("a")), (800, declared("b")))
    set_hold(ledger, "vehicle", "b", "appeal", NOW, lift=False)
    set_hold(ledger, "vehicle", "a", "court order", NOW + 1, lift=False)
    assert holds(ledger) == [
        Hold("vehicle", "b", "appeal", NOW, 1),
        Hold("vehicle", "a", "court order", NOW + 1, 1),
    ]
    with pytest.raises(RetentionError, match="holds no vehicle of this movement_ref; check it"):
        set_hold(ledger, "vehicle", "typo", "court order", NOW, lift=False)
    set_hold(ledger, "vehicle", "a", "closed", NOW + 2, lift=True)
    with pytest.raises(RetentionError, match="no hold on this movement"):
        set_hold(ledger, "vehicle", "a", "closed", NOW + 3, lift=True)
    assert [hold.movement for hold in holds(ledger)] == ["b"]


def test_a_date_in_the_future_does_not_keep_a_record_for_ever(
    ledger: Ledger, tmp_path: Path
) -> None:
    far = Event(source="api", event_id="far", occurred_at=9 * NOW, payload=declared("far"))
    stamp = ledger.append([far])[0].available_at
    assert plan(ledger.tail(0), rules(tmp_path), stamp + 731 * DAY).positions == [1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "missing required field `rule`"),
        (
            "[[rule]]\nname = 'x'\noutcome = 'clean'\nolder_than_days = 1",
            "invalid enum value 'clean'",
        ),
        ("[[rule]]\nname = 'x'\noutcome = 'any'\nolder_than_days = -1", "expected `float` >= 0"),
        ("[[rule]]\nname = 'x'\noutcome = 'any'\nolder_than = 1", "unknown field `older_than`"),
        (
            "[[rule]]\nname = 'x'\nage = 1\noutcome = 'any'\nolder_than_days = 1",
            "unknown field `age`",
        ),
        ("[[rule", "is no TOML"),
        (TWO.replace("clean", "all"), "has 2 rules named 'all'; rename all but one"),
    ],
)
def test_rules_that_cannot_be_followed(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(RetentionError, match=sentence):
        rules(tmp_path, text)


def test_without_rules_nothing_is_erased(tmp_path: Path) -> None:
    with pytest.raises(RetentionError, match="nothing is erased without a rule"):
        read_rules(tmp_path / "none.toml")
