"""The random number of a movement: nobody can foresee it, and anybody can check it afterwards.

A draw is an HMAC of the movement's pseudonym under the key of a day. Without the key it looks
random to whoever sends the movement; once the day's key is disclosed, every referral of that day
can be recomputed, and no other day's.
"""

import datetime
import hmac
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.keyed_hash import KeyedHash

_keyed = lru_cache(maxsize=64)(KeyedHash)  # the movements of a few days are drawn for at a time


def day_key(secret: bytes, day: datetime.date) -> bytes:
    """The key of one day, 32 bytes. Disclosing it tells nothing of the secret or of other days.

    Args:
        secret: at least 32 random bytes, used for nothing else.
        day: on which the movement was first declared, so that all its versions have one draw.

    Raises:
        ValueError: for a shorter secret.

    References:
        Krawczyk, H. and Eronen, P. (2010), RFC 5869, section 2.3: one block of HKDF-Expand.
    """
    if len(secret) < 32:
        raise ValueError(f"a secret for draws has at least 32 bytes, not {len(secret)}")
    info = f"foreland 1 draws of {day.isoformat()}".encode()
    return hmac.digest(secret, info + b"\x01", "sha256")


def draw(key_of_day: bytes, movement_pseudonym: str) -> float:
    """Uniform in [0, 1): the first 53 bits of HMAC-SHA-256 over the pseudonym.

    >>> round(draw(bytes(32), "4f0c"), 6) == round(draw(bytes(32), "4f0c"), 6)
    True
    """
    tag = _keyed(key_of_day).tag(movement_pseudonym.encode())
    # A double has 53 bits: more would round, and might round up to 1.0.
    return (int.from_bytes(tag[:8], "big") >> 11) / (1 << 53)


def draws(key_of_day: bytes, movement_pseudonyms: Sequence[str]) -> NDArray[np.float64]:
    """float64[n]: ``draw`` of each."""
    tags = _keyed(key_of_day).tags([one.encode() for one in movement_pseudonyms])
    first = np.frombuffer(b"".join(tags), dtype=">u8")[::4]
    return (first >> 11).astype(np.float64) / (1 << 53)
