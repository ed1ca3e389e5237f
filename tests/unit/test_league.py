"""What selectors and rules came to: worked by hand, in words, and from an audit log."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace

from features.approvers import Approver, signed_by
from features.clock import MICROS_PER_DAY
from features.handling import Handling
from features.ledger import (
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
    open_ledger,
    open_tables,
)
from features.signing import SigningKey
from monitoring.leagues import dismissed, rules_standing, selectors_standing
from monitoring.page import Figure
from monitoring.periods import parse_period
from monitoring.sections import league as section_on_the_league
from monitoring.statistics.league import Standing, league
from serving.audit import AuditStream, prepare
from serving.audit.matched import COLUMNS, matched_between
from serving.matching import By, Match, encode_matches
from tests.audit_examples import PORT, audit_record
from tests.example_events import movement_event
from tests.rule_texts import EMMY, GRACE, approval, rule_of, said

MARCH = parse_period("2026-03")
END = MARCH.end
DAY = MICROS_PER_DAY
NOBODY = pd.DataFrame({"score_id": [], "by": [], "id": []}, dtype="str")


def met(
    count: int,
    days_ago: float = 10,
    first: int = 0,
    by: By = "rule",
    name: str = "night-freight",
    handling: Handling = "open",
) -> pd.DataFrame:
    """``count`` movements that met one entry, one a score."""
    numbers = range(first, first + count)
    version = 1 if by == "rule" else None
    rows = [
        (
            f"s{n}",
            "vehicle",
            f"m{n}",
            END - int(days_ago * DAY),
            by,
            name,
            version,
            "border",
            handling,
        )
        for n in numbers
    ]
    dtypes = {**dict.fromkeys(COLUMNS, "str"), "available_at": "int64", "version": "Int64"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dtypes)


def results(finds: int, clean: int, days_ago: float = 5, first: int = 0) -> pd.DataFrame:
    count = finds + clean
    return pd.DataFrame(
        {
            "movement": pd.Series([f"m{n}" for n in range(first, first + count)], dtype="str"),
            "label": np.repeat([1.0, 0.0], [finds, clean]),
            "known_at": float(END - int(days_ago * DAY)),
        }
    )


def stands(days: float = 300, ends_in: float = 100) -> Standing:
    since, until = END - int(days * DAY), END + int(ends_in * DAY)
    return Standing("rule", "night-freight", 1, "border", "open", since, until, "attributed")


def only(table: pd.DataFrame) -> dict[str, Any]:
    (row,) = table.to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_a_movement_counts_once_for_each_entry_that_it_met() -> None:
    again = met(3, days_ago=4).assign(score_id=["t0", "t1", "t2"])  # assessed a second time
    both = pd.concat([met(12), again, met(5, by="selector", name="a1")], ignore_index=True)
    false = pd.DataFrame({"score_id": ["t1", "s1", "s2"], "by": "rule", "id": "night-freight"})
    table = league(both, results(finds=2, clean=4), false, [], END)
    assert table["by"].tolist() == ["selector", "rule"]
    counts = table[["matches", "examined", "finds", "dismissed"]].to_dict("split")["data"]
    assert counts == [[5, 5, 2, 0], [12, 6, 2, 2]]
    assert table["last_match"].tolist() == [END - 10 * DAY, END - 4 * DAY]
    assert table["last_find"].tolist() == [END - 5 * DAY] * 2
    assert table["stale"].isna().all()  # neither stands any more


@pytest.mark.parametrize(
    ("matches", "known", "standing", "stale"),
    [
        (met(30), results(2, 20), stands(), None),
        (met(30), results(0, 20), stands(), "no find in 180 days and 20 examinations or more"),
        (met(30), results(0, 19), stands(), None),
        (met(30), results(0, 20), stands(days=179), None),
        (met(30), results(1, 20, days_ago=181), stands(), "no find in 180 days"),
        (met(30, days_ago=91), results(2, 20), stands(), "no match in 90 days"),
        (met(0), results(0, 0), stands(days=90), "no match in 90 days"),
        (met(0), results(0, 0), stands(days=89), None),
        (met(30), results(2, 20), stands(ends_in=31), "ends within 31 days"),
    ],
)
def test_what_is_stale_is_said_with_its_reason(
    matches: pd.DataFrame, known: pd.DataFrame, standing: Standing, stale: str | None
) -> None:
    row = only(league(matches, known, NOBODY, [standing], END))
    if stale is None:
        assert pd.isna(row["stale"])
    else:
        assert row["stale"].startswith(stale)


@pytest.mark.parametrize(("false", "stale"), [(9, False), (10, False), (11, True)])
def test_an_entry_that_officers_mostly_dismiss_is_stale(false: int, stale: bool) -> None:
    scores = pd.DataFrame(
        {"score_id": [f"s{n}" for n in range(false)], "by": "rule", "id": "night-freight"}
    )
    row = only(league(met(20), results(1, 3), scores, [stands()], END))
    assert row["dismissed"] == false
    assert (row["stale"] == "mostly dismissed as false") == stale


def test_the_last_decision_on_a_score_dismisses_what_it_says() -> None:
    decisions = pd.DataFrame(
        [
            ("s0", "false_rule_match", ("night-freight", "old-lorry"), 1),
            ("s1", "false_rule_match", ("night-freight",), 1),
            ("s1", "intelligence", (), 2),
            ("s2", "false_selector_match", ("a1",), 1),
            ("s3", None, (), 1),
        ],
        columns=["score_id", "reason_code", "matches", "decided_at"],
    )
    found = dismissed(decisions)
    assert found.to_dict("split")["data"] == [
        ["s0", "rule", "night-freight"],
        ["s0", "rule", "old-lorry"],
        ["s2", "selector", "a1"],
    ]
    assert dismissed(decisions.iloc[:0]).empty


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    section = section_on_the_league.section(table, MARCH)
    return {figure.table.name: figure for part in section.parts for figure in part.figures}


def test_the_board_sees_counts_and_what_it_decides() -> None:
    quiet = met(9, by="selector", name="a1", handling="hidden")
    both = pd.concat([met(40), quiet], ignore_index=True)
    table = league(both, results(0, 25), NOBODY, [stands()], END)
    found = figures(table)
    (rule,) = found["league-rules"].signals
    assert (rule.colour, rule.value, rule.n) == ("amber", 1.0, 1)
    assert rule.owner == "senior responsible owner"
    assert "1 rule stood or matched; 0 of them had a find, and 1 should be" in (
        found["league-rules"].says
    )
    shown = found["league-selectors"].table.rows
    assert shown[0][:3] == ["hidden selector no. 1", "has ended", "under 10"]
    assert found["league-rules"].table.rows[0][1].startswith("no find in 180 days")
    assert "a1" not in str(found["league-selectors"])
    assert found["league-selectors"].signals[0].colour == "grey"  # none stands


def test_nobody_watches_for_anything() -> None:
    section = section_on_the_league.section(league(met(0), results(0, 0), NOBODY, [], END), MARCH)
    assert [len(part.figures) for part in section.parts] == [0]
    assert "No selector stood or was met" in section.parts[0].texts[1]


class Intelligence:
    """A ledger of nothing else."""

    def __init__(self, *words: Any) -> None:
        self._events = [said(number, word) for number, word in enumerate(words, 1)]

    def read_source(self, source: str) -> Any:
        assert source == "intelligence"
        return iter(self._events)


def test_rules_stand_once_two_approved_them_and_until_they_end() -> None:
    rule = rule_of()
    heard: Any = Intelligence(rule, approval(rule, GRACE), approval(rule, EMMY))
    (standing,) = rules_standing(heard, MARCH, {})
    assert standing[:5] == ("rule", rule.name, 1, rule.agency, "open")
    assert (standing.since, standing.expires_at) == (3, rule.expires_at)
    one_word: Any = Intelligence(rule, approval(rule, GRACE))
    assert rules_standing(one_word, MARCH, {}) == []


def test_selectors_stand_while_they_are_live() -> None:
    proposed = SelectorProposed(
        selector="a1", agency="police", criteria=("route_id=R1",), kinds=("vehicle",),
        reason="seen at night", handling="hidden", marking="OFFICIAL", contact="desk",
        action="refer", starts=END - 9 * DAY, expires=END + 9 * DAY, creator=GRACE,
    )  # fmt: skip
    approved = SelectorApproved(selector="a1", approver=EMMY)
    live: Any = Intelligence(proposed, approved)
    assert selectors_standing(live, MARCH, {}) == [
        Standing(
            "selector", "a1", None, "police", "hidden", END - 9 * DAY, END + 9 * DAY, "attributed"
        )
    ]
    nobody: Any = Intelligence(proposed)
    ended: Any = Intelligence(
        proposed, approved, SelectorWithdrawn(selector="a1", by="x", reason="y")
    )
    assert selectors_standing(nobody, MARCH, {}) == selectors_standing(ended, MARCH, {}) == []


def test_an_entry_is_authenticated_when_everybody_signed() -> None:
    rule, keys = rule_of(), {name: SigningKey(name[:1].encode() * 32) for name in (GRACE, EMMY)}
    configured = {name: key.verifying.public.hex() for name, key in keys.items()}
    # said at 2 and 3: the events are numbered, and their time is their number
    words = [
        signed_by(Approver(name, keys[name]), approval(rule, name), at)
        for at, name in enumerate((GRACE, EMMY), 2)
    ]

    def shown(*said: Any, approver_keys: dict[str, str] = configured) -> str:
        heard: Any = Intelligence(rule, *said)
        (standing,) = rules_standing(heard, MARCH, approver_keys)
        return standing.approved

    assert shown(*words) == "authenticated"
    assert shown(*words, approver_keys={}) == "attributed"
    assert shown(words[0], approval(rule, EMMY)) == "attributed"
    forged = replace(words[1], rule_sha256=words[0].rule_sha256, mode="shadow")
    assert shown(words[0], forged, words[1]) == "attributed"


def test_matches_come_back_from_the_audit_log(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with closing(open_ledger(url)) as ledger:
        stream = AuditStream("a")
        with ledger.transaction() as transaction:
            prepare(transaction)
            for number, matches in ((1, _matches()), (2, ())):
                (appended,) = transaction.append([movement_event(number, source="api:border")])
                record = audit_record(number)._replace(matches=encode_matches(matches))
                stream.assessments(transaction, [(record, appended, PORT)])
    with closing(open_tables(url)) as tables:
        found = matched_between(tables, 0, 1 << 62)
        nothing = matched_between(tables, 0, 1)
    assert found["score_id"].tolist() == ["score-1", "score-1"]
    assert found[["by", "id", "agency", "handling"]].to_dict("split")["data"] == [
        ["selector", "a1", "police", "hidden"],
        ["rule", "night-freight", "border", "open"],
    ]
    assert found["version"].isna().tolist() == [True, False]
    assert nothing.empty
    assert nothing.columns.tolist() == list(COLUMNS)


def _matches() -> tuple[Match, ...]:
    known: dict[str, Any] = {
        "marking": "OFFICIAL", "action": "refer", "reason": "seen at night", "contact": "desk",
    }  # fmt: skip
    return (
        Match(by="selector", id="a1", agency="police", handling="hidden", **known),
        Match(by="rule", id="night-freight", version=1, agency="border", handling="open", **known),
    )
