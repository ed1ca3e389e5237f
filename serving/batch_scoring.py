"""Many movements at once: all assessed from one instant, recorded a slice at a time.

Rows of one batch do not see each other: history is read for all of them before any is recorded.
Reading it belongs to the event loop and is done in one step; all else that takes long happens in
other threads, so that single scores are answered meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import cast

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.intake import declare
from features.ledger import Appended, Event, EventConflict, MovementDeclared, Transaction
from features.pseudonyms import Pseudonyms
from features.rows import live_rows
from serving import audit
from serving.archive import Archive, unless_erased
from serving.assessing import Asked, Assessor
from serving.auth.access import Client
from serving.committing import AnswerCommit, Computed, event_of
from serving.knowledge import Knowledge
from serving.load import Places
from serving.problems import RequestRefused
from serving.recording import Recorder
from serving.scoring import conflict_about
from serving.shadow import Shadow, Shadowed
from serving.vocabulary import Explain, Status
from serving.wire import ScoreRequest
from serving.wire.batch import Given, RowAnswer

ROWS_PER_COMMIT = 256
"""A slice is recorded as a whole or not at all; single scores wait for at most one of them."""
MOST_AT_ONCE = 2
"""Batches that one worker works on; each holds its rows in memory."""

Floats = NDArray[np.float64]
Fate = Appended | EventConflict


class BatchScoring:
    """Scores movements with what the worker knows, and records each answer before giving it."""

    def __init__(
        self,
        knowledge: Knowledge,
        pseudonyms: Pseudonyms,
        recorder: Recorder,
        archive: Archive,
        assessor: Assessor,
        shadow: Shadow,
        commit: AnswerCommit,
    ) -> None:
        self._knowledge = knowledge
        self._pseudonyms = pseudonyms
        self._recorder = recorder
        self._archive = archive
        self._assessor = assessor
        self._shadow = shadow
        self._commit = commit
        self.places = Places(MOST_AT_ONCE, "batches")

    async def score(
        self, movements: Sequence[ScoreRequest], explain: Explain, client: Client
    ) -> list[RowAnswer]:
        """One answer per movement, in their order."""
        declared = await asyncio.to_thread(self._declare, movements)
        first_seen = await self._archive.first_seen(client.agency, declared)
        await self._knowledge.follow()
        rows = self._look(declared, first_seen)
        answers: list[RowAnswer] = []
        async for part, probabilities in _predicted(rows):
            computed = await asyncio.to_thread(self._computed, part, probabilities, explain)
            # Waited for: two threads that both need the interpreter take twice as long as in turns.
            answers += await self._recorded(computed, client)
        return answers

    def _declare(self, movements: Sequence[ScoreRequest]) -> list[MovementDeclared]:
        return [declare(movement, self._pseudonyms) for movement in movements]

    def _look(
        self, declared: Sequence[MovementDeclared], first_seen: Mapping[str, Micros]
    ) -> list[Asked]:
        """Everything that belongs to the event loop, at one instant."""
        kinds = {movement.kind for movement in declared}
        as_of = self._knowledge.as_of()
        known = {kind: self._knowledge.circumstances(kind, as_of) for kind in kinds}
        features: list[Floats | None] = [None] * len(declared)
        shadowed: list[Shadowed | None] = [None] * len(declared)
        for kind, circumstances in known.items():
            if circumstances.bundle is not None:
                places = [at for at, movement in enumerate(declared) if movement.kind == kind]
                of_kind = [declared[at] for at in places]
                history, catalogue = self._knowledge.history, circumstances.bundle.catalogue
                matrix = live_rows(history, of_kind, circumstances.as_of, catalogue)
                shadows = self._shadow.look(circumstances, history, of_kind, list(matrix))
                for at, row, shadow in zip(places, matrix, shadows, strict=True):
                    features[at], shadowed[at] = row, shadow
        return [
            Asked(
                movement,
                known[movement.kind],
                row,
                first_seen.get(movement.movement, known[movement.kind].as_of),
                shadow,
            )
            for movement, row, shadow in zip(declared, features, shadowed, strict=True)
        ]

    def _computed(
        self, rows: Sequence[Asked], probabilities: Sequence[float | None], explain: Explain
    ) -> list[Computed]:
        """Pure, so that it may run in any thread: bundles are immutable."""
        return [
            Computed(asked, self._assessor.answer(asked, explain, probability=probability))
            for asked, probability in zip(rows, probabilities, strict=True)
        ]

    async def _recorded(self, computed: Sequence[Computed], client: Client) -> list[RowAnswer]:
        try:
            recorded = await self._recorder.done(partial(self._record_slice, computed, client))
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

    def _record_slice(
        self, computed: Sequence[Computed], client: Client, transaction: Transaction
    ) -> list[tuple[audit.AuditRecord, Fate]]:
        """In the writer's thread."""
        events = [event_of(one.asked.declared, client.agency) for one in computed]
        fates: list[Fate]
        try:
            fates = list(transaction.append(events))
        except EventConflict:  # none is in then, so each has to be tried alone
            fates = [_appended_alone(transaction, event) for event in events]
        return [
            (one.record, fate)
            if isinstance(fate, EventConflict)
            else (self._commit.keep(one, fate, client, transaction), fate)
            for one, fate in zip(computed, fates, strict=True)
        ]


def _given(recorded: audit.AuditRecord | audit.RecordedAssessment, *, replayed: bool) -> RowAnswer:
    try:
        body = unless_erased(recorded.body)
    except RequestRefused as exc:
        return exc
    status = cast(Status, recorded.status)
    return Given(recorded.kind, status, recorded.band, body, replayed)


async def _predicted(
    rows: Sequence[Asked],
) -> AsyncIterator[tuple[Sequence[Asked], list[float | None]]]:
    """Slices with the model's probabilities, which are computed one slice ahead: the trees leave
    the interpreter to whoever writes down the slice before."""
    parts = [rows[at : at + ROWS_PER_COMMIT] for at in range(0, len(rows), ROWS_PER_COMMIT)]
    ahead = [asyncio.create_task(asyncio.to_thread(_probabilities, part)) for part in parts[:1]]
    for part, following in zip_longest(parts, parts[1:]):
        found = await ahead.pop()
        if following is not None:
            ahead.append(asyncio.create_task(asyncio.to_thread(_probabilities, following)))
        yield part, found


def _probabilities(rows: Sequence[Asked]) -> list[float | None]:
    """One call of the model for all rows of a kind."""
    found: list[float | None] = [None] * len(rows)
    for kind in {asked.declared.kind for asked in rows}:
        places = [at for at, asked in enumerate(rows) if asked.declared.kind == kind]
        bundle = rows[places[0]].known.bundle
        if bundle is not None:
            matrix = np.array([rows[at].features for at in places], dtype=np.float64)
            for at, probability in zip(places, bundle.probabilities(matrix).tolist(), strict=True):
                found[at] = probability
    return found


def _appended_alone(transaction: Transaction, event: Event) -> Fate:
    try:
        (appended,) = transaction.append([event])
    except EventConflict as exc:
        return exc
    return appended
