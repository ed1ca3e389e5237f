"""Compiled walks through packed trees: what ``models.worst_leaf`` says, bit for bit either way.

*Nodes* are for a row or two. The children of a split lie side by side, and a row goes down eight
trees at once: so a step is one addition, and eight wait for memory together.

*Splits* are for many rows, where every split is asked of a block of rows and there is nothing to
go down: a tree has at most 64 leaves, and those that a row can still reach are bits of a number.
A way that is closed at a split takes the leaves beyond it out of reach. Bits stand for leaves
from the highest value to the lowest, so that the lowest bit left is the highest leaf in reach.

All that the machine code is made of is in this file: numba keeps it on disk until the file changes.

References:
    Lucchese, C. et al. (2015), "QuickScorer: a fast algorithm to rank documents with additive
    ensembles of regression trees", SIGIR '15, section 3: bits for leaves.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.int32]
Bits = NDArray[np.uint64]
States = NDArray[np.int8]

GIVEN, FREE, AT_MOST = 0, 1, 2
"""What is known of a column: its value; nothing; or that it is its value or anything below."""
LANES = 8
"""Trees that a row goes down at once."""
CHILD, WHAT = 2, 3
"""Words of a node: its first child, of a leaf itself; ``4 * feature`` and two truths."""
MISSING_LEFT, SPLIT = 1, 2
MOST_BITS = 64
ALL_BITS = np.uint64(2**MOST_BITS - 1)
HIGHEST = float(np.finfo(np.float64).max)
ROWS_OF_A_BLOCK = 64
"""Their columns stay in the first cache while all trees pass."""
WIDTH = 8
"""A block has room for a multiple of it, so that no row is left to be looked at alone."""

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Lets other threads run meanwhile; the type stays the function's own."""
    kept = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    return cast(Callable[P, R], kept)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled into its callers."""
    kept = numba.njit(cache=True, error_model="numpy", forceinline=True)(function)
    return cast(Callable[P, R], kept)


class Nodes(NamedTuple):
    """Splits and leaves of all trees."""

    words: NDArray[np.int32]
    """int32[n, 4]: the number in two words, ``CHILD``, ``WHAT``."""
    numbers: Floats
    """float64[n, 2], the same memory: threshold of a split or value of a leaf."""
    roots: NDArray[np.int32]
    """int32[t], a multiple of ``LANES``: the last are leaves of value 0 that are no tree's."""
    most_leaves: int
    """Of one tree."""


class Splits(NamedTuple):
    """Splits of all trees, tree after tree, and their leaves.

    They look at *columns*: features, of which a missing value is taken for the least or the most
    of all numbers, whichever way the split sends it.
    """

    feature: Ints
    """int64[c], of each column."""
    missing: Floats
    """float64[c], minus infinity or infinity."""
    first: Ints
    """int64[trees + 1]: where the splits of each tree begin."""
    column: Ints
    threshold: Floats
    """At most ``HIGHEST``: where only what is missing goes right, infinity stands for it."""
    if_left: NDArray[np.uint64]
    """The leaves that are in reach where the left way is open: all but those on the right."""
    if_right: NDArray[np.uint64]
    leaf: Floats
    """float64[trees, 64], from the highest."""


@inlined
def _goes_left(value: float, threshold: float, what: int) -> bool:
    return bool((value <= threshold) | (np.isnan(value) & (what & MISSING_LEFT != 0)))


@inlined
def _next(words: Words, numbers: Floats, row: Floats, at: int) -> int:
    """A child, or the same leaf again."""
    what = words[at, WHAT]
    left = _goes_left(row[what >> 2], numbers[at, 0], what)
    return int(words[at, CHILD] + ((what & SPLIT != 0) & (not left)))


@compiled
def follow(words: Words, numbers: Floats, roots: Words, rows: Floats, found: Floats) -> None:
    """Down eight trees at once, until all of them end."""
    for i in range(len(rows)):
        row, margin = rows[i], 0.0
        for t in range(0, len(roots), LANES):
            a, b, c, d = roots[t], roots[t + 1], roots[t + 2], roots[t + 3]
            e, f, g, h = roots[t + 4], roots[t + 5], roots[t + 6], roots[t + 7]
            more = SPLIT
            while more & SPLIT:
                more = words[a, WHAT] | words[b, WHAT] | words[c, WHAT] | words[d, WHAT]
                more |= words[e, WHAT] | words[f, WHAT] | words[g, WHAT] | words[h, WHAT]
                a, b = _next(words, numbers, row, a), _next(words, numbers, row, b)
                c, d = _next(words, numbers, row, c), _next(words, numbers, row, d)
                e, f = _next(words, numbers, row, e), _next(words, numbers, row, f)
                g, h = _next(words, numbers, row, g), _next(words, numbers, row, h)
            for leaf in (a, b, c, d, e, f, g, h):
                margin += numbers[leaf, 0]
        found[i] = margin


@compiled
def walk(
    words: Words,
    numbers: Floats,
    roots: Words,
    most_leaves: int,
    rows: Floats,
    states: States,
    found: Floats,
) -> None:
    waiting = np.empty(most_leaves, dtype=np.int64)  # each leads to leaves of its own
    for i in range(len(rows)):
        margin = 0.0
        for root in roots:
            highest = -np.inf
            waiting[0] = root
            left_over = 1
            while left_over > 0:
                left_over -= 1
                at = waiting[left_over]
                while words[at, WHAT] & SPLIT:
                    what = words[at, WHAT]
                    goes_left = _goes_left(rows[i, what >> 2], numbers[at, 0], what)
                    state, at = states[i, what >> 2], words[at, CHILD]
                    if state == GIVEN:
                        at += not goes_left
                    elif state == FREE or not goes_left:
                        waiting[left_over] = at
                        left_over += 1
                        at += 1
                highest = max(highest, numbers[at, 0])
            margin += highest
        found[i] = margin


@compiled
def sweep(
    feature: Ints,
    missing: Floats,
    first: Ints,
    column: Ints,
    threshold: Floats,
    if_left: Bits,
    if_right: Bits,
    leaf: Floats,
    rows: Floats,
    states: States,
    found: Floats,
) -> None:
    """Every split is asked of a block of rows, and takes leaves out of their reach.

    Args:
        states: of each row, or of none where all columns are ``GIVEN``.
    """
    width = min(ROWS_OF_A_BLOCK, -(-len(rows) // WIDTH) * WIDTH)
    in_reach = np.empty(width, dtype=np.uint64)
    least, most = np.zeros((len(feature), width)), np.zeros((len(feature), width))
    for begin in range(0, len(rows), width):
        end = min(begin + width, len(rows))
        _fill(least, most, feature, missing, rows[begin:end], states[begin:end])
        for tree in range(len(first) - 1):
            in_reach[:] = ALL_BITS
            if len(states) == 0:
                for split in range(first[tree], first[tree + 1]):
                    value, limit = least[column[split]], threshold[split]
                    left, right = if_left[split], if_right[split]
                    for i in range(width):
                        in_reach[i] &= right if value[i] > limit else left
            else:
                for split in range(first[tree], first[tree + 1]):
                    low, high = least[column[split]], most[column[split]]
                    limit, left, right = threshold[split], if_left[split], if_right[split]
                    for i in range(width):
                        in_reach[i] &= (right if low[i] > limit else ALL_BITS) & (
                            ALL_BITS if high[i] > limit else left
                        )
            for i in range(end - begin):
                found[begin + i] += leaf[tree, _lowest_bit(in_reach[i])]


@inlined
def _fill(
    least: Floats, most: Floats, feature: Ints, missing: Floats, rows: Floats, states: States
) -> None:
    """The least and the most that each column of some rows can be."""
    for i in range(len(rows)):
        for c in range(len(feature)):
            value = rows[i, feature[c]]
            value = missing[c] if np.isnan(value) else min(value, HIGHEST)
            state = states[i, feature[c]] if len(states) > 0 else GIVEN
            least[c, i] = value if state == GIVEN else -np.inf
            most[c, i] = np.inf if state == FREE else value


@intrinsic  # type: ignore[untyped-decorator]
def _lowest_bit(typing: Any, bits: Any) -> Any:  # noqa: ARG001 - numba passes its typing context
    """Place of the lowest bit of a number that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate
