"""Whose bundles are believed: training signs with one key, and whoever loads pins its public half.

The key lies in ``keys/signing-bundles.key`` of the home, or comes from a variable that a key
service sets. A home believes its own key and, until their files are removed, those before it; the
setting ``bundle_keys`` takes the place of both.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from features.key_files import KeyUnusable, from_hex, is_there, locked, read_public_file, variable
from features.settings import Settings
from features.signing import (
    SigningKey,
    VerifyingKey,
    load_signing_key,
    load_verifying_key,
    make_signing_key,
)

NAME = "bundles"
Trusted = Sequence[VerifyingKey]


def bundle_signing_key(settings: Settings) -> SigningKey:
    """The key that signs bundles here, made on first use.

    Raises:
        KeyUnusable: only its public half is here, so that bundles must be signed elsewhere.
    """
    if _given() or is_there(_file(settings, ".pub")):
        return load_signing_key(settings.keys, NAME)
    return make_signing_key(settings.keys, NAME)


def trusted_keys(settings: Settings) -> Trusted:
    """Pinned by the settings, or else the home's own, the newest first; none where nothing is.

    Raises:
        KeyUnusable: one is malformed, or others can replace it.
    """
    if settings.bundle_keys:
        return [VerifyingKey(from_hex(key, "bundle_keys")) for key in settings.bundle_keys]
    keys: list[VerifyingKey] = []
    if _given() or is_there(_file(settings, ".pub")):
        keys.append(load_verifying_key(settings.keys, NAME))
    retired = sorted(settings.keys.glob(f"signing-{NAME}-*.pub"))
    return [*keys, *(VerifyingKey(read_public_file(path)) for path in retired)]


def rotate_signing_key(settings: Settings) -> SigningKey:
    """A new key signs from now on; the old one is destroyed, its public half kept as
    ``signing-bundles-KEYID.pub``, so that what it signed is believed until that file is removed.

    Raises:
        KeyUnusable: there is no key here to take the place of, or a variable gives it.
    """
    if _given():
        raise KeyUnusable(
            f"the key comes from {variable('signing', NAME)}, which cannot be changed from here: "
            "pin the new public half in bundle_keys beside the old one, then change the variable"
        )
    with locked(settings.keys):
        old = load_signing_key(settings.keys, NAME)
        _file(settings, ".pub").replace(_file(settings, f"-{old.key_id}.pub"))
        _file(settings, ".key").unlink()
        return make_signing_key(settings.keys, NAME)


def _given() -> bool:
    return variable("signing", NAME) in os.environ


def _file(settings: Settings, ending: str) -> Path:
    return settings.keys / f"signing-{NAME}{ending}"
