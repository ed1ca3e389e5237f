"""What went wrong, and for how long: stops, answers that were not whole, corrected outcomes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY, Micros, from_micros
from features.ledger import OutcomeRecorded

FEWEST_FINDS = 10
"""The share of finds that were taken back is not worked out from fewer."""


class Word(NamedTuple):
    """Somebody suspended the service, or let it go on."""

    at: Micros
    kinds: tuple[str, ...]
    suspends: bool
    by: str
    reason: str


class Stop(NamedTuple):
    """For one kind: from when to when no model might speak."""

    kind: str
    began_at: Micros
    ended_at: Micros | None
    """None: it goes on."""
    by: str
    reason: str
    ended_by: str | None
    why_ended: str | None

    def hours_within(self, start: Micros, end: Micros) -> float:
        """Of the time from ``start`` up to ``end``.

        >>> Stop("vessel", 0, None, "A", "drift", None, None).hours_within(0, 7_200_000_000)
        2.0
        """
        ended = end if self.ended_at is None else min(self.ended_at, end)
        return max(0, ended - max(self.began_at, start)) / (MICROS_PER_DAY / 24)


def stops(words: Iterable[Word]) -> tuple[Stop, ...]:
    """Every stop of every kind, by when it began.

    Args:
        words: in the order in which they were said; a second suspension changes nothing.
    """
    found: list[Stop] = []
    open_ones: dict[str, Word] = {}
    for word in words:
        for kind in word.kinds:
            if word.suspends:
                open_ones.setdefault(kind, word)
            elif (began := open_ones.pop(kind, None)) is not None:
                ended = (word.at, began.by, began.reason, word.by, word.reason)
                found.append(Stop(kind, began.at, *ended))
    found += [
        Stop(kind, word.at, None, word.by, word.reason, None, None)
        for kind, word in open_ones.items()
    ]
    return tuple(sorted(found, key=lambda stop: (stop.began_at, stop.kind)))


def by_day(answers: Mapping[str, int], not_whole: pd.DataFrame) -> pd.DataFrame:
    """Columns ``day``, ``answers``, ``degraded``, ``unassessed``, ``share`` (of both); a row a day
    with answers, in order.

    Args:
        answers: day (``YYYY-MM-DD``) to answers of all kinds.
        not_whole: ``day``, ``status`` (``degraded`` or ``unassessed``), and ``first``, how many
            answers, each counted once.
    """
    days = sorted(answers)
    frame = pd.DataFrame({"day": days, "answers": [answers[day] for day in days]})
    for status in ("degraded", "unassessed"):
        of_status = not_whole[not_whole["status"] == status].groupby("day")["first"].sum()
        frame[status] = of_status.reindex(days, fill_value=0).to_numpy(dtype=np.int64)
    frame["share"] = (frame["degraded"] + frame["unassessed"]) / frame["answers"]
    return frame


def by_reason(total: int, reasons: pd.DataFrame) -> pd.DataFrame:
    """Columns ``reason``, ``status``, ``answers``, ``share``, ``days``; most answers first.

    Args:
        total: answers of the period, whole or not.
        reasons: ``reason``, ``status``, ``day``, ``answers``. An answer with two reasons is in
            both, so that shares may add up to more than 1.
    """
    grouped = reasons.groupby(["reason", "status"])
    frame = grouped.agg(answers=("answers", "sum"), days=("day", "nunique")).reset_index()
    frame["share"] = frame["answers"] / max(total, 1)
    frame = frame.sort_values(["answers", "reason"], ascending=[False, True], kind="stable")
    return frame[["reason", "status", "answers", "share", "days"]].reset_index(drop=True)


def corrections(
    outcomes: Sequence[OutcomeRecorded], known_at: Sequence[Micros], start: Micros, end: Micros
) -> pd.DataFrame:
    """Outcomes that replaced or took back an earlier one, known in ``start <= known < end``.

    Args:
        outcomes: all that were ever recorded; ``known_at`` as long, microseconds.

    Returns:
        Columns ``kind``, ``was`` (``not known here`` when what it corrects never came), ``became``
        (``taken back`` for one withdrawn), ``month`` (``YYYY-MM`` in which what it corrects became
        known, missing when it never did) and ``corrections``; one row a combination.
    """
    first = {outcome.message: at for at, outcome in enumerate(outcomes) if outcome.message}
    rows = []
    for outcome, at in zip(outcomes, known_at, strict=True):
        if outcome.corrects is None or not start <= at < end:
            continue
        place = first.get(outcome.corrects)
        was = "not known here" if place is None else outcomes[place].outcome
        became = "taken back" if outcome.outcome == "withdrawn" else outcome.outcome
        month = None if place is None else f"{from_micros(int(known_at[place])):%Y-%m}"
        rows.append((outcome.kind, was, became, month))
    frame = pd.DataFrame(rows, columns=["kind", "was", "became", "month"])
    columns = list(frame.columns)
    return frame.groupby(columns, dropna=False).size().reset_index(name="corrections")


def share_taken_back(corrected: pd.DataFrame, finds: int) -> float:
    """Finds that are finds no more, as a share of ``finds``; NaN below :data:`FEWEST_FINDS`."""
    if finds < FEWEST_FINDS:
        return math.nan
    lost = corrected[(corrected["was"] == "positive") & (corrected["became"] != "positive")]
    return int(lost["corrections"].sum()) / finds
