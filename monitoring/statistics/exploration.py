"""What the movements that chance referred say about those that nobody examined.

Frames are those of ``monitoring.chosen``. The estimators, with their limits and references, are
those of ``models.selective``: of intent to examine, with bounds for referrals without a result.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from models.bands import MEDIUM_SHARE
from models.paired import Paired, paired_measures
from models.selective import Estimate, Estimator, find_rate_unexamined
from monitoring.chosen import examined_by_others, sample_of, usable
from monitoring.performance import BANDS
from monitoring.statistics.chance import ByChance, as_expected, shares_alike
from monitoring.statistics.disclosure import FEWEST_SHOWN, kept_back
from monitoring.statistics.rates import counts_shown, rate_columns

FEWEST_EXPECTED = 10.0
"""Referrals by chance that the log must lead to expect before their number is judged."""
HEADLINE: Estimator = "hajek"
"""The estimator that is quoted: of equal chances it is the plain find rate of the random slice."""


class Log(NamedTuple):
    """Whether the logged propensities can be, and whether referrals followed them."""

    answers: int
    impossible: int
    """Propensity missing or outside [0, 1], or a referral at propensity 0."""
    without_a_chance: int
    """Propensity 0: nothing that is found stands for them."""
    least: float
    """Smallest propensity of all; NaN without a movement."""
    expected: float
    """Σ of the logged chances of exploration."""
    drawn: int
    """Referrals by chance there were."""
    by_chance: float
    """Two-sided chance of so far away from ``expected``; NaN when few were expected."""


class Missed(NamedTuple):
    """Finds that no examination made, estimated, beside those that examinations made."""

    unexamined: int
    finds_made: int
    finds_missed: float
    low: float
    high: float

    @property
    def share_made(self) -> float:
        """Of all finds there were to make; NaN when there was none."""
        return self._made(self.finds_missed)

    @property
    def share_made_interval(self) -> tuple[float, float]:
        return self._made(self.high), self._made(self.low)

    def _made(self, missed: float) -> float:
        everything = self.finds_made + missed
        return self.finds_made / everything if everything else np.nan


class ExplorationFindings(NamedTuple):
    movements: int
    """Of the period, with a logged choice."""
    by_others: int
    """Of the period and the days before, examined though not referred: left out of estimates."""
    spent: pd.DataFrame
    log: Log
    estimates: pd.DataFrame
    headline: Estimate | None
    """Over the period and the days before; None without a movement."""
    referred_for_risk: tuple[int, int]
    """Finds and results among them, over the same time."""
    missed: Missed | None
    """None where the find rate among the unexamined is not assessable."""
    by_band: pd.DataFrame
    rising: float
    """Chance of so high a find rate in the random slice of the period, after that before; NaN."""
    less_examined: float
    """Chance that so few of the referrals by chance have a result, if they fared as others; NaN."""
    challenger: tuple[Paired, ...]
    """Champion first. Empty without a challenger, or with too few results."""
    challenger_version: int | None
    challenger_results: int


def exploration_findings(now: pd.DataFrame, before: pd.DataFrame) -> ExplorationFindings:
    """
    Args:
        now, before: movements of the period, and of the days before it; see ``chosen_frame``.
    """
    window = pd.concat([before, now]).drop_duplicates("movement", keep="last")
    of_window, of_period = (_estimates(usable(frame)) for frame in (window, now))
    headline = next((one for one in of_window if one.estimator == HEADLINE), None)
    compared = _compared(window)
    return ExplorationFindings(
        movements=len(now),
        by_others=int(examined_by_others(window).sum()),
        spent=spent(now),
        log=log_of(now),
        estimates=_estimates_table(of_period, of_window),
        headline=headline,
        referred_for_risk=_finds_of(window[window["reason"] == "risk"]),
        missed=_missed(usable(window), headline),
        by_band=random_slice_by_band(window),
        rising=_rising(random_slice(now), random_slice(before)),
        less_examined=_less_examined(window),
        challenger=compared[0],
        challenger_version=compared[1],
        challenger_results=compared[2],
    )


def random_slice(chosen: pd.DataFrame) -> pd.DataFrame:
    """The movements that chance referred, whatever their risk."""
    return chosen[chosen["reason"] == "exploration"]


REASONS = (
    ("for what an agency knows", "intelligence"),
    ("by a rule", "rule"),
    ("for risk", "risk"),
    ("by chance", "exploration"),
    ("no model spoke", "cold_start"),
)


def spent(chosen: pd.DataFrame) -> pd.DataFrame:
    """Referrals by why they were made: ``why``, ``referrals``, ``share`` (rate), ``with_result``.

    All of them in the last row. 1 to 9 referrals, and what would tell them, are NaN.
    """
    referred = chosen[chosen["referred"]]
    parts = [referred[referred["reason"] == reason] for _, reason in REASONS]
    counts = [len(part) for part in parts]
    hidden = np.append(kept_back(counts), 0 < len(referred) < FEWEST_SHOWN)
    with_result = np.array([int(part["label"].notna().sum()) for part in (*parts, referred)])
    of_all = np.array([*counts, len(referred)])
    return pd.DataFrame(
        {
            "why": [*(why for why, _ in REASONS), "all referrals"],
            "referrals": counts_shown(of_all, hidden),
            **rate_columns("share", of_all, len(referred), hidden),
            **rate_columns("with_result", with_result, of_all, hidden),
        }
    )


def log_of(chosen: pd.DataFrame) -> Log:
    """Whether the log can be right: propensities in range, and as many drawn as they say."""
    good = usable(chosen)
    chances = good["exploration"].to_numpy(np.float64)
    drawn, expected = len(random_slice(good)), float(chances.sum())
    by_chance = np.nan
    if expected >= FEWEST_EXPECTED:
        by_chance = float(as_expected(drawn, expected, (chances * (1 - chances)).sum()).either)
    return Log(
        answers=len(chosen),
        impossible=len(chosen) - len(good),
        without_a_chance=int((good["propensity"] == 0.0).sum()),
        least=float(good["propensity"].min()) if len(good) else np.nan,
        expected=expected,
        drawn=drawn,
        by_chance=by_chance,
    )


def _estimates(chosen: pd.DataFrame) -> tuple[Estimate, ...]:
    return find_rate_unexamined(sample_of(chosen)) if len(chosen) else ()


def _estimates_table(*times: tuple[Estimate, ...]) -> pd.DataFrame:
    """One row an estimate; NaN from fewer than 10 results.

    Columns: ``when``, ``estimator``, ``rate`` with its interval, ``at_least`` and ``at_most``
    (bounds for referrals without a result), ``results``, ``finds``, ``effective``.
    """
    rows = []
    for when, estimates in zip(("this period", "and before"), times, strict=True):
        for one in estimates:
            few = one.results < FEWEST_SHOWN
            value = np.nan if few or one.value is None else one.value
            low, high = (np.nan, np.nan) if np.isnan(value) else one.interval or (np.nan, np.nan)
            least, most = one.bounds or (value, value)
            rows.append(
                {
                    "when": when,
                    "estimator": one.estimator,
                    "rate": value,
                    "rate_low": low,
                    "rate_high": high,
                    "at_least": np.nan if few else least,
                    "at_most": np.nan if few else most,
                    "results": np.nan if 0 < one.results < FEWEST_SHOWN else one.results,
                    "finds": np.nan if few else one.finds,
                    "effective": np.nan if few else one.effective_sample_size,
                }
            )
    columns = ("when", "estimator", "rate", "rate_low", "rate_high", "at_least", "at_most")
    return pd.DataFrame(rows, columns=[*columns, "results", "finds", "effective"])


def _missed(chosen: pd.DataFrame, headline: Estimate | None) -> Missed | None:
    if headline is None or headline.value is None or headline.interval is None:
        return None
    if headline.results < FEWEST_SHOWN:
        return None
    ours = chosen[~examined_by_others(chosen)]
    unexamined = int((~ours["referred"]).sum())
    low, high = headline.interval
    return Missed(
        unexamined=unexamined,
        finds_made=int(ours["label"].sum()),
        finds_missed=headline.value * unexamined,
        low=low * unexamined,
        high=high * unexamined,
    )


def random_slice_by_band(chosen: pd.DataFrame) -> pd.DataFrame:
    """What chance found in each band, and in all in the last row.

    Columns: ``band``, ``drawn``, ``results``, ``finds``, ``find_rate`` with its interval.
    """
    by_chance = random_slice(chosen)
    counts = by_chance.groupby("band")["label"].agg(["size", "count", "sum"])
    counts = counts.reindex(BANDS, fill_value=0).astype(np.int64)
    drawn, results = kept_back(counts["size"]), kept_back(counts["count"])
    results |= drawn
    counts = pd.concat([counts, counts.sum().to_frame("all").T])
    drawn = np.append(drawn, 0 < counts["size"].iloc[-1] < FEWEST_SHOWN)
    few = np.append(results, counts["count"].iloc[-1] < FEWEST_SHOWN) | (counts["count"] == 0)
    return pd.DataFrame(
        {
            "band": [*BANDS, "all"],
            "drawn": counts_shown(counts["size"], drawn),
            "results": counts_shown(counts["count"], few & (counts["count"] > 0)),
            "finds": counts_shown(counts["sum"], few),
            **rate_columns("find_rate", counts["sum"], counts["count"], few),
        }
    )


def _finds_of(chosen: pd.DataFrame) -> tuple[int, int]:
    labels = chosen["label"].dropna()
    return int(labels.sum()), len(labels)


def _rising(now: pd.DataFrame, before: pd.DataFrame) -> float:
    finds, of = _finds_of(now)
    then, then_of = _finds_of(before)
    if min(of, then_of) < FEWEST_SHOWN:
        return np.nan
    return float(shares_alike(finds, of, then, then_of).higher)


def _less_examined(chosen: pd.DataFrame) -> float:
    by_chance, for_risk = random_slice(chosen), chosen[chosen["reason"] == "risk"]
    if min(len(by_chance), len(for_risk)) < FEWEST_SHOWN:
        return np.nan
    results, other = (int(part["label"].notna().sum()) for part in (by_chance, for_risk))
    alike: ByChance = shares_alike(results, len(by_chance), other, len(for_risk))
    return float(alike.lower)


def _compared(chosen: pd.DataFrame) -> tuple[tuple[Paired, ...], int | None, int]:
    """The latest challenger and the champion on the random slice, where both spoke."""
    drawn = random_slice(chosen)
    drawn = drawn[drawn["challenger_probability"].notna() & drawn["probability"].notna()]
    if drawn.empty:
        return (), None, 0
    version = int(drawn["challenger"].iloc[-1])
    rows = drawn[(drawn["challenger"] == version) & drawn["label"].notna()]
    if len(rows) < FEWEST_SHOWN or rows["label"].nunique() < 2:
        return (), version, len(rows)
    first, second, labels = (
        rows[name].to_numpy(np.float64)
        for name in ("probability", "challenger_probability", "label")
    )
    days = rows["day"].to_numpy(np.int64)
    return paired_measures(first, second, labels, days, share=MEDIUM_SHARE), version, len(rows)
