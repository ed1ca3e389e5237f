"""Many movements at once: all assessed from one instant, recorded a slice at a time.

Rows of one batch do not see each other: history is read for all of them before any is recorded.
Reading it belongs to the event loop and is done in one step; all else that takes long happens in
other threads, so that single scores are answered meanwhile.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain, islice, pairwise, zip_longest
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from features.intake_columns import DeclaredTogether, declare_columns, declare_together
from features.ledger import Appended, EventConflict
from features.pseudonyms import Pseudonyms
from models.bundle import Bundle
from serving import audit
from serving.answer_columns import AnswerColumns, AskedColumns, PlainQuestions
from serving.archive import Archive, unless_erased
from serving.assessing import Asked, Question
from serving.auth.access import Client
from serving.committing import Computed, is_new
from serving.load import Arriving, Places
from serving.problems import RequestRefused
from serving.scoring import conflict_about
from serving.slices import Slices, probabilities
from serving.vocabulary import Explain, Status
from serving.wire import ScoreRequest
from serving.wire.rows import Found, Given, PlainRows, RowAnswer

ROWS_PER_COMMIT = 256
"""A slice is recorded as a whole or not at all; single scores wait for at most one of them."""
ROWS_BESIDE_SINGLES = 32
"""Of a slice, while single scores are asked for."""
ROWS_AT_ONCE = 8 * ROWS_PER_COMMIT
"""Put into words in one go: to change between threads costs as much as tens of rows."""
MOST_AT_ONCE = 2
"""Batches that one worker works on; each holds its rows in memory."""

Floats = NDArray[np.float64]


class Part(NamedTuple):
    """What is put into words in one go."""

    columns: list[AskedColumns]
    rows: dict[int, Asked]
    """By their places, which rise."""


class BatchScoring:
    """Movements that come by the thousand."""

    def __init__(self, pseudonyms: Pseudonyms, archive: Archive, slices: Slices) -> None:
        self._pseudonyms = pseudonyms
        self._archive = archive
        self._slices = slices
        self.places = Places(MOST_AT_ONCE, "batches")
        self.arriving = Arriving(MOST_AT_ONCE)

    async def score(
        self,
        movements: Mapping[int, ScoreRequest],
        columns: Sequence[PlainRows],
        explain: Explain,
        client: Client,
    ) -> Found:
        """
        Args:
            movements: by their places among the rows of the batch.
            columns: other movements of the same batch.
        """
        declared = await asyncio.to_thread(self._declared, movements, columns)
        plain, apart = _questions(declared, explain, client)
        later = [question.declared for question in apart.values()]
        first_seen = await self._archive.first_seen(client.agency, later)
        asked_columns: list[AskedColumns] = []
        as_of = await self._slices.instant()
        for questions in plain:
            asked, left = self._slices.asked_by_column(questions, as_of, first_seen)
            apart.update((questions.places[at], questions.one(at)) for at in left)
            asked_columns += [] if asked is None else [asked]
        apart = {at: apart[at] for at in sorted(apart)}
        asked_apart = await self._slices.asked_at(as_of, list(apart.values()), first_seen)
        rows = dict(zip(apart, asked_apart, strict=True))
        answers = Found({}, [])
        async for part, predicted in _predicted(_parts(asked_columns, rows)):
            columns_said, rows_said = await asyncio.to_thread(self._said, part, predicted)
            # Waited for: two threads that both need the interpreter take twice as long as in turns.
            otherwise = await self._otherwise(columns_said, rows_said, client)
            answers.apart.update(
                (at, otherwise.get(at) or _given(one.record, replayed=False))
                for at, one in rows_said.items()
            )
            for one in columns_said:
                other = [at for at, place in enumerate(one.places) if place in otherwise]
                answers.apart.update((one.places[at], otherwise[one.places[at]]) for at in other)
                answers.together.append(one.without(other) if other else one)
        return answers

    def _declared(
        self, movements: Mapping[int, ScoreRequest], columns: Sequence[PlainRows]
    ) -> list[DeclaredTogether]:
        return [
            declare_together(movements, self._pseudonyms),
            *(declare_columns(*one, self._pseudonyms) for one in columns),
        ]

    def _said(
        self, part: Part, predicted: Sequence[Any]
    ) -> tuple[list[AnswerColumns], dict[int, Computed]]:
        """Before it is recorded; where the model gave no number, none is answered by column."""
        *of_columns, of_rows = predicted
        columns, rows, said = [], dict(part.rows), dict(zip(part.rows, of_rows, strict=True))
        for asked, found in zip(part.columns, of_columns, strict=True):
            if np.isfinite(found).all():
                columns.append(self._slices.answered(asked, found))
            else:
                places = asked.questions.places
                rows.update(zip(places, map(asked.one, range(len(places))), strict=True))
                said.update(zip(places, found.tolist(), strict=True))
        computed = self._slices.worded(list(rows.values()), [said[at] for at in rows])
        return columns, dict(zip(rows, computed, strict=True))

    async def _otherwise(
        self, columns: Sequence[AnswerColumns], rows: Mapping[int, Computed], client: Client
    ) -> dict[int, RowAnswer]:
        """What is answered in the place of what was computed, once that is recorded; of most
        nothing is. By their places."""
        each = dict(rows)
        for one in columns:
            each |= zip(one.places, await asyncio.to_thread(self._slices.each_of, one), strict=True)
        found: dict[int, RowAnswer] = {}
        left = iter(sorted(each))
        while places := list(islice(left, self._rows_of_a_slice())):
            otherwise = await self._recorded([each[at] for at in places], client)
            found.update((places[at], one) for at, one in otherwise.items())
            await self._slices.catch_up()
        return found

    def _rows_of_a_slice(self) -> int:
        return ROWS_BESIDE_SINGLES if self._slices.singles_come() else ROWS_PER_COMMIT

    async def _recorded(self, computed: Sequence[Computed], client: Client) -> dict[int, RowAnswer]:
        """What is answered in the place of what was computed, by its place; of most it is that."""
        try:
            recorded = await self._slices.recorded(computed)
        except RequestRefused as exc:  # of all or none of the slice is on disk
            return dict.fromkeys(range(len(computed)), exc.kept())
        again = [
            (record.movement, record.movement_version)
            for record, fate in recorded
            if isinstance(fate, Appended) and fate.duplicate
        ]
        try:
            before = iter(await self._archive.given_before(client.agency, again))
        except RequestRefused as exc:  # recorded all the same: sent again, they are replayed
            return dict.fromkeys(range(len(computed)), exc.kept())
        return {
            at: conflict_about(one.asked.declared)
            if isinstance(fate, EventConflict)
            else _given(next(before) if fate.duplicate else record, replayed=fate.duplicate)
            for at, (one, (record, fate)) in enumerate(zip(computed, recorded, strict=True))
            if not is_new(fate) or record is not one.record
        }


def _questions(
    declared: Sequence[DeclaredTogether], explain: Explain, client: Client
) -> tuple[list[PlainQuestions], dict[int, Question]]:
    """Those that may be answered by column, and the others by their places."""
    apart = {at: one for each in declared for at, one in each.apart.items()}
    plain = []
    for places, columns in chain.from_iterable(each.columns for each in declared):
        if explain == "never":
            plain.append(PlainQuestions(places, columns, client))
        else:
            apart.update(zip(places, columns, strict=True))
    return plain, {at: Question(one, explain, client) for at, one in apart.items()}


def _given(recorded: audit.AuditRecord | audit.RecordedAssessment, *, replayed: bool) -> RowAnswer:
    try:
        body = unless_erased(recorded.body)
    except RequestRefused as exc:
        return exc.kept()
    return Given(recorded.kind, cast(Status, recorded.status), recorded.band, body, replayed)


async def _predicted(parts: Sequence[Part]) -> AsyncIterator[tuple[Part, Sequence[Any]]]:
    """With the model's probabilities, which are computed one part ahead: the trees leave the
    interpreter to whoever writes down the part before."""
    ahead = [asyncio.create_task(asyncio.to_thread(_probabilities, part)) for part in parts[:1]]
    for part, following in zip_longest(parts, parts[1:]):
        found = await ahead.pop()
        if following is not None:
            ahead.append(asyncio.create_task(asyncio.to_thread(_probabilities, following)))
        yield part, found


def _probabilities(part: Part) -> list[Any]:
    """float64[n] for each of its columns, then a list for its rows."""
    of_columns = [
        cast(Bundle, asked.known.bundle).probabilities(asked.rows) for asked in part.columns
    ]
    return [*of_columns, probabilities(list(part.rows.values()))]


def _parts(columns: Sequence[AskedColumns], rows: Mapping[int, Asked]) -> list[Part]:
    """By their places, so that they are recorded in the order in which they were sent."""
    places = sorted(chain(rows, *(asked.questions.places for asked in columns)))
    starts = places[::ROWS_AT_ONCE]
    return [
        Part(
            [asked for one in columns if len((asked := one.between(start, end)).rows)],
            {at: one for at, one in rows.items() if start <= at < end},
        )
        for start, end in pairwise([*starts, sys.maxsize])
    ]
