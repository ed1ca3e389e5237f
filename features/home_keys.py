"""Signing keys of a home, by purpose: one signs, its public half is believed, and so are those
before it until their files are removed, unless settings pin others.

The key lies in ``keys/signing-NAME.key``, or comes from a variable that a key service sets. The
public half of a key that was rotated out lies in ``signing-NAME-KEYID.pub``.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from features.key_files import KeyUnusable, from_hex, is_there, locked, read_public_file, variable
from features.signing import (
    SigningKey,
    VerifyingKey,
    load_signing_key,
    load_verifying_key,
    make_signing_key,
)


def signing_key(keys: Path, name: str) -> SigningKey:
    """The key that signs for this purpose, made on first use.

    Raises:
        KeyUnusable: only its public half is here, so that signing is done elsewhere.
    """
    if _given(name) or is_there(_file(keys, name, ".pub")):
        return load_signing_key(keys, name)
    return make_signing_key(keys, name)


def believed_keys(
    keys: Path, name: str, pinned: Sequence[str], setting: str
) -> Sequence[VerifyingKey]:
    """Those pinned by ``setting``, or else the home's own, the newest first; none where nothing is.

    Raises:
        KeyUnusable: one is malformed, or others can replace it.
    """
    if pinned:
        return [VerifyingKey(from_hex(key, setting)) for key in pinned]
    found: list[VerifyingKey] = []
    if _given(name) or is_there(_file(keys, name, ".pub")):
        found.append(load_verifying_key(keys, name))
    retired = sorted(keys.glob(f"signing-{name}-*.pub"))
    return [*found, *(VerifyingKey(read_public_file(path)) for path in retired)]


def rotate_key(keys: Path, name: str, setting: str) -> SigningKey:
    """A new key signs from now on; the old one is destroyed, its public half kept, so that what it
    signed is believed until that file is removed.

    Raises:
        KeyUnusable: there is no key here to take the place of, or a variable gives it.
    """
    if _given(name):
        raise KeyUnusable(
            f"the key comes from {variable('signing', name)}, which cannot be changed from here: "
            f"pin the new public half in {setting} beside the old one, then change the variable"
        )
    with locked(keys):
        old = load_signing_key(keys, name)
        _file(keys, name, ".pub").replace(_file(keys, name, f"-{old.key_id}.pub"))
        _file(keys, name, ".key").unlink()
        return make_signing_key(keys, name)


def _given(name: str) -> bool:
    return variable("signing", name) in os.environ


def _file(keys: Path, name: str, ending: str) -> Path:
    return keys / f"signing-{name}{ending}"
