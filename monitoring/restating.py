"""Which published figures outcomes have changed since: a report lists them for those before it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.records import KINDS
from features.timeline import Timeline
from monitoring.periods import Period, named
from monitoring.publishing import ISSUE, read_issue
from monitoring.scored import LABELS, last_answers
from monitoring.statistics.restated import restated_rates

MOST_PERIODS = 24
"""Looked at, the latest first: older outcomes are final."""


class Restated(NamedTuple):
    """What became of the figures of earlier reports."""

    periods: tuple[str, ...]
    """Published, and compared."""
    rates: pd.DataFrame
    """As ``restated_rates`` gives them, with ``period`` and ``kind``; empty when none changed."""
    not_live: int
    """Changed outcomes of movements that were scored afterwards: a new issue shows what they do."""


def restated_in(
    out: Path, timeline: Timeline, assessments: pd.DataFrame, before: Period
) -> Restated:
    """
    Args:
        out: the folder of reports.
        assessments: as ``serving.audit.read_assessments`` gives them.
    """
    movements = {kind: timeline.of_kind(kind)[["movement", "available_at"]] for kind in KINDS}
    found: list[pd.DataFrame] = []
    names: list[str] = []
    not_live = 0
    for folder in sorted(out.glob("[0-9]*"), reverse=True):
        if not (folder / ISSUE).is_file() or len(names) == MOST_PERIODS:
            continue
        issue = read_issue(folder)
        period = named(issue.period)
        if issue.number == 0 or period.end > before.start:
            continue
        names.append(issue.period)
        then = timeline.before(min(issue.as_of, timeline.available_before)).outcomes
        changes = _changes(then, timeline.outcomes)
        for kind, of_kind in movements.items():
            file = folder / "downloads" / f"{kind}-find-rates.csv"
            if not file.is_file():  # no movement that the model had not seen
                continue
            known_at = of_kind["available_at"].to_numpy(np.int64)
            mine = changes.merge(of_kind["movement"][period.covers(known_at)], on="movement")
            answers = last_answers(assessments, kind, period.end)[["movement", "band"]]
            mine = mine.merge(answers, on="movement", how="left")
            live = mine["band"].notna()
            not_live += int((~live).sum())
            rates = restated_rates(pd.read_csv(file), mine[live])
            found.append(rates.assign(period=period.title, kind=kind))
    rates = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    return Restated(tuple(names), rates, not_live)


def _changes(then: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """A row per movement with another label now than then: ``movement``, ``was``, ``became``."""
    was, became = (
        outcomes.set_index("movement")["outcome"].map(LABELS).dropna().astype(np.float64)
        for outcomes in (then, now)
    )
    table = pd.DataFrame({"was": was, "became": became})
    changed = ~(table["was"] == table["became"])
    return table[changed].rename_axis("movement").reset_index()
