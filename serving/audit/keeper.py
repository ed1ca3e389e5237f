"""When heads are made and exported, while a service runs and at its end."""

import asyncio
import logging
import threading
from functools import partial
from itertools import count
from typing import Protocol, TypeVar

from features.clock import now_micros
from features.errors import ForelandError
from features.key_files import KeyUnusable
from features.ledger import Ledger, Transaction, open_tables
from features.settings import Settings
from serving.audit.exported import check_not_ahead, exported_numbers, write_head
from serving.audit.heads import (
    Cover,
    Covered,
    HeadLimits,
    SignedHead,
    covered_by,
    heads_after,
    is_due,
    last_number,
    next_cover,
    sign_head,
)
from serving.audit.trust import audit_signing_key
from serving.problems import RequestRefused
from serving.writer import Work

logger = logging.getLogger("foreland.serving")

MICROS_PER_MINUTE = 60_000_000
SECONDS = 1.0
"""Between looks at what is due."""
ANSWER_SECONDS = 10.0
"""How long one answer of the database is waited for before it is asked anew."""

T = TypeVar("T")


class Records(Protocol):
    """What commits for this worker (``serving.recording.Recorder``)."""

    @property
    def failure(self) -> str | None: ...

    async def done(self, work: Work[T]) -> T: ...


class HeadKeeper:
    """Makes a head when one is due, whichever worker notices first, and exports what is new.

    A head is committed by the worker's own writer: after a commit that failed, nothing more is.
    What it covers is fixed there too, in a turn of its own, and the tree over it is computed in
    between: no answer waits for that. Reading and exporting happen in other threads, one at a time,
    so that neither a slow database nor a slow second place keeps the event loop waiting.
    """

    def __init__(self, settings: Settings, ledger: Ledger, recorder: Records) -> None:
        self._settings = settings
        self._ledger = ledger
        self._recorder = recorder
        self._limits = HeadLimits(
            settings.audit_head_records, round(settings.audit_head_minutes * MICROS_PER_MINUTE)
        )
        self._tables = open_tables(ledger.url, answer_seconds=ANSWER_SECONDS)
        self._reading = threading.Lock()
        self._exported_up_to: int | None = None
        self.problem: str | None = None
        """Why heads are not made or exported; it is tried again."""

    def problems(self) -> list[str]:
        """For everybody to see, as ``code: sentence``: the log says more, and names places."""
        if self.problem is None:
            return []
        return ["audit_heads: heads of the audit log cannot be made or exported at present"]

    async def keep(self) -> None:
        """Runs beside the answering until it is cancelled."""
        while True:
            await asyncio.sleep(SECONDS)
            await self.tick()

    async def tick(self) -> None:
        """Make a head if one is due, and export."""
        try:
            if await asyncio.to_thread(self._is_due):
                await self._make()
            await asyncio.to_thread(self._export)
        except (ForelandError, RequestRefused) as exc:
            self._say(str(exc))
        except Exception as exc:
            logger.exception("keeping heads failed")
            self._say(type(exc).__name__)
        else:
            self.problem = None

    def close(self) -> None:
        """One head over all that is left, once nothing more is written here; then export."""
        try:
            if self._recorder.failure is None:
                with self._ledger.transaction() as transaction:
                    cover = _cover_if_due(HeadLimits(1, 0), transaction)
                    if cover is not None:
                        _signed(self._settings, covered_by(transaction, cover), transaction)
            self._export()
        except ForelandError as exc:
            self._say(str(exc))
        finally:
            with self._reading:
                self._tables.close()

    def _is_due(self) -> bool:
        with self._reading:
            return is_due(self._tables, self._limits, now_micros())

    async def _make(self) -> None:
        cover = await self._recorder.done(partial(_cover_if_due, self._limits))
        if cover is None:
            return
        found = await asyncio.to_thread(self._covered, cover)
        result = await self._recorder.done(partial(_signed, self._settings, found))
        if isinstance(result, KeyUnusable):
            raise result

    def _covered(self, cover: Cover) -> Covered:
        with self._reading:
            return covered_by(self._tables, cover)

    def _export(self) -> None:
        directory = self._settings.exported_heads
        with self._reading:
            if self._exported_up_to is None:
                there = exported_numbers(directory)
                check_not_ahead(there, last_number(self._tables))
                self._exported_up_to = next(n for n in count(1) if n not in there) - 1
            for head in heads_after(self._tables, self._exported_up_to):
                write_head(directory, head)
                self._exported_up_to = head.number

    def _say(self, problem: str) -> None:
        if self.problem != problem:
            logger.warning("audit heads: %s", problem)
        self.problem = problem


def _cover_if_due(limits: HeadLimits, transaction: Transaction) -> Cover | None:
    """Another worker may have been first."""
    now = now_micros()
    return next_cover(transaction, now) if is_due(transaction, limits, now) else None


def _signed(
    settings: Settings, covered: Covered, transaction: Transaction
) -> SignedHead | KeyUnusable | None:
    """None when another worker was first. A key that cannot be used is returned: raised, it would
    take back what else is in this commit."""
    try:
        key = audit_signing_key(settings)
    except KeyUnusable as exc:
        return exc
    return sign_head(transaction, key, covered)
