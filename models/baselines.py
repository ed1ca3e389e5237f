"""What a model must beat before it is worth anything. Each has ``fit`` and ``scores``.

``Random`` is what no knowledge gives, ``Prevalence`` what an officer's memory of a haulier or a
commodity gives, ``Lookup`` what remembering exact combinations gives, ``LogisticRegression`` what
the features give without trees.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression as SkLogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from features.ledger.events import MovementDeclared

Floats = NDArray[np.float64]

SMOOTHING = 10.0
"""Examinations' worth of the coarser rate that every finer rate starts from."""


class Rows(NamedTuple):
    """Movements with their feature rows."""

    movements: Sequence[MovementDeclared]
    matrix: Floats
    """float64[n, F]; NaN is missing."""


class Baseline(Protocol):
    """Fitted once, then gives a score to any rows; only the order of scores means anything."""

    name: str

    def fit(self, rows: Rows, labels: Floats) -> None: ...

    def scores(self, rows: Rows) -> Floats: ...


Key = Callable[[MovementDeclared], Hashable | None]
"""What a movement is remembered by; None when it is not declared."""


def _entity(name: str) -> Key:
    return lambda movement: movement.entities.get(name)


def _field(name: str) -> Key:
    return lambda movement: movement.fields.get(name)


def _all_of(*keys: Key) -> Key:
    """The combination, with None for parts that are not declared; None when all are."""

    def combination(movement: MovementDeclared) -> Hashable | None:
        parts = tuple(key(movement) for key in keys)
        return None if all(part is None for part in parts) else parts

    return combination


def _ship(movement: MovementDeclared) -> Hashable | None:
    """The first identity that is given: IMO number, MMSI, hull."""
    for name in ("imo", "mmsi", "hull_id"):
        if name in movement.entities:
            return movement.entities[name]
    return None


def _chapter(movement: MovementDeclared) -> Hashable | None:
    code = movement.fields.get("commodity_code")
    return str(code)[:2] if code is not None else None


_GOODS = _all_of(_field("commodity_code"), _field("net_mass_kg"), _field("invoice_amount"))
"""These very goods: by their code alone hardly any are new, and memory would pass for skill."""


class Memory(NamedTuple):
    """What is remembered about a kind."""

    exact: Key
    chain: tuple[Key, ...]
    """From fine to coarse."""
    unseen: Key
    """A row is unseen when no fitted row had this key."""
    unseen_name: str
    """In the plural, as a verdict says it."""


MEMORIES: Mapping[str, Memory] = {
    "vehicle": Memory(
        exact=_all_of(_entity("haulier_eori"), _field("route_id"), _field("commodity_code")),
        chain=(_entity("haulier_eori"), _field("route_id")),
        unseen=_entity("haulier_eori"),
        unseen_name="hauliers",
    ),
    "vessel": Memory(
        exact=_ship,
        chain=(_ship, _entity("operator_eori"), _field("flag")),
        unseen=_ship,
        unseen_name="ships",
    ),
    "shipment": Memory(
        exact=_GOODS,
        chain=(_field("commodity_code"), _chapter),
        unseen=_GOODS,
        unseen_name="goods (by code, net mass and amount together)",
    ),
}


def baselines_for(kind: str) -> tuple[Baseline, ...]:
    memory = MEMORIES[kind]
    return Random(), Prevalence(memory.chain), Lookup(memory.exact), LogisticRegression()


def unseen(
    kind: str, earlier: Sequence[MovementDeclared], tested: Sequence[MovementDeclared]
) -> NDArray[np.bool_]:
    """Whose goods, haulier or ship nobody had seen before.

    History goes on through the test slice, so that goods which come back within it are remembered:
    only the first of them is new.

    Args:
        tested: by rising ``as_of``.

    Returns:
        bool[n] of ``tested``: the key is not given, or in none of ``earlier`` and in no tested row
        before.
    """
    key = MEMORIES[kind].unseen
    met = {key(movement) for movement in earlier}
    new = np.empty(len(tested), dtype=bool)
    for place, movement in enumerate(tested):
        found = key(movement)
        new[place] = found is None or found not in met
        met.add(found)
    return new


class Random:
    """No knowledge: everything ties, and every figure counts a tie as the mean of all orders."""

    name = "random"

    def fit(self, rows: Rows, labels: Floats) -> None:
        """Nothing is learned."""

    def scores(self, rows: Rows) -> Floats:
        return np.zeros(len(rows.movements))


class Rates:
    """Smoothed find rates by one key."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._counts: dict[Hashable, tuple[float, float]] = {}

    def fit(self, movements: Sequence[MovementDeclared], labels: Floats) -> None:
        for movement, label in zip(movements, labels.tolist(), strict=True):
            value = self._key(movement)
            if value is not None:
                finds, examined = self._counts.get(value, (0.0, 0.0))
                self._counts[value] = (finds + label, examined + 1.0)

    def refine(self, movements: Sequence[MovementDeclared], coarser: Floats) -> Floats:
        """(finds + 10 · coarser) / (examined + 10); the coarser rate where nothing is known.

        >>> rates = Rates(lambda movement: movement.movement)
        >>> known = MovementDeclared(kind="vehicle", movement="a", declared_at=0)
        >>> rates.fit([known] * 10, np.ones(10))
        >>> rates.refine([known], np.array([0.2]))
        array([0.6])
        """
        counts = [self._counts.get(self._key(movement), (0.0, 0.0)) for movement in movements]
        finds, examined = np.array(counts, dtype=np.float64).reshape(-1, 2).T
        refined: Floats = (finds + SMOOTHING * coarser) / (examined + SMOOTHING)
        return refined


class Prevalence:
    """The past find rate of the finest key that is known, drawn towards the coarser ones."""

    name = "prevalence"

    def __init__(self, chain: Sequence[Key]) -> None:
        self._rates = [Rates(key) for key in reversed(chain)]
        self._mean = np.nan

    def fit(self, rows: Rows, labels: Floats) -> None:
        self._mean = float(labels.mean())
        for rates in self._rates:
            rates.fit(rows.movements, labels)

    def scores(self, rows: Rows) -> Floats:
        found = np.full(len(rows.movements), self._mean)
        for rates in self._rates:
            found = rates.refine(rows.movements, found)
        return found


class Lookup:
    """Memory of exact combinations: the find rate where one was examined before, else the mean."""

    name = "lookup"

    def __init__(self, key: Key) -> None:
        self._rates = Rates(key)
        self._mean = np.nan

    def fit(self, rows: Rows, labels: Floats) -> None:
        self._mean = float(labels.mean())
        self._rates.fit(rows.movements, labels)

    def scores(self, rows: Rows) -> Floats:
        return self._rates.refine(rows.movements, np.full(len(rows.movements), self._mean))


class LogisticRegression:
    """Linear in the features: medians for what is missing, signed logarithms, unit variance."""

    name = "logistic regression"

    def __init__(self) -> None:
        self._pipeline = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            FunctionTransformer(signed_log),
            StandardScaler(),
            SkLogisticRegression(C=0.1, max_iter=500),
        )

    def fit(self, rows: Rows, labels: Floats) -> None:
        self._pipeline.fit(rows.matrix, labels)

    def scores(self, rows: Rows) -> Floats:
        return np.asarray(self._pipeline.predict_proba(rows.matrix)[:, 1], dtype=np.float64)


def signed_log(values: Floats) -> Floats:
    """Tames long tails and keeps order and sign.

    >>> signed_log(np.array([-1.0, 0.0, 1.0])).round(3).tolist()
    [-0.693, 0.0, 0.693]
    """
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), dtype=np.float64)
