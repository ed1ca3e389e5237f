"""The league of selectors and rules, from ledger and audit log: input of ``statistics.league``."""

from collections.abc import Mapping
from contextlib import closing

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY
from features.ledger import EventSource, open_tables
from features.timeline import Timeline
from models.rules import read_rules
from monitoring.periods import Period
from monitoring.scored import LABELS
from monitoring.statistics.league import Standing, league
from serving.audit.matched import matched_between

LOOKED_BACK_DAYS = 365
"""No entry stands for longer without a new look at it."""
FALSE_MATCH: Mapping[str, str] = {
    "false_selector_match": "selector",
    "false_rule_match": "rule",
}
"""Reason code of a decision to what it dismisses."""


def league_of(
    ledger_url: str,
    intelligence: EventSource,
    timeline: Timeline,
    decisions: pd.DataFrame,
    period: Period,
) -> pd.DataFrame:
    """As from ``statistics.league.league``: of the year to the end of the period, as known then.

    Args:
        intelligence: the ledger, for its events about rules and selectors.
        decisions: as from ``monitoring.decided.decisions_frame``.
    """
    since = period.end - LOOKED_BACK_DAYS * MICROS_PER_DAY
    with closing(open_tables(ledger_url)) as tables:
        met = matched_between(tables, since, period.end)
    outcomes = timeline.outcomes[timeline.outcomes["outcome"].isin(list(LABELS))]
    results = pd.DataFrame(
        {
            "movement": outcomes["movement"],
            "label": outcomes["outcome"].map(LABELS).astype(np.float64),
            "known_at": outcomes["available_at"].astype(np.float64),
        }
    )
    known = decisions[decisions["known_at"] < period.end]
    standing = rules_standing(intelligence, period)
    return league(
        met, results[results["known_at"] < period.end], dismissed(met, known), standing, period.end
    )


def dismissed(met: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """``score_id``, ``by`` and ``id`` of every match that the last decision on its score calls
    false."""
    last = decisions.sort_values("decided_at", kind="stable").drop_duplicates(
        "score_id", keep="last"
    )
    said = last.assign(by=last["reason_code"].map(FALSE_MATCH)).dropna(subset="by")
    return met[["score_id", "by", "id"]].merge(said[["score_id", "by"]], on=["score_id", "by"])


def rules_standing(intelligence: EventSource, period: Period) -> list[Standing]:
    """Rules that matched, or could have, just before the period ended."""
    rules = read_rules(intelligence, before=period.end)
    found = []
    for version in rules.all():
        if rules.state(version, period.end) in {"active", "shadow"}:
            rule = version.rule
            found.append(
                Standing(
                    by="rule",
                    id=rule.name,
                    version=rule.version,
                    agency=rule.agency,
                    handling=rule.handling,
                    since=max(approval.available_at for approval in version.approvals),
                    expires_at=rule.expires_at,
                )
            )
    return found
