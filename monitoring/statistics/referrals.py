"""How many movements the service referred, and why, beside the share that was planned for."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from models.bands import HIGH_SHARE
from models.proportions import wilson_interval
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.periods import Period
from monitoring.signals import Colour
from monitoring.statistics.calibration import SURE_Z

AMBER_RATIO, RED_RATIO = 1.5, 2.0
"""Referrals over what capacity was planned for: half as many again cannot all be examined."""
REASONS = {
    "intelligence": "for what an agency knows",
    "rule": "by a rule",
    "risk": "for risk",
    "exploration": "by chance (exploration)",
    "cold_start": "by chance, nothing to rank by",
    "none": "not referred",
}


class Referrals(NamedTuple):
    by_reason: pd.DataFrame
    """``reason`` (in words), ``movements``, ``share`` with its 95 % Wilson interval, ``examined``
    (movements with a result by now; NaN below 10 movements)."""
    movements: int
    """With a logged choice in the period, each counted once, by its last choice."""
    referred: int
    planned: float
    """Share of all movements that the policy means to refer: the share that band high was set at,
    and the mean chance of a draw."""

    @property
    def share(self) -> float:
        return self.referred / self.movements if self.movements else math.nan


def referrals(choices: pd.DataFrame, label: pd.Series, period: Period) -> Referrals:
    """
    Args:
        choices: one kind's rows of ``serving.choices.read_logged_choices``.
        label: 1.0, 0.0 or NaN by movement.
    """
    within = period.covers(choices["available_at"].to_numpy(np.int64)) & choices["logged"]
    last = choices[within].drop_duplicates("movement", keep="last")
    has_result = last["movement"].map(label).notna()
    rows = []
    for reason, words in REASONS.items():
        chosen = (last["reason"] == reason).to_numpy()
        count = int(chosen.sum())
        low, high = wilson_interval(count, len(last))
        share = count / len(last) if len(last) else math.nan
        examined = float(has_result[chosen].sum()) if count >= FEWEST_EXAMINATIONS else math.nan
        rows.append((words, count, share, low, high, examined))
    columns = ["reason", "movements", "share", "share_low", "share_high", "examined"]
    planned = HIGH_SHARE + (float(last["exploration"].mean()) if len(last) else 0.0)
    table = pd.DataFrame(rows, columns=columns)
    return Referrals(table, len(last), int(last["referred"].sum()), planned)


def referrals_colour(found: Referrals) -> Colour:
    """Amber or red when surely more is referred than planned, and by so much."""
    if found.movements < FEWEST_EXAMINATIONS:
        return "grey"
    low, _ = wilson_interval(found.referred, found.movements, SURE_Z)
    ratio = found.share / found.planned
    if low <= found.planned or ratio < AMBER_RATIO:
        return "green"
    return "red" if ratio >= RED_RATIO else "amber"
