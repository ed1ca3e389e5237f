"""The history of the organisations on board, of many movements at once, each at its own ``as_of``.

Costs one more pass over the organisations, of which only those on board are counted, and about 200
bytes for each organisation of each movement; next to nothing where no movement has a consignment.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.history.aboard import CARGO, ORGANISATION, READ, fold, listed_by
from features.history.carriage import carrier_of
from features.history.kernel import NOT_DECLARED, Floats, Ints
from features.history.offline import (
    Pass,
    Queries,
    changes_on,
    kind_rates,
    queries_of,
    run_pass,
    slots_of,
)
from features.history.plan import ABOARD_PICKS, Plan
from features.history.statistics import MOVEMENT
from features.ledger.events import MovementDeclared
from features.timeline import Timeline

_NEVER = np.iinfo(np.int64).max


def fill_aboard(
    timeline: Timeline,
    movements: Sequence[MovementDeclared],
    as_of: Ints,
    plan: Plan,
    out: Floats,
) -> None:
    """Fill the columns of ``plan.aboard`` in ``out``, float64[n, F], one row per movement.

    Raises:
        FutureRefused: an ``as_of`` later than the timeline reaches.
    """
    if len(plan.aboard.columns) == 0 or len(movements) == 0:
        return
    queries = queries_of(timeline, movements, as_of)
    folded = _numbers_aboard(timeline, plan.kind, queries)
    out[queries.rows[:, None], plan.aboard.columns] = folded[:, plan.aboard.which]


def _numbers_aboard(timeline: Timeline, kind: str, queries: Queries) -> Floats:
    """float64[q, 9]: see ``fold``."""
    query, version = known_aboard(timeline, queries)
    known = np.bincount(query, minlength=len(queries.as_of))
    if len(query) == 0:
        return fold(known, query, np.empty((0, len(READ))))
    keys, _, size = slots_of(timeline, ORGANISATION, (), ())
    named = keys[version]
    at, place = np.nonzero(named > 0)
    once = _once(query[at] * (size + 1) + named[at, place])
    of, slots = np.divmod(once, size + 1)
    on_board = np.zeros(size + 1, dtype=bool)
    on_board[slots] = True
    keys = np.where((keys > 0) & on_board[keys], keys, np.int32(NOT_DECLARED))
    one = Pass(
        "entity", size, changes_on(timeline, keys), keys, slots.astype(np.int32).reshape(-1, 1)
    )
    priors = kind_rates(timeline, kind, queries.as_of)
    numbers = np.empty((len(of), len(READ)))
    run_pass(one, queries.as_of[of], priors[of], np.arange(len(of)), ABOARD_PICKS, numbers)
    return fold(known, of, numbers)


def known_aboard(timeline: Timeline, queries: Queries) -> tuple[Ints, Ints]:
    """Query and standing version of each consignment that is known, once, by query."""
    query, version = np.concatenate(list(_pairs(timeline, queries))).T
    since, until = _stood(timeline)
    as_of = queries.as_of[query]
    stands = (since[version] < as_of) & (as_of <= until[version])
    versions = len(timeline.versions.payloads)
    once = _once(query[stands] * versions + version[stands])
    query, version = np.divmod(once, max(versions, 1))
    return query, version


def _pairs(timeline: Timeline, queries: Queries) -> Iterator[Ints]:
    """int64[p, 2] each: a query, and a version of a shipment that is or was on board."""
    yield np.empty((0, 2), dtype=np.int64)
    cargo, payloads = timeline.versions_by_kind[CARGO]
    listed = [
        (query, shipment)
        for query, movement in enumerate(queries.movements)
        for shipment in listed_by(movement)
    ]
    if listed:
        yield _joined(listed, [(i, p.movement) for i, p in zip(cargo, payloads, strict=True)])
    carriers = zip(cargo.tolist(), map(carrier_of, payloads), strict=True)
    carried = [(i, carrier) for i, carrier in carriers if carrier is not None]
    if carried:
        asked = [(query, movement.movement) for query, movement in enumerate(queries.movements)]
        yield _joined(asked, carried)


def _joined(queries: list[tuple[int, str]], versions: list[tuple[int, str]]) -> Ints:
    """int64[p, 2]: those that have the same text."""
    left = pd.DataFrame(queries, columns=["query", "text"])
    right = pd.DataFrame(versions, columns=["version", "text"])
    joined = left.merge(right, on="text")
    return joined[["query", "version"]].to_numpy(np.int64)


def _once(numbers: Ints) -> Ints:
    """Each of them, none negative, once and rising; ``np.unique`` hashes, for ten times as long."""
    rising = np.sort(numbers)
    return rising[np.diff(rising, prepend=-1) > 0]


def _stood(timeline: Timeline) -> tuple[Ints, Ints]:
    """int64[versions] each: it stands to every ``as_of`` later than the first and up to the second.

    A version that was replaced or cancelled never stands again, so there is one such time.
    """
    entries = timeline.entries
    moved: NDArray[np.bool_] = entries.what == MOVEMENT
    since = np.full(len(timeline.versions.payloads), _NEVER)
    until = since.copy()
    for sign, bound in ((1, since), (-1, until)):
        chosen = moved & (entries.sign == sign)
        bound[entries.version[chosen]] = entries.visible_from[chosen]
    return since, until
