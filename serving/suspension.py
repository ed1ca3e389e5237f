"""Suspension: people stop the models from speaking, and let them speak again.

What they said stands in the ledger. A worker hears it before its next answer; and the commit of
an answer looks again (``SuspensionCheck``), so that after a suspension is committed no answer of
a model is.
"""

from typing import NamedTuple

from features.clock import Micros, iso, now_micros
from features.errors import InputError
from features.ledger import (
    Event,
    EventConflict,
    EventSource,
    Ledger,
    Recorded,
    ServiceResumed,
    ServiceSuspended,
    Transaction,
)
from features.records import KINDS
from serving import audit

SOURCE = "service"
"""Of these events, and of no others."""
LONGEST_REASON = 200
_LAST_SAID = "SELECT max(position) FROM events WHERE source = ?"


class Suspension(NamedTuple):
    """Of one kind, as it stands."""

    since: Micros
    by: str
    reason: str


class Suspensions:
    """Which kinds are suspended, by all that was heard of it."""

    def __init__(self) -> None:
        self._of: dict[str, Suspension | None] = dict.fromkeys(KINDS)
        self.position = 0
        """Of the last word about it; 0 before the first."""

    def hear(self, event: Recorded) -> None:
        """Events come by position; other ones, and those heard before, change nothing."""
        said = event.payload
        if event.position <= self.position or not isinstance(
            said, ServiceSuspended | ServiceResumed
        ):
            return
        now = None
        if isinstance(said, ServiceSuspended):
            now = Suspension(event.available_at, said.by, said.reason)
        self._of.update(dict.fromkeys(kinds_meant(said.kind), now))
        self.position = event.position

    def of(self, kind: str) -> Suspension | None:
        return self._of[kind]

    def problem(self, kind: str) -> str | None:
        """Why no model may speak, as clients read it; None when one may.

        >>> said = ServiceSuspended(by="A. Lovelace", reason="drift under investigation")
        >>> suspensions = Suspensions()
        >>> suspensions.hear(Recorded(position=1, source=SOURCE, event_id="1", occurred_at=0,
        ...     available_at=0, backfill=False, payload=said))
        >>> suspensions.problem("vessel")
        'suspended: drift under investigation (no vessel is assessed since 1970-01-01T00:00:00Z)'
        """
        found = self._of[kind]
        if found is None:
            return None
        return f"suspended: {found.reason} (no {kind} is assessed since {iso(found.since)})"


def kinds_meant(kind: str | None) -> tuple[str, ...]:
    return tuple(KINDS) if kind is None else (kind,)


def read_suspensions(ledger: EventSource) -> Suspensions:
    suspensions = Suspensions()
    for event in ledger.read_source(SOURCE):
        suspensions.hear(event)
    return suspensions


class SuspensionCheck:
    """Within the commit of an answer: was anything said that the answer does not know?

    Asked once a transaction, which nobody else can write beside.
    """

    def __init__(self, ledger: EventSource) -> None:
        self._ledger = ledger
        self._within: Transaction | None = None
        self._last_said = 0

    def problem_since(self, transaction: Transaction, position: int, kind: str) -> str | None:
        """As ``Suspensions.problem``, when something was said after ``position``; else None."""
        if transaction is not self._within:
            ((last_said,),) = transaction.fetch(_LAST_SAID, [SOURCE])
            self._within, self._last_said = transaction, last_said or 0
        if self._last_said <= position:
            return None
        return read_suspensions(self._ledger).problem(kind)


def suspend(ledger: Ledger, kind: str | None, by: str, reason: str) -> bool:
    """From its return on every answer about the kind, or about every kind, is unassessed.

    Returns:
        False when it was so already; nothing is written then.

    Raises:
        InputError: a reason that is empty or too long, or somebody else was quicker.
    """
    standing = read_suspensions(ledger)
    if all(standing.of(one) is not None for one in kinds_meant(kind)):
        return False
    said = ServiceSuspended(kind=kind, by=by, reason=_one_line(reason))
    note = audit.ServiceSuspended(account=audit.account(), by=by, kind=kind, reason=said.reason)
    _say(ledger, standing, said, note)
    return True


def resume(ledger: Ledger, kind: str | None, by: str, reason: str) -> bool:
    """From its return on models speak again about the kind, or about every kind.

    Returns:
        False when nothing was suspended; nothing is written then.

    Raises:
        InputError: as ``suspend``.
    """
    standing = read_suspensions(ledger)
    if all(standing.of(one) is None for one in kinds_meant(kind)):
        return False
    said = ServiceResumed(kind=kind, by=by, reason=_one_line(reason))
    note = audit.ServiceResumed(account=audit.account(), by=by, kind=kind, reason=said.reason)
    _say(ledger, standing, said, note)
    return True


def _say(
    ledger: Ledger,
    standing: Suspensions,
    said: ServiceSuspended | ServiceResumed,
    note: audit.Note,
) -> None:
    event = Event(
        source=SOURCE,
        event_id=f"after:{standing.position}",  # two people who saw the same cannot both be first
        occurred_at=now_micros(),
        payload=said,
    )
    stream = audit.AuditStream(audit.new_stream_name("suspension"))
    try:
        with ledger.transaction() as transaction:
            audit.prepare(transaction)
            transaction.append([event])
            stream.note(transaction, note)
    except EventConflict as exc:
        raise InputError(
            "somebody else suspended or resumed the service at the same moment; look at "
            "`GET /v1/models`, and say it again if it is still wanted"
        ) from exc


def _one_line(reason: str) -> str:
    said = " ".join(reason.split())
    if not 0 < len(said) <= LONGEST_REASON:
        raise InputError(
            f"--reason is 1 to {LONGEST_REASON} characters, not {len(said)}; every client reads it"
        )
    return said
