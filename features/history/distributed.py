"""The offline pass on an existing Dask cluster: a task per space of keys, or per part of one.

Keys do not know of each other, so a space falls apart by key, and each key sees its own events in
their own order wherever it is: the bytes are those of the local pass. Nothing is shuffled. Only
links know of each other: their graph is one task, however large. The
ledger is read and keys become numbers here; arrays of numbers travel, in Dask's own wire format,
and rows go back to their places here.

Dask's wire format is pickle: whoever reaches a scheduler or a worker runs code as it. Workers must
be trusted and their network closed, or TLS with client certificates used (docs/operating.md).
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from distributed import Client, Future, KilledWorker, as_completed

from features.errors import ForelandError
from features.history.kernel import NOT_DECLARED, UNSEEN, Changes, Floats, Ints, Slots
from features.history.link_pass import LinkPass, link_pass_of, run_link_pass
from features.history.offline import Pass, Queries, kind_rates, pass_of, queries_of, run_pass
from features.history.plan import LinkReading, Plan
from features.history.snapshot import logic_sha256
from features.ledger.events import MovementDeclared
from features.rows import FillHistory
from features.timeline import Timeline

EVENTS_OF_A_PART = 2_000_000
"""Changes and queries of keys that one task holds, about: 50 MB on the wire."""
CONNECT_SECONDS = 10.0
IN_FLIGHT_PER_THREAD = 2
NO_PART = -1
COLUMN, LINK_COLUMN = 2, 1
"""Where a pick, and one of links, says which column it goes to."""

Told = Callable[[int, int], object]
"""How many parts are done, and how many are known of."""


class ClusterUnusable(ForelandError):
    """The Dask cluster does not answer, or cannot do the work."""


class Part(NamedTuple):
    """A task: the keys of one part of a space, and the queries that ask for one of them."""

    logic_sha256: str
    one: Pass
    as_of: Ints
    priors: Floats
    picks: Ints
    """As for ``kernel.read``, with columns from 0."""


class LinkPart(NamedTuple):
    """The task of all links."""

    logic_sha256: str
    one: LinkPass
    as_of: Ints
    picks: Ints
    """As for ``link_reading.read_link``, with columns from 0."""


class Place(NamedTuple):
    """Where the answers of a part go."""

    rows: Ints
    """int64[n], rows of ``out``."""
    columns: Ints
    """int64[p], columns of ``out``, one per pick."""
    theirs: Any
    """bool[n, p]: which of them this part answers; the others are another part's."""


@contextmanager
def on_cluster(address: str, told: Told = lambda _done, _of: None) -> Iterator[FillHistory]:
    """``fill_history`` by the workers of the scheduler at ``address``.

    Raises:
        ClusterUnusable: nothing answers there, or it has no workers.
    """
    with connected(address) as client:
        yield partial(fill_history, client, told=told)


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at ``address``, which has workers.

    Raises:
        ClusterUnusable: nothing answers there, or it has no workers.
    """
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as exc:
        raise ClusterUnusable(
            f"no Dask scheduler answers at {address!r} within {CONNECT_SECONDS:g} s; start one "
            "with `dask scheduler`, check --dask, and for tls:// the certificates in Dask's "
            "configuration"
        ) from exc
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as exc:
            raise ClusterUnusable(
                f"the Dask scheduler at {address} has no workers; start some with "
                f"`dask worker {address}` where this version of foreland is installed"
            ) from exc
        yield client


def fill_history(
    client: Client,
    timeline: Timeline,
    movements: Sequence[MovementDeclared],
    as_of: Ints,
    plan: Plan,
    out: Floats,
    *,
    told: Told = lambda _done, _of: None,
    events_of_a_part: int = EVENTS_OF_A_PART,
) -> None:
    """As ``features.history.offline.fill_history``, and with the same bytes.

    Raises:
        FutureRefused: an ``as_of`` later than the timeline reaches.
        ClusterUnusable: a part cannot be computed, however often it is tried, or the scheduler
            goes away. While it has no workers at all, their work waits for new ones.
    """
    if len(movements) == 0:
        return
    parts = _parts(timeline, movements, as_of, plan, events_of_a_part)
    running = as_completed(loop=client.loop)
    places: dict[str, Place] = {}
    at_once = IN_FLIGHT_PER_THREAD * max(sum(client.nthreads().values()), 1)
    for place, part in islice(parts, at_once):
        running.add(_submitted(client, place, part, places))
    for done, future in enumerate(running, start=1):
        _put(places.pop(future.key), _result(future), out)
        future.release()
        for waiting, part in islice(parts, 1):
            running.add(_submitted(client, waiting, part, places))
        told(done, done + len(places))


def replay_part(part: Part | LinkPart) -> Floats:
    """On a worker: float64[n, p], the answer of each query to each pick.

    Raises:
        ClusterUnusable: the worker runs another version of the program.
    """
    if part.logic_sha256 != logic_sha256():
        raise ClusterUnusable(
            "a Dask worker runs another version of foreland; install the same one on all of them"
        )
    n = len(part.as_of)
    rows, answers = np.arange(n), np.empty((n, len(part.picks)))
    if isinstance(part, LinkPart):
        run_link_pass(part.one, part.as_of, rows, part.picks, answers)
    else:
        run_pass(part.one, part.as_of, part.priors, rows, part.picks, answers)
    return answers


def _parts(
    timeline: Timeline,
    movements: Sequence[MovementDeclared],
    as_of: Ints,
    plan: Plan,
    events_of_a_part: int,
) -> Iterator[tuple[Place, Part | LinkPart]]:
    """Made one by one, as they are sent: the numbers of one space are held at a time."""
    queries = queries_of(timeline, movements, as_of)
    if plan.links is not None:  # first, for it is the longest and does not fall apart
        yield _whole_graph(timeline, queries, plan.links)
    priors = kind_rates(timeline, plan.kind, queries.as_of)
    for space, reading in plan.by_space.items():
        whole = pass_of(timeline, space, reading, queries)
        count = -(-(_changed_keys(whole) + whole.slots.size) // events_of_a_part)
        part_of_slot = _part_of_slot(whole.size, count)
        picks, columns = reading.picks.copy(), reading.picks[:, COLUMN].copy()
        picks[:, COLUMN] = np.arange(len(picks))
        for number in range(count):
            asking, one = _one_part(whole, part_of_slot, number)
            if len(asking) == 0:
                continue
            part = Part(logic_sha256(), one, queries.as_of[asking], priors[asking], picks)
            theirs = (one.slots != UNSEEN)[:, picks[:, 0]]
            yield Place(queries.rows[asking], columns, theirs), part


def _whole_graph(
    timeline: Timeline, queries: Queries, reading: LinkReading
) -> tuple[Place, LinkPart]:
    picks, columns = reading.picks.copy(), reading.picks[:, LINK_COLUMN].copy()
    picks[:, LINK_COLUMN] = np.arange(len(picks))
    one = link_pass_of(timeline, reading.role, queries.movements)
    every = np.ones((len(queries.rows), len(picks)), dtype=bool)
    return Place(queries.rows, columns, every), LinkPart(logic_sha256(), one, queries.as_of, picks)


def _changed_keys(one: Pass) -> int:
    return int(np.count_nonzero(one.keys > 0, axis=1)[one.changes.of].sum())


def _part_of_slot(keys: int, count: int) -> Ints:
    """int64[1 + keys]: Fibonacci hashing, so that neighbours come apart; slot 0 is no key.

    References:
        Knuth, The Art of Computer Programming, volume 3, section 6.4.
    """
    hashed = np.arange(keys + 1, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    parts = ((hashed >> np.uint64(33)) % np.uint64(count)).astype(np.int64)
    parts[UNSEEN] = NO_PART
    return parts


def _one_part(whole: Pass, part_of_slot: Ints, number: int) -> tuple[Ints, Pass]:
    """The queries that this part answers, and its keys numbered anew.

    What a query does not declare is answered by the first part; a key of another part is UNSEEN.
    """
    mine = part_of_slot == number
    renumbered = np.where(mine, np.cumsum(mine), UNSEEN).astype(np.int32)
    slots = renumbered[np.maximum(whole.slots, UNSEEN)]
    if number == 0:
        slots[whole.slots == NOT_DECLARED] = NOT_DECLARED
    asking = np.flatnonzero((slots != UNSEEN).any(axis=1))
    keys = renumbered[np.maximum(whole.keys, UNSEEN)]
    changes, keys = _changes_of(whole.changes, keys)
    return asking, Pass(whole.grade, int(mine.sum()), changes, keys, slots[asking])


def _changes_of(changes: Changes, keys: Slots) -> tuple[Changes, Slots]:
    """Those that count on a key, in their order, and the rows of keys that they count on."""
    has_keys = np.count_nonzero(keys > 0, axis=1) > 0
    chosen = np.flatnonzero(has_keys[changes.of])
    row_of = np.cumsum(has_keys, dtype=np.int32) - np.int32(1)
    unchanged = changes.unchanged
    return Changes(
        row_of[changes.of[chosen]],
        changes.what[chosen],
        changes.sign[chosen],
        changes.instant[chosen],
        changes.visible_from[chosen],
        unchanged[chosen] if len(unchanged) else unchanged,
    ), keys[has_keys]


def _submitted(
    client: Client, place: Place, part: Part | LinkPart, places: dict[str, Place]
) -> Future:
    with warnings.catch_warnings():
        # By value and through the scheduler, so that it can send them again when a worker dies.
        warnings.filterwarnings("ignore", message="Sending large graph")
        future = client.submit(replay_part, part, pure=False)
    places[future.key] = place
    return future


def _put(place: Place, answers: Floats, out: Floats) -> None:
    rows, columns = np.broadcast_arrays(place.rows[:, None], place.columns)
    out[rows[place.theirs], columns[place.theirs]] = answers[place.theirs]


def _result(future: Future) -> Floats:
    try:
        answers: Floats = future.result()
    except ClusterUnusable:
        raise
    except KilledWorker as exc:
        raise ClusterUnusable(
            "Dask workers died again and again on one part of history; look at their memory, "
            "or build it here by leaving --dask out"
        ) from exc
    except (CancelledError, OSError) as exc:
        raise ClusterUnusable(
            "the Dask scheduler went away with work in hand; start it again, then this command"
        ) from exc
    except Exception as exc:  # whatever a worker's own environment makes of the task
        raise ClusterUnusable(
            f"a Dask worker could not compute its part ({type(exc).__name__}: {exc}); every worker "
            "needs this version of foreland with its locked requirements"
        ) from exc
    return answers
