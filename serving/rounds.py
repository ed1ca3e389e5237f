"""Single movements that come together are answered together.

What a worker reads, computes and writes costs little more for several movements than for one. So
whoever comes while a turn of the event loop lasts is answered by one round, and so are the few who
come while the round before is on its way to the disk: their commit would have to wait for that one
anyway. Otherwise nobody waits for others to come: a movement that is alone is a round by itself. So
is a carrier of consignments: the log has to be read about them, of thousands that takes long, and
nobody else should wait for it.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from contextvars import Context
from typing import NamedTuple

from features.clock import Micros
from serving.assessing import Question
from serving.audit import AuditRecord
from serving.committing import Computed, Fate
from serving.slices import Slices

MOST_OF_A_ROUND = 32
"""Between two rounds the event loop looks at what else has come, and refuses what is too much."""

ENOUGH = 16
"""With so many a round does not wait for the one before: it is computed beside its commit."""
LONGEST_HELD_SECONDS = 0.01
"""On a disk that is slower than that, rounds are computed in advance."""
TURNS_FOR_ANSWERED = 4
"""Of the event loop, after a commit: some tenths of a millisecond, in which clients that have just
been answered send what is next, and share a round with those who were held."""

Recorded = tuple[AuditRecord, Fate]


class _Seat(NamedTuple):
    question: Question
    first_seen: Micros | None
    answer: "asyncio.Future[Recorded]"

    def settle(self, said: Recorded | BaseException) -> None:
        if self.answer.done():  # the request was given up meanwhile
            return
        if isinstance(said, BaseException):
            self.answer.set_exception(said)
        else:
            self.answer.set_result(said)


class Rounds:
    """Belongs to one event loop."""

    def __init__(self, slices: Slices) -> None:
        self._slices = slices
        self._waiting: list[_Seat] = []
        self._recording = 0
        """Rounds on their way to the disk."""
        self._held: asyncio.Future[None] | None = None
        """Done when the next round may begin; None while none is held."""
        self._under_way: set[asyncio.Task[None]] = set()

    async def answer(self, question: Question, first_seen: Micros | None) -> Recorded:
        """What is recorded in answer to one question.

        Args:
            first_seen: when the movement was assessed for the agency before; None when it was not.

        Raises:
            RequestRefused: as ``Recorder.done``.
        """
        self._slices.single_comes()
        seat = _Seat(question, first_seen, asyncio.get_running_loop().create_future())
        if self._slices.must_read(question):
            self._begin(self._answer([seat]))
            return await seat.answer
        self._waiting.append(seat)
        if len(self._waiting) == 1:
            self._begin(self._hold())
        if len(self._waiting) >= ENOUGH:
            self._let_go()
        return await seat.answer

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        """A round takes its places when the loop comes to it, after all that came in this turn."""
        # In a context of its own: it logs under the name of no single request.
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _hold(self) -> None:
        if self._recording and len(self._waiting) < ENOUGH:
            await self._until_recorded()
        seats, self._waiting = self._waiting[:MOST_OF_A_ROUND], self._waiting[MOST_OF_A_ROUND:]
        if self._waiting:
            self._begin(self._hold())
        await self._answer(seats)

    async def _until_recorded(self) -> None:
        self._held = asyncio.get_running_loop().create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_HELD_SECONDS):
                await self._held
        self._held = None
        for _ in range(TURNS_FOR_ANSWERED):
            await asyncio.sleep(0)

    def _let_go(self) -> None:
        if self._held is not None and not self._held.done():
            self._held.set_result(None)

    async def _answer(self, seats: Sequence[_Seat]) -> None:
        try:
            computed = await self._computed(seats)
        except Exception as exc:  # whoever asked hears of it
            if len(seats) == 1:
                seats[0].settle(exc)
                return
            for seat in seats:  # one that cannot be computed takes no other with it
                await self._answer([seat])
            return
        self._recording += 1
        try:
            recorded: Sequence[Recorded | Exception] = await self._slices.recorded(computed)
        except Exception as exc:
            recorded = [exc] * len(seats)
        finally:
            self._recording -= 1
            if not self._recording:
                self._let_go()
        for seat, said in zip(seats, recorded, strict=True):
            seat.settle(said)

    async def _computed(self, seats: Sequence[_Seat]) -> list[Computed]:
        first_seen = {
            seat.question.declared.movement: seat.first_seen
            for seat in seats
            if seat.first_seen is not None
        }
        asked = await self._slices.asked([seat.question for seat in seats], first_seen)
        return self._slices.computed(asked)
