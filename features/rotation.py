"""Which keys a ledger is written under, and how it moves on to the next one.

The ledger says which generation of the keyring its pseudonyms are made with. So a lost or
exchanged key is told at once instead of silently cutting every entity off from its history, and
a rotation that a crash interrupts leaves ledger and keys agreeing on the old one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from features.keys import load_keyring, save_keyring
from features.ledger import EventSource, Ledger
from features.pseudonyms import AliasTable, Pseudonyms, load_pseudonyms, rotate

_PSEUDONYM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def pseudonyms_of(ledger: Ledger, keys: Path) -> Pseudonyms:
    """With the keys that the ledger is written under; a new one is bound to the newest of them.

    Raises:
        KeyUnusable: ``keys`` does not hold the key of this ledger, or it cannot be used.
    """
    if ledger.pseudonym_key() is None:
        ledger.bind_pseudonym_key(load_pseudonyms(keys).key_id)  # unless another was first
    return pseudonyms_to_read(ledger, keys)


def pseudonyms_to_read(source: EventSource, keys: Path) -> Pseudonyms:
    """The same for who only reads: what is written under no key yet stays so.

    Raises:
        KeyUnusable: ``keys`` does not hold the key of this ledger, or it cannot be used.
        LedgerError: an export that was made after a rotation.
    """
    key_id = source.pseudonym_key()
    if key_id is None:
        return load_pseudonyms(keys)
    return load_pseudonyms(keys, key_id=key_id, aliases=AliasTable.of(source.aliases()))


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
