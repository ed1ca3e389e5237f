"""From a movement to its recorded answer: declared, assessed, committed, and only then given."""

from functools import partial
from typing import NamedTuple

from features.clock import Micros
from features.intake import declare, movement_event_id
from features.ledger import Appended, Event, EventConflict, MovementDeclared, Transaction
from features.pseudonyms import Pseudonyms
from features.rows import feature_row
from serving import audit, idempotency
from serving.answers import audit_record
from serving.auth.access import Client
from serving.idempotency import IdempotencyKey, InProgress, KeyReused
from serving.knowledge import Knowledge
from serving.problems import RequestRefused
from serving.recording import Recorder, source_of
from serving.scorer import assess
from serving.selection import Selector
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
        selector: Selector,
    ) -> None:
        self._knowledge = knowledge
        self._pseudonyms = pseudonyms
        self._recorder = recorder
        self._log = log
        self._selector = selector
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
            return await self._score(movement, explain, client, owned)

    async def _score(
        self,
        movement: ScoreRequest,
        explain: Explain,
        client: Client,
        key: IdempotencyKey | None,
    ) -> ScoreAnswer:
        declared = declare(movement, self._pseudonyms)
        record = self._answer(declared, explain, client.agency)
        event = Event(
            source=source_of(client.agency),
            event_id=movement_event_id(declared),
            occurred_at=declared.declared_at,
            payload=declared,
        )
        try:
            work = partial(_record_score, event, record, client, self._recorder.stream, key)
            appended = await self._recorder.done(work)
        except KeyReused as exc:
            raise RequestRefused("idempotency_key_reused", str(exc)) from exc
        except EventConflict as exc:
            raise RequestRefused(
                "movement_conflict",
                f"version {declared.version} of this {declared.kind} was scored with another "
                "content; send the change as a higher version",
            ) from exc
        return self._as_sent(record, appended, movement.movement_ref, client.agency)

    def of_movement(self, kind: str, movement_ref: str, client: Client) -> list[bytes]:
        """The recorded answers that the client's agency had for the movement, the newest first.

        What retention has erased is left out.
        """
        movement = self._pseudonyms.movement(kind, movement_ref)
        found = self._log.of_movement(client.agency, movement)
        return [with_reference(one.body, movement_ref) for one in found if one.body is not None]

    def stored(self, score_id: str, client: Client) -> bytes | None:
        """The recorded answer without the movement's reference; None when the client's agency
        has none under this id.

        Raises:
            RequestRefused: ``erased``.
        """
        found = self._log.of_agency(client.agency, score_id)
        return None if found is None else unless_erased(found.body)

    def _answer(
        self, declared: MovementDeclared, explain: Explain, agency: str
    ) -> audit.AuditRecord:
        unreadable = self._knowledge.follow()
        as_of = self._knowledge.as_of()
        bundle = self._knowledge.bundles.of(declared.kind).bundle
        row = None
        if bundle is not None:
            row = feature_row(self._knowledge.history, declared, as_of, bundle.catalogue)
        degraded = (*unreadable, *self._knowledge.problems(declared.kind, as_of))
        assessment = assess(bundle, row, degraded=degraded, explain=explain)
        return audit_record(
            declared,
            assessment,
            bundle,
            row,
            as_of=as_of,
            ledger_position=self._knowledge.history.position,
            selected=self._selector.select(
                declared.movement,
                assessment.probability,
                None if bundle is None else bundle.thresholds,
                self._first_seen(declared, agency, as_of),
            ),
        )

    def _first_seen(self, declared: MovementDeclared, agency: str, as_of: Micros) -> Micros:
        """Of whose day the draw is: all versions of a movement have one draw."""
        if declared.version == 1:
            return as_of
        before = self._log.of_movement(agency, declared.movement)
        return min((one.as_of for one in before), default=as_of)

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


def unless_erased(body: bytes | None) -> bytes:
    if body is None:
        raise RequestRefused(
            "erased", "retention has erased this assessment and the movement it was about"
        )
    return body


def _record_score(
    event: Event,
    record: audit.AuditRecord,
    client: Client,
    stream: audit.AuditStream,
    key: IdempotencyKey | None,
    transaction: Transaction,
) -> Appended:
    if key is None:
        (appended,) = transaction.append([event])
    else:
        appended = idempotency.append_once(transaction, key, event)
    if not appended.duplicate:
        stream.assessment(transaction, record, appended, client)
    return appended
