"""Each record under a key of its own, so that destroying the key erases the record.

The ledger keeps the sealed bytes for good, and its chain is over them; the key lies beside them in
a table of its own. Once the key is gone the bytes say nothing, and positions, stamps and chain
stand as they did.

References:
    AES-256-GCM, NIST SP 800-38D. A key seals at most one text per purpose and the purpose is the
    nonce, so no (key, nonce) is ever used for two texts.
"""

from collections.abc import Mapping
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from features.ledger.protocol import LedgerDamaged

KEY_BYTES = 32

Purpose = Literal["event", "assessment.row", "assessment.body"]
_NONCES: dict[Purpose, bytes] = {
    "event": bytes(12),
    "assessment.row": bytes(11) + b"\1",
    "assessment.body": bytes(11) + b"\2",
}


def seal(key: bytes, purpose: Purpose, plain: bytes) -> bytes:
    """16 bytes longer than ``plain``; the same text under the same key gives the same bytes."""
    return AESGCM(key).encrypt(_NONCES[purpose], plain, None)


def seal_each(key: bytes, plain: Mapping[Purpose, bytes]) -> list[bytes]:
    """``seal`` of several texts under one key, which is expanded once."""
    cipher = AESGCM(key)
    return [cipher.encrypt(_NONCES[purpose], text, None) for purpose, text in plain.items()]


def unseal(key: bytes, purpose: Purpose, sealed: bytes) -> bytes:
    """
    Raises:
        LedgerDamaged: the bytes are not what was sealed under this key.
    """
    try:
        return AESGCM(key).decrypt(_NONCES[purpose], sealed, None)
    except (InvalidTag, ValueError, TypeError) as exc:  # a key of another length, or no bytes
        raise LedgerDamaged(
            f"a sealed {purpose} does not open with its key: one of them was changed; "
            "keep the database as evidence and restore it from a copy"
        ) from exc
