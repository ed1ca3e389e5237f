"""The exchange as one worker of the service has it: what it takes, and what it sends."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial

from features.clock import Micros, now_micros
from features.ledger import Transaction
from features.settings import Settings
from serving.audit import AuditStream, PartnerEventsRefused
from serving.auth.access import Client
from serving.exchange.incoming import (
    NOT_VOUCHED_FOR,
    Judged,
    Refused,
    Sent,
    clock_ahead_seconds,
    judge,
    keep,
)
from serving.exchange.partners import PartnerFile
from serving.exchange.sending import Sending
from serving.recording import Recorder
from serving.wire.exchange import EventReceipt, EventsAnswer


class Exchange:
    """Belongs to the worker's event loop."""

    def __init__(self, settings: Settings, recorder: Recorder) -> None:
        self._partners = PartnerFile(settings.home)
        self._recorder = recorder
        self.sending = Sending(settings, self._partners, recorder)

    async def take(
        self, sent: Sequence[Sent], client: Client, sent_at: Micros | None
    ) -> EventsAnswer:
        """Receipts in the order sent, once everything that is accepted is on disk.

        Args:
            sent_at: by the sender's clock; None when it did not say.

        Raises:
            RequestRefused: as ``Recorder.done``.
        """
        now, partners = now_micros(), self._partners.now()
        judged = await asyncio.to_thread(judge, sent, partners, client, now)
        work = partial(_kept, judged, client, now, self._recorder.stream)
        receipts = await self._recorder.done(work, len(judged))
        return EventsAnswer(
            events=tuple(receipts),
            clock_ahead_seconds=clock_ahead_seconds(judged, sent_at, now),
        )

    def problems(self) -> list[str]:
        """For everybody to see, as ``code: sentence``: who the partners are is not for everybody.
        No score depends on them."""
        found = []
        if self._partners.problem is not None:
            found.append("exchange: partners.toml as it stands cannot be followed")
        failing = self.sending.work().failing
        if failing:
            found.append(
                f"exchange: {failing} of the partners cannot be told anything at present; "
                "`foreland exchange status` says whom and why"
            )
        return found

    def close(self) -> None:
        self.sending.close()


def _kept(
    judged: Sequence[Judged],
    client: Client,
    now: Micros,
    stream: AuditStream,
    transaction: Transaction,
) -> list[EventReceipt]:
    receipts = keep(judged, now, transaction)
    note = refusals_of(judged, client)
    if note is not None:
        stream.note(transaction, note)
    return receipts


def refusals_of(judged: Sequence[Judged], client: Client) -> PartnerEventsRefused | None:
    """One note for all of a body that nobody vouches for; None when there is none."""
    codes = Counter(
        one.problem.code
        for one in judged
        if isinstance(one, Refused) and one.problem.code in NOT_VOUCHED_FOR
    )
    if not codes:
        return None
    said = ", ".join(f"{code} {many}" for code, many in sorted(codes.items()))
    return PartnerEventsRefused(client=client.name, agency=client.agency, refused=said)
