"""Which keys a ledger is written under, and how it moves on to the next one.

The ledger says which generation of the keyring its pseudonyms are made with. So a lost or
exchanged key is told at once instead of silently cutting every entity off from its history, and
a rotation that a crash interrupts leaves ledger and keys agreeing on the old one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from features.keys import load_keyring, save_keyring
from features.ledger import Ledger
from features.pseudonyms import AliasTable, Pseudonyms, load_pseudonyms, rotate

_PSEUDONYM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def pseudonyms_of(ledger: Ledger, keys: Path, *, bind: bool = True) -> Pseudonyms:
    """With the keys that the ledger is written under; a new one is bound to the newest of them.

    Who only reads the ledger passes ``bind=False``.

    Raises:
        KeyUnusable: ``keys`` does not hold the key of this ledger, or it cannot be used.
    """
    key_id = ledger.pseudonym_key()
    if key_id is None and not bind:
        return load_pseudonyms(keys)
    if key_id is None:
        ledger.bind_pseudonym_key(load_pseudonyms(keys).key_id)
        key_id = ledger.pseudonym_key()  # of whichever process was first
    return load_pseudonyms(keys, key_id=key_id, aliases=AliasTable.of(ledger.aliases()))


def rotate_pseudonym_key(ledger: Ledger, keys: Path) -> tuple[str, int]:
    """A new key for whatever is seen first from now on; every history goes on as it was.

    Returns:
        The id of the new key, and how many pseudonyms are known under it by an alias.

    Raises:
        LedgerBusy: while a server or an ingest runs on the ledger.
        KeyUnusable: ``keys`` does not hold the key of this ledger.
    """
    with ledger.backfilling():
        pass  # a server runs on it: said before a key is made
    pseudonyms_of(ledger, keys)  # binds a new ledger, and checks the keys of an old one
    key_id = ledger.pseudonym_key()
    written_under = load_keyring(keys) if key_id is None else load_keyring(keys).up_to(key_id)
    ids = set(_pseudonyms_in(ledger))
    following, aliases = rotate(written_under, ids, ledger.aliases())
    save_keyring(keys, following)
    ledger.replace_aliases(following.key_id, aliases)
    return following.key_id, len(ids)


def _pseudonyms_in(ledger: Ledger) -> Iterator[bytes]:
    """Every pseudonym of the ledger, wherever in an event it stands; erased events have an id."""
    for batch in ledger.read_batches():
        for name in ("event_id", "payload"):
            for text in batch[name].to_pylist():
                if text is not None:
                    plain = text.encode() if isinstance(text, str) else text
                    yield from map(bytes.fromhex, map(bytes.decode, _PSEUDONYM.findall(plain)))
