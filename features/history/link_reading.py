"""The row functions that read links: who is tied with the caught, at one step and at two.

Compiled, and used by the offline pass and the online state alike, as those of ``link_kernel``.

The first step is there already: the caught are the first sides of an end. The second is walked
when it is read: through each tied organisation to the caught that it is tied with. Each walk has a
number, and leaves it with whom it meets, so that nobody is counted twice, whichever way and in
whatever order it comes to them.
"""

import math

from features.history.compiling import compiled, inlined, prefetch
from features.history.kernel import (
    AHEAD,
    COUNTS,
    DAY,
    OFFSET,
    Changes,
    Floats,
    Ints,
    Slots,
    State,
    update,
)
from features.history.link_kernel import (
    AFTER,
    CONNECTOR,
    COUNT,
    FIRST,
    MET,
    NONE,
    OTHER,
    TIES,
    Finds,
    Links,
    count_link,
    finds_in,
    settle,
)
from features.history.statistics import FIND, MOVEMENT

MOST_LED = 32
"""An organisation with more ties has no second step and leads to nobody: a walk is at most so many
ties, and from each at most so many."""
FIRST_AT_TWO_STEPS = 4
"""Place in ``LINK_STATISTICS`` of the first number of the second step."""


@inlined
def _at_two_steps(graph: Links, seen: Finds, slot: int) -> tuple[int, int]:
    """How many organisations with finds are two steps away and not nearer, and when the last find
    on any of them was; (0, 0) without one.
    """
    ends, ties = graph.ends, graph.ties
    count, last = 0, 0
    if ends[slot, TIES] > MOST_LED:
        return count, last
    ends[NONE, MET] += 1
    walk = ends[NONE, MET]
    ends[slot, MET] = walk
    side = ends[slot, FIRST]
    while side != NONE:
        ends[ties[side, OTHER], MET] = walk
        side = ties[side, AFTER]
    side = ends[slot, FIRST]
    while side != NONE:
        middle = ties[side, OTHER]
        side = ties[side, AFTER]
        onward = ends[middle, FIRST] if ends[middle, TIES] <= MOST_LED else NONE
        while onward != NONE:
            other = ties[onward, OTHER]
            if seen.values[other, COUNTS + FIND] == 0.0:
                break
            onward = ties[onward, AFTER]
            if ends[other, MET] != walk:
                ends[other, MET] = walk
                count += 1
                last = max(last, seen.words[other, seen.newest])
    return count, last


@inlined
def _days_since(as_of: int, last: int, never_days: float) -> float:
    return float(min((as_of + OFFSET - last) / DAY, never_days))


@inlined
def _asks_beyond(picks: Ints) -> bool:
    """Whether any number of the second step is picked: older catalogues have none."""
    asks = False
    for i in range(picks.shape[0]):
        asks |= picks[i, 0] >= FIRST_AT_TWO_STEPS
    return asks


@inlined
def read_link(
    graph: Links, seen: Finds, slot: int, as_of: int, picks: Ints, out: Floats, row: int
) -> None:
    """Fill the picked columns of ``out[row]`` for one organisation.

    Args:
        graph: who is met by a walk is marked in it, and nothing else.
        seen: all settled.
        slot: of the organisation, or UNSEEN, or NOT_DECLARED.
        picks: int64[p, 2]: place in ``LINK_STATISTICS``, column.
        out: float64[n, F]; other columns are left alone.
    """
    if slot < 0:
        for i in range(picks.shape[0]):
            out[row, picks[i, 1]] = math.nan
        return
    ties = graph.ties
    organisations, finds, last = 0, 0.0, 0
    first = graph.ends[slot, FIRST]
    side = first
    while side != NONE:
        other = ties[side, OTHER]
        its_finds = seen.values[other, COUNTS + FIND]
        if its_finds == 0.0:
            break
        organisations += 1
        finds += its_finds  # whole numbers, so that their sum does not depend on the order
        last = max(last, seen.words[other, seen.newest])
        side = ties[side, AFTER]
    beyond, last_beyond = 0, 0
    if first != NONE and _asks_beyond(picks):
        beyond, last_beyond = _at_two_steps(graph, seen, slot)
    numbers = (
        float(graph.ends[slot, TIES]),
        float(organisations),
        finds,
        _days_since(as_of, last, seen.never_days),
        float(beyond),
        _days_since(as_of, last_beyond, seen.never_days),
    )
    for i in range(picks.shape[0]):
        out[row, picks[i, 1]] = numbers[picks[i, 0]]


@inlined
def _prefetch(graph: Links, keys: Slots, row: int) -> None:
    for place in range(keys.shape[1]):
        if keys[row, place] > 0:
            prefetch(graph.links.ctypes.data + keys[row, place] * 64)


@inlined
def _prefetch_ends(graph: Links, keys: Slots, row: int) -> None:
    for place in range(keys.shape[1]):
        link = keys[row, place]
        if link > 0 and graph.links[link, COUNT] == 0:
            prefetch(graph.ends.ctypes.data + graph.links[link, CONNECTOR] * 64)


@compiled
def replay_links(
    graph: Links, entity: State, changes: Changes, links: Slots, organisations: Slots,
    slots: Slots, as_of: Ints, rows: Ints, picks: Ints, out: Floats,
) -> None:  # fmt: skip
    """Read every query at its instant, from the changes with ``visible_from < as_of`` alone.

    Args:
        changes: of movements and finds.
        links: int32[v, c]: links that a movement ``changes.of`` counts on, or NOT_DECLARED.
        organisations: int32[v, o]: slots that a find of it counts on, likewise.
        slots, as_of, rows: int32[q], int64[q] and int64[q], by ``as_of``; query i is written to
            ``out[rows[i]]``.
    """
    of, visible_from, done = changes.of, changes.visible_from, 0
    finds = finds_in(entity)
    for i in range(as_of.shape[0]):
        while done < of.shape[0] and visible_from[done] < as_of[i]:
            if done + 2 * AHEAD < of.shape[0]:
                _prefetch(graph, links, of[done + 2 * AHEAD])
                _prefetch_ends(graph, links, of[done + AHEAD])
            what, sign, version = changes.what[done], changes.sign[done], of[done]
            if what == MOVEMENT:
                for place in range(links.shape[1]):
                    if links[version, place] > 0:
                        count_link(graph, links[version, place], sign)
            else:
                for place in range(organisations.shape[1]):
                    slot = organisations[version, place]
                    if slot > 0:
                        update(entity, slot, what, sign, changes.instant[done])
                        settle(graph, finds, slot)
            done += 1
        read_link(graph, finds, slots[i], as_of[i], picks, out, rows[i])
