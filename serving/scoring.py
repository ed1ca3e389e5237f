"""From a movement to its recorded answer: declared, assessed, committed, and only then given."""

from typing import NamedTuple

from features.intake import declare
from features.ledger import EventConflict, MovementDeclared
from features.pseudonyms import Pseudonyms
from serving import audit
from serving.archive import Archive, unless_erased
from serving.assessing import Question
from serving.auth.access import Client
from serving.idempotency import IdempotencyKey, InProgress, KeyReused
from serving.problems import RequestRefused
from serving.rounds import Recorded, Rounds
from serving.slices import Slices
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
    later: str | None = None
    """Of a replayed one: id of the last assessment of the movement, if it is another."""


class Scoring:
    """Movements that come one by one."""

    def __init__(self, pseudonyms: Pseudonyms, archive: Archive, slices: Slices) -> None:
        self._pseudonyms = pseudonyms
        self._archive = archive
        self._rounds = Rounds(slices)
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
        declared = declare(movement, self._pseudonyms)
        if key is None:
            record, fate = await self._round(Question(declared, explain, client))
        else:
            tag = self._pseudonyms.event(f"idempotency {key}")
            owned = IdempotencyKey(client.agency, client.name, tag)
            with self._in_progress.one(owned):
                record, fate = await self._round(Question(declared, explain, client, owned))
        if isinstance(fate, KeyReused):
            raise RequestRefused("idempotency_key_reused", str(fate)) from fate
        if isinstance(fate, EventConflict):
            raise conflict_about(declared) from fate
        given: audit.AuditRecord | audit.RecordedAssessment = record
        later = None
        if fate.duplicate:
            version = (record.movement, record.movement_version)
            (before,) = await self._archive.given_before(client.agency, [version])
            given, later = before, await self._archive.later_than(before)
        body = with_reference(unless_erased(given.body), movement.movement_ref)
        return ScoreAnswer(
            body, given.score_id, given.kind, given.status, given.band, fate.duplicate, later
        )

    async def _round(self, question: Question) -> Recorded:
        agency, declared = question.client.agency, question.declared
        first_seen = await self._archive.first_seen(agency, [declared])
        return await self._rounds.answer(question, first_seen.get(declared.movement))


def conflict_about(declared: MovementDeclared) -> RequestRefused:
    return RequestRefused(
        "movement_conflict",
        f"version {declared.version} of this {declared.kind} was scored with another "
        "content; send the change as a higher version",
    )
