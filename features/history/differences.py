"""What one event changes: marks that are added to keys or taken from them. Pure."""

from collections.abc import Iterable, Sequence

from features.clock import Micros
from features.history.frozen import Keys
from features.history.view import Mark

NO_KEYS: Keys = ()
Change = tuple[Micros, int, int, Keys]
"""Instant it counts from, sign, what, keys: so that sorting puts an instant in its order."""


def difference(
    keys: Keys, marks: Sequence[Mark], keys_now: Keys, marks_now: Sequence[Mark]
) -> list[Change]:
    """What takes ``marks`` on ``keys`` to ``marks_now`` on ``keys_now``."""
    if not marks:
        return [(mark.instant, 1, mark.what, keys_now) for mark in marks_now]
    gone = [key for key in keys if key not in keys_now]
    new = [key for key in keys_now if key not in keys]
    return [
        *((mark.instant, -1, mark.what, gone if mark in marks_now else keys) for mark in marks),
        *((mark.instant, 1, mark.what, new if mark in marks else keys_now) for mark in marks_now),
    ]


def stream_of(changes: Iterable[Change]) -> list[int]:
    """As ``Tables.apply`` takes them."""
    stream: list[int] = []
    for counts_from, sign, what, keys in changes:
        stream += (what, sign, counts_from, len(keys), *keys)
    return stream


def in_instant(change: Change) -> tuple[Micros, int, int]:
    return change[:3]
