"""One POST of events to a partner, and what its answer says about each of them."""

import os
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import httpx
import msgspec

from features.key_files import KeyUnusable, check_name, variable
from serving.exchange.envelope import BATCHED
from serving.exchange.outbox import Posted
from serving.wire.exchange import EventReceipt, EventsAnswer

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
MOST_ANSWER_BYTES = 1 << 20

MENDED_BY_PEOPLE = frozenset(
    {"unknown_partner", "unknown_key", "key_not_valid", "wrong_agency", "wrong_partnership"}
)
"""Codes that say nothing about the event: keys or settings of one side are to be put right."""
ABOUT_THE_BODY = frozenset({400, 409, 413, 415, 422})
"""Statuses that say something about what was sent, and will be the same next time."""


class Said(NamedTuple):
    """What a partner said about one event."""

    fate: Literal["taken", "refused", "waits"]
    """``refused``: for good; ``waits``: nothing is known to be wrong with it."""
    reason: str = ""


TAKEN = Said("taken")


class Unreachable(Exception):
    """The partner did not answer, or not about the events; try again later."""


class Unable(Exception):
    """The partner answered that it cannot take this body, whatever is in it."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        self.for_good = for_good
        super().__init__(reason)


class Post(Protocol):
    def __call__(self, events: Sequence[Posted]) -> list[Said]:
        """What became of each.

        Raises:
            Unreachable: nobody answered, or it was about us rather than about the events.
            Unable: it was about the whole body.
        """


class PartnerPost:
    """Posts to one address, over one connection that is kept. Redirects are not followed: what is
    sent is meant for one partner.

    Args:
        credential: the bearer token of the moment, so that a new one needs no restart.
        receipts: whether the answer has one for each event; without, any 2xx takes them all.
    """

    def __init__(
        self, url: str, credential: Callable[[], str | None], *, receipts: bool = True
    ) -> None:
        self._url = url
        self._credential = credential
        self._receipts = receipts
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        self._client = httpx.Client(timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        self._client.close()

    def __call__(self, events: Sequence[Posted]) -> list[Said]:
        status, body = self._answer(b"[" + b",".join(one.body for one in events) + b"]")
        if status in ABOUT_THE_BODY:
            raise Unable(_told(status, body), for_good=True)
        if status == 500:
            raise Unable(_told(status, body), for_good=False)
        if not 200 <= status < 300:
            raise Unreachable(_told(status, body))
        if not self._receipts:
            return [TAKEN] * len(events)
        try:
            receipts = msgspec.json.decode(body, type=EventsAnswer).events
        except msgspec.MsgspecError as exc:
            raise Unreachable("it answered, but not with receipts for events") from exc
        if [one.id for one in receipts] != [one.event_id for one in events]:
            raise Unreachable("it answered about other events than were sent")
        return [said(receipt) for receipt in receipts]

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        headers = {
            "Content-Type": BATCHED,
            "Date": format_datetime(datetime.now(UTC), usegmt=True),
        }
        token = self._credential()
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                return answer.status_code, _bounded(answer)
        except httpx.HTTPError as exc:
            raise Unreachable(type(exc).__name__) from exc  # its text may hold the address


def said(receipt: EventReceipt) -> Said:
    """
    >>> said(EventReceipt(id="1", status="duplicate"))
    Said(fate='taken', reason='')
    """
    if receipt.status != "rejected":
        return TAKEN
    codes = [error.code for error in receipt.errors]
    reason = "; ".join(f"{error.code}: {error.message}"[:300] for error in receipt.errors)
    if not codes or MENDED_BY_PEOPLE.intersection(codes):
        return Said("waits", reason or "rejected without a reason")
    return Said("refused", reason)


def credential_of(keys: Path, partner: str) -> str | None:
    """The bearer token for a partner's API, from ``FORELAND_PARTNER_TOKEN_NAME`` or the file
    ``partner-NAME.token``; None where there is neither.

    Raises:
        KeyUnusable: others can read the file.
    """
    given = os.environ.get(variable("partner", partner).replace("_KEY_", "_TOKEN_"))
    if given is not None:
        return given.strip()
    path = keys / f"partner-{check_name(partner)}.token"
    try:
        with path.open() as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise KeyUnusable(f"{path} is open to others; run `chmod 600 {path}`")
            return file.read(8_192).strip()
    except FileNotFoundError:
        return None


def _bounded(answer: httpx.Response) -> bytes:
    chunks, size = list[bytes](), 0
    for chunk in answer.iter_bytes():
        size += len(chunk)
        if size > MOST_ANSWER_BYTES:
            raise Unreachable(f"its answer is longer than {MOST_ANSWER_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


class _Problem(msgspec.Struct):
    code: str = ""


def _told(status: int, body: bytes) -> str:
    """Status and code; never the text of an answer, which anybody may have written."""
    try:
        code = msgspec.json.decode(body, type=_Problem).code
    except msgspec.MsgspecError:
        code = ""
    return f"status {status} {code if code.isidentifier() else ''}".strip()
