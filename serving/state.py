"""What one worker holds: ledger, history in memory, bundles; from a record to a recorded answer.

One ``ServingState`` belongs to one event loop. Computing an answer reads history and bundles on
that loop; only the commit happens elsewhere (``serving.writer``).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from features.clock import Micros, now_micros
from features.history.resuming import Lag, lag_of, resume
from features.intake import conclude, declare, movement_event_id, outcome_event_id
from features.ledger import (
    Appended,
    Event,
    EventConflict,
    LedgerError,
    MovementDeclared,
    Transaction,
    open_ledger,
)
from features.records import KINDS, Problem
from features.rotation import pseudonyms_of
from features.rows import feature_row
from features.settings import Settings
from models.trust import trusted_keys
from serving import audit
from serving.answers import audit_record, served_model
from serving.auth.access import LOCAL_AGENCY, Client, mine
from serving.auth.gate import open_gate
from serving.load import Places, Quotas
from serving.pinned import PinnedBundles
from serving.problems import RequestRefused
from serving.scorer import assess, history_problem
from serving.snapshots import SnapshotKeeper
from serving.vocabulary import Explain
from serving.wire import (
    ModelsAnswer,
    OutcomeMessage,
    OutcomeReceipt,
    OutcomesAnswer,
    Readiness,
    ScoreRequest,
    rejected_receipt,
    with_reference,
)
from serving.writer import GroupCommit, NotRecorded, Work

logger = logging.getLogger("foreland.serving")

SOURCE = "api"
LONGEST_COMMIT_SECONDS = 3.0

T = TypeVar("T")


class ScoreAnswer(NamedTuple):
    body: bytes
    score_id: str
    kind: str
    status: str
    band: str
    replayed: bool
    """True when this version of the movement was scored before; the body is the one given then."""


class ServingState:
    """Opened once per worker, in the worker; ``close`` commits what is waiting.

    Args:
        refused: hears the reason of every credential that is refused.
    """

    def __init__(self, settings: Settings, refused: Callable[[str], None] = lambda _: None) -> None:
        with ExitStack() as opened:
            self._ledger = open_ledger(settings.ledger, create=False)
            opened.callback(self._ledger.close)
            opened.enter_context(self._ledger.in_service())
            with self._ledger.transaction() as transaction:
                audit.prepare(transaction)
            self._audit = audit.AuditLog(settings.ledger)
            opened.callback(self._audit.close)
            self.settings = settings
            self.places = Places(settings.most_in_flight)
            self.quotas = Quotas(settings.requests_per_second, settings.burst_seconds)
            self.gate = open_gate(self._ledger, settings, refused)
            opened.callback(self.gate.close)
            self._pseudonyms = pseudonyms_of(self._ledger, settings.keys)
            self._history, resumed_at, _ = resume(settings.history, self._ledger)
            self._followed_at = now_micros()
            self._snapshots = SnapshotKeeper(settings, resumed_at)
            if not resumed_at:  # all of the ledger was replayed: not again at the next start
                self._snapshots.keep_now(self._history, self._ledger)
            opened.callback(self._keep_for_the_next_start)
            self.bundles = PinnedBundles(settings.pins, partial(trusted_keys, settings))
            self.bundles.load_changed()
            self._writer = GroupCommit(self._ledger)
            opened.callback(self._writer.close)
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    def tend(self) -> Lag:
        """Called about once a second: an idle worker stays current, and its snapshot too."""
        self._follow()
        self._snapshots.tick(self._history.position)
        return self.lag()

    def lag(self) -> Lag:
        """How far this worker's history is behind the ledger."""
        try:
            return lag_of(self._history, self._ledger)
        except LedgerError:
            position = self._history.position
            return Lag(position, position, (now_micros() - self._followed_at) / 1e6)

    def _keep_for_the_next_start(self) -> None:
        self._snapshots.close()
        self._follow()
        self._snapshots.keep_now(self._history, self._ledger)

    async def score(self, movement: ScoreRequest, explain: Explain, client: Client) -> ScoreAnswer:
        """The recorded answer for one movement: a new one, or the one given before to the agency.

        Raises:
            RequestRefused: ``movement_conflict``, ``erased``, ``not_recorded`` or
                ``recording_slow``.
        """
        declared = declare(movement, self._pseudonyms)
        record = self._answer(declared, explain)
        event = Event(
            source=_source(client.agency),
            event_id=movement_event_id(declared),
            occurred_at=declared.declared_at,
            payload=declared,
        )
        try:
            appended = await self._recorded(partial(_record_score, event, record, client))
        except EventConflict as exc:
            raise RequestRefused(
                "movement_conflict",
                f"version {declared.version} of this {declared.kind} was scored with another "
                "content; send the change as a higher version",
            ) from exc
        return self._as_sent(record, appended, movement.movement_ref, client.agency)

    async def record_outcomes(
        self, items: Sequence[OutcomeMessage | OutcomeReceipt], client: Client
    ) -> OutcomesAnswer:
        """Receipts in the order sent, once every accepted outcome is on disk."""
        events = [
            self._outcome_event(item, client.agency)
            for item in items
            if isinstance(item, OutcomeMessage)
        ]
        results = iter(await self._recorded(partial(_record_each, events)))
        return OutcomesAnswer(
            outcomes=tuple(
                _receipt(item, f"/{index}", next(results))
                if isinstance(item, OutcomeMessage)
                else item
                for index, item in enumerate(items)
            )
        )

    def stored(self, score_id: str, client: Client) -> bytes | None:
        """The recorded answer without the movement's reference; None when the client's agency
        has none under this id.

        Raises:
            RequestRefused: ``erased``.
        """
        found = self._audit.of_agency(client.agency, score_id)
        return None if found is None else _unless_erased(found.body)

    def served(self) -> ModelsAnswer:
        self._follow()
        lag = self.lag()
        return ModelsAnswer(
            models=tuple(
                served_model(kind, self.bundles.of(kind), self._history.newest_available_at(kind))
                for kind in KINDS
            ),
            history_position=lag.position,
            ledger_position=lag.last_position,
            history_lag_seconds=lag.seconds,
        )

    def readiness(self) -> Readiness:
        """
        Raises:
            RequestRefused: ``not_ready`` when no answer could be recorded.
        """
        if self._writer.failure is not None:
            raise RequestRefused("not_ready", self._writer.failure)
        unreadable, now = self._follow(), now_micros()
        per_kind = [problem for kind in KINDS for problem in self._problems(kind, now)]
        lag = self.lag()
        return Readiness(
            ready=True,
            problems=(*unreadable, *per_kind, *self.gate.problems()),
            history_position=lag.position,
            ledger_position=lag.last_position,
            history_lag_seconds=lag.seconds,
        )

    def _answer(self, declared: MovementDeclared, explain: Explain) -> audit.AuditRecord:
        unreadable = self._follow()
        as_of = self._as_of()
        bundle = self.bundles.of(declared.kind).bundle
        row = None
        if bundle is not None:
            row = feature_row(self._history, declared, as_of, bundle.catalogue)
        degraded = (*unreadable, *self._problems(declared.kind, as_of))
        assessment = assess(bundle, row, degraded=degraded, explain=explain)
        return audit_record(
            declared,
            assessment,
            bundle,
            row,
            as_of=as_of,
            ledger_position=self._history.position,
        )

    def _follow(self) -> list[str]:
        """Apply what the ledger holds by now; what keeps it from that, if anything."""
        try:
            self._history.follow(self._ledger)
        except LedgerError as exc:
            return [f"ledger_unreadable: {exc}"]
        self._followed_at = now_micros()
        return []

    def _as_of(self) -> Micros:
        """Now, but after everything that history has applied."""
        newest = [self._history.newest_available_at(kind) for kind in KINDS]
        return max([now_micros(), *(stamp + 1 for stamp in newest if stamp is not None)])

    def _problems(self, kind: str, as_of: Micros) -> list[str]:
        """What makes an answer for the kind degraded or unassessed, each ``code: sentence``."""
        served = self.bundles.of(kind)
        stale = history_problem(kind, self._history.newest_outcome_at(kind), as_of)
        problems = [] if stale is None else [stale]
        if served.refusal is not None:
            problems.append(f"bundle_refused: {served.refusal}")
        elif served.bundle is None:
            problems.append(f"no_model: no {kind} model is promoted")
        return problems

    async def _recorded(self, work: Work[T]) -> T:
        try:
            return await asyncio.wait_for(self._writer.submit(work), LONGEST_COMMIT_SECONDS)
        except NotRecorded as exc:
            logger.error("not recorded: %s", exc)
            raise RequestRefused(
                "not_recorded",
                "nothing was recorded, so there is no answer; send the same request again",
                headers={"Retry-After": "1"},
            ) from exc
        except TimeoutError as exc:
            raise RequestRefused(
                "recording_slow",
                f"not on disk after {LONGEST_COMMIT_SECONDS:g} s; send the same request again: "
                "if it was recorded meanwhile, the answer is the recorded one",
                headers={"Retry-After": "1"},
            ) from exc

    def _as_sent(
        self, record: audit.AuditRecord, appended: Appended, movement_ref: str, agency: str
    ) -> ScoreAnswer:
        given: audit.AuditRecord | audit.RecordedAssessment = record
        if appended.duplicate:
            before = self._audit.by_movement(agency, record.movement, record.movement_version)
            if before is None:
                raise RuntimeError("the API recorded a movement without its assessment")
            given = before
        body = with_reference(_unless_erased(given.body), movement_ref)
        return ScoreAnswer(
            body, given.score_id, given.kind, given.status, given.band, appended.duplicate
        )

    def _outcome_event(self, message: OutcomeMessage, agency: str) -> Event:
        own = replace(
            message,
            event_id=mine(agency, message.event_id),
            corrects=None if message.corrects is None else mine(agency, message.corrects),
        )
        outcome = conclude(own, message.kind, self._pseudonyms)
        return Event(
            source=_source(agency),
            event_id=outcome_event_id(outcome),
            occurred_at=outcome.examined_at,
            payload=outcome,
        )


def _source(agency: str) -> str:
    """Each agency numbers its events by itself, and is told of no other's."""
    return SOURCE if agency == LOCAL_AGENCY else f"{SOURCE}:{agency}"


def _unless_erased(body: bytes | None) -> bytes:
    if body is None:
        raise RequestRefused(
            "erased", "retention has erased this assessment and the movement it was about"
        )
    return body


def _record_score(
    event: Event, record: audit.AuditRecord, client: Client, transaction: Transaction
) -> Appended:
    (appended,) = transaction.append([event])
    if not appended.duplicate:
        audit.append(transaction, record, appended, client)
    return appended


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
