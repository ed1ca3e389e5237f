"""What is told about movements after they were scored: events of the ledger, each acknowledged
once it is on disk."""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from features.intake import conclude, outcome_event_id
from features.ledger import Appended, Event, EventConflict, Transaction
from features.pseudonyms import Pseudonyms
from features.records import Problem
from serving.auth.access import Client, mine
from serving.recording import Recorder, source_of
from serving.wire import OutcomeMessage, OutcomeReceipt, OutcomesAnswer, rejected_receipt


class Happenings:
    """Takes outcomes; the next score sees them."""

    def __init__(self, pseudonyms: Pseudonyms, recorder: Recorder) -> None:
        self._pseudonyms = pseudonyms
        self._recorder = recorder

    async def record_outcomes(
        self, items: Sequence[OutcomeMessage | OutcomeReceipt], client: Client
    ) -> OutcomesAnswer:
        """Receipts in the order sent, once every accepted outcome is on disk."""
        events = [
            self._outcome_event(item, client.agency)
            for item in items
            if isinstance(item, OutcomeMessage)
        ]
        results = iter(await self._recorder.done(partial(_record_each, events)))
        return OutcomesAnswer(
            outcomes=tuple(
                _receipt(item, f"/{index}", next(results))
                if isinstance(item, OutcomeMessage)
                else item
                for index, item in enumerate(items)
            )
        )

    def _outcome_event(self, message: OutcomeMessage, agency: str) -> Event:
        own = replace(
            message,
            event_id=mine(agency, message.event_id),
            corrects=None if message.corrects is None else mine(agency, message.corrects),
        )
        outcome = conclude(own, message.kind, self._pseudonyms)
        return Event(
            source=source_of(agency),
            event_id=outcome_event_id(outcome),
            occurred_at=outcome.examined_at,
            payload=outcome,
        )


def _record_each(
    events: Sequence[Event], transaction: Transaction
) -> list[Appended | EventConflict]:
    results: list[Appended | EventConflict] = []
    for event in events:
        try:
            results.extend(transaction.append([event]))
        except EventConflict as exc:
            results.append(exc)
    return results


def _receipt(
    message: OutcomeMessage, pointer: str, result: Appended | EventConflict
) -> OutcomeReceipt:
    if isinstance(result, EventConflict):
        conflict = Problem(
            "event_conflict",
            "/event_id",
            "this event id came before with another content; send the change under a new id",
        )
        return rejected_receipt(message.event_id, (conflict,), pointer)
    return OutcomeReceipt(
        event_id=message.event_id,
        status="duplicate" if result.duplicate else "accepted",
        position=result.position,
    )
