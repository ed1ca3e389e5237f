"""What officers decided, beside the advice they had and what came of it: one row an answer."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY, Micros
from features.ledger import DecisionTaken
from monitoring.scored import LABELS

_FROM_THE_LEDGER = (
    "kind", "movement", "score_id", "decision", "reason_code", "matches", "decided_at",
)  # fmt: skip


def decisions_frame(taken: Iterable[tuple[DecisionTaken, Micros]]) -> pd.DataFrame:
    """Decisions in the order of the ledger, with the instant at which each became known.

    Columns: kind, movement, score_id, decision, reason_code (None), matches (ids of those that it
    dismisses), decided_at and known_at (microseconds).
    """
    rows = [(*(getattr(one, name) for name in _FROM_THE_LEDGER), known) for one, known in taken]
    columns = (*_FROM_THE_LEDGER, "known_at")
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({"decided_at": "int64", "known_at": "int64"})


def decided_frame(
    decisions: pd.DataFrame,
    answers: pd.DataFrame,
    choices: pd.DataFrame,
    outcomes: pd.DataFrame,
    kind: str,
) -> pd.DataFrame:
    """Decisions of a kind, the last one on each answer; decisions on unknown answers are left out.

    Args:
        decisions: as from :func:`decisions_frame`.
        answers: as ``serving.audit.read_assessments`` gives them.
        choices: as ``serving.choices.read_logged_choices``; where it has no choice of an answer,
            the band says what was advised.
        outcomes: as ``Timeline.outcomes``.

    Returns:
        Columns: movement, known_at (microseconds), band; ``advised`` (a referral was), ``referred``
        (the officer did), ``overridden`` (the decision was called an override), reason_code,
        ``hours`` from the answer to the decision, outcome (None) and ``label`` (1.0 found, 0.0
        nothing found, NaN neither).
    """
    last = decisions[decisions["kind"] == kind].sort_values("decided_at", kind="stable")
    last = last.drop_duplicates("score_id", keep="last")
    answered = answers[["score_id", "available_at", "band"]]
    frame = last.merge(answered, on="score_id").merge(
        choices.loc[choices["logged"], ["score_id", "referred"]], on="score_id", how="left"
    )
    frame = frame.merge(outcomes[["movement", "outcome"]], on="movement", how="left")
    by_band = (frame["band"] == "high").to_numpy(bool)
    logged = frame["referred"].notna().to_numpy(bool)
    advised = np.where(logged, frame["referred"].eq(True).to_numpy(bool), by_band)
    overridden = (frame["decision"] == "overridden").to_numpy(bool)
    said_referred = (frame["decision"] == "referred").to_numpy(bool)
    return pd.DataFrame(
        {
            "movement": frame["movement"],
            "known_at": frame["known_at"],
            "band": frame["band"],
            "advised": advised,
            "referred": np.where(overridden, ~advised, said_referred),
            "overridden": overridden,
            "reason_code": frame["reason_code"],
            "hours": (frame["decided_at"] - frame["available_at"]) / (MICROS_PER_DAY / 24),
            "outcome": frame["outcome"],
            "label": frame["outcome"].map(LABELS).astype(np.float64),
        }
    )
