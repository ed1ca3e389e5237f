"""Drafts of rules from trends: what they ask, and what a declared value cannot do to them."""

import tomllib

import pandas as pd

from models.rules import Expression
from monitoring.drafts import drafts_of, expression_of

AS_OF = 1_772_323_200_000_000  # 2026-03-01


def trend(what: str, value: str, trend: str = "new", p: float = 1e-5) -> dict[str, object]:
    counts = {"movements": 300, "examined": 40, "finds": 12}
    before = {"movements_before": 900, "examined_before": 80, "finds_before": 2}
    named = {"what": what, "value": value, "among_finds": trend, "finds_p": p}
    return {**named, **counts, **before}


def test_only_what_rises_is_drafted_and_each_expression_once() -> None:
    rows = [
        trend("route and threat", "FRCQF-GBDVR + cash", "rising", 1e-4),
        trend("route", "FRCQF-GBDVR", "new", 1e-6),
        trend("goods", "24", "falling"),
        trend("threat", "cash"),
    ]
    (draft,) = drafts_of(pd.DataFrame(rows), "vehicle", AS_OF)
    read = tomllib.loads(draft.text)
    assert read["when"] == 'declared.route_id == "FRCQF-GBDVR"'
    assert "threat" not in read  # the surest of the two says it
    assert read["action"] == "inform"
    assert (read["agency"], read["created_by"], read["expires"]) == ("", "", "")
    assert "# Before: 2 finds in 80 examinations of 900 movements (8.9% examined)." in draft.text
    assert "adjusted for all of 4 combinations: 1e-06" in draft.text


def test_the_threat_that_was_found_is_named_and_not_asked_for() -> None:
    rows = [trend("goods and threat", "24 + tobacco alcohol")]
    (draft,) = drafts_of(pd.DataFrame(rows), "shipment", AS_OF)
    read = tomllib.loads(draft.text)
    assert read["threat"] == "tobacco_alcohol"
    assert read["when"] == 'declared.commodity_code.startsWith("24")'
    Expression("shipment", read["when"])


def test_how_it_was_concealed_is_said_in_words_and_not_asked_for() -> None:
    rows = [
        trend("threat and concealment", "cash + tank", p=1e-9),
        trend("concealment", "tank", p=1e-8),
        trend("route and concealment", "FRCQF-GBDVR + cover load"),
    ]
    (draft,) = drafts_of(pd.DataFrame(rows), "vehicle", AS_OF)
    read = tomllib.loads(draft.text)
    assert read["when"] == 'declared.route_id == "FRCQF-GBDVR"'
    assert read["name"].startswith("new-vehicle-route-")
    assert "concealment cover load" in read["reason"]
    assert "threat" not in read
    assert "concealment" not in read, "a rule has no such field"


def test_a_hostile_value_stays_a_value() -> None:
    hostile = "R9\"\n\naction = \"refer\" #'''"
    (draft,) = drafts_of(pd.DataFrame([trend("route", hostile)]), "vehicle", AS_OF)
    read = tomllib.loads(draft.text)
    assert read["action"] == "inform"
    when = expression_of("vehicle", "route", hostile)
    assert read["when"] == when
    assert "\n" not in read["when"]
    assert sum(not line.startswith("#") for line in draft.text.splitlines()) == len(read)


def test_what_no_rule_can_say_is_no_draft_and_takes_no_other_with_it() -> None:
    rows = [trend("route", "R" * 2_000), trend("route", "R9")]
    told: list[str] = []
    (draft,) = drafts_of(pd.DataFrame(rows), "vehicle", AS_OF, told.append)
    assert tomllib.loads(draft.text)["when"] == 'declared.route_id == "R9"'
    (why,) = told
    assert why.startswith("no draft of route of vehicles: `when` is 2")
