"""Group commit: one thread per process that makes many answers durable with one fdatasync.

Who owns what: the event loop owns everything that is read to compute an answer; this thread owns
the transaction. Between them travel frozen values one way and the results the other way, handed
over with ``call_soon_threadsafe`` after the commit, never before it.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from features.ledger import EventConflict, Ledger, Transaction, Written
from serving.metrics import Commits

logger = logging.getLogger("foreland.serving")

SWITCH_SECONDS = 0.0005
"""After every statement this thread asks for the interpreter; by default the event loop may keep it
for 5 ms each time, several times as long as a commit takes."""
MOST_PER_COMMIT = 256
LONGEST_WRITING_SECONDS = 1.0
"""After which a commit takes nothing more: behind a slow network 256 answers would not be through
before a client, or the connection, gives up."""
MOST_WAITING = 1_024
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
"""Between attempts to record again; each pause is twice the one before."""

T = TypeVar("T")
Work = Callable[[Transaction], T]
"""Runs in the writer's thread; touches only the transaction and frozen values of its own."""
Proof = Callable[[Transaction, str], object]
"""Writes, in a commit of its own, that nothing could be recorded, and why."""
Tell = Callable[[Sequence[Written]], object]
"""Hears, in the writer's thread, what was committed."""


class _Job(NamedTuple):
    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"
    records: int


class NotRecorded(Exception):
    """It is not known to be on disk; no answer may be given for it."""


class WriterFull(Exception):
    """More waits to be recorded than the writer takes."""


class GroupCommit:
    """Commits what is submitted, in order, as many at a time as are waiting.

    After a failed transaction nothing is acknowledged until the ledger was opened anew and a
    commit of the writer's own has succeeded on it (docs/adr/0026). What the failed one left on
    disk is not guessed: a client that sends again gets what is recorded, or a new answer.

    Args:
        proof: what that commit writes.
        tell: hears the events of every commit, before those who wait for it.
    """

    def __init__(self, ledger: Ledger, proof: Proof, tell: Tell = lambda _: None) -> None:
        self._ledger = ledger
        self._proof = proof
        self._tell = tell
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.failure: str | None = None
        self.done = Commits(0, 0, 0.0)
        """Since the worker began."""
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._attempt_at = 0.0
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], records: int = 1) -> "asyncio.Future[T]":
        """A future of what ``work`` returned, done once the commit is on disk.

        It raises ``EventConflict`` when ``work`` did, ``NotRecorded`` when nothing was recorded.

        Raises:
            WriterFull: at once, when ``MOST_WAITING`` wait.
        """
        if self._jobs.qsize() >= MOST_WAITING:
            raise WriterFull
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, loop, answer, records))
        return answer

    @property
    def waiting(self) -> int:
        """How much is to be recorded and is not yet."""
        return self._jobs.qsize()

    def close(self) -> None:
        """Commit what is waiting, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        running, left = True, list[_Job]()
        while running or left:
            waiting: list[_Job | None] = [*left] if left else self._waiting()
            running = running and None not in waiting
            # Whoever gave up was told so; what is recorded later would surprise.
            jobs = [job for job in waiting if job is not None and not job.answer.cancelled()]
            results = self._commit(jobs) if jobs else []
            _deliver(jobs[: len(results)], results)
            left = jobs[len(results) :]
            if running and self.failure is not None and time.monotonic() >= self._attempt_at:
                self._recover(self.failure)

    def _waiting(self) -> list[_Job | None]:
        """What waits; without anything, after the pause of a recovery, an empty list."""
        patience = None
        if self.failure is not None:
            patience = max(self._attempt_at - time.monotonic(), 0.0)
        try:
            waiting = [self._jobs.get(timeout=patience)]
        except queue.Empty:
            return []
        while len(waiting) < MOST_PER_COMMIT and not self._jobs.empty():
            waiting.append(self._jobs.get_nowait())
        return waiting

    def _commit(self, jobs: list[_Job]) -> list[Any]:
        """What became of all of them, or of the first ones when they take long."""
        if self.failure is not None:
            return [NotRecorded(self.failure)] * len(jobs)
        began = time.monotonic()
        try:
            with self._ledger.transaction() as transaction:
                results = _outcomes(jobs, transaction)
            self._tell(transaction.written())
            spent = time.monotonic() - began
            written = jobs[: len(results)]
            done, records = self.done, sum(job.records for job in written)
            self.done = Commits(done.commits + 1, done.records + records, done.seconds + spent)
            return results
        except Exception as exc:  # whatever it was, nobody may be told that it was recorded
            self.failure = str(exc)
            self._pause_seconds, self._attempt_at = FIRST_PAUSE_SECONDS, 0.0
            logger.error("nothing is acknowledged from here on: %s", exc)
            return [NotRecorded(self.failure)] * len(jobs)

    def _recover(self, failure: str) -> None:
        """Never a second fsync of what was written before: a new connection, and new pages."""
        try:
            self._ledger.reopen()
            with self._ledger.transaction() as transaction:
                self._proof(transaction, failure)
        except Exception as exc:  # whatever keeps it from recording, it is tried again
            logger.warning("still nothing can be recorded: %s", exc)
            self._attempt_at = time.monotonic() + self._pause_seconds
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
            return
        self.failure = None
        logger.warning("recording goes on; it had failed with: %s", failure)


def _outcomes(jobs: list[_Job], transaction: Transaction) -> list[Any]:
    took_turn_at, results = time.monotonic(), list[Any]()
    for job in jobs:
        results.append(_outcome(job.work, transaction))
        if time.monotonic() - took_turn_at > LONGEST_WRITING_SECONDS:
            break
    return results


def _outcome(work: Work[Any], transaction: Transaction) -> Any:
    try:
        return work(transaction)
    except EventConflict as exc:  # refused before it wrote anything; the others go on
        return exc.with_traceback(None)  # it is kept, and its frames would be


def _deliver(jobs: list[_Job], results: list[Any]) -> None:
    for job, result in zip(jobs, results, strict=True):
        try:
            job.loop.call_soon_threadsafe(_settle, job.answer, result)
        except RuntimeError:  # the loop has ended: the client is gone, the record stays
            continue


def _settle(answer: "asyncio.Future[Any]", result: Any) -> None:
    if answer.done():  # the request was given up meanwhile
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
