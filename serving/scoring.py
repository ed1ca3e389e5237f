"""From a movement to its recorded answer: declared, assessed, committed, and only then given."""

from functools import partial
from typing import NamedTuple

from features.clock import Micros
from features.intake import declare
from features.ledger import Appended, EventConflict, MovementDeclared
from features.pseudonyms import Pseudonyms
from features.rows import feature_row
from serving import audit
from serving.assessing import Asked, Assessor
from serving.auth.access import Client
from serving.committing import AnswerCommit, Computed
from serving.idempotency import IdempotencyKey, InProgress, KeyReused
from serving.knowledge import Knowledge
from serving.problems import RequestRefused
from serving.recording import Recorder
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
        log: audit.AuditLog,
        assessor: Assessor,
        commit: AnswerCommit,
    ) -> None:
        self._knowledge = knowledge
        self._pseudonyms = pseudonyms
        self._recorder = recorder
        self._log = log
        self._assessor = assessor
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
            await self._knowledge.follow()
            asked = self._asked(declared, client.agency)
            computed = Computed(asked, self._assessor.answer(asked, explain))
            try:
                work = partial(self._commit.one, computed, client, owned)
                recorded = await self._recorder.done(work)
            except KeyReused as exc:
                raise RequestRefused("idempotency_key_reused", str(exc)) from exc
            except EventConflict as exc:
                raise conflict_about(declared) from exc
        return self._as_sent(*recorded, movement.movement_ref, client.agency)

    def of_movement(self, kind: str, movement_ref: str, client: Client) -> list[bytes]:
        """The recorded answers that the client's agency had for the movement, the newest first.

        What retention has erased is left out.
        """
        movement = self._pseudonyms.movement(kind, movement_ref)
        found = self._log.of_movement(client.agency, movement)
        return [with_reference(one.body, movement_ref) for one in found if one.body is not None]

    def recorded(self, score_id: str, client: Client) -> audit.RecordedAssessment | None:
        """The recorded assessment, without the movement's reference; None when the client's agency
        has none under this id.

        Raises:
            RequestRefused: ``erased``.
        """
        found = self._log.of_agency(client.agency, score_id)
        if found is not None:
            unless_erased(found.body)
        return found

    def stored(self, score_id: str, client: Client) -> bytes | None:
        """The answer of ``recorded``."""
        found = self.recorded(score_id, client)
        return None if found is None else found.body

    def _asked(self, declared: MovementDeclared, agency: str) -> Asked:
        known = self._knowledge.circumstances(declared.kind, self._knowledge.as_of())
        row = None
        if known.bundle is not None:
            history, catalogue = self._knowledge.history, known.bundle.catalogue
            row = feature_row(history, declared, known.as_of, catalogue)
        return Asked(declared, known, row, first_seen(self._log, declared, agency, known.as_of))

    def _as_sent(
        self, record: audit.AuditRecord, appended: Appended, movement_ref: str, agency: str
    ) -> ScoreAnswer:
        given: audit.AuditRecord | audit.RecordedAssessment = record
        if appended.duplicate:
            before = self._log.by_movement(agency, record.movement, record.movement_version)
            if before is None:
                raise RuntimeError("the API recorded a movement without its assessment")
            given = before
        body = with_reference(unless_erased(given.body), movement_ref)
        return ScoreAnswer(
            body, given.score_id, given.kind, given.status, given.band, appended.duplicate
        )


def first_seen(
    log: audit.AuditLog, declared: MovementDeclared, agency: str, as_of: Micros
) -> Micros:
    """When the first version of the movement was assessed for the agency: now, if none was."""
    if declared.version == 1:
        return as_of
    before = log.of_movement(agency, declared.movement)
    return min((one.as_of for one in before), default=as_of)


def conflict_about(declared: MovementDeclared) -> RequestRefused:
    return RequestRefused(
        "movement_conflict",
        f"version {declared.version} of this {declared.kind} was scored with another "
        "content; send the change as a higher version",
    )


def unless_erased(body: bytes | None) -> bytes:
    """
    Raises:
        RequestRefused: ``erased``.
    """
    if body is None:
        raise RequestRefused(
            "erased", "retention has erased this assessment and the movement it was about"
        )
    return body
