"""Movements with the logged choice about each and what came of it, to judge exploration by."""

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY, Micros
from models.left_out import Sample
from monitoring.scored import LABELS


def chosen_frame(
    choices: pd.DataFrame, outcomes: pd.DataFrame, kind: str, start: Micros, end: Micros
) -> pd.DataFrame:
    """One row per movement of ``kind`` that was answered in ``start <= available_at < end``.

    Of several versions and re-assessments, which have one draw, the one with the largest propensity
    counts: below that the draw was a referral. Answers without a logged choice are left out.

    Args:
        choices: as ``serving.choices.read_logged_choices``.
        outcomes: as ``Timeline.outcomes``.

    Returns:
        Columns: movement, available_at, day, probability, band, referred (bool), reason,
        propensity, exploration, challenger, challenger_probability, ``label`` (1.0 found, 0.0
        nothing found, NaN neither).
    """
    moments = choices["available_at"].to_numpy(np.int64)
    within = (moments >= start) & (moments < end)
    chosen = choices[within & (choices["kind"] == kind) & choices["logged"]]
    chosen = chosen.sort_values("propensity", kind="stable").drop_duplicates(
        "movement", keep="last"
    )
    known = outcomes.loc[outcomes["kind"] == kind, ["movement", "outcome"]]
    frame: pd.DataFrame = chosen.merge(known, on="movement", how="left")
    frame["label"] = frame.pop("outcome").map(LABELS).astype(np.float64)
    frame["day"] = frame["available_at"] // MICROS_PER_DAY
    frame = frame.sort_values(["available_at", "movement"], kind="stable")
    return frame.drop(columns=["score_id", "kind", "logged"]).reset_index(drop=True)


def usable(chosen: pd.DataFrame) -> pd.DataFrame:
    """Rows whose choice can be: a propensity in [0, 1], and above 0 where it was referred."""
    propensity, exploration = chosen["propensity"], chosen["exploration"]
    possible = propensity.between(0.0, 1.0) & exploration.between(0.0, 1.0)
    can_be: pd.DataFrame = chosen[possible & ~(chosen["referred"] & (propensity == 0.0))]
    return can_be


def examined_by_others(chosen: pd.DataFrame) -> pd.Series:
    """bool[n]: has a result although no referral led to it (a tip, another agency)."""
    return ~chosen["referred"] & chosen["label"].notna()


def sample_of(chosen: pd.DataFrame) -> Sample:
    """For the estimators, without what others chose to examine."""
    ours = chosen[~examined_by_others(chosen)]
    probability = ours["probability"]
    filled = probability.fillna(probability.mean()).to_numpy(np.float64)
    return Sample(
        referred=ours["referred"].to_numpy(bool),
        found=ours["label"].where(ours["referred"]).to_numpy(np.float64),
        propensity=ours["propensity"].to_numpy(np.float64),
        probability=None if probability.isna().all() else filled,
    )
