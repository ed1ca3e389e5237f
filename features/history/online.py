"""The same history, kept in memory and followed as the ledger grows.

An event that was heard *waits* until an instant later than its ``available_at`` is asked for or
has passed; then all events of its instant are applied together, in an order of content alone. So
events of the same time commute, and what is read never depends on the order of arrival.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, groupby, islice
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros, now_micros
from features.history.errors import FutureRefused
from features.history.frozen import Frozen, Keys, Places, Standings, Texts
from features.history.kernel import (
    NO_NODE,
    NOT_DECLARED,
    UNSEEN,
    Floats,
    Ints,
    State,
    apply,
    empty_state,
    read,
)
from features.history.plan import KIND_PICK, Plan
from features.history.roles import Role, attribute_role, kind_key, roles_of
from features.history.statistics import GRADES, INSTANTS, PRIOR_RATE, Grade
from features.history.view import Counted, Mark, Standing, heard_of
from features.ledger.events import MovementDeclared, OutcomeRecorded, Recorded
from features.ledger.protocol import LedgerReader
from features.records import KINDS

T = TypeVar("T", bound=np.generic)
NOTHING = frozenset({-1})
Change = tuple[Micros, int, int, int]
"""Instant it counts from, sign, what, key: so that sorting puts an instant in its order."""
BATCH = 10_000


class Table:
    """Keys of one grade and their state; both grow by doubling."""

    def __init__(self, grade: Grade) -> None:
        self.slots: dict[str, int] = {}
        self._instants = INSTANTS[grade]
        self.state = empty_state(grade, 64, 64)

    def apply(self, deltas: Ints) -> None:
        """int64[d, 4] as for ``kernel.apply``, of keys that have a slot by now."""
        if not len(deltas):
            return
        added = int(np.count_nonzero((deltas[:, 2] > 0) & (deltas[:, 1] < self._instants)))
        self.state = _with_room(self.state, len(self.slots), int(self.state.nodes_used[0]) + added)
        apply(self.state, deltas)


def _with_room(state: State, keys: int, nodes: int) -> State:
    """The same state, or a copy with at least so many rows."""
    if keys > len(state.counts):
        rows = max(keys, 2 * len(state.counts))
        state = state._replace(
            counts=_longer(state.counts, rows),
            sums=_longer(state.sums, rows),
            bases=_longer(state.bases, rows),
            heads=_longer(state.heads, rows, NO_NODE),
            newest=_longer(state.newest, rows),
            oldest=_longer(state.oldest, rows),
        )
    if nodes > len(state.node_instants):
        rows = max(nodes, 2 * len(state.node_instants))
        state = state._replace(
            node_instants=_longer(state.node_instants, rows),
            node_next=_longer(state.node_next, rows),
        )
    return state


def _longer(array: NDArray[T], rows: int, fill: int = 0) -> NDArray[T]:
    longer = np.full((rows, *array.shape[1:]), fill, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


class LiveHistory:
    """State of every key, for one thread.

    ``follow`` hears what is new and applies what is past by ``clock``; ``fill`` applies the rest
    of what is before its ``as_of``. What is stamped later than that waits, unseen.
    """

    def __init__(self, clock: Callable[[], Micros] = now_micros) -> None:
        self._clock = clock
        self.position = 0
        """Of the last event heard."""
        self.epoch: int | None = None
        """Of the ledger when last rebuilt; None before that."""
        self._start_anew()

    def _start_anew(self) -> None:
        self.position = 0
        self.epoch = None
        self._tables = {grade: Table(grade) for grade in GRADES}
        self._standings = Standings()
        self._keys = Places()
        """Of each version, each key once, as ``slot * len(GRADES) + grade``."""
        self._waiting: list[Recorded] = []
        self._applied_to: Micros | None = None
        self._newest: dict[str, Micros] = {}
        self._newest_outcome: dict[str, Micros] = {}

    def freeze(self) -> Frozen:
        """All of it, to be written at once: arrays of state are not copied."""
        if self.epoch is None:
            raise ValueError("there is nothing to freeze before the first follow")
        tables = {
            grade: (Texts.of(table.slots), table.state) for grade, table in self._tables.items()
        }
        return Frozen(
            self.position,
            self.epoch,
            self._applied_to,
            self._newest,
            self._newest_outcome,
            tables,
            self._keys.freeze(),
            self._standings.freeze(),
            [event.position for event in self._waiting],
        )

    @classmethod
    def thaw(
        cls,
        frozen: Frozen,
        waiting: Iterable[Recorded],
        clock: Callable[[], Micros] = now_micros,
    ) -> Self:
        """What was frozen; ``waiting`` are the events at ``frozen.waiting``."""
        history = cls(clock)
        history.position, history.epoch = frozen.position, frozen.epoch
        history._applied_to = frozen.applied_to
        history._newest, history._newest_outcome = dict(frozen.newest), dict(frozen.newest_outcome)
        for grade, (keys, state) in frozen.tables.items():
            table = history._tables[grade]
            table.slots = dict(zip(keys.all(), count()))
            table.state = state
        history._keys, history._standings = Places(frozen.versions), Standings(frozen.movements)
        history._waiting = sorted(waiting, key=_order)
        return history

    def newest_available_at(self, kind: str) -> Micros | None:
        """Of the kind's movements and outcomes that are applied; None when there are none."""
        return self._newest.get(kind)

    def newest_outcome_at(self, kind: str) -> Micros | None:
        """Of the kind's outcomes that are applied; None when there are none. A movement that is
        scored is an event too, so only outcomes show that what history learns from still comes.
        """
        return self._newest_outcome.get(kind)

    def follow(self, ledger: LedgerReader) -> None:
        """Catch up with the ledger; when nothing is new, two short statements and no more.

        All is rebuilt when the ledger's epoch has changed, and when an event turns up that is not
        later than what is applied: the one thing that waiting cannot put right.

        Raises:
            LedgerError: it cannot be read; what was heard stays, unless it was being rebuilt.
        """
        epoch = ledger.epoch()
        if epoch != self.epoch:
            self._rebuild(ledger, epoch)
            return
        for event in ledger.tail(self.position):
            if isinstance(event.payload, Counted):
                if self._applied_to is not None and event.available_at <= self._applied_to:
                    self._rebuild(ledger, epoch)
                    return
                insort(self._waiting, event, key=_order)
            self.position = event.position
        self._apply_before(self._clock())

    def fill(self, movement: MovementDeclared, as_of: Micros, plan: Plan, row: Floats) -> None:
        """Fill the history columns of ``row``, float64[F], from all events before ``as_of``.

        Raises:
            FutureRefused: an event with ``available_at >= as_of`` is applied already; use an
                ``as_of`` later than every ``newest_available_at``, such as now.
        """
        if self._applied_to is not None and self._applied_to >= as_of:
            raise FutureRefused(
                f"as_of {as_of} is not later than {self._applied_to}, which is applied already"
            )
        self._apply_before(as_of)
        prior = np.empty(1)
        kind_slot = self._tables["category"].slots.get(kind_key(plan.kind), UNSEEN)
        categories = self._tables["category"].state
        read(categories, np.array([kind_slot]), as_of, PRIOR_RATE, KIND_PICK, prior)
        for grade, reading in plan.by_grade.items():
            table = self._tables[grade]
            slots = np.empty(len(reading.roles), dtype=np.int64)
            for place, role in enumerate(reading.roles):
                text = role.texts((movement,))[0]
                found = None if text is None else table.slots.get(role.prefix + text, UNSEEN)
                slots[place] = NOT_DECLARED if found is None else found
            read(table.state, slots, as_of, float(prior[0]), reading.picks, row)

    def _rebuild(self, ledger: LedgerReader, epoch: int) -> None:
        self._start_anew()
        last = ledger.last_position()
        now = self._clock()
        events = ledger.read(position_up_to=last)
        while batch := list(islice(events, BATCH)):
            self._waiting += [event for event in batch if isinstance(event.payload, Counted)]
            self._apply_before(min(batch[-1].available_at, now))
        self._apply_before(now)
        self.position, self.epoch = last, epoch

    def _apply_before(self, instant: Micros) -> None:
        """Apply what waits with ``available_at < instant``."""
        if not self._waiting or self._waiting[0].available_at >= instant:
            return
        cut = bisect_left(self._waiting, instant, key=_available_at)
        due, self._waiting = self._waiting[:cut], self._waiting[cut:]
        places = count(len(self._keys))
        self._learn_keys(due)
        deltas: list[list[int]] = [[] for _ in GRADES]
        for _, together in groupby(due, key=_available_at):
            for counts_from, sign, what, key in sorted(self._hear(together, places)):
                slot, table = divmod(key, len(GRADES))
                deltas[table] += (slot, what, sign, counts_from)
        for grade, flat in zip(GRADES, deltas, strict=True):
            self._tables[grade].apply(np.array(flat, dtype=np.int64).reshape(-1, 4))
        self._applied_to = due[-1].available_at

    def _hear(self, together: Iterable[Recorded], places: Iterator[int]) -> list[Change]:
        """What the events of one instant change; versions are kept at ``places``."""
        before: dict[Standing, tuple[Keys, tuple[Mark, ...]]] = {}
        for event in together:
            payload, at = event.payload, event.available_at
            if not isinstance(payload, Counted):
                continue
            self._newest[payload.kind] = at
            name = (payload.kind, payload.movement)
            standing = self._standings.get(name)
            if standing is None:
                standing = self._standings[name] = Standing()
            if standing not in before:
                before[standing] = self._keys_of(standing), standing.marks()
            if isinstance(payload, OutcomeRecorded):
                self._newest_outcome[payload.kind] = at
            place = next(places) if isinstance(payload, MovementDeclared) else -1
            standing.hear(heard_of(payload, at, place))
        changed: list[Change] = []
        for standing, then in before.items():
            changed += _difference(*then, self._keys_of(standing), standing.marks())
        return changed

    def _keys_of(self, standing: Standing) -> Keys:
        return () if standing.version is None else self._keys[standing.version.place]

    def _learn_keys(self, events: Sequence[Recorded]) -> None:
        """Append to ``_keys`` what each version counts on, in the order of ``events``."""
        payloads = [e.payload for e in events if isinstance(e.payload, MovementDeclared)]
        found: list[Keys] = [()] * len(payloads)
        for kind in KINDS:
            members = [i for i, payload in enumerate(payloads) if payload.kind == kind]
            if not members:
                continue
            chosen = [payloads[i] for i in members]
            names = sorted({name for payload in chosen for name in payload.attributes})
            roles = (*roles_of(kind), *(attribute_role(kind, name) for name in names))
            columns = [self._role_keys(role, chosen) for role in roles]
            itself = self._key("category", kind_key(kind))
            for i, keys in zip(members, zip(*columns, strict=True), strict=True):
                # Once each, although two fields may name the same organisation.
                found[i] = tuple({itself, *keys} - NOTHING)
        self._keys += found

    def _role_keys(self, role: Role, movements: Sequence[MovementDeclared]) -> list[int]:
        slots, size, grade = self._tables[role.grade].slots, len(GRADES), GRADES.index(role.grade)
        prefix = role.prefix
        return [
            -1 if text is None else slots.setdefault(prefix + text, len(slots)) * size + grade
            for text in role.texts(movements)
        ]

    def _key(self, grade: Grade, key: str) -> int:
        slots = self._tables[grade].slots
        return slots.setdefault(key, len(slots)) * len(GRADES) + GRADES.index(grade)


def _difference(
    keys: Keys, marks: Sequence[Mark], keys_now: Keys, marks_now: Sequence[Mark]
) -> Iterator[Change]:
    """What takes ``marks`` on ``keys`` to ``marks_now`` on ``keys_now``."""
    kept = set(keys).intersection(keys_now) if marks and marks_now else set()
    for mark in marks:
        stays = mark in marks_now
        yield from (
            (mark.instant, -1, mark.what, key) for key in keys if not (stays and key in kept)
        )
    for mark in marks_now:
        stayed = mark in marks
        yield from (
            (mark.instant, 1, mark.what, key) for key in keys_now if not (stayed and key in kept)
        )


def _available_at(event: Recorded) -> Micros:
    return event.available_at


def _order(event: Recorded) -> tuple[Micros, int]:
    return event.available_at, event.position
