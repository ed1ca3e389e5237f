"""What each selector and rule came to: matches, examinations, finds, dismissals; what is stale.

A match counts once a movement, however often it was assessed. What is found on a movement counts
for every entry that it met. Nothing here says whom an entry is about.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY, Micros

NO_MATCH_DAYS = 90
NO_FIND_DAYS, FEWEST_EXAMINATIONS = 180, 20
"""Of examinations that find something once in fifty times, twenty are all clean in two of three
cases: so the entry is looked at, and not ended by itself."""
FEWEST_DISMISSALS, MOSTLY = 10, 0.5
"""Of the movements that met it, more than half were dismissed as false matches."""
EXPIRES_WITHIN_DAYS = 31
"""Until the board meets again."""
KEY = ["by", "id", "version", "agency"]
COUNTS = ("matches", "examined", "finds", "dismissed")


class Standing(NamedTuple):
    """An entry that stands at the end of the period."""

    by: str
    """``selector`` or ``rule``."""
    id: str
    version: int | None
    agency: str
    handling: str
    since: Micros
    expires_at: Micros
    approved: str
    """``authenticated`` when everybody signed who approved it, else ``attributed``."""


def league(
    met: pd.DataFrame,
    results: pd.DataFrame,
    dismissed: pd.DataFrame,
    standing: list[Standing],
    end: Micros,
) -> pd.DataFrame:
    """One row per entry that stands or was met, selectors first, the most finds first.

    Args:
        met: as from ``serving.audit.matched.matched_between``.
        results: ``movement``, ``label`` (1.0 or 0.0) and ``known_at`` of what was examined.
        dismissed: ``score_id``, ``by`` and ``id``: matches that officers called false.
        end: of the period, microseconds.

    Returns:
        Columns: ``by``, ``id``, ``version``, ``agency``, ``handling``; ``matches`` (movements that
        met it), ``examined``, ``finds`` and ``dismissed`` among them; ``last_match`` and
        ``last_find`` (microseconds as float, NaN for never), ``since`` and ``expires_at`` (NaN when
        it does not stand), ``approved`` (missing likewise), ``stale`` (why it should be retired, in
        words; missing when it should not).
    """
    each = met.drop_duplicates([*KEY, "movement"], keep="last")
    each = each.merge(results, on="movement", how="left")
    named = met.merge(dismissed.drop_duplicates(), on=["score_id", "by", "id"])
    false = set(zip(named["by"], named["id"], named["movement"], strict=True))
    is_false = [key in false for key in zip(each["by"], each["id"], each["movement"], strict=True)]
    found = each["label"] == 1.0
    each = each.assign(
        matches=1,
        examined=each["label"].notna(),
        finds=found,
        dismissed=is_false,
        last_find=each["known_at"].where(found),
    )
    groups = each.groupby(KEY, dropna=False)
    counted = groups[list(COUNTS)].sum().astype(np.int64)
    counted["last_match"] = groups["available_at"].max().astype(np.float64)
    counted["last_find"] = groups["last_find"].max().astype(np.float64)
    counted["handling"] = groups["handling"].last()
    table = _with_those_that_stand(counted.reset_index(), standing)
    table["stale"] = [_stale(row, end) for row in table.itertuples()]
    table["order"] = table["by"] == "rule"
    ordered = table.sort_values(
        ["order", "finds", "matches", "id"], ascending=[True, False, False, True], kind="stable"
    )
    return ordered.drop(columns="order").reset_index(drop=True)


def _with_those_that_stand(counted: pd.DataFrame, standing: list[Standing]) -> pd.DataFrame:
    stands = pd.DataFrame(standing, columns=list(Standing._fields))
    stands = stands.astype({"version": "Int64", "since": "float64", "expires_at": "float64"})
    table = counted.astype({"version": "Int64"}).merge(
        stands, on=KEY, how="outer", suffixes=("", "_now")
    )
    table["handling"] = table["handling_now"].fillna(table["handling"])
    counts = table[list(COUNTS)].fillna(0).astype(np.int64)
    return table.drop(columns="handling_now").assign(**{key: counts[key] for key in COUNTS})


def _stale(row: object, end: Micros) -> str | None:
    since, expires, last_match, last_find = (
        float(getattr(row, key)) for key in ("since", "expires_at", "last_match", "last_find")
    )
    matches, examined, dismissed = (
        int(getattr(row, k)) for k in ("matches", "examined", "dismissed")
    )
    if np.isnan(since):
        return None  # it has ended already
    if expires - end <= EXPIRES_WITHIN_DAYS * MICROS_PER_DAY:
        return f"ends within {EXPIRES_WITHIN_DAYS} days"
    if dismissed >= FEWEST_DISMISSALS and dismissed > MOSTLY * matches:
        return "mostly dismissed as false"
    if _days_since(max(since, _never(last_match)), end) >= NO_MATCH_DAYS:
        return f"no match in {NO_MATCH_DAYS} days"
    no_find = _days_since(max(since, _never(last_find)), end) >= NO_FIND_DAYS
    if examined >= FEWEST_EXAMINATIONS and no_find:
        return f"no find in {NO_FIND_DAYS} days and {FEWEST_EXAMINATIONS} examinations or more"
    return None


def _never(instant: float) -> float:
    return -np.inf if np.isnan(instant) else instant


def _days_since(instant: float, end: Micros) -> float:
    return (end - instant) / MICROS_PER_DAY
