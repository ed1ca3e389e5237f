"""Who trades with whom: organisations shared by the three kinds, and the lanes they trade on.

A *lane* is a standing relation (this haulier, this consignor, this consignee, these goods, this
route); every movement belongs to one. Days are counted from the start of the simulation, so what
began before it has a negative day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.simulate.codes import Bools, Floats, Ints, Texts, registrations, with_mistyped
from features.simulate.parameters import WorldParameters

NOBODY = -1
YOUNG_DAYS = 120
"""A company registered for less is young."""
HONEST = -1
"""In place of a network's number."""


@dataclass(frozen=True)
class Habits:
    """How the movements of each lane behave; shares of its movements, float64[lanes]."""

    hurried: Floats
    nightly: Floats
    odd: Floats
    """Oddly valued, or at sea: silent, loitering or met by another."""
    cash: Floats
    """Paid in cash, or at sea: lately reflagged."""

    def where(self, chosen: Bools, other: "Habits") -> "Habits":
        """These habits for the chosen lanes, the others' for the rest."""
        pairs = {name: (mine, getattr(other, name)) for name, mine in vars(self).items()}
        return Habits(**{name: np.where(chosen, *pair) for name, pair in pairs.items()})


HABIT_MEANS: Mapping[str, tuple[float, float, float, float]] = {
    "ordinary": (0.12, 0.25, 0.04, 0.04),
    "nuisance": (0.40, 0.40, 0.18, 0.18),
    "network": (0.32, 0.36, 0.18, 0.16),
}
"""Hurried, nightly, odd, cash."""
HABIT_CONCENTRATION = 6.0
RATE_SHAPE, NEWCOMER_RATE_SHAPE = 0.5, 1.2
"""Of the gamma distribution of lanes' rates; newcomers and fronts share one."""


@dataclass(frozen=True)
class Lanes:
    """Standing relations of one kind; all arrays have one value a lane."""

    movements_per_day: Floats
    from_day: Ints
    until_day: Ints
    """The first day on which it no longer trades."""
    network: Ints
    """``HONEST`` or the number of a network."""
    run_share: Floats
    """Of a front's movements that carry something; NaN for the honest."""
    nuisance: Bools
    habits: Habits
    columns: Mapping[str, Ints]
    """Who and what: numbers of organisations, routes, goods; ``NOBODY`` where there is none."""
    typical_mass_kg: Floats
    price_factor: Floats
    """Its price per kilogram, of the usual one."""

    def draw(self, rng: np.random.Generator, day: int, n: int, season: Floats) -> Ints:
        """n lanes that trade on the day, by their rate; ``season`` is a factor a lane."""
        trading = (self.from_day <= day) & (day < self.until_day)
        reach = np.cumsum(np.where(trading, self.movements_per_day * season, 0.0))
        drawn = np.searchsorted(reach, rng.random(n) * reach[-1], side="right")
        within: Ints = np.minimum(drawn, trading.size - 1).astype(np.int64)
        return within


@dataclass(frozen=True)
class Windows:
    from_day: Ints
    until_day: Ints

    @property
    def size(self) -> int:
        return int(self.from_day.size)


class Registry:
    """Hands out organisations while the world is made; their numbers are the same in all kinds."""

    def __init__(self) -> None:
        self._countries: list[str] = []
        self._registered: list[int] = []

    def add(self, countries: Sequence[str], registered_day: Ints) -> Ints:
        first = len(self._countries)
        self._countries.extend(countries)
        self._registered.extend(int(day) for day in registered_day)
        return np.arange(first, len(self._countries), dtype=np.int64)

    def country(self, organisation: int) -> str:
        return self._countries[organisation]

    @property
    def size(self) -> int:
        return len(self._countries)

    def close(self, rng: np.random.Generator, lanes: Sequence[Lanes]) -> "Organisations":
        """Registered not later than the first lane of each, and numbered."""
        registered = np.array(self._registered, dtype=np.int64)
        for of_kind in lanes:
            for name in ORGANISATION_COLUMNS & of_kind.columns.keys():
                who = of_kind.columns[name]
                known = who != NOBODY
                np.minimum.at(registered, who[known], of_kind.from_day[known])
        return Organisations(
            countries=tuple(self._countries),
            registered_day=registered,
            texts=with_mistyped(registrations(rng, self._countries), place=8),
        )


ORGANISATION_COLUMNS = frozenset(
    {"haulier", "consignor", "consignee", "declarant", "carrier", "operator", "agent"}
)


@dataclass(frozen=True)
class Organisations:
    countries: tuple[str, ...]
    registered_day: Ints
    texts: Texts
    """Registration numbers, and after them the same with a mistyped digit."""

    @property
    def size(self) -> int:
        return len(self.countries)

    def are_young(self, who: Ints, day: Ints) -> Floats:
        """1 for a company registered less than ``YOUNG_DAYS`` before, else 0."""
        young: Bools = (day - self.registered_day[who] < YOUNG_DAYS) & (who != NOBODY)
        return young.astype(np.float64)


@dataclass(frozen=True)
class Circle:
    """The established organisations that honest lanes choose from."""

    traders: Ints
    suppliers: Ints
    hauliers: Ints
    agents: Ints
    lines: Ints
    """Shipping lines and airlines."""


def establish(
    rng: np.random.Generator,
    registry: Registry,
    parameters: WorldParameters,
    lane_count: int,
    haulier_countries: Mapping[str, float],
    supplier_countries: Mapping[str, float],
) -> Circle:
    """Organisations in proportion to the lanes they will serve."""

    def some(per: str, countries: Mapping[str, float], least: int) -> Ints:
        n = max(least, round(lane_count / parameters.lanes_per_organisation[per]))
        age = rng.lognormal(np.log(parameters.company_age_median_days), 0.8, n)
        return registry.add(pick_names(rng, countries, n), -age.astype(np.int64))

    return Circle(
        traders=some("trader", {"GB": 1.0}, 20),
        suppliers=some("trader", supplier_countries, 20),
        hauliers=some("haulier", haulier_countries, 10),
        agents=some("agent", {"GB": 1.0}, 8),
        lines=some("agent", {"DK": 1.0, "CH": 1.0, "FR": 1.0, "GB": 2.0, "CN": 1.0}, 8),
    )


def pick_names(rng: np.random.Generator, weights: Mapping[str, float], n: int) -> list[str]:
    names = list(weights)
    share = np.array(list(weights.values()))
    return [names[at] for at in rng.choice(len(names), size=n, p=share / share.sum())]


def popular(rng: np.random.Generator, pool: Ints, n: int) -> Ints:
    """n of the pool; a tenth of it gets about a third of the choices."""
    return pool[(rng.random(n) ** 2.0 * pool.size).astype(np.int64)]


def steady_windows(
    rng: np.random.Generator, active: int, days: int, mean_life_days: float
) -> Windows:
    """Lanes in a steady state: ``active`` at any time, each lost one replaced on average."""
    renewed = int(rng.poisson(active * days / mean_life_days))
    begun = -rng.exponential(mean_life_days, active)
    until = rng.exponential(mean_life_days, active)
    new = rng.uniform(0, days, renewed)
    from_day = np.concatenate([begun, new])
    until_day = np.concatenate([until, new + rng.exponential(mean_life_days, renewed)])
    return Windows(np.floor(from_day).astype(np.int64), np.ceil(until_day).astype(np.int64) + 1)


def habits_of(rng: np.random.Generator, temper: str, n: int) -> Habits:
    """Every lane its own, spread around the means of its temper."""
    means = HABIT_MEANS[temper]
    spread = [
        rng.beta(mean * HABIT_CONCENTRATION, (1 - mean) * HABIT_CONCENTRATION, n) for mean in means
    ]
    return Habits(*spread)


def joined(parts: Sequence[Lanes]) -> Lanes:
    """All lanes of one kind, in order."""

    def stack(name: str) -> Floats:
        return np.concatenate([getattr(part.habits, name) for part in parts])

    return Lanes(
        movements_per_day=np.concatenate([p.movements_per_day for p in parts]),
        from_day=np.concatenate([p.from_day for p in parts]),
        until_day=np.concatenate([p.until_day for p in parts]),
        network=np.concatenate([p.network for p in parts]),
        run_share=np.concatenate([p.run_share for p in parts]),
        nuisance=np.concatenate([p.nuisance for p in parts]),
        habits=Habits(stack("hurried"), stack("nightly"), stack("odd"), stack("cash")),
        columns={
            name: np.concatenate([p.columns[name] for p in parts]) for name in parts[0].columns
        },
        typical_mass_kg=np.concatenate([p.typical_mass_kg for p in parts]),
        price_factor=np.concatenate([p.price_factor for p in parts]),
    )


def honest_lanes(
    rng: np.random.Generator,
    windows: Windows,
    columns: Mapping[str, Ints],
    typical_mass_kg: Floats,
    mean_movements_per_day: float,
    *,
    nuisance: bool = False,
) -> Lanes:
    """Rates are gamma-distributed: most lanes are quiet, a few are busy."""
    n = windows.size
    shape = NEWCOMER_RATE_SHAPE if nuisance else RATE_SHAPE
    return Lanes(
        movements_per_day=rng.gamma(shape, mean_movements_per_day / shape, n) + 1e-3,
        from_day=windows.from_day,
        until_day=windows.until_day,
        network=np.full(n, HONEST, dtype=np.int64),
        run_share=np.full(n, np.nan),
        nuisance=np.full(n, nuisance),
        habits=habits_of(rng, "nuisance" if nuisance else "ordinary", n),
        columns=columns,
        typical_mass_kg=typical_mass_kg,
        price_factor=rng.lognormal(0.0, 0.25, n),
    )
