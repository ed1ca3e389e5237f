"""A rule says of a movement online what a back-test says of it, whatever came in whatever order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from features.catalogue import catalogue_for, places_in
from features.history.errors import FutureRefused
from features.history.online import LiveHistory
from features.ledger import MovementDeclared
from features.rows import feature_row, feature_rows
from features.timeline import load_timeline
from models.rules import Evaluated, RuleSet
from models.rules.names import names_of
from tests.memory_ledger import MemoryLedger
from tests.property.test_history_parity import FAR, Happening, happenings, quick, recorded
from tests.rule_texts import live, rule_of

BASE = rule_of()
CODED = {"tax": "code"}
COMPARED = ("< 1.0", ">= 1.0", "> 0.05", "!= 2.0", "in [0.0, 3.0]")


@st.composite
def conditions(draw: st.DrawFn, kind: str) -> str:
    """One to three comparisons of numbers, of which any may be missing."""
    numbers = [name.path for name in names_of(kind).values() if name.sort == "number"]
    numbers += ["history.attribute.tax.find_rate", "declared.attribute.tax"]
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(numbers))
        part = f"{path} {draw(st.sampled_from(COMPARED))}"
        parts.append(draw(st.sampled_from([part, f"!({part})", f"has({path})"])))
    return f" {draw(st.sampled_from(['&&', '||']))} ".join(parts)


@st.composite
def rule_sets(draw: st.DrawFn, kind: str) -> RuleSet:
    whens = draw(st.lists(conditions(kind), min_size=1, max_size=4))
    return RuleSet(
        kind,
        [
            live(replace(BASE, when=when, kind=kind, name=f"rule-{number}"))
            for number, when in enumerate(whens)
        ],
    )


def from_a_whole_row(
    rules: RuleSet, history: LiveHistory, asked: MovementDeclared, as_of: int
) -> Evaluated:
    """As a service does that has a model's row already."""
    whole = catalogue_for(rules.kind, CODED)
    places = places_in(whole, rules.catalogue)
    assert places is not None
    return rules.evaluate(asked, feature_row(history, asked, as_of, whole)[list(places)])


@quick
@given(happenings, st.data())
def test_parity_of_rules_online_and_in_a_back_test(
    sequence: list[Happening], data: st.DataObject
) -> None:
    ledger, now = MemoryLedger(), [0]
    history = LiveHistory(clock=lambda: now[0])
    for position, happening in enumerate(sequence, start=1):
        ledger.add(recorded(position, happening))
        now[0] = happening.now
        history.follow(ledger)
    asked, as_of = sequence[-1].asked, sequence[-1].as_of
    rules = data.draw(rule_sets(asked.kind))
    try:
        online = rules.evaluate(asked, feature_row(history, asked, as_of, rules.catalogue))
    except FutureRefused:
        return
    timeline = load_timeline(ledger, available_before=FAR)
    (row,) = feature_rows(timeline, [asked], np.array([as_of]), rules.catalogue)
    assert online == rules.evaluate(asked, row)
    assert online == from_a_whole_row(rules, history, asked, as_of)
