"""What the movements of a block of days have in common, whatever their kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.simulate.codes import Bools, Column, Floats, Ints, Texts
from features.simulate.goods import GOODS
from features.simulate.world import HONEST, NOBODY, Lanes

MICROS_PER_HOUR = 3_600_000_000
CONTAINERS_PER_NETWORK = 4
NIGHT_STARTS, NIGHT_HOURS = 22.0, 8.0
WEEKDAY_FACTORS: Mapping[str, tuple[float, ...]] = {
    "vehicle": (1.10, 1.14, 1.13, 1.10, 1.05, 0.78, 0.70),
    "vessel": (0.95, 0.95, 0.97, 1.00, 1.05, 1.06, 1.02),
    "shipment": (1.18, 1.20, 1.18, 1.15, 1.10, 0.65, 0.54),
}
"""Monday to Sunday, mean 1."""


class Block(NamedTuple):
    """Some consecutive days, and how many movements of the kind arrive on each."""

    start: date
    """Day 0 of the simulation."""
    first_day: int
    counts: Ints
    season_delay_days: int = 0
    """How much later in the year than usual the seasons come."""

    @property
    def day(self) -> Ints:
        """int64[n], counted from the start: the day each movement arrives."""
        days = np.arange(self.counts.size, dtype=np.int64) + self.first_day
        return np.repeat(days, self.counts)

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    def midnight(self) -> Ints:
        """Microseconds since 1970 at which each movement's day begins, UTC."""
        origin = (self.start - date(1970, 1, 1)).days
        return (self.day + origin) * MICROS_PER_DAY

    def year(self) -> Ints:
        """Of each movement's arrival."""
        return self.midnight().astype("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970

    def month(self) -> int:
        """Of the season in the middle of the block, 1 to 12."""
        middle = self.first_day + self.counts.size // 2 - self.season_delay_days
        return (self.start + timedelta(days=middle)).month


@dataclass
class Traffic:
    """The movements of one block and kind, in order of their day of arrival."""

    kind: str
    block: Block
    lane: Ints
    declared_at: Ints
    arrives_at: Ints
    """Microseconds since 1970."""
    columns: dict[str, Column]
    """The record's fields, as declared."""
    facts: dict[str, Floats]
    """What smuggling and the regime go by, named as in ``signs.py``."""
    site: Ints
    goods: Ints
    entities: Ints
    """int64[n, k]: whom an examination says something about, for the regime's memory."""
    lorry_refs: "Column | None" = None
    """Of shipments: the movement_ref of the lorry that truly carries each, declared or not."""


def draw_counts(
    rng: np.random.Generator, kind: str, start: date, days: range, movements_per_day: float
) -> Ints:
    weekdays = [(start + timedelta(days=day)).weekday() for day in days]
    factors = np.array([WEEKDAY_FACTORS[kind][weekday] for weekday in weekdays])
    return rng.poisson(movements_per_day * factors).astype(np.int64)


def draw_lanes(rng: np.random.Generator, lanes: Lanes, block: Block, season: Floats) -> Ints:
    drawn = [
        lanes.draw(rng, block.first_day + at, int(count), season)
        for at, count in enumerate(block.counts)
    ]
    return np.concatenate(drawn)


def season_of_goods(goods: Ints, month: int) -> Floats:
    """A factor a lane: half as much again in the month of the peak and a quarter beside it."""
    peaks = np.array([of.peak_month for of in GOODS] + [0])  # NOBODY takes the last
    distance = np.abs((peaks - month + 6) % 12 - 6)
    rise = np.where(peaks == 0, 0.0, np.select([distance == 0, distance == 1], [0.5, 0.25], 0.0))
    factors: Floats = 1.0 + rise[goods]
    return factors


def hour_of_day(rng: np.random.Generator, nightly: Floats) -> tuple[Floats, Bools]:
    """Hours in whole minutes, below 24, and whether it is night (22 to 6 UTC)."""
    night = rng.random(nightly.size) < nightly
    place = rng.random(nightly.size)
    night_hour = (NIGHT_STARTS + NIGHT_HOURS * place) % 24
    day_hour = NIGHT_STARTS - 24 + NIGHT_HOURS + (24 - NIGHT_HOURS) * place
    hour: Floats = np.floor(np.where(night, night_hour, day_hour) * 60.0) / 60.0
    return hour, night


def to_micros(hours: Floats) -> Ints:
    """Whole minutes: nobody declares microseconds."""
    return np.round(hours * 60.0).astype(np.int64) * (MICROS_PER_HOUR // 60)


def choose(rng: np.random.Generator, n: int, weights: Sequence[float]) -> Ints:
    shares = np.array(weights, dtype=np.float64)
    return rng.choice(shares.size, size=n, p=shares / shares.sum())


def taken(pool: Texts, index: Ints, blank: Bools | None = None) -> Column:
    """The texts of ``index``; null for ``NOBODY`` and where ``blank``."""
    null = index == NOBODY if blank is None else (index == NOBODY) | blank
    places: Any = pa.array(np.where(null, 0, index), mask=null)
    found: Column = pool.take(places)
    return found


def numbers(values: NDArray[np.generic], blank: Bools) -> Column:
    """Floats, whole numbers or booleans; null where blank."""
    column: Column = pa.array(values, mask=blank)
    return column


def instants(micros: Ints, blank: Bools | None = None) -> Column:
    column: Column = pa.array(micros, mask=blank).cast(pa.timestamp("us", tz="UTC"))
    return column


def blanks(rng: np.random.Generator, n: int, share: float) -> Bools:
    left_out: Bools = rng.random(n) < share
    return left_out


def typed(rng: np.random.Generator, who: Ints, pool_size: int, share: float) -> Ints:
    """Mostly ``who``; for a few, the entry that holds the same number mistyped."""
    slip = (rng.random(who.size) < share) & (who != NOBODY)
    entry: Ints = who + slip * pool_size
    return entry


def boxes(
    rng: np.random.Generator, networks: Ints, container_count: int, network_share: float
) -> Ints:
    """A container a movement; a network keeps coming back to a few of the pool."""
    kept = networks * CONTAINERS_PER_NETWORK
    kept = (kept + rng.integers(0, CONTAINERS_PER_NETWORK, networks.size)) % container_count
    again = (networks != HONEST) & (rng.random(networks.size) < network_share)
    return np.where(again, kept, rng.integers(0, container_count, networks.size))


def overwritten(column: Column, at: Ints, values: Column) -> Column:
    """The column with ``values`` (nulls too) in the places ``at``, all different."""
    source = np.arange(len(column), dtype=np.int64)
    source[at] = len(column) + np.arange(at.size)
    both: Column = pa.concat_arrays([column, values.cast(column.type)])
    changed: Column = both.take(source)
    return changed


def odd_price(rng: np.random.Generator, odd: Bools) -> Floats:
    """A factor on the usual price: ordinary spread, and far off either way when odd."""
    usual = rng.lognormal(0.0, 0.35, odd.size)
    off = np.exp(rng.uniform(1.1, 2.2, odd.size) * np.where(rng.random(odd.size) < 0.6, -1, 1))
    factors: Floats = np.where(odd, usual * off, usual)
    return factors
