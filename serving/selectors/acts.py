"""What people do with selectors: propose, approve, withdraw. Each act is one commit, or nothing.

An event of the ledger says each, a record of the audit log who did it. The next score follows.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from features.approvers import Approver, signed_by
from features.clock import Micros, iso, now_micros
from features.errors import InputError
from features.ledger import (
    Event,
    Ledger,
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
    Transaction,
)
from features.people import same_name
from features.signing import SigningKey
from serving import audit
from serving.matching import SOURCE

MOST_AT_ONCE = 2_000
"""Of one act: a service that runs waits for its commit, and hears so many before its next answer
(``serving.following``)."""
_POSITION = "SELECT position FROM events WHERE source = ? AND event_id = ?"

Payload = SelectorProposed | SelectorApproved | SelectorWithdrawn
Act = Literal["proposed", "approved", "withdrawn"]


class Refusals(InputError):
    """Some of many are refused, so none is done.

    Args:
        lines: one for each that is refused.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        first, more = self.lines[0], len(self.lines) - 1
        others = f" ({more} more are refused)" if more else ""
        super().__init__(f"{first}{others}; nothing is changed")


class _Stands(NamedTuple):
    """What the ledger says of one id."""

    proposed: SelectorProposed | None
    approved: bool
    withdrawn: bool


def propose(ledger: Ledger, drafts: Sequence[SelectorProposed], by: str) -> list[str]:
    """Enter them, each to be approved by somebody else; their ids.

    Raises:
        Refusals: one was proposed before.
    """
    _check_number(drafts)
    by_id = {said.selector: said for said in drafts}

    def event_of(selector: str, stands: _Stands) -> Payload | str:
        if stands.proposed is None:
            return by_id[selector]
        return f"{selector} was proposed before, by {stands.proposed.creator}"

    _act(ledger, "proposed", by, list(by_id), event_of, now_micros())
    return list(by_id)


def approve(
    ledger: Ledger, selectors: Sequence[str], approver: str, key: SigningKey | None = None
) -> None:
    """From their starts on they match.

    Args:
        key: the approver's, with which each approval is signed; None for one who is attributed.

    Raises:
        Refusals: one is unknown, withdrawn, approved, expired, or proposed by the approver.
    """
    who, now = Approver(approver, key), now_micros()

    def event_of(selector: str, stands: _Stands) -> Payload | str:
        problem = _why_not_approved(stands, approver, now)
        if problem is not None:
            return f"{selector} {problem}"
        return signed_by(who, SelectorApproved(selector=selector, approver=approver), now)

    _check_number(selectors)
    _act(ledger, "approved", approver, list(dict.fromkeys(selectors)), event_of, now)


def withdraw(ledger: Ledger, selectors: Sequence[str], by: str, reason: str) -> None:
    """From now on they match no more, for good.

    Raises:
        Refusals: one is unknown or withdrawn.
    """

    def event_of(selector: str, stands: _Stands) -> Payload | str:
        if stands.proposed is None:
            return f"{selector} {_UNKNOWN}"
        if stands.withdrawn:
            return f"{selector} is withdrawn already"
        return SelectorWithdrawn(selector=selector, by=by, reason=reason)

    _check_number(selectors)
    _act(ledger, "withdrawn", by, list(dict.fromkeys(selectors)), event_of, now_micros())


_UNKNOWN = "is no selector; `foreland selectors list` has their ids"


def _why_not_approved(stands: _Stands, approver: str, now: Micros) -> str | None:
    proposed = stands.proposed
    if proposed is None:
        return _UNKNOWN
    if stands.withdrawn:
        return "is withdrawn; propose it anew"
    if stands.approved:
        return "is approved already"
    if proposed.expires <= now:
        return f"expired at {iso(proposed.expires)}; propose it anew"
    if same_name(proposed.creator) == same_name(approver):
        return f"was proposed by {proposed.creator}, who cannot approve it; ask somebody else"
    return None


def _check_number(of: Sequence[object]) -> None:
    if not 0 < len(of) <= MOST_AT_ONCE:
        raise InputError(
            f"one command takes 1 to {MOST_AT_ONCE:,} selectors, not {len(of):,}; split them"
        )


def _act(
    ledger: Ledger,
    act: Act,
    by: str,
    selectors: Sequence[str],
    event_of: Callable[[str, _Stands], Payload | str],
    occurred_at: Micros,
) -> None:
    """
    Args:
        event_of: what is to be said of one id as it stands, or why that is refused.
        occurred_at: when it is said.
    """
    stream = audit.AuditStream(audit.new_stream_name("selectors"))
    with ledger.transaction() as transaction:  # nobody else writes until it is done
        audit.prepare(transaction)
        said = [event_of(one, _standing(ledger, transaction, one)) for one in selectors]
        if refused := [one for one in said if isinstance(one, str)]:
            raise Refusals(refused)
        events = [_event(act, one, occurred_at) for one in said if not isinstance(one, str)]
        done = transaction.append(events)
        note = audit.SelectorsChanged(
            act=act,
            account=audit.account(),
            by=by,
            selectors=len(events),
            first_position=done[0].position,
            last_position=done[-1].position,
        )
        stream.note(transaction, note)


def _event(act: Act, payload: Payload, occurred_at: Micros) -> Event:
    return Event(
        source=SOURCE,
        event_id=f"{act}:{payload.selector}",
        occurred_at=occurred_at,
        payload=payload,
    )


def _standing(ledger: Ledger, transaction: Transaction, selector: str) -> _Stands:
    at: dict[Act, int] = {}
    acts: tuple[Act, ...] = ("proposed", "approved", "withdrawn")
    for act in acts:
        found = transaction.fetch(_POSITION, [SOURCE, f"{act}:{selector}"])
        if found:
            at[act] = found[0][0]
    proposed = None
    if "proposed" in at:
        payload = next(ledger.tail(at["proposed"] - 1)).payload
        proposed = payload if isinstance(payload, SelectorProposed) else None
    return _Stands(proposed, "approved" in at, "withdrawn" in at)
