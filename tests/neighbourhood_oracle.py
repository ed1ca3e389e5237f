"""Who is tied with whom, worked out slowly from every event; nothing is shared with the file."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from features.ledger.events import Recorded
from tests import oracles
from tests.oracles import LINKED_BY, NAMESPACES, Fact, standing_facts

FIELDS = {field for fields in NAMESPACES.values() for field in fields}
Seen = tuple[int, int, int, int, int]
"""Movements, first and last seen, examinations, finds."""


class Expected(NamedTuple):
    steps: dict[str, int]
    links: dict[tuple[str, str], Seen]
    tied_by: dict[str, set[str]]
    tied_since: dict[str, int]


class Border:
    """All that stands at one instant."""

    def __init__(self, events: Iterable[Recorded], as_of: int) -> None:
        self.facts = standing_facts(events, as_of)
        named = [(link, fact) for fact in self.facts for link in links_of(fact)]
        named.sort(key=lambda one: one[0])
        self.links = {
            link: seen([fact for _, fact in its])
            for link, its in groupby(named, key=lambda one: one[0])
        }

    def on(self, connector: str) -> set[str]:
        return {one for one, by in self.links if by == connector}

    def of(self, organisation: str) -> set[str]:
        return {by for one, by in self.links if one == organisation}

    def examined(self, key: str) -> tuple[int, int, int | None]:
        its = [f for f in self.facts if key in names(f) and f.examined is not None]
        finds = [f.examined for f in its if f.found and f.examined is not None]
        return len(its), len(finds), max(finds, default=None)

    def around(self, asked: str, depth: int) -> Expected:
        expected = Expected({asked: 0}, {}, {}, {})
        if self.on(asked):
            for one in self.on(asked):
                self._tie(expected, one, 1, [(one, asked)])
        for step in range(1, depth + 1):
            reached = [o for o, its in expected.steps.items() if its == step - 1]
            origins = [o for o in reached if step == 1 or o in expected.tied_by]
            for origin in origins:
                for by in self.of(origin):
                    for one in self.on(by) - {origin}:
                        if len(self.on(by)) <= oracles.MOST_TIED:
                            self._tie(expected, one, step, [(one, by), (origin, by)])
        for by in self.of(asked):
            expected.links[asked, by] = self.links[asked, by]
            expected.steps.setdefault(by, 1)
        return expected

    def _tie(self, expected: Expected, one: str, step: int, links: list[tuple[str, str]]) -> None:
        if expected.steps.get(one, step) < step:
            return
        expected.steps.setdefault(one, step)
        expected.tied_by.setdefault(one, set()).add(links[0][1])
        since = max(self.links[link][1] for link in links)
        expected.tied_since[one] = min(expected.tied_since.get(one, since), since)
        for link in links:
            expected.links[link] = self.links[link]
            expected.steps.setdefault(link[1], step)


def names(fact: Fact) -> set[str]:
    return {key for field, key in fact.payload.entities.items() if field in FIELDS and key}


def links_of(fact: Fact) -> set[tuple[str, str]]:
    whose, by = LINKED_BY[fact.payload.kind]
    organisation = fact.payload.entities.get(whose)
    keys = {fact.payload.entities.get(field) for field in by}
    return {(organisation, key) for key in keys if organisation and key and key != organisation}


def seen(facts: list[Fact]) -> Seen:
    moved = [fact.moved for fact in facts]
    examined = [fact for fact in facts if fact.examined is not None]
    return (
        len(facts),
        min(moved),
        max(moved),
        len(examined),
        sum(fact.found for fact in examined),
    )
