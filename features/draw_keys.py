"""The secret behind random referrals, and the key of each day that is disclosed afterwards.

Whoever knew it could foresee who is referred by chance, so it lies with the other secrets:
``keys/draws.key`` of the home, or ``FORELAND_DRAWS_KEY`` where replicas share one.
"""

import os
from pathlib import Path

from features.key_files import from_hex, is_there, make_file, new_secret, read_secret_file

VARIABLE = "FORELAND_DRAWS_KEY"


def draw_secret(keys: Path) -> bytes:
    """32 bytes, made on first use.

    Raises:
        KeyUnusable: it is malformed, or others can read it.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return from_hex(given, VARIABLE)
    path = keys / "draws.key"
    if not is_there(path):
        make_file(path, [new_secret()])
    return read_secret_file(path)[0]
