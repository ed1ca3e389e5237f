"""What was recorded before, read for clients: off the event loop, with an end to patience.

Whoever is shown a recorded assessment is recorded too, before it is shown.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from features.clock import Micros
from features.history.carriage import OnBoard
from features.ledger import LedgerError, MovementDeclared, Transaction, open_tables
from features.pseudonyms import Pseudonyms
from serving.aboard import Aboard, known_aboard
from serving.audit import (
    AssessmentRead,
    AuditLog,
    MovementScoresListed,
    Note,
    ProofRead,
    RecordedAssessment,
)
from serving.audit.proof import proof_of
from serving.auth.access import Client
from serving.problems import RequestRefused
from serving.recording import Recorder
from serving.wire import with_reference
from serving.wire.proof import ProofMessage

PATIENCE_SECONDS = 2.0

T = TypeVar("T")


class Archive:
    """Reads in one thread of its own, with connections of its own; belongs to one event loop."""

    def __init__(self, ledger_url: str, pseudonyms: Pseudonyms, recorder: Recorder) -> None:
        self._pseudonyms = pseudonyms
        self._recorder = recorder
        self._log = AuditLog(ledger_url, answer_seconds=PATIENCE_SECONDS)
        self._tables = open_tables(ledger_url, answer_seconds=PATIENCE_SECONDS)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="archive")

    def close(self) -> None:
        self._reader.shutdown(wait=True, cancel_futures=True)
        self._log.close()
        self._tables.close()

    async def shown(
        self, score_id: str, client: Client, how: Literal["stored_score", "page"]
    ) -> RecordedAssessment | None:
        """The recorded assessment, without the movement's reference; None when the client's agency
        has none under this id.

        Raises:
            RequestRefused: ``erased``, ``ledger_unreadable``, or as ``Recorder.done``.
        """
        found = await self._ask(lambda: self._log.of_agency(client.agency, score_id))
        if found is not None:
            unless_erased(found.body)
            await self._note(
                AssessmentRead(score_id=score_id, client=client.name, agency=client.agency, how=how)
            )
        return found

    async def later_than(self, recorded: RecordedAssessment) -> str | None:
        """Id of the last assessment of its movement; None when it is that one itself."""
        return await self._ask(lambda: self._log.later_than(recorded))

    async def answers_about(self, kind: str, movement_ref: str, client: Client) -> list[bytes]:
        """The recorded answers that the client's agency had for the movement, the newest first.

        What retention has erased is left out.
        """
        movement = self._pseudonyms.movement(kind, movement_ref)
        versions = await self.versions(client.agency, movement)
        found = [with_reference(one.body, movement_ref) for one in versions if one.body is not None]
        await self._note(
            MovementScoresListed(
                movement=movement, found=len(found), client=client.name, agency=client.agency
            )
        )
        return found

    async def proof(self, score_id: str, client: Client) -> ProofMessage | None:
        """None when the client's agency has no assessment under this id."""
        if await self._ask(lambda: self._log.of_agency(client.agency, score_id)) is None:
            return None
        proof = await self._ask(lambda: proof_of(self._tables, score_id))
        if proof is not None:
            await self._note(ProofRead(score_id=score_id, client=client.name, agency=client.agency))
        return proof

    async def versions(self, agency: str, movement: str) -> list[RecordedAssessment]:
        """Of one movement (pseudonym), the newest assessment first."""
        return await self._ask(lambda: self._log.of_movement(agency, movement))

    async def declared_at(self, recorded: RecordedAssessment) -> int:
        """Position of the event that declared what was assessed: what is assessed again has none
        of its own."""
        if recorded.assessment == 1:
            return recorded.position
        version = (recorded.agency, recorded.movement, recorded.movement_version)
        first = await self._ask(lambda: self._log.by_movement(*version))
        return recorded.position if first is None else first.position

    async def of_agency(
        self, agency: str, score_ids: Sequence[str]
    ) -> dict[str, RecordedAssessment]:
        """Those that the agency has, by their ids."""

        def find() -> dict[str, RecordedAssessment]:
            each = ((one, self._log.of_agency(agency, one)) for one in set(score_ids))
            return {score_id: found for score_id, found in each if found is not None}

        return await self._ask(find)

    async def given_before(
        self, agency: str, movements: Sequence[tuple[str, int]]
    ) -> list[RecordedAssessment]:
        """The recorded answers to versions of movements that were scored before.

        Args:
            movements: pseudonym and version of each.
        """

        def find() -> list[RecordedAssessment]:
            found = [self._log.by_movement(agency, *movement) for movement in movements]
            if None in found:
                raise RuntimeError("the API recorded a movement without its assessment")
            return [one for one in found if one is not None]

        return await self._ask(find) if movements else []

    async def first_seen(
        self, agency: str, declared: Sequence[MovementDeclared]
    ) -> dict[str, Micros]:
        """When the first version of each movement was assessed for the agency; without those that
        come for the first time."""
        later = {movement.movement for movement in declared if movement.version > 1}
        if not later:
            return {}

        def find() -> dict[str, Micros]:
            each = ((movement, self._log.of_movement(agency, movement)) for movement in later)
            return {movement: min(one.as_of for one in found) for movement, found in each if found}

        return await self._ask(find)

    async def aboard(
        self,
        agency: str,
        carrier: MovementDeclared,
        on_board: OnBoard,
        position_up_to: int,
        as_of: Micros,
    ) -> Aboard | None:
        """What the agency knows of the consignments of a carrier; None when it knows of none.

        Args:
            position_up_to: of the ledger that history has applied: what is recorded up to it is
                there for whoever computes it again.
        """

        def find() -> Aboard | None:
            return known_aboard(self._log, agency, carrier, on_board, position_up_to, as_of)

        return await self._ask(find)

    async def _note(self, note: Note) -> None:
        def add(transaction: Transaction) -> None:
            self._recorder.stream.note(transaction, note)

        await self._recorder.done(add)

    async def _ask(self, find: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await loop.run_in_executor(self._reader, find)
        except (LedgerError, TimeoutError) as exc:
            raise RequestRefused(
                "ledger_unreadable",
                "what is recorded cannot be read at present; send the same request again",
                headers={"Retry-After": "1"},
            ) from exc


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
