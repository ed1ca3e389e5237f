"""What officers did with the advice: how often they departed from it, and who was right.

Frames are those of ``monitoring.decided``. An override is what an officer did, not what it was
called: a referral that was advised and not made, or made and not advised. Whether officers add
something is seen in what their own referrals find; whether they look at all, in whether they ever
depart.

References:
    Information Commissioner's Office (2023), "Guidance on AI and data protection": meaningful human
    involvement is more than confirming what a system says.
    Parasuraman, R. and Manzey, D. H. (2010), "Complacency and bias in human use of automation: an
    attentional integration", Human Factors 52(3).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from models.intervals import clopper_pearson
from monitoring.performance import BANDS
from monitoring.statistics.chance import shares_alike
from monitoring.statistics.disclosure import FEWEST_SHOWN, kept_back
from monitoring.statistics.rates import counts_shown, rate_columns

FEWEST_DECISIONS = 100
"""From fewer decisions never to have departed says little."""
SELDOM = 0.01
"""Advice departed from in fewer than 1 of 100 decisions, and surely so: nobody may be looking."""
CAUSES = ("no_show", "missed", "insufficient_resources", "withdrawn")
"""Outcomes that are not labels."""


class Rises(NamedTuple):
    """A share now and before, and how likely chance alone makes it as high as now."""

    now: float
    before: float
    n: int
    by_chance: float
    """NaN where either time has too few."""


class Followed(NamedTuple):
    """Of decisions on advised referrals, the share that departed, and what it is at most."""

    decisions: int
    departed: float
    most: float
    """95 %, exact; NaN from fewer than :data:`FEWEST_DECISIONS`."""


class DecisionFindings(NamedTuple):
    decisions: int
    """Of the period."""
    by_band: pd.DataFrame
    finds: pd.DataFrame
    reasons: pd.DataFrame
    timing: pd.DataFrame
    no_results: pd.DataFrame
    departing: Rises
    without_result: Rises
    followed: Followed
    find_more: Rises
    """Find rate of what officers referred by themselves, and of what was advised."""


def decision_findings(
    now: pd.DataFrame, before: pd.DataFrame, known: pd.Series, known_before: pd.Series
) -> DecisionFindings:
    """
    Args:
        now, before: decisions that became known in the period, and in the days before it.
        known, known_before: outcomes that became known then, of all movements.
    """
    both = pd.concat([before, now]).drop_duplicates("movement", keep="last")
    return DecisionFindings(
        decisions=len(now),
        by_band=by_band(now),
        finds=find_rates_by_advice(both),
        reasons=override_reasons(now),
        timing=hours_to_decision(now),
        no_results=without_result(known, known_before),
        departing=_rises(departed(now), departed(before)),
        without_result=_rises(known.isin(CAUSES), known_before.isin(CAUSES)),
        followed=followed(now),
        find_more=overrides_beside_advice(both),
    )


def departed(decided: pd.DataFrame) -> pd.Series:
    """bool[n]: the officer did the opposite of what was advised."""
    return decided["advised"] != decided["referred"]


def by_band(decided: pd.DataFrame) -> pd.DataFrame:
    """Decisions and departures per band, and of all in the last row.

    Columns: ``band``, ``decisions``, ``not_referred`` (against advice), ``referred`` (against
    advice), ``not_called`` (departures that were not called an override), ``departed`` (rate, with
    its interval). A band with 1 to 9 decisions is kept back, and so is what would tell it.
    """
    marks = pd.DataFrame(
        {
            "decisions": True,
            "not_referred": decided["advised"] & ~decided["referred"],
            "referred": ~decided["advised"] & decided["referred"],
            "not_called": departed(decided) & ~decided["overridden"],
        },
        index=decided.index,
    )
    counts = marks.groupby(decided["band"]).sum().reindex(BANDS, fill_value=0).astype(np.int64)
    hidden = np.append(kept_back(counts["decisions"]), 0 < len(decided) < FEWEST_SHOWN)
    counts = pd.concat([counts, counts.sum().to_frame("all").T])
    gone = counts["not_referred"] + counts["referred"]
    return pd.DataFrame(
        {
            "band": [*BANDS, "all"],
            **{str(key): counts_shown(counts[key], hidden) for key in marks},
            **rate_columns("departed", gone, counts["decisions"], hidden),
        }
    )


GROUPS = (
    ("advised and referred", True, True),
    ("referred against advice", False, True),
    ("advised and not referred", True, False),
    ("not advised and not referred", False, False),
)


def find_rates_by_advice(decided: pd.DataFrame) -> pd.DataFrame:
    """What was found, by what was advised and what was done, in the order of :data:`GROUPS`.

    Columns: ``what``, ``decisions``, ``examined``, ``finds``, ``find_rate`` with its interval.
    Examined counts a find or nothing found. Counts of 1 to 9 and what would tell them are NaN.
    """
    rows = []
    for name, advised, referred in GROUPS:
        part = decided[(decided["advised"] == advised) & (decided["referred"] == referred)]
        labels = part["label"].dropna()
        rows.append((name, len(part), len(labels), int(labels.sum())))
    table = pd.DataFrame(rows, columns=["what", "decisions", "examined", "finds"])
    hidden = kept_back(table["decisions"])
    few = kept_back(table["examined"], already=hidden) | (table["examined"] == 0)
    rates = rate_columns("find_rate", table["finds"], table["examined"], few)
    table["decisions"] = counts_shown(table["decisions"], hidden)
    table["finds"] = counts_shown(table["finds"], few)
    table["examined"] = counts_shown(table["examined"], few & (table["examined"] > 0))
    return table.assign(**rates)


def overrides_beside_advice(decided: pd.DataFrame) -> Rises:
    """Do officers' own referrals find more than the advised ones?"""
    labelled = decided[decided["label"].notna() & decided["referred"]]
    own, advised = (labelled[labelled["advised"] == given]["label"] for given in (False, True))
    return _rises(own, advised)


def override_reasons(decided: pd.DataFrame) -> pd.DataFrame:
    """Why officers departed, most often first: ``reason``, ``overrides``.

    Reasons given fewer than 10 times, and those given for none, stand together in the last row.
    """
    gone = decided[departed(decided)]
    words = gone["reason_code"].fillna("none given").str.replace("_", " ")
    counts = words.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    hidden = kept_back(counts)
    shown = counts[~hidden].astype(np.float64)
    if hidden.any():
        rest = float(counts[hidden].sum())
        shown["other reasons together"] = rest if rest >= FEWEST_SHOWN else np.nan
    return pd.DataFrame({"reason": shown.index, "overrides": shown.to_numpy()})


def hours_to_decision(decided: pd.DataFrame) -> pd.DataFrame:
    """``advice``, ``decisions``, ``median`` and ``ninth_decile`` in hours, in two rows.

    NaN below 10 decisions. A decision dated before its answer (a clock that is off) counts as 0.
    """
    parts = [decided[decided["advised"] == advised]["hours"].clip(lower=0) for advised in (1, 0)]
    hidden = kept_back(np.array([len(part) for part in parts]))
    hidden |= np.array([part.empty for part in parts])
    quantiles = [part.quantile([0.5, 0.9]).to_numpy() for part in parts]
    shown = np.where(hidden[:, None], np.nan, np.array(quantiles))
    return pd.DataFrame(
        {
            "advice": ["a referral", "no referral"],
            "decisions": counts_shown([len(part) for part in parts], hidden),
            "median": shown[:, 0],
            "ninth_decile": shown[:, 1],
        }
    )


def without_result(known: pd.Series, before: pd.Series) -> pd.DataFrame:
    """Outcomes that say nothing about risk, by cause, and all of them in the last row.

    Columns: ``cause``, ``outcomes``, ``share`` of all outcomes with its interval, ``before`` (that
    share before). 1 to 9 and what would tell them are NaN.
    """
    counts, earlier = (
        part.value_counts().reindex(CAUSES, fill_value=0) for part in (known, before)
    )
    hidden = kept_back(counts)
    everything = np.append(counts.to_numpy(), counts.sum())
    gone = np.append(hidden, 0 < counts.sum() < FEWEST_SHOWN)
    then = np.append(earlier.to_numpy(), earlier.sum())
    return pd.DataFrame(
        {
            "cause": [*(cause.replace("_", " ") for cause in CAUSES), "all of these"],
            "outcomes": counts_shown(everything, gone),
            **rate_columns("share", everything, len(known), gone),
            "before": then / len(before) if len(before) >= FEWEST_SHOWN else np.nan,
        }
    )


def followed(decided: pd.DataFrame) -> Followed:
    """Whether anybody ever departs from an advised referral."""
    advised = decided[decided["advised"]]
    gone, of = int((~advised["referred"]).sum()), len(advised)
    if of < FEWEST_DECISIONS:
        return Followed(of, np.nan, np.nan)
    return Followed(of, gone / of, clopper_pearson(gone, of)[1])


def _rises(now: pd.Series, before: pd.Series) -> Rises:
    hits, of, then, then_of = int(now.sum()), len(now), int(before.sum()), len(before)
    if of < FEWEST_SHOWN or then_of < FEWEST_SHOWN:
        return Rises(np.nan, np.nan, of, np.nan)
    chance = shares_alike(hits, of, then, then_of).higher
    return Rises(hits / of, then / then_of, of, float(chance))
