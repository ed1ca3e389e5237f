"""What one key's history is read as: counts, decayed counts, recency and a smoothed find rate.

A key has a *grade*, which says what is kept for it:

======== =========================== ==================== ==========================================
grade    half-lives of its decayed    instants kept        keys
         counts, in days
======== =========================== ==================== ==========================================
entity   7, 30, 180, 730             all three kinds      organisations, vehicles, vessels, ...
category 730                         none                 a route, a flag, a commodity, the kind
pair     none                        movements only       a haulier on a route, a vehicle's trailer
======== =========================== ==================== ==========================================
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Grade = Literal["entity", "category", "pair"]
GRADES: tuple[Grade, ...] = ("entity", "category", "pair")

WHATS: tuple[str, ...] = ("movement", "examination", "find")
MOVEMENT, EXAMINATION, FIND = 0, 1, 2

HALF_LIVES: Mapping[Grade, tuple[int, ...]] = {
    "entity": (7, 30, 180, 730),
    "category": (730,),
    "pair": (),
}
"""Days. The last one is the memory of the find rate."""

INSTANTS: Mapping[Grade, int] = {"entity": 3, "category": 0, "pair": 1}
"""How many of ``WHATS``, from the first, have their instants kept."""

NEVER_DAYS = 3650.0
"""Days since something that never happened, and the most that any ``days_since_*`` can be: ten
years ago and never are the same to a model, and NaN is left to mean "not declared" alone."""

RATE_STRENGTH = 10
"""Examinations' worth of the kind's own find rate that every find rate starts from."""

PRIOR_RATE = 0.07
"""Find rate assumed of a kind before its first examination: UK freight searches find something
in 7 % of cases on average."""

PRIOR_STRENGTH = 20
"""Examinations' worth of ``PRIOR_RATE``."""

Operation = Literal["count", "decayed", "days_since_last", "days_since_first", "find_rate"]


class Statistic(NamedTuple):
    """One number read of a key at an instant."""

    name: str
    operation: Operation
    what: int
    half_life_days: int | None
    unit: str
    direction: int
    """+1 when more of it never means less risk, -1 the other way round, 0 when neither is sure."""
    description: str


def _all_statistics() -> list[Statistic]:
    found = []
    for what, word in enumerate(WHATS):
        more_is_worse = 1 if what == FIND else 0
        found.append(
            Statistic(f"{word}s", "count", what, None, "n", more_is_worse, f"{word}s, ever")
        )
        found += [
            Statistic(
                f"{word}s_{days}d",
                "decayed",
                what,
                days,
                "n",
                more_is_worse,
                f"{word}s, each worth half as much every {days} days",
            )
            for days in HALF_LIVES["entity"]
        ]
        found.append(
            Statistic(
                f"days_since_last_{word}",
                "days_since_last",
                what,
                None,
                "days",
                -more_is_worse,
                f"days since the last {word}; {NEVER_DAYS:.0f} when there was none",
            )
        )
    found.append(
        Statistic(
            "days_since_first_movement",
            "days_since_first",
            MOVEMENT,
            None,
            "days",
            0,
            f"days since the first movement; {NEVER_DAYS:.0f} when there was none",
        )
    )
    found.append(
        Statistic(
            "find_rate",
            "find_rate",
            FIND,
            730,
            "probability",
            1,
            "finds per examination with a half-life of 730 days, drawn towards the kind's own rate"
            f" as by {RATE_STRENGTH} more examinations",
        )
    )
    return found


STATISTICS: Mapping[str, Statistic] = {item.name: item for item in _all_statistics()}

FULL: tuple[str, ...] = (
    *(f"{word}s" for word in WHATS),
    *(f"{word}s_{days}d" for word in WHATS for days in HALF_LIVES["entity"]),
    *(f"days_since_last_{word}" for word in WHATS),
    "days_since_first_movement",
    "find_rate",
)
"""Every statistic: for the two entities of a kind that say most about it."""

BRIEF: tuple[str, ...] = (
    "movements",
    "examinations",
    "finds",
    "movements_30d",
    "finds_180d",
    "days_since_last_movement",
    "days_since_last_examination",
    "days_since_last_find",
    "find_rate",
)
"""For the other entities."""

CATEGORY: tuple[str, ...] = ("movements_730d", "examinations", "find_rate")
PAIR: tuple[str, ...] = (
    "movements",
    "days_since_first_movement",
    "days_since_last_movement",
)
