"""Movements that are assessed at one instant and recorded in one commit, however they came."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from features.catalogue import Catalogue, places_in
from features.clock import Micros
from features.history.aboard import CARRIERS, listed_by
from features.history.carriage import NOTHING_ON_BOARD
from features.history.on_board import live_on_board
from features.rows import Floats, live_rows
from serving.answer_columns import (
    AnswerColumns,
    AskedColumns,
    PlainQuestions,
    answered,
    computed,
)
from serving.archive import Archive
from serving.assessing import Asked, Assessor, Question
from serving.audit import AuditRecord
from serving.committing import AnswerCommit, Computed, Fate, is_new
from serving.knowledge import Circumstances, Knowledge
from serving.matching import Match, Sighting
from serving.recording import Recorder
from serving.shadow import Shadow

SINGLES_COME_SECONDS = 1.0
"""After a single score was asked for, the next is expected."""


class Slices:
    """Scores with what the worker knows, and records every answer before it may be given."""

    def __init__(
        self,
        knowledge: Knowledge,
        recorder: Recorder,
        assessor: Assessor,
        shadow: Shadow,
        commit: AnswerCommit,
        archive: Archive,
    ) -> None:
        self._archive = archive
        self._knowledge = knowledge
        self._recorder = recorder
        self._assessor = assessor
        self._shadow = shadow
        self._commit = commit
        self._single_at = float("-inf")
        self.met: Counter[str] = Counter()
        """By what movements were met, in answers that were recorded; hidden matches too."""

    def single_comes(self) -> None:
        """Somebody waits for one score."""
        self._single_at = time.monotonic()

    def singles_come(self) -> bool:
        """Whether whoever records many should leave room between them."""
        return time.monotonic() - self._single_at < SINGLES_COME_SECONDS

    def must_read(self, question: Question) -> bool:
        """Whether the answer waits for what is recorded: of a carrier with consignments."""
        declared = question.declared
        return declared.kind in CARRIERS and bool(
            listed_by(declared) or self._knowledge.history.carried_by(declared.movement)
        )

    async def asked(
        self, questions: Sequence[Question], first_seen: Mapping[str, Micros]
    ) -> list[Asked]:
        """Everything that belongs to the event loop, at one instant: none sees another.

        A movement that was declared before is read apart from what it has added to history
        itself: a later version, or another assessment, would else be an old acquaintance of its
        own. Only movements with consignments on board wait for what is recorded of these.

        Args:
            first_seen: of movements that were assessed for the agency before.

        Raises:
            RequestRefused: ``ledger_unreadable``, for such movements.
        """
        return await self.asked_at(await self.instant(), questions, first_seen)

    async def instant(self) -> Micros:
        """Now, for all that is asked before the event loop turns to something else."""
        await self._knowledge.follow()
        # One later: whoever computes it again takes a movement that was declared before out at the
        # instant before as_of, which has to be after everything that was heard.
        as_of = self._knowledge.as_of() + 1
        self._knowledge.history.apply_before(as_of)
        return as_of

    async def catch_up(self) -> None:
        """After many were recorded: whoever asks next has less to hear at once."""
        await self._knowledge.follow()

    def asked_by_column(
        self, questions: PlainQuestions, as_of: Micros, first_seen: Mapping[str, Micros]
    ) -> tuple[AskedColumns | None, list[int]]:
        """As far as nothing was known of the movements and nothing stands beside the model, and
        places of the questions that are to be asked one by one.

        Args:
            as_of: as ``instant`` said just now.
        """
        declared, history = questions.declared, self._knowledge.history
        known = self._knowledge.circumstances(declared.kind, as_of)
        if known.bundle is None or known.challenger is not None:
            return None, list(range(len(declared)))
        apart = history.touched(declared.kind, declared.movements)
        apart |= self._knowledge.may_match(declared, as_of)
        if first_seen:
            apart |= {at for at, name in enumerate(declared.movements) if name in first_seen}
        if apart:
            questions = questions.taken([at for at in range(len(declared)) if at not in apart])
        rows = live_rows(history, questions.declared, as_of, known.bundle.catalogue)
        return AskedColumns(questions, known, rows), sorted(apart)

    async def asked_at(
        self, as_of: Micros, questions: Sequence[Question], first_seen: Mapping[str, Micros]
    ) -> list[Asked]:
        """As ``asked``.

        Args:
            as_of: as ``instant`` said just now.
        """
        history = self._knowledge.history
        again = [
            history.standing(one.declared.kind, one.declared.movement) is not None
            for one in questions
        ]
        kinds = {one.declared.kind for one in questions}
        if len(kinds) == 1 and not any(again):
            in_order = self._of_kind(questions, as_of, first_seen)
        else:
            in_order = self._in_groups(questions, again, as_of, first_seen)
        return [
            one if one.on_board is NOTHING_ON_BOARD else await self._with_aboard(one)
            for one in in_order
        ]

    def _in_groups(
        self,
        questions: Sequence[Question],
        again: Sequence[bool],
        as_of: Micros,
        first_seen: Mapping[str, Micros],
    ) -> list[Asked]:
        history = self._knowledge.history
        found: dict[int, Asked] = {}
        for places in _groups(questions, again):
            together, first = [questions[at] for at in places], questions[places[0]].declared
            if again[places[0]]:
                with history.apart(first.kind, first.movement, as_of):
                    asked = self._of_kind(together, as_of, first_seen)
            else:
                asked = self._of_kind(together, as_of, first_seen)
            found.update(zip(places, asked, strict=True))
        return [found[at] for at in range(len(questions))]

    def met_again(self, question: Question) -> tuple[Match, ...]:
        """What such a movement meets of intelligence now, hidden matches too; no model is asked.
        Current after ``asked``, or after the worker has followed the ledger otherwise."""
        declared, as_of = question.declared, self._knowledge.as_of() + 1
        known = self._knowledge.circumstances(declared.kind, as_of)
        with self._knowledge.history.apart(declared.kind, declared.movement, as_of):
            return self._knowledge.matches_of(self._sighting(question, known, None))

    def _of_kind(
        self, questions: Sequence[Question], as_of: Micros, first_seen: Mapping[str, Micros]
    ) -> list[Asked]:
        """Of one kind; one that history knows is alone, and read apart from what it added."""
        history, declared = self._knowledge.history, [one.declared for one in questions]
        rows: Sequence[Floats | None] = [None] * len(declared)
        known = self._knowledge.circumstances(declared[0].kind, as_of)
        if known.bundle is not None:
            rows = list(live_rows(history, declared, as_of, known.bundle.catalogue))
        shadows = self._shadow.look(known, history, declared, rows)
        return [
            Asked(
                question,
                known,
                row,
                first_seen.get(question.declared.movement, as_of),
                shadowed,
                self._knowledge.matches_of(self._sighting(question, known, row)),
                live_on_board(history, question.declared, as_of),
            )
            for question, row, shadowed in zip(questions, rows, shadows, strict=True)
        ]

    async def _with_aboard(self, asked: Asked) -> Asked:
        agency, known = asked.question.client.agency, asked.known
        aboard = await self._archive.aboard(
            agency, asked.declared, asked.on_board, known.ledger_position, known.as_of
        )
        return asked._replace(aboard=aboard)

    def _sighting(self, question: Question, known: Circumstances, row: Floats | None) -> Sighting:
        """
        Args:
            row: by the catalogue of the model that speaks; None without one.
        """

        def row_of(catalogue: Catalogue) -> Floats:
            if row is not None and known.bundle is not None:
                places = places_in(known.bundle.catalogue, catalogue)
                if places is not None:
                    return row[list(places)]
            history, declared = self._knowledge.history, [question.declared]
            own: Floats = live_rows(history, declared, known.as_of, catalogue)[0]
            return own

        return Sighting(question.declared, known.as_of, row_of)

    def computed(self, rows: Sequence[Asked]) -> list[Computed]:
        """Pure, so that it may run in any thread: bundles are immutable."""
        return self.worded(rows, probabilities(rows))

    def worded(
        self, rows: Sequence[Asked], probabilities: Sequence[float | None]
    ) -> list[Computed]:
        """The same, when the model was asked before."""
        return list(map(Computed, rows, self._assessor.answers(rows, probabilities)))

    def answered(self, asked: AskedColumns, probabilities: Floats) -> AnswerColumns:
        """By column, when the model was asked before; in any thread."""
        return answered(asked, probabilities, self._assessor)

    def each_of(self, answers: AnswerColumns) -> list[Computed]:
        """What is to be recorded of answers by column; in any thread."""
        return computed(answers, self._assessor)

    async def recorded(self, computed: Sequence[Computed]) -> list[tuple[AuditRecord, Fate]]:
        """What is on disk in the place of each, all of them or none.

        Raises:
            RequestRefused: as ``Recorder.done``.
        """
        work = partial(self._commit.slice, computed)
        found = await self._recorder.done(work, len(computed))
        for one, (_, fate) in zip(computed, found, strict=True):
            if one.asked.matches and is_new(fate):
                self.met.update(met.by for met in one.asked.matches if met.mode == "active")
        return found


def probabilities(rows: Sequence[Asked]) -> list[float | None]:
    """One call of the model for all rows of a kind; None for each about which none may speak."""
    found: list[float | None] = [None] * len(rows)
    for places in places_by_kind([asked.declared.kind for asked in rows]).values():
        bundle = rows[places[0]].known.bundle
        if bundle is not None:
            matrix = _matrix([rows[at].features for at in places])
            for at, probability in zip(places, bundle.probabilities(matrix).tolist(), strict=True):
                found[at] = probability
    return found


def _matrix(rows: Sequence[Floats | None]) -> Floats:
    """float64[n, F]; a row alone is not copied."""
    first = rows[0]
    if len(rows) == 1 and first is not None:
        return first[np.newaxis]
    return np.array(rows, dtype=np.float64)


def _groups(questions: Sequence[Question], again: Sequence[bool]) -> list[list[int]]:
    """Places that are read together: those of a kind, and each that was declared before."""
    new = [at for at, known in enumerate(again) if not known]
    by_kind = places_by_kind([questions[at].declared.kind for at in new])
    together = [[new[place] for place in places] for places in by_kind.values()]
    return [*together, *([at] for at, known in enumerate(again) if known)]


def places_by_kind(kinds: Sequence[str]) -> dict[str, list[int]]:
    """
    >>> places_by_kind(["vessel", "vehicle", "vessel"])
    {'vessel': [0, 2], 'vehicle': [1]}
    """
    places: dict[str, list[int]] = {}
    for at, kind in enumerate(kinds):
        places.setdefault(kind, []).append(at)
    return places
