"""The index of selectors says what looking at every one of them says, whatever lies where."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from features.ledger import (
    MovementDeclared,
    Payload,
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
)
from serving.matching import SOURCE, Sighting
from serving.selectors import SelectorMatcher
from serving.selectors.criteria import keys_of
from tests.memory_ledger import recorded
from tests.movement_columns import as_columns, without_the_rest

ENTITIES = [f"vehicle:{n:032x}" for n in range(2)] + [f"trailer:{0:032x}"]
CODES = ["0803", "080390", "2402"]
COUNTRIES = ["EC", "CO"]
INSTANTS = st.integers(0, 3)
"""Few, so that many are the same: that is where a rule about time goes wrong."""
CRITERIA = st.one_of(
    st.sampled_from(ENTITIES),
    st.sampled_from(COUNTRIES).map(lambda country: f"origin_country={country}"),
    st.sampled_from(CODES).map(lambda code: f"commodity_code={code}"),
    st.sampled_from(["08", "0803", "24"]).map(lambda code: f"commodity_code={code}*"),
    st.sampled_from(["is_empty=yes", "is_empty=no"]),
)


class Acts(NamedTuple):
    """A selector and when what was done with it became known; None when it was not."""

    criteria: list[str]
    kinds: list[str]
    starts: int
    expires: int
    approved_at: int | None
    withdrawn_at: int | None


ACTS = st.builds(
    Acts,
    st.lists(CRITERIA, min_size=1, max_size=3, unique=True),
    st.sampled_from([["vehicle"], ["vehicle", "shipment"], ["shipment"]]),
    st.integers(0, 1),
    st.integers(2, 4),
    st.none() | INSTANTS,
    st.none() | INSTANTS,
)
MOVEMENTS = st.builds(
    lambda kind, entities, code, country, empty, further: MovementDeclared(
        kind=kind,
        movement="0" * 32,
        declared_at=0,
        entities={f"field{at}": one for at, one in enumerate(entities)},
        fields={"commodity_code": code, "origin_country": country, "is_empty": empty},
        references={"further": tuple(further)},
    ),
    st.sampled_from(["vehicle", "shipment"]),
    st.lists(st.sampled_from(ENTITIES), max_size=3),
    st.sampled_from(CODES),
    st.sampled_from(COUNTRIES),
    st.booleans(),
    st.lists(st.sampled_from(ENTITIES), max_size=2),
)


def holds(criterion: str, movement: MovementDeclared) -> bool:
    """By the words of the documentation, one criterion at a time."""
    if "=" not in criterion:
        named = [*movement.entities.values(), *movement.references["further"]]
        return criterion in named
    field, _, wanted = criterion.partition("=")
    value = movement.fields[field]
    if isinstance(value, bool):
        return wanted == ("yes" if value else "no")
    if wanted.endswith("*"):
        return str(value).startswith(wanted[:-1])
    return value == wanted


def scanned(acts: Sequence[Acts], movement: MovementDeclared, as_of: int) -> list[str]:
    """The oracle: every selector, every criterion, every rule about time."""
    found = []
    for number, one in enumerate(acts):
        approved = one.approved_at is not None and one.approved_at < as_of
        withdrawn = one.withdrawn_at is not None and one.withdrawn_at < as_of
        in_time = one.starts <= as_of and not as_of >= one.expires
        stands = approved and not withdrawn and in_time and movement.kind in one.kinds
        if stands and all(holds(criterion, movement) for criterion in one.criteria):
            found.append(f"{number:03}")
    return found


def events_of(acts: Sequence[Acts]) -> list[tuple[int, Payload]]:
    """Stamp and payload: all proposals first, as their stamp does not matter."""
    proposed: list[tuple[int, Payload]] = []
    later: list[tuple[int, Payload]] = []
    for number, one in enumerate(acts):
        name = f"{number:03}"
        said = SelectorProposed(
            selector=name,
            agency="a",
            criteria=tuple(one.criteria),
            kinds=tuple(one.kinds),
            reason="r",
            handling="open",
            marking="OFFICIAL",
            contact="desk",
            action="inform",
            starts=one.starts,
            expires=one.expires,
            creator="A",
        )
        proposed.append((0, said))
        if one.approved_at is not None:
            later.append((one.approved_at, SelectorApproved(selector=name, approver="B")))
        if one.withdrawn_at is not None and one.approved_at is not None:
            at = max(one.withdrawn_at, one.approved_at)
            later.append((at, SelectorWithdrawn(selector=name, by="A", reason="r")))
    return [*proposed, *sorted(later, key=lambda event: event[0])]


@given(acts=st.lists(ACTS, max_size=12), movement=MOVEMENTS, as_of=INSTANTS)
def test_the_index_finds_what_a_scan_finds(
    acts: list[Acts], movement: MovementDeclared, as_of: int
) -> None:
    matcher = SelectorMatcher()
    for position, (available_at, payload) in enumerate(events_of(acts), 1):
        matcher.hear(recorded(position, payload, available_at, source=SOURCE))

    def no_row(_: object) -> Any:
        raise AssertionError("selectors need no features")

    found = [match.id for match in matcher.matches(Sighting(movement, as_of, no_row))]
    assert sorted(found) == scanned(later_withdrawn(acts), movement, as_of)


@given(acts=st.lists(ACTS, max_size=5), movements=st.lists(MOVEMENTS, min_size=1, max_size=9))
def test_a_selector_is_met_by_none_that_may_meet_none(
    acts: list[Acts], movements: list[MovementDeclared]
) -> None:
    """Of movements that are kept as columns: those that have none of its keys."""
    matcher = SelectorMatcher()
    for position, (available_at, payload) in enumerate(events_of(acts), 1):
        matcher.hear(recorded(position, payload, available_at, source=SOURCE))
    one_kind = [replace(without_the_rest(one), kind="vehicle") for one in movements]
    may = matcher.may_meet(as_columns(one_kind), 2)
    under = {key for one in acts if one.approved_at is not None for key in one.criteria}
    for at, movement in enumerate(one_kind):
        if any(matcher.matches(Sighting(movement, 2, lambda _: np.empty(0)))):
            assert at in may
        if under.isdisjoint(keys_of(movement)):
            assert at not in may


def later_withdrawn(acts: Sequence[Acts]) -> list[Acts]:
    """Nothing is withdrawn before it was approved here."""
    return [
        one
        if one.withdrawn_at is None or one.approved_at is None
        else one._replace(withdrawn_at=max(one.withdrawn_at, one.approved_at))
        for one in acts
    ]
