"""The model's ranking of a period beside what a desk could rank by without one."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import Micros
from features.ledger import MovementDeclared
from features.timeline import Timeline
from models.baselines import MEMORIES, Baseline, Lookup, Prevalence, Rows
from monitoring.months import MOST_OTHERS_OF_THE_PERIOD, draw
from monitoring.periods import Period
from monitoring.scored import LABELS, Scored
from monitoring.statistics.capacity import precision_at_capacity

MODEL = "the model"
MOST_LEARNED = 20_000
"""Examined movements that the baselines remember: the latest ones known before the period."""
NAMES = {"prevalence": "past find rate of the same party or route", "lookup": "memory of the same"}
_NO_MATRIX = np.empty((0, 0))


def capacity_of(timeline: Timeline, scored: Scored, period: Period) -> pd.DataFrame:
    """Precision at capacity on the movements that the model has not learned from."""
    usable = np.flatnonzero(~scored.frame["may_have_seen"].to_numpy(bool))
    labels = scored.frame["label"].to_numpy(np.float64)[usable]
    drawn = draw(~np.isnan(labels), None, MOST_OTHERS_OF_THE_PERIOD)
    places = usable[drawn.places]
    scores = scored.frame["probability"].to_numpy(np.float64)[places]
    asked = timeline.first_declared(scored.movements.iloc[places]) if len(places) else []
    baselines = baseline_scores(timeline, scored.kind, period.start, asked)
    return precision_at_capacity(
        {MODEL: scores, **baselines}, labels[drawn.places], drawn.stands_for
    )


def baseline_scores(
    timeline: Timeline, kind: str, known_before: Micros, asked: list[MovementDeclared]
) -> dict[str, NDArray[np.float64]]:
    """Baseline's name in words to a score per movement; empty without earlier results."""
    outcomes = timeline.outcomes
    known = outcomes["outcome"].isin(list(LABELS)) & (outcomes["available_at"] < known_before)
    earlier = outcomes[known & (outcomes["kind"] == kind)].tail(MOST_LEARNED)
    movements = timeline.of_kind(kind).merge(
        earlier[["movement", "outcome"]], on="movement", validate="one_to_one"
    )
    if movements.empty or not asked:
        return {}
    rows = Rows(timeline.first_declared(movements), _NO_MATRIX)
    labels = np.array(movements["outcome"].map(LABELS), dtype=np.float64)
    memory = MEMORIES[kind]
    baselines: tuple[Baseline, ...] = (Prevalence(memory.chain), Lookup(memory.exact))
    for baseline in baselines:
        baseline.fit(rows, labels)
    return {NAMES[b.name]: b.scores(Rows(asked, _NO_MATRIX)) for b in baselines}
