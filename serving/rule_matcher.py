"""Rules as the service meets them: those that stand, evaluated for each movement that is assessed.

Nothing that goes wrong here may touch a score. A rule that cannot be evaluated is recorded as
failed, in the place of a match that nobody is shown, and told once in the log.
"""

import logging
from collections.abc import Iterable
from typing import ClassVar, NamedTuple, cast

from features.clock import Micros
from features.handling import Action, Handling, Marking
from features.ledger import Recorded, RuleApproved, RuleProposed, RuleRetired
from features.movement_columns import MovementColumns
from models.rules import Evaluated, LiveRule, Rules, RuleSet
from serving.matching import Match, MatchMode, Sighting

logger = logging.getLogger("foreland.serving")


class _Ready(NamedTuple):
    """The rules of a kind, compiled, for as long as they are the same."""

    rules: tuple[LiveRule, ...]
    compiled: RuleSet
    first: Micros
    end: Micros
    """They stand at instants in ``[first, end)``, unless more is heard."""


class RuleMatcher:
    """Keeps ``serving.matching.Matcher``."""

    hears: ClassVar[tuple[type, ...]] = (RuleProposed, RuleApproved, RuleRetired)

    def __init__(self) -> None:
        self._rules = Rules()
        self._ready: dict[str, _Ready] = {}
        self._logged: set[tuple[str, int]] = set()

    def hear(self, event: Recorded) -> None:
        before = self._rules.position
        self._rules.hear(event)
        if self._rules.position != before:
            self._ready.clear()

    def matches(self, seen: Sighting) -> list[Match]:
        """Of rules that stand in shadow, or that failed, too: ``Match.mode`` says so."""
        ready = self._ready_for(seen.declared.kind, seen.as_of)
        if not ready.rules:
            return []
        said = self._evaluated(ready, seen)
        return [
            *(_match(one, one.mode) for one in said.met),
            *(_match(one, "failed") for one, _ in said.failed),
        ]

    def may_meet(self, movements: MovementColumns, as_of: Micros) -> range:
        """Any, as long as there is a rule."""
        rules = self._ready_for(movements.kind, as_of).rules
        return range(len(movements) if rules else 0)

    def _ready_for(self, kind: str, at: Micros) -> _Ready:
        ready = self._ready.get(kind)
        if ready is None or not ready.first <= at < ready.end:
            rules = self._rules.live(kind, at)
            ready = _Ready(rules, RuleSet(kind, rules), *self._rules.unchanged_for(kind, at))
            self._ready[kind] = ready
        return ready

    def _evaluated(self, ready: _Ready, seen: Sighting) -> Evaluated:
        try:
            row = seen.row_of(ready.compiled.catalogue)
            said = ready.compiled.evaluate(seen.declared, row)
        except Exception as exc:
            logger.exception("%s: no rule could be evaluated", seen.declared.kind)
            said = Evaluated((), tuple((one, type(exc).__name__) for one in ready.rules))
        self._tell(said.failed)
        return said

    def _tell(self, failed: Iterable[tuple[LiveRule, str]]) -> None:
        for one, why in failed:
            key = one.rule.name, one.rule.version
            if key not in self._logged:
                self._logged.add(key)
                logger.error(
                    "rule %s version %s fails (%s); this is logged once, and no score is touched",
                    *key,
                    why,
                )


def _match(one: LiveRule, mode: MatchMode) -> Match:
    rule = one.rule
    return Match(
        by="rule",
        id=rule.name,
        version=rule.version,
        agency=rule.agency,
        handling=cast(Handling, rule.handling),
        marking=cast(Marking, rule.marking),
        action=cast(Action, rule.action),
        reason=rule.reason,
        threat=rule.threat,
        points=rule.points,
        contact=rule.contact,
        mode=mode,
    )
