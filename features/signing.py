"""Ed25519 signatures: who holds a signing key vouches, whoever has its public half can verify.

References:
    RFC 8032, Edwards-Curve Digital Signature Algorithm.
"""

import hashlib
import os
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from features.errors import ForelandError
from features.key_files import (
    KEY_BYTES,
    KeyUnusable,
    check_name,
    from_hex,
    is_there,
    make_file,
    new_secret,
    read_public_file,
    read_secret_file,
    variable,
)


class SignatureWrong(ForelandError):
    """What was signed has changed, or another key signed it."""


class VerifyingKey:
    """The public half of a signing key; no secret."""

    __slots__ = ("public",)

    def __init__(self, public: bytes) -> None:
        if len(public) != KEY_BYTES:
            raise KeyUnusable(
                f"a verifying key has {KEY_BYTES} bytes, not {len(public)}; copy the whole line"
            )
        self.public = public

    @property
    def key_id(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the public half."""
        return hashlib.sha256(self.public).hexdigest()[:16]

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return if ``signature`` is this key's of ``message``.

        Raises:
            SignatureWrong: if it is not.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as exc:
            raise SignatureWrong(
                f"not signed by key {self.key_id}, or changed since: do not rely on it, and "
                "compare it with a copy kept elsewhere"
            ) from exc

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyingKey) and other.public == self.public

    def __hash__(self) -> int:
        return hash(self.public)

    def __repr__(self) -> str:
        return f"VerifyingKey({self.key_id})"


class SigningKey:
    """Made from a seed of 32 bytes; its text form hides it and it is never pickled."""

    __slots__ = ("_private", "verifying")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_BYTES:
            raise KeyUnusable(f"a signing key's seed has {KEY_BYTES} bytes, not {len(seed)}")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifying = VerifyingKey(self._private.public_key().public_bytes_raw())

    @property
    def key_id(self) -> str:
        return self.verifying.key_id

    def sign(self, message: bytes) -> bytes:
        """64 bytes, always the same for the same message."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"

    def __reduce__(self) -> NoReturn:
        raise KeyUnusable("a key is never pickled or copied; load it in the process that needs it")


def make_signing_key(keys: Path, name: str) -> SigningKey:
    """The key in ``signing-NAME.key``, made unless it is there, its public half beside it."""
    path = keys / f"signing-{check_name(name)}.key"
    if not is_there(path):
        make_file(path, [new_secret()])
    key = read_signing_key(path)
    make_file(path.with_suffix(".pub"), [key.verifying.public], mode=0o644)
    return key


def load_signing_key(keys: Path, name: str) -> SigningKey:
    """From ``FORELAND_SIGNING_KEY_NAME`` (64 hexadecimal digits), else from ``signing-NAME.key``.

    Never made here: whatever was signed under a lost key must not quietly get another one.

    Raises:
        KeyUnusable: when it is absent, malformed, or readable by others.
    """
    path = keys / f"signing-{check_name(name)}.key"
    given = os.environ.get(variable("signing", name))
    if given is not None:
        return SigningKey(from_hex(given, variable("signing", name)))
    if not is_there(path):
        raise _absent(path, name)
    return read_signing_key(path)


def load_verifying_key(keys: Path, name: str) -> VerifyingKey:
    """From ``signing-NAME.pub``, so that a process can verify which must not be able to sign.

    Raises:
        KeyUnusable: when it is absent, malformed, or others can write to it.
    """
    path = keys / f"signing-{check_name(name)}.pub"
    if is_there(path):
        return VerifyingKey(read_public_file(path))
    if variable("signing", name) in os.environ:
        return load_signing_key(keys, name).verifying
    raise _absent(path, name)


def read_signing_key(path: Path) -> SigningKey:
    """From a file anywhere, such as an approver's own.

    Raises:
        KeyUnusable: when it is absent, malformed, or readable by others.
    """
    stored = read_secret_file(path)
    if len(stored) != 1:
        raise KeyUnusable(f"{path} holds {len(stored)} keys, and one belongs there; restore it")
    return SigningKey(stored[0])


def _absent(path: Path, name: str) -> KeyUnusable:
    return KeyUnusable(
        f"there is no {path} and no {variable('signing', name)}; restore the key from its copy, "
        "or make a new one and pin its public half wherever the old one is pinned"
    )
