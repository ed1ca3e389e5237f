"""Many movements at once: all assessed from one instant, recorded a slice at a time.

Rows of one batch do not see each other: history is read for all of them before any is recorded.
Reading it belongs to the event loop and is done in one step; all else that takes long happens in
other threads, so that single scores are answered meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import zip_longest
from typing import TypeVar, cast

from features.intake_columns import declare_all
from features.ledger import Appended, EventConflict
from features.pseudonyms import Pseudonyms
from serving import audit
from serving.archive import Archive, unless_erased
from serving.assessing import Asked, Question
from serving.auth.access import Client
from serving.committing import Computed
from serving.load import Places
from serving.problems import RequestRefused
from serving.scoring import conflict_about
from serving.slices import Slices, probabilities
from serving.vocabulary import Explain, Status
from serving.wire import ScoreRequest
from serving.wire.batch import Given, RowAnswer

ROWS_PER_COMMIT = 256
"""A slice is recorded as a whole or not at all; single scores wait for at most one of them."""
ROWS_AT_ONCE = 8 * ROWS_PER_COMMIT
"""Put into words in one go: to change between threads costs as much as tens of rows."""
MOST_AT_ONCE = 2
"""Batches that one worker works on; each holds its rows in memory."""

T = TypeVar("T")


class BatchScoring:
    """Movements that come by the thousand."""

    def __init__(self, pseudonyms: Pseudonyms, archive: Archive, slices: Slices) -> None:
        self._pseudonyms = pseudonyms
        self._archive = archive
        self._slices = slices
        self.places = Places(MOST_AT_ONCE, "batches")

    async def score(
        self, movements: Sequence[ScoreRequest], explain: Explain, client: Client
    ) -> list[RowAnswer]:
        """One answer per movement, in their order."""
        questions = await asyncio.to_thread(self._questions, movements, explain, client)
        declared = [question.declared for question in questions]
        first_seen = await self._archive.first_seen(client.agency, declared)
        rows = await self._slices.asked(questions, first_seen)
        answers: list[RowAnswer] = []
        async for asked, predicted in _predicted(rows):
            computed = await asyncio.to_thread(self._slices.worded, asked, predicted)
            # Waited for: two threads that both need the interpreter take twice as long as in turns.
            for part in _parts(computed, ROWS_PER_COMMIT):
                answers += await self._recorded(part, client)
        return answers

    def _questions(
        self, movements: Sequence[ScoreRequest], explain: Explain, client: Client
    ) -> list[Question]:
        declared = declare_all(movements, self._pseudonyms)
        return [Question(one, explain, client) for one in declared]

    async def _recorded(self, computed: Sequence[Computed], client: Client) -> list[RowAnswer]:
        try:
            recorded = await self._slices.recorded(computed)
        except RequestRefused as exc:  # of all or none of the slice is on disk
            return [exc] * len(computed)
        again = [
            (record.movement, record.movement_version)
            for record, fate in recorded
            if isinstance(fate, Appended) and fate.duplicate
        ]
        try:
            before = iter(await self._archive.given_before(client.agency, again))
        except RequestRefused as exc:  # recorded all the same: sent again, they are replayed
            return [exc] * len(computed)
        return [
            conflict_about(one.asked.declared)
            if isinstance(fate, EventConflict)
            else _given(next(before) if fate.duplicate else record, replayed=fate.duplicate)
            for one, (record, fate) in zip(computed, recorded, strict=True)
        ]


def _given(recorded: audit.AuditRecord | audit.RecordedAssessment, *, replayed: bool) -> RowAnswer:
    try:
        body = unless_erased(recorded.body)
    except RequestRefused as exc:
        return exc
    return Given(recorded.kind, cast(Status, recorded.status), recorded.band, body, replayed)


async def _predicted(
    rows: Sequence[Asked],
) -> AsyncIterator[tuple[Sequence[Asked], list[float | None]]]:
    """Parts with the model's probabilities, which are computed one part ahead: the trees leave
    the interpreter to whoever writes down the part before."""
    parts = _parts(rows, ROWS_AT_ONCE)
    ahead = [asyncio.create_task(asyncio.to_thread(probabilities, part)) for part in parts[:1]]
    for part, following in zip_longest(parts, parts[1:]):
        found = await ahead.pop()
        if following is not None:
            ahead.append(asyncio.create_task(asyncio.to_thread(probabilities, following)))
        yield part, found


def _parts(rows: Sequence[T], most: int) -> list[Sequence[T]]:
    return [rows[at : at + most] for at in range(0, len(rows), most)]
