"""The memory that a state is made of."""

import numpy as np

from features.clock import MICROS_PER_DAY
from features.history.kernel import SUMS, Ints, State
from features.history.statistics import HALF_LIVES, INSTANTS, NEVER_DAYS, Grade

WORDS_PER_LINE = 8
NEVER = np.iinfo(np.int64).min


def words_of(grade: Grade) -> int:
    """
    >>> [words_of(grade) * 8 for grade in ("entity", "category", "pair")]  # bytes of a key
    [192, 64, 64]
    """
    h, k = len(HALF_LIVES[grade]), INSTANTS[grade]
    needed = SUMS + 3 * h + 2 * k + (k > 0)
    return -(-needed // WORDS_PER_LINE) * WORDS_PER_LINE


def empty_state(grade: Grade, keys: int, nodes: int) -> State:
    """Room for ``keys`` keys, in slots from 1, and ``nodes`` instants."""
    words = in_lines(keys + 1, words_of(grade))
    return state_in(grade, words, in_lines(nodes + 1, 2))


def in_lines(rows: int, words: int) -> Ints:
    """int64[rows, words], 0, that begins with a cache line; memory is taken as it is written to."""
    memory = np.zeros(rows * words + WORDS_PER_LINE, dtype=np.int64)
    first = -memory.ctypes.data % (8 * WORDS_PER_LINE) // 8
    return memory[first : first + rows * words].reshape(rows, words)


def state_in(grade: Grade, words: Ints, nodes: Ints) -> State:
    """The state that this memory holds."""
    half_lives = tuple(days * MICROS_PER_DAY for days in HALF_LIVES[grade])
    h = len(half_lives)
    return State(
        half_lives=half_lives,
        never_days=NEVER_DAYS,
        lists=INSTANTS[grade],
        words=words,
        values=words.view(np.float64),
        nodes=nodes,
        moment=np.array([NEVER, NEVER, *[0] * h, *half_lives], dtype=np.int64),
        factors=np.array([*[1.0] * 2 * h, *(1 / half_life for half_life in half_lives)]),
        numbers=np.zeros(words.shape[1]),
    )
