"""Every change of the current view, as signed entries with the instant each one counts from.

Most movements have one version and at most one outcome, so their entries come straight from
columns. The others (*amended*) are walked instant by instant: what stood before against what
stands after.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.history.statistics import EXAMINATION, FIND, MOVEMENT
from features.history.view import LABELS, Counted, Heard, Standing, heard_of
from features.ledger.events import MovementCancelled, MovementDeclared, OutcomeRecorded

Ints = NDArray[np.int64]


class Versions(NamedTuple):
    """Movement messages, by ``(available_at, position)``."""

    payloads: Sequence[MovementDeclared]
    movement: Ints
    """int64[n]: the same number for all versions of one movement."""
    available_at: Ints
    position: Ints
    source: Sequence[str]


class Verdicts(NamedTuple):
    """Outcomes, by ``(available_at, position)``."""

    payloads: Sequence[OutcomeRecorded]
    movement: Ints
    available_at: Ints
    position: Ints


class Cancellations(NamedTuple):
    """Cancellation messages, by ``(available_at, position)``."""

    payloads: Sequence[MovementCancelled]
    movement: Ints
    available_at: Ints
    position: Ints


class Events(NamedTuple):
    """All that the current view is made of; ``movements`` is how many numbers there are."""

    versions: Versions
    verdicts: Verdicts
    cancellations: Cancellations
    movements: int

    def before(self, available_before: Micros) -> "Events":
        """What was known before an instant; movements keep their numbers."""
        return Events(
            _before(self.versions, available_before),
            _before(self.verdicts, available_before),
            _before(self.cancellations, available_before),
            self.movements,
        )

    @property
    def amended(self) -> NDArray[np.bool_]:
        """bool[movements]: those with several versions or outcomes, or a cancellation."""
        several = np.zeros(self.movements, dtype=bool)
        for messages in (self.versions, self.verdicts):
            several |= np.bincount(messages.movement, minlength=self.movements) > 1
        several[self.cancellations.movement] = True
        return several

    def heard(self, among: NDArray[np.bool_]) -> dict[int, list[tuple[Micros, Heard]]]:
        """Movement number to what was heard of it and when, for the movements ``among``."""
        found: dict[int, list[tuple[Micros, Heard]]] = {}
        for messages in (self.versions, self.verdicts, self.cancellations):
            payloads: Sequence[Counted] = messages.payloads
            for i in np.flatnonzero(among[messages.movement]).tolist():
                at = int(messages.available_at[i])
                heard = heard_of(payloads[i], at, i)
                found.setdefault(int(messages.movement[i]), []).append((at, heard))
        return found


Messages = TypeVar("Messages", Versions, Verdicts, Cancellations)


def _before(messages: Messages, available_before: Micros) -> Messages:
    """The first ones, since they are by ``available_at``."""
    known = int(np.searchsorted(messages.available_at, available_before))
    columns: Iterable[Any] = (column[:known] for column in messages)
    return type(messages)(*columns)


class Entries(NamedTuple):
    """int64[e] each; in the order in which they take effect."""

    version: Ints
    """Index of the version whose keys it counts on."""
    movement: Ints
    what: Ints
    sign: Ints
    instant: Ints
    """When it counts from: its weight, for good."""
    visible_from: Ints
    """It is visible to every ``as_of`` later than this."""
    amended: NDArray[np.bool_]
    """bool[e]: may take back, on a key that both versions have, what another entry adds."""


def entries_of(events: Events) -> Entries:
    amended = events.amended
    plain = _plain_entries(events.versions, events.verdicts, amended)
    walked = np.array(list(_walk_all(events, amended)), dtype=np.int64).reshape(-1, 6)
    table = np.concatenate([plain, walked])
    version, movement, what, sign, instant, visible_from = table.T
    order = np.argsort(visible_from, kind="stable")  # a few rising runs: merged, not sorted
    seen = visible_from[order]
    follows = np.zeros(len(order) + 1, dtype=bool)
    follows[1:-1] = seen[1:] == seen[:-1]
    # Within one instant the order is of content, so that events of the same time commute.
    tied = np.flatnonzero(follows[1:] | follows[:-1])
    few = order[tied]
    by_content = (what[few], sign[few], instant[few], visible_from[few])
    order[tied] = few[np.lexsort(by_content)]
    ordered = np.ascontiguousarray(table[order].T)
    version, movement, what, sign, instant, visible_from = ordered
    return Entries(version, movement, what, sign, instant, visible_from, amended[movement])


def _plain_entries(versions: Versions, verdicts: Verdicts, amended: NDArray[np.bool_]) -> Ints:
    """int64[e, 6] for movements with one version and at most one outcome."""
    single = np.flatnonzero(~amended[versions.movement])
    moved = _block(single, versions.movement[single], MOVEMENT, versions.available_at[single])
    version_of = np.full(len(amended), -1, dtype=np.int64)
    version_of[versions.movement[single]] = single
    is_label = np.array([p.outcome in LABELS for p in verdicts.payloads], dtype=bool)
    is_find = np.array([p.outcome == "positive" for p in verdicts.payloads], dtype=bool)
    blocks = [moved]
    for what, counts in ((EXAMINATION, is_label), (FIND, is_find)):
        chosen = np.flatnonzero(counts & (version_of[verdicts.movement] >= 0))
        movement = verdicts.movement[chosen]
        version = version_of[movement]
        both_known = np.maximum(versions.available_at[version], verdicts.available_at[chosen])
        blocks.append(_block(version, movement, what, both_known))
    return np.concatenate(blocks)


def _block(version: Ints, movement: Ints, what: int, instant: Ints) -> Ints:
    same = np.ones(len(version), dtype=np.int64)
    return np.column_stack([version, movement, what * same, same, instant, instant])


def _walk_all(events: Events, amended: NDArray[np.bool_]) -> Iterator[tuple[int, ...]]:
    for movement, heard in events.heard(amended).items():
        for version_index, what, sign, instant, visible_from in _walk(heard):
            yield version_index, movement, what, sign, instant, visible_from


def _walk(events: list[tuple[Micros, Heard]]) -> Iterator[tuple[int, int, int, int, int]]:
    """Version, what, sign, instant, visible from: what each instant changed of one movement."""
    standing = Standing()
    before: set[tuple[int, int, int]] = set()
    for at, together in groupby(sorted(events, key=_when), key=_when):
        for _, heard in together:
            standing.hear(heard)
        after = set()
        if standing.version is not None:
            after = {(standing.version.place, what, when) for what, when in standing.marks()}
        for version, what, instant in before - after:
            yield version, what, -1, instant, at
        for version, what, instant in after - before:
            yield version, what, 1, instant, at
        before = after


def _when(heard: tuple[Micros, Heard]) -> Micros:
    return heard[0]


def standings(events: Events) -> tuple[Ints, Ints, Ints]:
    """The current view of each movement number.

    Returns:
        int64[movements] each: index of the standing version, of the version heard first, and of
        the standing outcome; -1 where there is none.
    """
    standing_version, first_version = _last_and_first(events.versions.movement, events.movements)
    standing_verdict, _ = _last_and_first(events.verdicts.movement, events.movements)
    for number, heard in events.heard(events.amended).items():
        standing = Standing()
        for _, one in heard:
            standing.hear(one)
        version, verdict = standing.version, standing.verdict
        standing_version[number] = -1 if version is None else version.place
        standing_verdict[number] = -1 if verdict is None else verdict.place
    return standing_version, first_version, standing_verdict


def _last_and_first(movement: Ints, movements: int) -> tuple[Ints, Ints]:
    last = np.full(movements, -1, dtype=np.int64)
    first = np.full(movements, -1, dtype=np.int64)
    index = np.arange(len(movement))
    last[movement] = index  # where a number occurs twice, numpy keeps the last assignment
    first[movement[::-1]] = index[::-1]
    return last, first
