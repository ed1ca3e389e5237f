"""What is told about movements after they were scored: events of the ledger, each acknowledged
once it is on disk."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from features.clock import now_micros, to_micros
from features.intake import conclude, outcome_event_id
from features.ledger import (
    Appended,
    DecisionTaken,
    Event,
    EventConflict,
    MovementCancelled,
    Transaction,
)
from features.pseudonyms import Pseudonyms
from features.records import Problem
from features.records.decision import FALSE_MATCH, Decision
from serving import audit, sandbox
from serving.archive import Archive
from serving.auth.access import Client, mine
from serving.matching import known_matches
from serving.problems import RequestRefused
from serving.recording import Recorder, source_of
from serving.vocabulary import Kind
from serving.wire import CancellationReceipt, OutcomeMessage, Receipt, rejected_receipt

CLOCK_TOLERANCE_MICROS = 5 * 60 * 1_000_000
"""How far a client's clock may be behind ours before its decision cannot have been one."""

Message = OutcomeMessage | Decision
M = TypeVar("M", OutcomeMessage, Decision)


class Happenings:
    """Takes outcomes, decisions and cancellations; the next score sees them."""

    def __init__(self, pseudonyms: Pseudonyms, recorder: Recorder, archive: Archive) -> None:
        self._pseudonyms = pseudonyms
        self._recorder = recorder
        self._archive = archive

    async def record_outcomes(
        self, items: Sequence[OutcomeMessage | Receipt], client: Client
    ) -> tuple[Receipt, ...]:
        """Receipts in the order sent, once every accepted outcome is on disk."""
        return await self._record(items, partial(self._outcome_event, client))

    async def record_decisions(
        self, items: Sequence[Decision | Receipt], client: Client
    ) -> tuple[Receipt, ...]:
        """Receipts in the order sent, once every accepted decision is on disk."""
        decided = [item.score_id for item in items if isinstance(item, Decision)]
        scores = await self._archive.of_agency(client.agency, decided) if decided else {}
        return await self._record(items, partial(self._decision_event, client, scores))

    async def cancel(self, kind: Kind, movement_ref: str, client: Client) -> CancellationReceipt:
        """Take a movement out of history, up to the highest version that the agency had scored.

        Raises:
            RequestRefused: ``no_such_movement``, or as ``Recorder.done``.
        """
        movement = self._pseudonyms.movement(kind, movement_ref)
        scored = await self._archive.versions(client.agency, movement)
        if not scored:
            raise RequestRefused(
                "no_such_movement",
                f"no {kind} with this movement_ref was scored for your agency; nothing to cancel",
            )
        up_to = max(one.movement_version for one in scored)
        now = now_micros()
        event = Event(
            source=source_of(client.agency),
            event_id=f"cancellation:{movement}:{up_to}",
            occurred_at=now,
            payload=MovementCancelled(
                kind=kind, movement=movement, cancelled_at=now, up_to_version=up_to
            ),
        )
        (result,) = await self._recorder.done(partial(_record_each, [event]))
        # A conflict: it was cancelled before, at another time.
        position = result.position if isinstance(result, Appended) else None
        return CancellationReceipt(
            kind=kind,
            movement_ref=movement_ref,
            up_to_version=up_to,
            status="duplicate" if position is None else "accepted",
            position=position,
        )

    async def _record(
        self, items: Sequence[M | Receipt], event_of: Callable[[M, str], Event | Receipt]
    ) -> tuple[Receipt, ...]:
        receipts: dict[int, Receipt] = {}
        events: dict[int, Event] = {}
        for place, item in enumerate(items):
            fate = item if isinstance(item, Receipt) else event_of(item, f"/{place}")
            if isinstance(fate, Receipt):
                receipts[place] = fate
            else:
                events[place] = fate
        if events:
            results = await self._recorder.done(partial(_record_each, list(events.values())))
            for place, result in zip(events, results, strict=True):
                receipts[place] = _receipt(items[place].event_id, f"/{place}", result)
        return tuple(receipts[place] for place in range(len(items)))

    def _outcome_event(
        self, client: Client, message: OutcomeMessage, pointer: str
    ) -> Event | Receipt:
        if sandbox.is_reserved(message.movement_ref):
            return sandbox.receipt(message.event_id, pointer, "/movement_ref", client)
        own = replace(
            message,
            event_id=mine(client.agency, message.event_id),
            corrects=None if message.corrects is None else mine(client.agency, message.corrects),
        )
        outcome = conclude(own, message.kind, self._pseudonyms)
        return Event(
            source=source_of(client.agency),
            event_id=outcome_event_id(outcome),
            occurred_at=outcome.examined_at,
            payload=outcome,
        )

    def _decision_event(
        self,
        client: Client,
        scores: Mapping[str, audit.RecordedAssessment],
        decision: Decision,
        pointer: str,
    ) -> Event | Receipt:
        if sandbox.reference_of(decision.score_id) is not None:
            return sandbox.receipt(decision.event_id, pointer, "/score_id", client)
        score = scores.get(decision.score_id)
        problem = _decision_problem(decision, score)
        if problem is not None or score is None:
            return rejected_receipt(decision.event_id, (problem or _UNKNOWN_SCORE,), pointer)
        dismissed = _dismissed(decision, score)
        if isinstance(dismissed, Problem):
            return rejected_receipt(decision.event_id, (dismissed,), pointer)
        message = self._pseudonyms.event(mine(client.agency, decision.event_id))
        return Event(
            source=source_of(client.agency),
            event_id=f"decision:{message}",
            occurred_at=to_micros(decision.decided_at),
            payload=DecisionTaken(
                kind=score.kind,
                movement=score.movement,
                score_id=decision.score_id,
                decision=decision.decision,
                decided_at=to_micros(decision.decided_at),
                reason_code=decision.reason_code,
                matches=dismissed,
            ),
        )


_UNKNOWN_SCORE = Problem(
    "no_such_score", "/score_id", "your agency has no assessment under this id; correct it"
)


def _decision_problem(decision: Decision, score: audit.RecordedAssessment | None) -> Problem | None:
    if score is None:
        return _UNKNOWN_SCORE
    if to_micros(decision.decided_at) + CLOCK_TOLERANCE_MICROS < score.available_at:
        return Problem(
            "decided_before_assessed",
            "/decided_at",
            f"decided at {decision.decided_at.isoformat()}, before there was an assessment to "
            "decide on; correct it or the sender's clock",
        )
    return None


def _dismissed(decision: Decision, score: audit.RecordedAssessment) -> tuple[str, ...] | Problem:
    """Ids of the matches that a decision dismisses: hidden ones are as unknown as any other."""
    by = FALSE_MATCH.get(decision.reason_code or "")
    if by is None:
        return ()
    known = tuple(one for kind, one in known_matches(score.matches, score.agency) if kind == by)
    if known and set(decision.matches) <= set(known):
        return decision.matches or known
    return Problem(
        "no_such_match",
        "/matches",
        f"the assessment has no such match with a {by}; give ids that it shows, or another "
        "reason_code",
    )


def _record_each(
    events: Sequence[Event], transaction: Transaction
) -> list[Appended | EventConflict]:
    results: list[Appended | EventConflict] = []
    for event in events:
        try:
            results.extend(transaction.append([event]))
        except EventConflict as exc:
            results.append(exc.with_traceback(None))
    return results


def _receipt(event_id: str | None, pointer: str, result: Appended | EventConflict) -> Receipt:
    if isinstance(result, EventConflict):
        conflict = Problem(
            "event_conflict",
            "/event_id",
            "this event id came before with another content; send the change under a new id",
        )
        return rejected_receipt(event_id, (conflict,), pointer)
    return Receipt(
        event_id=event_id,
        status="duplicate" if result.duplicate else "accepted",
        position=result.position,
    )
