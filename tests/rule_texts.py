"""Rules for tests, as people write them."""

import datetime
from collections.abc import Mapping
from typing import Any

from features.ledger import MovementDeclared, Recorded, RuleApproved, RuleProposed, RuleRetired
from models.rules import EXAMPLE, LiveRule, Mode, parse_rule, sha256_of_rule

Word = RuleProposed | RuleApproved | RuleRetired
DAY = 86_400_000_000
ADA, GRACE, EMMY = "A. Lovelace", "G. Hopper", "E. Noether"
"""The example is Ada's."""


def rule_text(when: str | None = None, **given: Any) -> str:
    """The example with another expression or other values; None leaves a key out.

    >>> "version = 2" in rule_text(version=2)
    True
    """
    lines, within = [], False
    values: Mapping[str, Any] = {**given, **({} if when is None else {"when": when})}
    for line in EXAMPLE.splitlines():
        key = line.split(" = ")[0]
        within = within or (key == "when" and "when" in values)
        if not within and key not in values:
            lines.append(line)
        within = within and line != "'''"
    return "\n".join(
        [*lines, *(f"{k} = {_toml(v)}" for k, v in values.items() if v is not None), ""]
    )


def rule_of(when: str | None = None, **given: Any) -> RuleProposed:
    return parse_rule(rule_text(when, **given))


def live(rule: RuleProposed, mode: Mode = "active") -> LiveRule:
    return LiveRule(rule, sha256_of_rule(rule), mode)


def vehicle(**parts: Any) -> MovementDeclared:
    return MovementDeclared(kind="vehicle", movement="0" * 32, declared_at=0, **parts)


def said(position: int, payload: Word) -> Recorded:
    return Recorded(
        position=position,
        source="intelligence",
        event_id=str(position),
        occurred_at=position,
        available_at=position,
        backfill=False,
        payload=payload,
    )


def approval(rule: RuleProposed, approver: str, mode: Mode = "active") -> RuleApproved:
    return RuleApproved(
        name=rule.name,
        version=rule.version,
        rule_sha256=sha256_of_rule(rule),
        approver=approver,
        mode=mode,
    )


def _toml(value: Any) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return f"'''{value}'''" if isinstance(value, str) else str(value)
