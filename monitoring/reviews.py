"""When the impact assessments are to be reviewed: people set the days, the report watches them."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

EXPECTED = {
    "DPIA": "Data protection impact assessment",
    "EIA": "Equality impact assessment",
    "ATRS": "Algorithmic transparency record",
}
"""What governance expects a review of, by the name that the setting ``reviews`` has it under."""
DUE_SOON_DAYS = 60
"""A review takes weeks and other people's time: its owner is reminded two months before."""


class Review(NamedTuple):
    name: str
    due: date | None
    """None: nobody has set a day."""
    days_left: int | None
    """Until it is due, negative once it is overdue; None without a day."""


def reviews(due: Mapping[str, date], today: date) -> tuple[Review, ...]:
    """The expected ones first, set or not, then others that people have set.

    Args:
        today: the day on which the report's period is over; due that day is not overdue yet.

    >>> [(r.name, r.days_left) for r in reviews({"DPIA": date(2026, 4, 2)}, date(2026, 4, 1))]
    [('DPIA', 1), ('EIA', None), ('ATRS', None)]
    """
    names = [*EXPECTED, *sorted(due.keys() - EXPECTED.keys())]
    return tuple(
        Review(name, due[name], (due[name] - today).days)
        if name in due
        else Review(name, None, None)
        for name in names
    )
