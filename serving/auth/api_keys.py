"""API keys: 256 random bits that a client sends and only their SHA-256 is stored.

A slow password hash would add nothing: nobody can try 2**256 keys, and every request would pay
for it (docs/adr/0023-a-key-is-hashed-fast-and-a-token-is-read-strictly.md).
"""

import hmac
import re
import secrets
from hashlib import sha256
from typing import NamedTuple

from features.clock import Micros
from serving.auth.access import Client, CredentialRefused

_KEY_ID_BYTES, _SECRET_BYTES = 6, 32
_KEY = re.compile(r"fl_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


class StoredKey(NamedTuple):
    """What is kept of one API key; the key itself is not."""

    key_id: str
    """Part of the key, and no secret: names it in lists and logs."""
    client: str
    agency: str
    scopes: frozenset[str]
    sha256: str
    """Of the whole key, in hexadecimal."""
    created_at: Micros
    expires_at: Micros | None = None
    """First instant at which it is good no more."""
    rotated_at: Micros | None = None
    """When another key took its place; it stays good until ``expires_at``."""
    revoked_at: Micros | None = None

    def refusal(self, now: Micros) -> str | None:
        """Why it is not good now; None when it is."""
        if self.revoked_at is not None:
            return "key_revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "key_expired"
        return None

    def owner(self) -> Client:
        return Client(self.client, self.agency, self.scopes)


def new_key(
    client: Client, *, created_at: Micros, expires_at: Micros | None = None
) -> tuple[str, StoredKey]:
    """A key that nobody has seen, and what to store of it."""
    key_id = secrets.token_hex(_KEY_ID_BYTES)
    key = f"fl_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    stored = StoredKey(key_id, *client, _digest(key), created_at, expires_at)
    return key, stored


def key_id_of(credential: str) -> str:
    """
    Raises:
        CredentialRefused: it is not made like a key.
    """
    found = _KEY.fullmatch(credential)
    if found is None:
        raise CredentialRefused("malformed_key")
    return found[1]


def check(credential: str, stored: StoredKey | None) -> StoredKey:
    """What is stored of it, whether it is good now or not; time does not tell how much of a wrong
    key was right.

    Raises:
        CredentialRefused: it is another key.
    """
    if stored is None or not hmac.compare_digest(_digest(credential), stored.sha256):
        raise CredentialRefused("unknown_key")
    return stored


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
