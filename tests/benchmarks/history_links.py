"""``python -m tests.benchmarks.history_links``: the pass over links, nasty worlds too.

Half a minute. One link a change, a query after each; text is numbers already. CPU time, best of 2.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.history.kernel import Changes
from features.history.link_pass import LinkPass, _most_ties, run_link_pass
from features.history.statistics import FIND, MOVEMENT

Ints = NDArray[np.int64]
PICKS: Ints = np.array([(place, place) for place in range(4)])
HUB = 100_000
"""Vehicles of one haulier, each shared with another."""


def pass_of(organisation: Ints, connector: Ints, what: Any, sign: Any = 1) -> LinkPass:
    """Changes in their order, one second apart; each is asked about by its own organisation."""
    n = len(organisation)
    codes, of = np.unique(organisation << 32 | connector, return_inverse=True)
    ends = np.column_stack([codes >> 32, codes & 0xFFFF_FFFF])
    links = (of + 1).astype(np.int32).reshape(-1, 1)
    instant = np.arange(n) * 1_000_000
    changes = Changes(
        np.arange(n, dtype=np.int32),
        np.broadcast_to(what, n).astype(np.int8),
        np.broadcast_to(sign, n).astype(np.int8),
        instant,
        instant,
        np.zeros((0, 0), dtype=bool),
    )
    slots = organisation.astype(np.int32)
    ties = _most_ties(ends[:, 1], links, changes)
    return LinkPass(int(connector.max()), ends, ties, changes, links, slots.reshape(-1, 1), slots)


def seconds(one: LinkPass, as_of: Ints) -> float:
    rows, out, taken = np.arange(len(as_of)), np.empty((len(as_of), 4)), []
    for _ in range(2):
        start = time.process_time()
        run_link_pass(one, as_of, rows, PICKS, out)
        taken.append(time.process_time() - start)
    return min(taken)


def each(name: str, one: LinkPass) -> None:
    """Every change, and a read after it."""
    visible_from = one.changes.visible_from
    nanoseconds = 1e9 * seconds(one, visible_from + 1) / len(visible_from)
    print(f"{name:60}{len(visible_from):10,}{nanoseconds:10,.0f} ns", flush=True)


def border(movements: int, organisations: int, away: float) -> LinkPass:
    """Hauliers of very unequal size; half a percent have a find.

    Args:
        away: the share of movements with a vehicle taken at random, not one of their own.
    """
    rng = np.random.default_rng(0)
    haulier = (organisations * rng.random(movements) ** 3).astype(np.int64) + 1
    own = haulier * 10 + rng.integers(0, 10, movements)
    any_vehicle = rng.integers(1, 10 * organisations, movements)
    vehicle = np.where(rng.random(movements) < away, any_vehicle, own) + organisations
    return pass_of(haulier, vehicle, np.where(rng.random(movements) < 0.005, FIND, MOVEMENT))


def hub(finds_on: Ints, sign: Any = 1) -> LinkPass:
    """The haulier 1 and 100,000 others, then finds on these."""
    shared, others = np.arange(HUB) + 2 * HUB, np.arange(HUB) + 2
    haulier = np.concatenate([np.ones(HUB, dtype=np.int64), others, finds_on])
    vehicle = np.concatenate([shared, shared, np.full(len(finds_on), 2 * HUB)])
    what = np.repeat([MOVEMENT, FIND], [2 * HUB, len(finds_on)])
    signs = np.concatenate([np.ones(2 * HUB), np.broadcast_to(sign, len(finds_on))])
    return pass_of(haulier, vehicle, what, signs)


def at_end(one: LinkPass, reads: int) -> float:
    """Seconds of all changes and so many reads of the hub after them."""
    last = int(one.changes.visible_from[-1]) + 1
    return seconds(one._replace(slots=np.ones(reads, dtype=np.int32)), np.full(reads, last))


def main() -> None:
    run_link_pass(
        border(100, 50, 1.0),
        np.array([MICROS_PER_DAY]),
        np.zeros(1, int),
        PICKS[:0],
        np.empty((1, 4)),
    )
    for away in (0.02, 1.0):
        name = f"50,000 organisations, {away:.0%} of movements by a vehicle at random"
        each(name, border(1_000_000, 50_000, away))
    each("one haulier shares 100,000 vehicles, then has 10,000 finds", hub(np.ones(10_000, int)))
    eight = np.concatenate([np.arange(1, 9), np.full(200_000, 9)])
    turns = np.concatenate([np.ones(8), np.tile([1, -1], 100_000)])
    each(
        "a vehicle of eight and nine organisations in turn",
        pass_of(eight, np.full(200_008, 20), MOVEMENT, turns),
    )
    for caught in (100, 1_000, 10_000):
        one = hub(np.arange(caught) + 2)
        read = 1e6 * (at_end(one, 4_001) - at_end(one, 1)) / 4_000
        print(f"{f'a read of it when {caught:,} of the others are caught':60}{read:20,.1f} us")
    flips = 200
    revoked = hub(np.ones(flips, int), np.tile([1, -1], flips // 2))
    first_find = (at_end(revoked, 1) - at_end(hub(np.ones(0, int)), 1)) / flips
    print(f"{'a first find on it, or the last one revoked':60}{1e3 * first_find:20,.2f} ms")


if __name__ == "__main__":
    main()
