"""From a movement to its recorded answer: declared, assessed, committed, and only then given."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from features.clock import Micros
from features.intake import declare
from features.ledger import Appended, EventConflict, MovementDeclared
from features.pseudonyms import Pseudonyms
from features.rows import feature_row
from serving import audit
from serving.archive import Archive, unless_erased
from serving.assessing import Asked, Assessor
from serving.auth.access import Client
from serving.committing import AnswerCommit, Computed
from serving.idempotency import IdempotencyKey, InProgress, KeyReused
from serving.knowledge import Knowledge
from serving.problems import RequestRefused
from serving.recording import Recorder
from serving.shadow import Shadow
from serving.vocabulary import Explain
from serving.wire import ScoreRequest, with_reference


class ScoreAnswer(NamedTuple):
    body: bytes
    score_id: str
    kind: str
    status: str
    band: str
    replayed: bool
    """True when this version of the movement was scored before; the body is the one given then."""


class Scoring:
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
        self._in_progress = InProgress()

    async def score(
        self, movement: ScoreRequest, explain: Explain, client: Client, key: str | None = None
    ) -> ScoreAnswer:
        """The recorded answer for one movement: a new one, or the one given before to the agency.

        Args:
            key: of the header ``Idempotency-Key``.

        Raises:
            RequestRefused: ``movement_conflict``, ``idempotency_key_reused``,
                ``idempotency_key_in_use``, ``erased``, ``not_recorded`` or ``recording_slow``.
        """
        owned = None
        if key is not None:
            tag = self._pseudonyms.event(f"idempotency {key}")
            owned = IdempotencyKey(client.agency, client.name, tag)
        with self._in_progress.one(owned):
            declared = declare(movement, self._pseudonyms)
            first_seen = await self._archive.first_seen(client.agency, [declared])
            await self._knowledge.follow()
            asked = self._asked(declared, first_seen)
            computed = Computed(asked, self._assessor.answer(asked, explain))
            try:
                work = partial(self._commit.one, computed, client, owned)
                recorded = await self._recorder.done(work)
            except KeyReused as exc:
                raise RequestRefused("idempotency_key_reused", str(exc)) from exc
            except EventConflict as exc:
                raise conflict_about(declared) from exc
        return await self._as_sent(*recorded, movement.movement_ref, client.agency)

    def _asked(self, declared: MovementDeclared, first_seen: Mapping[str, Micros]) -> Asked:
        known = self._knowledge.circumstances(declared.kind, self._knowledge.as_of())
        row = None
        if known.bundle is not None:
            history, catalogue = self._knowledge.history, known.bundle.catalogue
            row = feature_row(history, declared, known.as_of, catalogue)
        (shadowed,) = self._shadow.look(known, self._knowledge.history, [declared], [row])
        since = first_seen.get(declared.movement, known.as_of)
        return Asked(declared, known, row, since, shadowed)

    async def _as_sent(
        self, record: audit.AuditRecord, appended: Appended, movement_ref: str, agency: str
    ) -> ScoreAnswer:
        given: audit.AuditRecord | audit.RecordedAssessment = record
        if appended.duplicate:
            movement = (record.movement, record.movement_version)
            (given,) = await self._archive.given_before(agency, [movement])
        body = with_reference(unless_erased(given.body), movement_ref)
        return ScoreAnswer(
            body, given.score_id, given.kind, given.status, given.band, appended.duplicate
        )


def conflict_about(declared: MovementDeclared) -> RequestRefused:
    return RequestRefused(
        "movement_conflict",
        f"version {declared.version} of this {declared.kind} was scored with another "
        "content; send the change as a higher version",
    )
