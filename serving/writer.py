"""Group commit: one thread per process that makes many answers durable with one fdatasync.

Who owns what: the event loop owns everything that is read to compute an answer; this thread owns
the transaction. Between them travel frozen values one way and the results the other way, handed
over with ``call_soon_threadsafe`` after the commit, never before it.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from features.ledger import EventConflict, Ledger, Transaction

MOST_PER_COMMIT = 256

T = TypeVar("T")
Work = Callable[[Transaction], T]
"""Runs in the writer's thread; touches only the transaction and frozen values of its own."""


class _Job(NamedTuple):
    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"


class NotRecorded(Exception):
    """Nothing of this commit is on disk as far as can be told; no answer may be given for it."""


class GroupCommit:
    """Commits what is submitted, in order, as many at a time as are waiting.

    After a COMMIT itself has failed, nothing is acknowledged until the process is started anew:
    what a failed fsync left on disk is unknown, and a second one would report success.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> "asyncio.Future[T]":
        """A future of what ``work`` returned, done once the commit is on disk.

        It raises ``EventConflict`` when ``work`` did, ``NotRecorded`` when nothing was recorded.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, loop, answer))
        return answer

    def close(self) -> None:
        """Commit what is waiting, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        running = True
        while running:
            waiting = [self._jobs.get()]
            while len(waiting) < MOST_PER_COMMIT and not self._jobs.empty():
                waiting.append(self._jobs.get_nowait())
            running = None not in waiting
            jobs = [job for job in waiting if job is not None]
            if jobs:
                _deliver(jobs, self._commit(jobs))

    def _commit(self, jobs: list[_Job]) -> list[Any]:
        if self.failure is not None:
            return [NotRecorded(self.failure)] * len(jobs)
        at_commit = False
        try:
            with self._ledger.transaction() as transaction:
                results = [_outcome(job.work, transaction) for job in jobs]
                at_commit = True
        except Exception as exc:  # whatever it was, nobody may be told that it was recorded
            if at_commit:
                self.failure = f"a commit failed ({exc}); mend the cause and start the service anew"
            return [NotRecorded(str(exc))] * len(jobs)
        return results


def _outcome(work: Work[Any], transaction: Transaction) -> Any:
    try:
        return work(transaction)
    except EventConflict as exc:  # refused before it wrote anything; the others go on
        return exc


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
