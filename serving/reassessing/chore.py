"""Assessing again, beside the answering and slower than it: at most a tenth of a worker's time."""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from features.clock import MICROS_PER_DAY, now_micros
from features.errors import ForelandError
from features.history.online import LiveHistory
from features.ledger import Ledger
from features.settings import Settings
from serving.assessing import Asked, Question, Repeat
from serving.audit.reading import LiveRow
from serving.auth.access import LOCAL, Client
from serving.knowledge import Knowledge
from serving.matching import encode_matches
from serving.problems import RequestRefused
from serving.reassessing.changes import changes, is_live, is_worth_recording
from serving.reassessing.committing import Again, ReassessmentCommit
from serving.reassessing.overheard import Overheard, Stretch
from serving.reassessing.subjects import MOST_EVENTS, MOST_ROWS, Named, Subject, Subjects
from serving.reassessing.triggers import (
    ABOUT_CARGO,
    INTELLIGENCE,
    Listings,
    Trigger,
    trigger_of,
)
from serving.reassessing.turns import Turns
from serving.recording import Recorder
from serving.slices import Slices
from serving.vocabulary import Because

logger = logging.getLogger("foreland.serving")

SECONDS = 1.0
"""Between looks at what has become known."""
RESTS_FOR_WORK = 9.0
"""After each step, so many times as long as it took."""
MOST_OF_A_SLICE = 8
"""Assessed again between two rests."""
MOST_TRIGGERS = 1_000
"""Dealt with at a time: rows are held against all of them."""
FORGET_AFTER = 10_000
"""Events without any trigger after which a restart should not have to hear them again."""
ANSWER_SECONDS = 10.0

T = TypeVar("T")


class Reassessing:
    """Belongs to one event loop; every worker has one, and they take turns."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        knowledge: Knowledge,
        slices: Slices,
        recorder: Recorder,
        commit: ReassessmentCommit,
    ) -> None:
        self._days = settings.reassess_days
        self._knowledge = knowledge
        self._slices = slices
        self._recorder = recorder
        self._commit = commit
        self._one_at_a_time = asyncio.Lock()
        self._turns = Turns(recorder.stream.name)
        self._overheard = Overheard()
        knowledge.tell(self._overheard.hear)
        self._subjects = Subjects(ledger, ANSWER_SECONDS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reassess")
        self._mark: int | None = None
        self._heard = 0
        self._listings = Listings(self._micros)
        self._delayed: dict[int, Trigger] = {}
        """Selectors that were approved before their start, by the position of that."""
        self.done: Counter[str] = Counter()
        """Assessments that were made again and recorded, by why."""
        self.problem: str | None = None
        """Why nothing is assessed again; it is tried again."""

    @property
    def _micros(self) -> int:
        return round(self._days * MICROS_PER_DAY)

    def problems(self) -> list[str]:
        """For everybody to see, as ``code: sentence``: the log says more."""
        if self.problem is None:
            return []
        return ["reassessing: what is under way cannot be assessed again at present"]

    async def keep(self) -> None:
        """Runs beside the answering until it is cancelled; ends at once when it is turned off."""
        while self._days > 0:
            await asyncio.sleep(SECONDS)
            await self.tick()

    async def tick(self) -> None:
        """One step after the other until all that was heard is done, if it is this worker's turn.

        What fails is begun again from where all was done: nothing is done twice by it.
        """
        try:
            async with self._one_at_a_time:
                while await self._is_my_turn() and await self._step():
                    continue
        except (ForelandError, RequestRefused) as exc:
            self._say(str(exc))
        except Exception as exc:
            logger.exception("assessing again failed")
            self._say(type(exc).__name__)
        else:
            self.problem = None

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._subjects.close()

    async def _is_my_turn(self) -> bool:
        now = now_micros()
        if self._mark is not None and self._turns.has(now):
            return True
        position = None
        if await self._read(lambda: self._turns.may_ask(self._subjects.tables, now)):
            position = await self._recorder.done(partial(self._turns.ask, now))
        if position is None:
            self._mark = None
            self._overheard.forget(self._knowledge.history.position)
        elif self._mark is None:  # it was another's, or the worker has just begun
            begin = await self._read(lambda: self._subjects.begin(now - self._micros))
            self._mark, self._heard = position, position
            if begin is not None:  # what listed consignments since then is heard again
                self._heard = min(position, begin.position - 1)
            self._listings, self._delayed = Listings(self._micros), {}
        return self._mark is not None

    async def _step(self) -> bool:
        """Whether there may be more to do at once."""
        await self._knowledge.follow()
        triggers, heard_up_to = await self._hear(self._knowledge.history.position)
        due = {at: one for at, one in self._delayed.items() if one.starts <= now_micros()}
        await self._after([*triggers, *due.values()])
        self._delayed = {at: one for at, one in self._delayed.items() if at not in due}
        more, self._heard = heard_up_to > self._heard, heard_up_to
        mark = self._mark or 0
        if triggers or self._heard - mark >= FORGET_AFTER:
            await self._recorder.done(partial(self._turns.done, self._heard))
            self._mark = max(mark, self._heard)
        return more

    async def _hear(self, up_to: int) -> tuple[list[Trigger], int]:
        """What calls for something among the events that history has applied, and how far that
        is: no more than ``MOST_TRIGGERS`` at a time, but a whole watch-list that was approved
        counts once, as the newest of its selectors."""
        found: list[Trigger] = []
        intelligence: dict[Because, Trigger] = {}
        heard, mark = self._heard, self._mark or 0
        while heard < up_to and len(found) < MOST_TRIGGERS:
            began = time.monotonic()
            events, heard = await self._next_stretch(heard, up_to)
            self._listings.hear(events)
            delayed = await self._read(partial(self._subjects.delayed, events)) if events else {}
            self._delayed |= delayed
            for event in events:
                trigger = trigger_of(event) if event.position > mark else None
                if trigger is None or trigger.position in delayed:
                    continue
                if trigger.because in INTELLIGENCE.values():
                    intelligence[trigger.because] = trigger
                else:
                    found.append(trigger)
            await self._rest(began)
        return [*found, *intelligence.values()], heard

    async def _next_stretch(self, after: int, up_to: int) -> Stretch:
        """As history was told of it; what is longer ago is read."""
        overheard = self._overheard.take(after, up_to, MOST_EVENTS)
        if overheard is None:
            return await self._read(partial(self._subjects.events, after, up_to))
        return overheard

    async def _after(self, triggers: Sequence[Trigger]) -> None:
        """Carriers first: of what else touches them they know by then."""
        cargo = [one for one in triggers if one.because in ABOUT_CARGO]
        await self._assess_again(await self._carriers_of(cargo))
        others = [one for one in triggers if one.because not in ABOUT_CARGO]
        if others:
            async for rows in self._rows():
                await self._assess_again(touched_rows(self._knowledge.history, others, rows))

    async def _carriers_of(self, cargo: Iterable[Trigger]) -> dict[Named, list[Trigger]]:
        """Each once, however much became known of its consignments."""
        found: dict[Named, list[Trigger]] = defaultdict(list)
        for trigger in cargo:
            agency, shipment = trigger.agency, trigger.movement
            if agency is None:
                continue
            carriers = set(self._listings.carriers_of(shipment))
            carrier = self._knowledge.history.carrying(shipment)
            if carrier is not None:
                carriers.add(carrier)
            for movement in carriers:
                found[agency, movement].append(trigger)
            if trigger.later:
                named = partial(self._subjects.named_carriers, agency, shipment)
                for movement in await self._read(named) - carriers:
                    found[agency, movement].append(trigger._replace(gone=True))
        return found

    async def _rows(self) -> AsyncIterator[list[LiveRow]]:
        """Everything that may be live, some at a time."""
        since = now_micros() - self._micros
        begin = await self._read(partial(self._subjects.begin, since))
        after = None if begin is None else begin.number - 1
        while after is not None:
            began = time.monotonic()
            rows = await self._read(partial(self._subjects.rows, since, after))
            yield rows
            await self._rest(began)
            after = rows[-1].number if len(rows) == MOST_ROWS else None

    async def _assess_again(self, wanted: Mapping[Named, Sequence[Trigger]]) -> None:
        left = list(wanted.items())
        while left:
            part, left = left[:MOST_OF_A_SLICE], left[MOST_OF_A_SLICE:]
            began = time.monotonic()
            subjects = await self._read(partial(self._subjects.read, part))
            await self._try(subjects)
            await self._rest(began)

    async def _try(self, subjects: Sequence[Subject]) -> None:
        """One that cannot be computed takes no other with it, now or later."""
        try:
            await self._slice(subjects)
        except (ForelandError, RequestRefused):  # nothing can be read or recorded at present
            raise
        except Exception:
            if len(subjects) == 1:
                logger.exception("score %s cannot be made again", subjects[0].last.score_id)
                return
            for one in subjects:
                await self._try([one])

    async def _slice(self, subjects: Sequence[Subject]) -> None:
        await self._knowledge.follow()
        as_of, history = self._knowledge.as_of(), self._knowledge.history
        live = [
            one
            for one in subjects
            if is_live(
                one.first,
                history.standing(one.first.kind, one.first.movement),
                one.declared,
                as_of,
                self._days,
            )
            and self._may_say_else(one)
        ]
        asked: list[Asked] = []
        for subject in live:
            first_seen = {subject.first.movement: subject.first_seen}
            asked += await self._slices.asked([_question(subject)], first_seen)
        computed = await asyncio.to_thread(self._slices.computed, asked)
        again = []
        for subject, one in zip(live, computed, strict=True):
            changed = changes(subject.last, one.record)
            if is_worth_recording(subject.trigger, changed, subject.last, one.record):
                again.append(Again(one, subject.trigger, changed))
        if again:
            recorded = await self._recorder.done(partial(self._commit.slice, again), len(again))
            self.done.update(one.because for one in recorded if one is not None and one.because)

    def _may_say_else(self, subject: Subject) -> bool:
        """False when all that could differ is what it meets, and it meets the same: then no model
        is asked."""
        if not subject.only_intelligence:
            return True
        return encode_matches(self._slices.met_again(_question(subject))) != subject.last.matches

    async def _read(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    async def _rest(self, began: float) -> None:
        """And keep the turn: nobody else should begin what is half done."""
        await asyncio.sleep(RESTS_FOR_WORK * (time.monotonic() - began))
        now = now_micros()
        if not self._turns.has(now):
            await self._recorder.done(partial(self._turns.ask, now))

    def _say(self, problem: str) -> None:
        if self.problem != problem:
            logger.warning("assessing again: %s", problem)
        self.problem = problem


def touched_rows(
    history: LiveHistory, triggers: Sequence[Trigger], rows: Iterable[LiveRow]
) -> dict[Named, list[Trigger]]:
    """Those of the rows that may be touched: by intelligence all of them, by outcomes those that
    name an entity of what was examined."""
    intelligence = [one for one in triggers if one.because in INTELLIGENCE.values()]
    by_entity = {
        entity: outcome
        for outcome in triggers  # by position: of two about one entity the later stays
        if outcome.because == "outcome"
        for entity in history.entities_of(outcome.kind, outcome.movement)
    }
    found: dict[Named, list[Trigger]] = {}
    for row in rows:
        named = history.entities_of(row.kind, row.movement) if by_entity else ()
        outcomes = {by_entity[entity] for entity in named if entity in by_entity}
        if outcomes or intelligence:
            found[row.agency, row.movement] = [*intelligence, *sorted(outcomes)]
    return found


def _question(subject: Subject) -> Question:
    """On behalf of whoever asked about the version first."""
    first = subject.first
    client = Client(first.client or LOCAL.name, first.agency, frozenset())
    repeat = Repeat(subject.last.assessment + 1, subject.trigger.because)
    return Question(subject.declared, "referred", client, repeat=repeat)
