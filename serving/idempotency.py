"""The header ``Idempotency-Key``: one key, one request, whatever becomes of the connection.

A movement and its version identify a request already, so most clients need no key. With one, a
client that gives a key to another movement by mistake is told so instead of being answered.

References:
    IETF draft-ietf-httpapi-idempotency-key-header-07.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from starlette.requests import Request

from features.ledger import Appended, Event, EventConflict, Transaction
from serving.problems import RequestRefused

KEY_PATTERN = r'"([!#-\[\]-~]{1,128})"|([!#-~]{1,128})'
"""Visible ASCII without quotation marks, unless around it; then without a backslash too."""
_KEY = re.compile(KEY_PATTERN)
_TABLE = """CREATE TABLE IF NOT EXISTS idempotency_keys (
    agency TEXT NOT NULL,
    client TEXT NOT NULL,
    tag TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (agency, client, tag)
)"""
_FIND = "SELECT event_id FROM idempotency_keys WHERE agency = ? AND client = ? AND tag = ?"
_ADD = "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?)"


_REUSED = (
    "this Idempotency-Key came before with another movement, version or content; make a new key "
    "for each request"
)


class KeyReused(EventConflict):
    """The key came before with another request."""


class IdempotencyKey(NamedTuple):
    """As it is kept: two clients may use the same key, and what it says is nobody's business."""

    agency: str
    client: str
    tag: str
    """Pseudonym of the key as it was sent."""


def key_sent(request: Request) -> str | None:
    """The key of the header, with or without quotation marks; None without the header.

    Raises:
        RequestRefused: ``bad_idempotency_key``.
    """
    given = [value for name, value in request.scope["headers"] if name == b"idempotency-key"]
    if not given:
        return None
    found = _KEY.fullmatch(given[0].decode("latin-1"))
    if found is None or len(given) > 1:
        raise RequestRefused(
            "bad_idempotency_key",
            "Idempotency-Key is given once, with 1 to 128 visible ASCII characters such as a UUID, "
            "in quotation marks or without",
        )
    return found[1] or found[2]


def prepare(transaction: Transaction) -> None:
    """Make the table where it is missing."""
    transaction.execute(_TABLE)


def append_once(transaction: Transaction, key: IdempotencyKey, event: Event) -> Appended:
    """``Transaction.append`` of the event, and its key with it.

    Raises:
        KeyReused: the key belongs to another event, or to this one with another content.
        EventConflict: a key that is new, for an event that came before with another content.
    """
    found = transaction.fetch(_FIND, key)
    if found and found[0][0] != event.event_id:
        raise KeyReused(_REUSED)
    try:
        (appended,) = transaction.append([event])
    except EventConflict as exc:
        if found:
            raise KeyReused(_REUSED) from exc
        raise
    if not found:
        transaction.execute(_ADD, (*key, event.event_id))
    return appended


class InProgress:
    """The keys whose requests this worker is answering."""

    def __init__(self) -> None:
        self._keys: set[IdempotencyKey] = set()

    @contextmanager
    def one(self, key: IdempotencyKey) -> Iterator[None]:
        """
        Raises:
            RequestRefused: ``idempotency_key_in_use``.
        """
        if key in self._keys:
            raise RequestRefused(
                "idempotency_key_in_use",
                "a request with this Idempotency-Key is being answered; send it again later",
                headers={"Retry-After": "1"},
            )
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.discard(key)
