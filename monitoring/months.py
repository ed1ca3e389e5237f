"""The period beside the months before it: what judges a model over time is made from this frame.

Of each earlier month at most :data:`MOST_EXAMINED` examined movements and :data:`MOST_OTHERS`
others are taken, drawn with a fixed seed; each says how many movements it stands for.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.timeline import Timeline
from monitoring.periods import Period, month_of
from monitoring.scored import LABELS, movements_between

MONTHS_BEFORE = 6
MOST_EXAMINED, MOST_OTHERS = 5_000, 4_000
"""Of one earlier month. The period itself keeps all that were examined."""
MOST_OTHERS_OF_THE_PERIOD = 20_000
SEED = 20_260_301

COLUMNS = (
    "month", "movement", "live", "probability", "may_have_seen", "outcome", "label",
    "available_at", "examined_at", "outcome_known_at", "stands_for",
)  # fmt: skip


class Drawn(NamedTuple):
    places: NDArray[np.int64]
    """int64[k], rising."""
    stands_for: NDArray[np.float64]
    """float64[k], at least 1: the movements that each one speaks for."""


def draw(examined: NDArray[np.bool_], most_examined: int | None, most_others: int) -> Drawn:
    """A fixed-seed sample, examined movements and others drawn apart.

    >>> draw(np.array([True, False, False, False]), None, 1).stands_for.tolist()
    [1.0, 3.0]
    """
    rng = np.random.default_rng(SEED)
    weights = np.zeros(len(examined))
    for group, most in ((examined, most_examined), (~examined, most_others)):
        members = np.flatnonzero(group)
        chosen = members
        if most is not None and len(members) > most:
            chosen = rng.choice(members, most, replace=False)
        if len(chosen):
            weights[chosen] = len(members) / len(chosen)
    places = np.flatnonzero(weights)
    return Drawn(places, weights[places])


def movements_of_earlier_months(timeline: Timeline, kind: str, period: Period) -> pd.DataFrame:
    """Rows of ``timeline.movements`` from before the period, with ``month`` and ``stands_for``."""
    start = period.start
    for _ in range(MONTHS_BEFORE):
        start = month_of(start - 1).start
    movements = movements_between(timeline, kind, start, period.start)
    month = _month_names(movements["available_at"].to_numpy(np.int64))
    with_label = timeline.outcomes["outcome"].isin(list(LABELS))
    examined = movements["movement"].isin(timeline.outcomes["movement"][with_label]).to_numpy()
    drawn = [
        Drawn(at[part.places], part.stands_for)
        for at in (np.flatnonzero(month == name) for name in np.unique(month))
        for part in (draw(examined[at], MOST_EXAMINED, MOST_OTHERS),)
    ]
    if not drawn:
        return movements.assign(month=month, stands_for=1.0)
    places = np.concatenate([part.places for part in drawn])
    weights = np.concatenate([part.stands_for for part in drawn])
    chosen = movements.iloc[places].assign(month=month[places], stands_for=weights)
    return chosen.reset_index(drop=True)


def with_the_period(earlier: pd.DataFrame, frame: pd.DataFrame, period: Period) -> pd.DataFrame:
    """One frame with :data:`COLUMNS`, the months in order and the period last.

    Args:
        earlier: scored rows of ``movements_of_earlier_months``.
        frame: the period's scored frame (:class:`monitoring.scored.Scored`).
    """
    drawn = draw(frame["label"].notna().to_numpy(), None, MOST_OTHERS_OF_THE_PERIOD)
    of_period = frame.iloc[drawn.places].assign(month=period.name, stands_for=drawn.stands_for)
    parts = [part[list(COLUMNS)] for part in (earlier, of_period) if len(part)]
    if not parts:
        return of_period[list(COLUMNS)]
    return pd.concat(parts, ignore_index=True)


def judged(months: pd.DataFrame) -> pd.DataFrame:
    """Rows that can tell how good the model is: scored, with a result, and not learned from."""
    usable = months["label"].notna() & months["probability"].notna() & ~months["may_have_seen"]
    return months[usable]


def _month_names(instants: NDArray[np.int64]) -> NDArray[np.str_]:
    """
    >>> _month_names(np.array([0, 31 * 86_400_000_000])).tolist()
    ['1970-01', '1970-02']
    """
    return instants.astype("datetime64[us]").astype("datetime64[M]").astype(np.str_)
