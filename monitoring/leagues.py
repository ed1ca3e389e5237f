"""The league of selectors and rules, from ledger and audit log: input of ``statistics.league``."""

from collections.abc import Iterable, Mapping
from contextlib import closing

import numpy as np
import pandas as pd

from features.approvers import Intelligence, is_authenticated
from features.clock import MICROS_PER_DAY, Micros
from features.ledger import EventSource, open_tables
from features.records.decision import FALSE_MATCH
from features.timeline import Timeline
from models.rules import read_rules
from monitoring.periods import Period
from monitoring.scored import LABELS
from monitoring.statistics.league import Standing, league
from serving.audit.matched import matched_between
from serving.selectors.standing import standing as standing_selectors

LOOKED_BACK_DAYS = 365
"""No entry stands for longer without a new look at it."""


def league_of(
    ledger_url: str,
    intelligence: EventSource,
    timeline: Timeline,
    decisions: pd.DataFrame,
    period: Period,
    approver_keys: Mapping[str, str],
) -> pd.DataFrame:
    """As from ``statistics.league.league``: of the year to the end of the period, as known then.

    Args:
        intelligence: the ledger, for its events about rules and selectors.
        decisions: as from ``monitoring.decided.decisions_frame``.
        approver_keys: of the settings.
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
    standing = [
        *selectors_standing(intelligence, period, approver_keys),
        *rules_standing(intelligence, period, approver_keys),
    ]
    known_results = results[results["known_at"] < period.end]
    return league(met, known_results, dismissed(known), standing, period.end)


def dismissed(decisions: pd.DataFrame) -> pd.DataFrame:
    """``score_id``, ``by`` and ``id`` of every match that the last decision on its score calls
    false."""
    last = decisions.sort_values("decided_at", kind="stable")
    last = last.drop_duplicates("score_id", keep="last")
    said = last.assign(by=last["reason_code"].map(FALSE_MATCH)).dropna(subset="by")
    each = said.explode("matches").dropna(subset="matches")
    return each[["score_id", "by", "matches"]].rename(columns={"matches": "id"}).astype("str")


def selectors_standing(
    intelligence: EventSource, period: Period, approver_keys: Mapping[str, str]
) -> list[Standing]:
    """Selectors that were live just before the period ended."""
    return [
        Standing(
            by="selector",
            id=one.said.selector,
            version=None,
            agency=one.said.agency,
            handling=one.said.handling,
            since=one.said.starts,
            expires_at=one.said.expires,
            approved=_approved([] if one.approval is None else [one.approval], approver_keys),
        )
        for one in standing_selectors(intelligence, period.end)
        if one.state == "live"
    ]


def rules_standing(
    intelligence: EventSource, period: Period, approver_keys: Mapping[str, str]
) -> list[Standing]:
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
                    approved=_approved(
                        [(one.said, one.occurred_at) for one in version.approvals], approver_keys
                    ),
                )
            )
    return found


def _approved(
    approvals: Iterable[tuple[Intelligence, Micros]], approver_keys: Mapping[str, str]
) -> str:
    signed = (is_authenticated(said, at, approver_keys) for said, at in approvals)
    return "authenticated" if all(signed) else "attributed"
