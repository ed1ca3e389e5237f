"""Detached signatures: JWS over canonical JSON, so that nobody on the way can change an event.

The signature is ``BASE64URL(header)..BASE64URL(signature)`` with the payload left out: whoever
verifies makes it from the event itself, less the signature, as canonical JSON. Only one header is
taken, ``{"alg":"Ed25519","kid":...}``, so that nobody can talk the verifier into another algorithm.

References:
    RFC 7515, JSON Web Signature, appendix F (detached content). RFC 9864, Ed25519 under its own
    name (EdDSA, which left the curve open, is deprecated by it). RFC 8785, JSON
    Canonicalization Scheme.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import rfc8785

from features.signing import SigningKey, VerifyingKey

ATTRIBUTE = "signature"
"""The extension attribute of an event that holds it."""
ALGORITHM = "Ed25519"
LONGEST = 300


class Detached(NamedTuple):
    """A signature, taken apart."""

    key_id: str
    protected: bytes
    """The header as it stands in the text, which is part of what is signed."""
    signature: bytes


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    kid: str


class NoSignature(ValueError):
    """The text is not a detached signature as it is made here."""


def canonical(event: Mapping[str, Any]) -> bytes:
    """What is signed of an event: all of it but the signature.

    Raises:
        ValueError: it holds a number that not every reader of JSON reads alike.
    """
    signed = {name: value for name, value in event.items() if name != ATTRIBUTE}
    try:
        return rfc8785.dumps(signed)
    except rfc8785.CanonicalizationError as exc:
        raise ValueError(str(exc)) from exc


def sign(event: Mapping[str, Any], key: SigningKey) -> str:
    """The value of ``ATTRIBUTE``; always the same for the same event and key."""
    protected = _encoded(rfc8785.dumps({"alg": ALGORITHM, "kid": key.key_id}))
    signature = key.sign(protected + b"." + _encoded(canonical(event)))
    return f"{protected.decode()}..{_encoded(signature).decode()}"


def taken_apart(text: str) -> Detached:
    """
    Raises:
        NoSignature: it is not made like one.
    """
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != 3 or parts[1]:
        raise NoSignature("a signature is HEADER..SIGNATURE, the payload left out (RFC 7515, F)")
    protected = parts[0].encode("ascii", "replace")
    try:
        header = msgspec.json.decode(_decoded(protected), type=_Header)
        signature = _decoded(parts[2].encode("ascii", "replace"))
    except (msgspec.MsgspecError, binascii.Error, ValueError) as exc:
        raise NoSignature(f'its header is {{"alg":"{ALGORITHM}","kid":KEY}} and no more') from exc
    if header.alg != ALGORITHM:
        raise NoSignature(f"its alg is {ALGORITHM} and no other")
    return Detached(header.kid, protected, signature)


def verify(signed: Detached, content: bytes, key: VerifyingKey) -> None:
    """Return if the key signed this content (``canonical``).

    Raises:
        SignatureWrong: it did not, or it has changed since.
    """
    key.verify(signed.signature, signed.protected + b"." + _encoded(content))


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    """Strict: of two texts for the same bytes only one is taken."""
    content = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encoded(content) != text:
        raise ValueError("not as base64url is written")
    return content
