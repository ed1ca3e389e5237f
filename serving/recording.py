"""Nothing is answered before it is on disk: work is handed to the writer and waited for."""

import asyncio
import logging
from typing import TypeVar

from features.ledger import Ledger, Transaction
from serving.audit import AuditStream, RecordingResumed, new_stream_name
from serving.auth.access import LOCAL_AGENCY
from serving.metrics import Commits
from serving.problems import RequestRefused
from serving.writer import GroupCommit, NotRecorded, Tell, Work, WriterFull

logger = logging.getLogger("foreland.serving")

SOURCE = "api"
REASSESSMENT = "reassessment"
"""The source of events that say what was assessed again."""
LONGEST_COMMIT_SECONDS = 3.0

T = TypeVar("T")


class Recorder:
    """The writer of one worker, with an end to patience and refusals that a client understands."""

    def __init__(self, ledger: Ledger, tell: Tell = lambda _: None) -> None:
        """
        Args:
            tell: hears what was committed, in the writer's thread.
        """
        self.stream = AuditStream(new_stream_name("worker"))
        """Of this worker; for work in the writer's thread alone."""
        self._writer = GroupCommit(ledger, self._prove, tell)

    @property
    def failure(self) -> str | None:
        """Why nothing can be recorded at present."""
        return self._writer.failure

    @property
    def commits(self) -> Commits:
        """Since the worker began."""
        return self._writer.done

    @property
    def waiting(self) -> int:
        """How much is to be recorded and is not yet."""
        return self._writer.waiting

    async def done(self, work: Work[T], records: int = 1) -> T:
        """What ``work`` returned, once its commit is on disk.

        Args:
            records: how many it writes.

        Raises:
            RequestRefused: ``not_recorded``, ``recording_slow`` or ``overloaded``.
        """
        try:
            # Not wait_for, which may lose a cancellation that comes with the result (3.11).
            async with asyncio.timeout(LONGEST_COMMIT_SECONDS):
                return await self._writer.submit(work, records)
        except NotRecorded as exc:
            logger.error("not recorded: %s", exc)
            raise RequestRefused(
                "not_recorded",
                "nothing was recorded, so there is no answer; send the same request again",
                headers={"Retry-After": "1"},
            ) from exc
        except WriterFull as exc:
            raise RequestRefused(
                "overloaded",
                "more waits to be recorded than the service takes; send this one again",
                headers={"Retry-After": "1"},
            ) from exc
        except TimeoutError as exc:
            raise RequestRefused(
                "recording_slow",
                f"not on disk after {LONGEST_COMMIT_SECONDS:g} s; send the same request again: "
                "if it was recorded meanwhile, the answer is the recorded one",
                headers={"Retry-After": "1"},
            ) from exc

    def _prove(self, transaction: Transaction, failure: str) -> None:
        """Recording works again when the audit log takes a record and its assessments are there."""
        transaction.fetch("SELECT max(number) FROM assessments")
        self.stream.note(transaction, RecordingResumed(failure=failure))

    def close(self) -> None:
        """Commit what is waiting, then end."""
        self._writer.close()


def source_of(agency: str) -> str:
    """Each agency numbers its events by itself, and is told of no other's."""
    return SOURCE if agency == LOCAL_AGENCY else f"{SOURCE}:{agency}"


def agency_of(source: str) -> str | None:
    """Whose event came through the API under this source; None for one that came otherwise.

    >>> agency_of("api:border-force"), agency_of("api"), agency_of("file")
    ('border-force', 'local', None)
    """
    first, _, agency = source.partition(":")
    return (agency or LOCAL_AGENCY) if first == SOURCE else None
