"""The same history, kept in memory and followed as the ledger grows.

An event that was heard *waits* until an instant later than its ``available_at`` is asked for or
has passed; then all events of its instant are applied together, in an order of content alone. So
events of the same time commute, and what is read never depends on the order of arrival.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from typing import Self

from features.clock import Micros, now_micros
from features.history.aboard import CARGO, listed_by
from features.history.carriage import Carriage, Told
from features.history.differences import NO_KEYS, Change, difference, in_instant, stream_of
from features.history.errors import FutureRefused
from features.history.frozen import KEY, Frozen, FrozenTable, Keys, Places, Standings, Texts
from features.history.kernel import Floats
from features.history.live_aboard import numbers_aboard
from features.history.live_kernel import read_live
from features.history.live_slots import slots_of
from features.history.plan import Plan
from features.history.readers import link_fields, readers_of
from features.history.statistics import GRADES, PRIOR_RATE, PRIOR_STRENGTH, RATE_STRENGTH
from features.history.tables import CATEGORY, ENTITY, LAST_SHARD, PAIR, Table, Tables
from features.history.view import Counted, Mark, Standing, heard_of
from features.ledger.events import MovementDeclared, OutcomeRecorded, Recorded
from features.ledger.protocol import LedgerReader
from features.movement_columns import MovementColumns

BATCH = 10_000
START = (PRIOR_RATE, float(PRIOR_STRENGTH))
"""What a kind's own find rate starts from."""
STRENGTH = float(RATE_STRENGTH)


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
        self._tables = Tables()
        self._standings = Standings()
        self._keys = Places()
        self._carriage = Carriage()
        self._waiting: list[Recorded] = []
        self._applied_to: Micros | None = None
        self._newest: dict[str, Micros] = {}
        self._newest_outcome: dict[str, Micros] = {}

    def freeze(self) -> Frozen:
        """All of it, to be written at once: arrays of state are not copied."""
        if self.epoch is None:
            raise ValueError("there is nothing to freeze before the first follow")
        tables = {
            grade: FrozenTable(Texts.of(keys), words, nodes)
            for grade, (keys, words, nodes) in self._tables.tables()
        }
        return Frozen(
            self.position,
            self.epoch,
            self._applied_to,
            self._newest,
            self._newest_outcome,
            tables,
            self._tables.graph(),
            self._keys.freeze(),
            self._standings.freeze(),
            self._carriage.freeze(),
            [event.position for event in self._waiting],
        )

    @classmethod
    def thaw(
        cls,
        frozen: Frozen,
        waiting: Iterable[Recorded],
        clock: Callable[[], Micros] = now_micros,
    ) -> Self:
        """What was frozen, whose arrays of state it goes on in.

        Args:
            waiting: the events at ``frozen.waiting``.
        """
        history = cls(clock)
        history.position, history.epoch = frozen.position, frozen.epoch
        history._applied_to = frozen.applied_to
        history._newest, history._newest_outcome = dict(frozen.newest), dict(frozen.newest_outcome)
        history._tables = Tables.of(
            {
                g: Table(keys.all(), words, nodes)
                for g, (keys, words, nodes) in frozen.tables.items()
            },
            frozen.graph,
        )
        history._keys, history._standings = Places(frozen.versions), Standings(frozen.movements)
        history._carriage = Carriage(frozen.carriage)
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

    def fill(
        self, movements: Sequence[MovementDeclared], as_of: Micros, plan: Plan, rows: Floats
    ) -> None:
        """Fill the history columns of ``rows``, float64[n, F], from all events before ``as_of``.

        Raises:
            FutureRefused: an event with ``available_at >= as_of`` is applied already; use an
                ``as_of`` later than every ``newest_available_at``, such as now.
        """
        if self._applied_to is not None and self._applied_to >= as_of:
            raise FutureRefused(
                f"as_of {as_of} is not later than {self._applied_to}, which is applied already"
            )
        self._apply_before(as_of)
        if not movements:
            return
        kind, asked = slots_of(self._tables.slots, movements, plan)
        read_live(
            self._tables.addresses,
            self._tables.links.address,
            asked,
            as_of,
            START,
            STRENGTH,
            plan.picks,
            plan.link_picks,
            plan.aboard.columns,
            plan.aboard.nothing,
            rows,
        )
        if len(plan.aboard.columns):
            for at in self._with_cargo(movements):
                self._fill_aboard(movements[at], kind, as_of, plan, rows[at])

    def _with_cargo(self, movements: Sequence[MovementDeclared]) -> list[int]:
        """Places of those that may have consignments on board."""
        carried_by = self._carriage.carried_by
        if isinstance(movements, MovementColumns):  # they refer to nothing
            return [at for at, name in enumerate(movements.movements) if carried_by(name)]
        return [
            at
            for at, movement in enumerate(movements)
            if movement.references or carried_by(movement.movement)
        ]

    def touched(self, kind: str, movements: Sequence[str]) -> set[int]:
        """Places of the movements (pseudonyms) of which anything is applied, or that a shipment
        says carries it."""
        find, carried_by = self._standings.find, self._carriage.carried_by
        return {
            at
            for at, name in enumerate(movements)
            if find(kind, name) is not None or carried_by(name)
        }

    def apply_before(self, as_of: Micros) -> None:
        """All that was heard and available before ``as_of`` counts, as after ``fill``."""
        self._apply_before(as_of)

    @contextmanager
    def apart(self, kind: str, movement: str, as_of: Micros) -> Iterator[None]:
        """Meanwhile ``fill`` at this ``as_of`` reads as if the movement had been cancelled the
        instant before: one that is assessed again is no history of its own.

        What it added is taken back and added again, and sums get back their last bit: so nothing
        later can tell. Some 16 bytes for each of its entities stay used.
        """
        self._apply_before(as_of)
        standing = self._standings.find(kind, movement)
        keys = NO_KEYS if standing is None else self._keys_of(standing)
        changes = [] if standing is None else difference(keys, standing.marks(), NO_KEYS, ())
        sums = self._tables.sums(keys)
        self._tables.apply(stream_of(changes))
        try:
            yield
        finally:
            self._tables.apply(stream_of((at, -sign, what, its) for at, sign, what, its in changes))
            self._tables.set_sums(keys, sums)

    def standing(self, kind: str, movement: str) -> Standing | None:
        """What is applied of one movement (pseudonym); None when nothing is."""
        return self._standings.find(kind, movement)

    def carried_by(self, carrier: str) -> Collection[str]:
        """Pseudonyms of the shipments whose standing version says that this movement does."""
        return self._carriage.carried_by(carrier)

    def carrying(self, shipment: str) -> str | None:
        """Pseudonym of the movement that carries it; None when nothing that stands says so."""
        return self._carriage.carrying(shipment)

    def entities_of(self, kind: str, movement: str) -> list[int]:
        """The entities that its standing version names, as numbers: good until history is
        rebuilt. None for a movement that is unknown or cancelled."""
        standing = self._standings.find(kind, movement)
        keys = NO_KEYS if standing is None else self._keys_of(standing)
        return [key for key in keys if key > 0 and key % len(GRADES) == ENTITY]

    def _fill_aboard(
        self, movement: MovementDeclared, kind: int, as_of: Micros, plan: Plan, row: Floats
    ) -> None:
        """The columns of ``plan.aboard`` where a consignment is known, as
        ``features.history.consignments`` fills them.

        Args:
            kind: its slot.
        """
        listed, carried = listed_by(movement), self._carriage.carried_by(movement.movement)
        if not listed and not carried:
            return
        known, organisations = self._organisations_of({*listed, *carried})
        if known > 0:
            entities, categories, _ = self._tables.states
            numbers = numbers_aboard(entities, categories, kind, known, organisations, as_of)
            row[plan.aboard.columns] = numbers[plan.aboard.which]

    def _organisations_of(self, shipments: Collection[str]) -> tuple[int, Collection[int]]:
        """How many of the shipments are known; slots of the organisations they name, each once."""
        known, found = 0, set()
        for shipment in shipments:
            standing = self._standings.find(CARGO, shipment)
            version = None if standing is None else standing.version
            if version is None:
                continue
            known += 1
            for key in self._keys[version.place]:
                if key % len(GRADES) != ENTITY:
                    break
                found.add(key // len(GRADES))
        return known, found

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
        stream: list[int] = []
        for _, together in groupby(due, key=_available_at):
            stream += stream_of(sorted(self._hear(together), key=in_instant))
        self._tables.apply(stream)
        self._applied_to = due[-1].available_at

    def _hear(self, together: Iterable[Recorded]) -> list[Change]:
        """What the events of one instant change."""
        before: dict[Standing, tuple[Keys, Sequence[Mark]]] = {}
        told: list[Told] = []
        for event in together:
            payload, at = event.payload, event.available_at
            if not isinstance(payload, Counted):
                continue
            self._newest[payload.kind] = at
            standing, known = self._standings.get(payload.kind, payload.movement)
            if not known:
                before[standing] = NO_KEYS, ()
            elif standing not in before:
                before[standing] = self._keys_of(standing), standing.marks()
            place = -1
            if isinstance(payload, OutcomeRecorded):
                self._newest_outcome[payload.kind] = at
            elif isinstance(payload, MovementDeclared):
                place = len(self._keys)
                self._keys.append(self._learn_keys(payload))
            standing.hear(heard_of(payload, at, place))
            if payload.kind == CARGO:
                told.append(Told(standing, payload, place))
        for one in told:
            self._carriage.follow(one)
        changed: list[Change] = []
        for standing, (keys, marks) in before.items():
            changed += difference(keys, marks, self._keys_of(standing), standing.marks())
        return changed

    def _keys_of(self, standing: Standing) -> Keys:
        return NO_KEYS if standing.version is None else self._keys[standing.version.place]

    def _learn_keys(self, movement: MovementDeclared) -> "array[int]":
        """What the movement counts on, once each, although two fields may name one organisation.

        Organisations come first and the kind itself, a category, ends them: so those of a
        consignment are found again without a word more for each version.
        """
        readers, named = readers_of(movement.kind, tuple(movement.attributes)), movement.entities
        found: dict[int, None] = {}
        for grade, keys in (
            (ENTITY, map(named.get, readers.organisations)),
            (CATEGORY, [reader(movement) for reader in readers.categories]),
            (ENTITY, map(named.get, readers.entities)),
            (PAIR, [reader(movement) for reader in readers.pairs]),
        ):
            shards = self._tables.slots[grade].shards
            for key in keys:
                if key:
                    slot = shards[hash(key) & LAST_SHARD].get(key)
                    of_grade = (
                        self._tables.learn(grade, key)
                        if slot is None
                        else slot * len(GRADES) + grade
                    )
                    found[of_grade] = None
        found.update(dict.fromkeys(self._learn_links(movement)))
        return array(KEY, found)

    def _learn_links(self, movement: MovementDeclared) -> list[int]:
        """What the movement links; its keys are learnt."""
        named, (whose, by) = movement.entities, link_fields(movement.kind)
        key = named.get(whose)
        if not key:
            return []
        shards, learn = self._tables.slots[ENTITY].shards, self._tables.links.learn
        organisation = shards[hash(key) & LAST_SHARD][key]
        return [
            learn(organisation, shards[hash(shared) & LAST_SHARD][shared])
            for shared in map(named.get, by)
            if shared and shared != key
        ]


def _available_at(event: Recorded) -> Micros:
    return event.available_at


def _order(event: Recorded) -> tuple[Micros, int]:
    return event.available_at, event.position
