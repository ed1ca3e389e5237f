"""How one model treats groups of movements: is it as right about each as about all?

The groups are of things that move and of organisations, never of persons. A group with few rows or
few finds is named and not measured: its numbers would be noise, and could point to one case.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.history.statistics import NEVER_DAYS
from features.regions import region_of
from models.baselines import Rows
from models.bootstrap import Interval, day_block_draws, percentile_interval, ratio_draws
from models.metrics import number_at, roc_auc
from models.selective import highest

Floats = NDArray[np.float64]

FEWEST_ROWS = 30
FEWEST_FINDS = 10
"""Below either a group is suppressed."""
MOST_GROUPS = 12
"""Of one attribute, the largest; the rest are one group."""
OTHERS = "all others"
NOT_GIVEN = "not declared"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Of one group that is large enough."""

    rows: int
    finds: int
    referral_rate: float
    """Share of the group's rows among the highest scores of all rows, at the judged capacity."""
    precision: float | None
    """Finds among those; None where there is none of them."""
    predicted: float
    """Mean probability."""
    observed: float
    """Finds per row."""
    gap: Interval | None
    """Of predicted less observed: day-block bootstrap, 95 %; None from too few days."""
    roc_auc: float | None
    roc_auc_interval: Interval | None

    @property
    def off(self) -> bool:
        """The mean probability is not that of the finds, by more than chance explains."""
        return self.gap is not None and not self.gap[0] <= 0.0 <= self.gap[1]


class GroupResult(msgspec.Struct, frozen=True, kw_only=True):
    by: str
    """What the rows are grouped by: ``route``, ``flag``, ``size of the haulier``."""
    group: str
    measured: Measured | None
    """None: suppressed, fewer than ``FEWEST_ROWS`` rows or ``FEWEST_FINDS`` finds."""


class Grouping(NamedTuple):
    by: str
    names: Callable[[Rows, Sequence[str]], list[str]]
    """Of rows and the names of their columns, the group of each row."""


def _field(name: str) -> Callable[[Rows, Sequence[str]], list[str]]:
    return lambda rows, _: [str(m.fields.get(name, NOT_GIVEN)) for m in rows.movements]


def _region(name: str) -> Callable[[Rows, Sequence[str]], list[str]]:
    def names(rows: Rows, _: Sequence[str]) -> list[str]:
        codes = (m.fields.get(name) for m in rows.movements)
        return [region_of(None if c is None else str(c)) or NOT_GIVEN for c in codes]

    return names


def _ranges(
    feature: str, edges: Sequence[float], labels: Sequence[str]
) -> Callable[[Rows, Sequence[str]], list[str]]:
    """
    Args:
        edges: rising; a value equal to an edge is above it.
        labels: one more than edges.
    """

    def names(rows: Rows, columns: Sequence[str]) -> list[str]:
        values = rows.matrix[:, list(columns).index(feature)]
        places = np.searchsorted(edges, values, side="right")
        missing = np.isnan(values)
        return [NOT_GIVEN if gone else labels[at] for at, gone in zip(places, missing, strict=True)]

    return names


def _size(role: str, label: str) -> Grouping:
    labels = ("no movement before", "1 to 9 movements", "10 to 99 movements", "100 or more")
    return Grouping(f"size of the {label}", _ranges(f"{role}.movements", (1, 10, 100), labels))


def _age(role: str, label: str) -> Grouping:
    return Grouping(
        f"age of the {label}",
        _ranges(
            f"{role}.days_since_first_movement",
            (90, 365, NEVER_DAYS),
            ("known under 90 days", "90 days to a year", "over a year", "never seen"),
        ),
    )


_REGISTERED = Grouping(
    "registration",
    _ranges("unregistered_parties", (1,), ("all parties registered", "a party not registered")),
)
GROUPINGS: Mapping[str, tuple[Grouping, ...]] = {
    "vehicle": (
        Grouping("route", _field("route_id")),
        Grouping("country of registration", _field("vehicle_country")),
        Grouping("region of departure", _region("route_id")),
        _size("haulier", "haulier"),
        _age("haulier", "haulier"),
        _REGISTERED,
    ),
    "vessel": (
        Grouping("flag", _field("flag")),
        Grouping("port of call", _field("port")),
        Grouping("region of departure", _region("last_port")),
        _size("operator", "operator"),
        _age("operator", "operator"),
        Grouping(
            "reported voyage", _ranges("is_reported", (1,), ("voyage not reported", "reported"))
        ),
    ),
    "shipment": (
        Grouping("customs office", _field("office")),
        Grouping("country of origin", _field("origin_country")),
        Grouping("region of departure", _region("dispatch_country")),
        _size("consignor", "consignor"),
        _age("consignor", "consignor"),
        _REGISTERED,
    ),
}


def evaluate_groups(
    kind: str,
    rows: Rows,
    columns: Sequence[str],
    probabilities: Floats,
    labels: Floats,
    days: NDArray[np.int64],
    *,
    share: float,
    seed: int = 1,
) -> tuple[GroupResult, ...]:
    """
    Args:
        columns: names of the columns of ``rows.matrix``.
        probabilities: float64[n], calibrated.
        labels: float64[n], 0.0 or 1.0.
        days: int64[n]
        share: capacity, of all rows together.
    """
    referred = highest(probabilities, number_at(share, len(labels)))
    found = []
    for grouping in GROUPINGS[kind]:
        names = np.array(grouping.names(rows, columns), dtype=object)
        for name in _largest(names):
            chosen = names == name if name != OTHERS else ~np.isin(names, _largest(names)[:-1])
            measured = None
            if chosen.sum() >= FEWEST_ROWS and labels[chosen].sum() >= FEWEST_FINDS:
                measured = _measured(
                    probabilities[chosen], labels[chosen], days[chosen], referred[chosen], seed
                )
            found.append(GroupResult(by=grouping.by, group=name, measured=measured))
    return tuple(found)


def _largest(names: NDArray[np.object_]) -> list[str]:
    """By falling number of rows, then by name; beyond ``MOST_GROUPS`` they are one, the last."""
    counts = sorted(zip(*np.unique(names, return_counts=True), strict=True), key=_by_size)
    listed = [str(name) for name, _ in counts]
    if len(listed) <= MOST_GROUPS:
        return listed
    return [*listed[: MOST_GROUPS - 1], OTHERS]


def _by_size(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _measured(
    probabilities: Floats, labels: Floats, days: NDArray[np.int64], referred: Floats, seed: int
) -> Measured:
    every = np.ones(len(labels))
    gaps = ratio_draws(probabilities - labels, every, days, seed=seed)
    draws = day_block_draws(probabilities, labels, days, share=1.0, seed=seed)
    taken = float(referred.sum())
    return Measured(
        rows=len(labels),
        finds=int(labels.sum()),
        referral_rate=taken / len(labels),
        precision=float(referred @ labels) / taken if taken else None,
        predicted=float(probabilities.mean()),
        observed=float(labels.mean()),
        gap=None if gaps is None else percentile_interval(gaps),
        roc_auc=roc_auc(probabilities, labels),
        roc_auc_interval=None if draws is None else percentile_interval(draws.roc_auc),
    )
