"""The row functions of links: count a link, mark who is caught. Compiled, and used by the offline
pass and the online state alike, as those of ``kernel``; what reads them is in ``link_reading``.

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

from typing import NamedTuple

import numpy as np

from features.history.compiling import compiled, inlined
from features.history.kernel import (
    COUNTS,
    SUMS,
    Floats,
    Ints,
    State,
)
from features.history.statistics import FIND, MOVEMENT

COUNT, ORGANISATION, CONNECTOR, LATER, EARLIER = 0, 1, 2, 3, 4
"""Words of a link: standing movements; the slots of its ends; its neighbours among the live links
of the connector, newest first."""
DEGREE, NEWEST, TIES, FIRST, LAST, CAUGHT, MET = 0, 1, 2, 3, 4, 5, 6
"""Words of an end. As a connector: live links, the newest of them. As an organisation: ties, each
counted as often as it is shared; the first and the last side; whether a find on it stands; which
walk met it last."""
OTHER, BEFORE, AFTER, SHARED = 0, 1, 2, 3
"""Words of a side: the other organisation, its neighbours in the list. The fourth word is, on the
even side, how many connectors tie the two, and on the odd one the next tie of the bucket."""
NONE = 0
"""No link, no side and no tie: the rows 0 stay empty, but for how many ties are used, which is the
first word of side 0, and the number of the last walk, by which end 0 counts as met."""
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
def apply_links(graph: Links, finds: Finds, stream: Ints, start: int) -> int:
    """Count the links of a stream that ``kernel.apply`` has counted.

    Args:
        stream: as for ``kernel.apply``; a link is there as its negative number.
        start: where in the stream to begin.

    Returns:
        Where it stopped: the length of the stream, or the first change whose ties might not find
        room any more.
    """
    i = start
    while i < stream.shape[0]:
        what, sign, end = stream[i], stream[i + 1], i + 4 + stream[i + 3]
        if what == MOVEMENT:
            most = graph.ties[0, 0] + 1 + PAIRS * stream[i + 3]
            if 2 * most > graph.ties.shape[0]:
                return i
            for j in range(i + 4, end):
                if stream[j] < 0:
                    count_link(graph, -stream[j], sign)
        elif what == FIND:
            for j in range(i + 4, end):
                if stream[j] > 0 and stream[j] % GRADES_IN_STREAM == 0:
                    settle(graph, finds, stream[j] // GRADES_IN_STREAM)
        i = end
    return i
