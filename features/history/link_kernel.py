"""The row functions of links: count a link, mark who is caught, read who is tied with the caught.
Compiled, and used by the offline pass and the online state alike, as those of ``kernel``.

An organisation is *caught* while a find on it stands. Whoever is tied with it is told when it is
written, not when it is read:

- a *link* is an organisation and a connector, with how many standing movements have both;
- an *end* is what is known of an entity as either of them: the live links of a connector, the
  ties of an organisation. Ends are rows by the slot of the entity's own key;
- a *tie* is two organisations and how many connectors tie them. It has a *side* for each of the
  two, in a list that its end begins: the sides whose other organisation is caught come first. So a
  read walks those and no more, a first find on an organisation moves one side of each of its
  ties, and a further find moves none.

A connector that gets its ninth live link unties all eight, and ties them again when it loses one:
the only step that is more than a few rows, and it is at most 28 ties.
"""

import math
from typing import NamedTuple

import numpy as np

from features.history.compiling import compiled, inlined, prefetch
from features.history.kernel import (
    AHEAD,
    COUNTS,
    DAY,
    OFFSET,
    SUMS,
    Changes,
    Floats,
    Ints,
    Packed,
    Slots,
    State,
    update,
)
from features.history.statistics import FIND, MOVEMENT

COUNT, ORGANISATION, CONNECTOR, LATER, EARLIER = 0, 1, 2, 3, 4
"""Words of a link: standing movements; the slots of its ends; its neighbours among the live links
of the connector, newest first."""
DEGREE, NEWEST, TIES, FIRST, LAST, CAUGHT = 0, 1, 2, 3, 4, 5
"""Words of an end. As a connector: live links, the newest of them. As an organisation: ties, each
counted as often as it is shared; the first and the last side; whether a find on it stands."""
OTHER, BEFORE, AFTER, SHARED = 0, 1, 2, 3
"""Words of a side: the other organisation, its neighbours in the list. The fourth word is, on the
even side, how many connectors tie the two, and on the odd one the next tie of the bucket."""
NONE = 0
"""No link, no side and no tie: the rows 0 stay empty, but for how many ties are used, which is the
first word of side 0."""
GRADES_IN_STREAM = 3
PAIRS = 28
"""Ties that one change of a link makes at most: of eight organisations with each other."""
SPREAD = np.uint64(0x9E37_79B9_7F4A_7C15)
HALF = np.uint64(32)


class Links(NamedTuple):
    """The graph; a kind of state, see ``kernel.State``."""

    most_tied: int
    """``MOST_TIED``, as data: compiled code on disk does not notice when another file changes."""
    links: Ints
    """int64[l, 8]."""
    ends: Ints
    """int64[n, 8], by the slot of the entity."""
    ties: Ints
    """int64[2t, 4]: the two sides of tie t are 2t, of the lower slot, and 2t + 1."""
    buckets: Ints
    """int64[2**b]: the first tie of each, to find the tie of two organisations by."""


class Finds(NamedTuple):
    """What is read of the entities' state: a call that passes no more takes less time."""

    words: Ints
    values: Floats
    """As in ``State``."""
    newest: int
    """The word of the newest find's instant."""
    never_days: float


@inlined
def finds_in(entity: State) -> Finds:
    newest = SUMS + 3 * len(entity.half_lives) + FIND
    return Finds(entity.words, entity.values, newest, entity.never_days)


@inlined
def _bucket(low: int, high: int, buckets: int) -> int:
    mixed = np.uint64(low) * SPREAD + np.uint64(high)
    mixed = (mixed ^ (mixed >> HALF)) * SPREAD
    return int(mixed >> HALF) & (buckets - 1)


@inlined
def _side_of(graph: Links, organisation: int, other: int) -> int:
    """The organisation's side of their tie, which is made if there is none."""
    ties, low, high = graph.ties, min(organisation, other), max(organisation, other)
    bucket = _bucket(low, high, graph.buckets.shape[0])
    tie = graph.buckets[bucket]
    while tie != NONE and (ties[2 * tie, OTHER] != high or ties[2 * tie + 1, OTHER] != low):
        tie = ties[2 * tie + 1, SHARED]
    if tie == NONE:
        tie = ties[0, 0] + 1
        ties[0, 0] = tie
        ties[2 * tie, OTHER], ties[2 * tie + 1, OTHER] = high, low
        ties[2 * tie + 1, SHARED] = graph.buckets[bucket]
        graph.buckets[bucket] = tie
    return int(2 * tie if organisation == low else 2 * tie + 1)


@compiled
def index_ties(ties: Ints, buckets: Ints) -> None:
    """Put all ties into buckets, which are empty: a snapshot does not have them."""
    for tie in range(1, ties[0, 0] + 1):
        high, low = ties[2 * tie, OTHER], ties[2 * tie + 1, OTHER]
        bucket = _bucket(low, high, buckets.shape[0])
        ties[2 * tie + 1, SHARED] = buckets[bucket]
        buckets[bucket] = tie


@inlined
def _insert(graph: Links, organisation: int, side: int) -> None:
    """Among the organisation's sides: first if the other is caught, else last."""
    ends, ties = graph.ends, graph.ties
    first, last = ends[organisation, FIRST], ends[organisation, LAST]
    if ends[ties[side, OTHER], CAUGHT]:
        before, after = NONE, first
    else:
        before, after = last, NONE
    ties[side, BEFORE], ties[side, AFTER] = before, after
    if before == NONE:
        ends[organisation, FIRST] = side
    else:
        ties[before, AFTER] = side
    if after == NONE:
        ends[organisation, LAST] = side
    else:
        ties[after, BEFORE] = side


@inlined
def _remove(graph: Links, organisation: int, side: int) -> None:
    ends, ties = graph.ends, graph.ties
    before, after = ties[side, BEFORE], ties[side, AFTER]
    if before == NONE:
        ends[organisation, FIRST] = after
    else:
        ties[before, AFTER] = after
    if after == NONE:
        ends[organisation, LAST] = before
    else:
        ties[after, BEFORE] = before


@compiled
def _tie(graph: Links, one: int, other: int, sign: int) -> None:
    """One connector more (sign 1), or less (sign -1), ties the two."""
    ends, ties = graph.ends, graph.ties
    side = _side_of(graph, one, other)
    even = side - side % 2
    shared = ties[even, SHARED] + sign
    ties[even, SHARED] = shared
    ends[one, TIES] += sign
    ends[other, TIES] += sign
    if sign > 0 and shared == 1:
        _insert(graph, one, side)
        _insert(graph, other, side ^ 1)
    elif sign < 0 and shared == 0:
        _remove(graph, one, side)
        _remove(graph, other, side ^ 1)


@compiled
def _tie_with_all(graph: Links, organisation: int, newest: int, sign: int) -> None:
    """The organisation with those of the link ``newest`` and all earlier ones."""
    link = newest
    while link != NONE:
        _tie(graph, organisation, graph.links[link, ORGANISATION], sign)
        link = graph.links[link, EARLIER]


@compiled
def _tie_all(graph: Links, newest: int, sign: int) -> None:
    """Those of the link ``newest`` and all earlier ones with each other."""
    link = newest
    while link != NONE:
        earlier = graph.links[link, EARLIER]
        _tie_with_all(graph, graph.links[link, ORGANISATION], earlier, sign)
        link = earlier


@inlined
def _begin(graph: Links, link: int) -> None:
    """The link is live from here on."""
    links, ends = graph.links, graph.ends
    organisation, connector = links[link, ORGANISATION], links[link, CONNECTOR]
    newest, degree = ends[connector, NEWEST], ends[connector, DEGREE]
    if degree < graph.most_tied:
        _tie_with_all(graph, organisation, newest, 1)
    elif degree == graph.most_tied:
        _tie_all(graph, newest, -1)
    links[link, LATER], links[link, EARLIER] = NONE, newest
    if newest != NONE:
        links[newest, LATER] = link
    ends[connector, NEWEST], ends[connector, DEGREE] = link, degree + 1


@inlined
def _end(graph: Links, link: int) -> None:
    """What ``_begin`` did, taken back."""
    links, ends = graph.links, graph.ends
    organisation, connector = links[link, ORGANISATION], links[link, CONNECTOR]
    later, earlier = links[link, LATER], links[link, EARLIER]
    if later == NONE:
        ends[connector, NEWEST] = earlier
    else:
        links[later, EARLIER] = earlier
    if earlier != NONE:
        links[earlier, LATER] = later
    degree = ends[connector, DEGREE] - 1
    ends[connector, DEGREE] = degree
    if degree < graph.most_tied:
        _tie_with_all(graph, organisation, ends[connector, NEWEST], -1)
    elif degree == graph.most_tied:
        _tie_all(graph, ends[connector, NEWEST], 1)


@inlined
def count_link(graph: Links, link: int, sign: int) -> None:
    """One standing movement more (sign 1) or less (sign -1) has both ends of the link."""
    count = graph.links[link, COUNT] + sign
    graph.links[link, COUNT] = count
    if sign > 0 and count == 1:
        _begin(graph, link)
    elif sign < 0 and count == 0:
        _end(graph, link)


@compiled
def settle(graph: Links, finds: Finds, organisation: int) -> None:
    """Tell those tied with the organisation whether it is caught, after its finds have changed."""
    ends, ties = graph.ends, graph.ties
    caught = int(finds.values[organisation, COUNTS + FIND] > 0.0)
    if ends[organisation, CAUGHT] == caught:
        return
    ends[organisation, CAUGHT] = caught
    side = ends[organisation, FIRST]
    while side != NONE:
        tied = ties[side, OTHER]
        _remove(graph, tied, side ^ 1)
        _insert(graph, tied, side ^ 1)
        side = ties[side, AFTER]


@inlined
def _read(
    graph: Links, seen: Finds, slot: int, as_of: int, picks: Ints, out: Floats, row: int
) -> None:
    """Fill the picked columns of ``out[row]``; as ``read_links``."""
    if slot < 0:
        for i in range(picks.shape[0]):
            out[row, picks[i, 1]] = math.nan
        return
    ties = graph.ties
    organisations, finds, last = 0, 0.0, 0
    side = graph.ends[slot, FIRST]
    while side != NONE:
        other = ties[side, OTHER]
        its_finds = seen.values[other, COUNTS + FIND]
        if its_finds == 0.0:
            break
        organisations += 1
        finds += its_finds  # whole numbers, so that their sum does not depend on the order
        last = max(last, seen.words[other, seen.newest])
        side = ties[side, AFTER]
    days = min((as_of + OFFSET - last) / DAY, seen.never_days)
    numbers = (float(graph.ends[slot, TIES]), float(organisations), finds, days)
    for i in range(picks.shape[0]):
        out[row, picks[i, 1]] = numbers[picks[i, 0]]


@compiled
def read_links(
    graph: Packed, seen: Packed, slot: int, as_of: int, picks: Ints, out: Floats
) -> None:
    """Fill the picked columns of ``out[0]`` for one organisation.

    Args:
        graph: the fields of ``Links``.
        seen: the fields of ``Finds``, all settled.
        slot: of the organisation, or UNSEEN, or NOT_DECLARED.
        picks: int64[p, 2]: place in ``LINK_STATISTICS``, column.
        out: float64[n, F]; other columns are left alone.
    """
    _read(Links(*graph), Finds(*seen), slot, as_of, picks, out, 0)


@compiled
def apply_links(graph: Packed, seen: Packed, stream: Ints, start: int) -> int:
    """Count the links of a stream that ``kernel.apply`` has counted.

    Args:
        stream: as for ``kernel.apply``; a link is there as its negative number.
        start: where in the stream to begin.

    Returns:
        Where it stopped: the length of the stream, or the first change whose ties might not find
        room any more.
    """
    state, finds, i = Links(*graph), Finds(*seen), start
    while i < stream.shape[0]:
        what, sign, end = stream[i], stream[i + 1], i + 4 + stream[i + 3]
        if what == MOVEMENT:
            most = state.ties[0, 0] + 1 + PAIRS * stream[i + 3]
            if 2 * most > state.ties.shape[0]:
                return i
            for j in range(i + 4, end):
                if stream[j] < 0:
                    count_link(state, -stream[j], sign)
        elif what == FIND:
            for j in range(i + 4, end):
                if stream[j] > 0 and stream[j] % GRADES_IN_STREAM == 0:
                    settle(state, finds, stream[j] // GRADES_IN_STREAM)
        i = end
    return i


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
        _read(graph, finds, slots[i], as_of[i], picks, out, rows[i])
