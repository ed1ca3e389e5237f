"""``manifest.sig``: who vouches for a bundle. Looked at before anything else of it is parsed.

One line: the public key and the signature, hexadecimal. The key is named there only so that a
refusal can say whose it is; whether it is believed is for the reader's settings to say.

References:
    RFC 8032, Edwards-Curve Digital Signature Algorithm.
"""

import re

from features.signing import SignatureWrong, SigningKey, VerifyingKey

SIGNATURE = "manifest.sig"
_LINE = re.compile(rb"([0-9a-f]{64}) ([0-9a-f]{128})\n")
_PURPOSE = b"foreland bundle manifest\n"
"""Signed in front of the manifest: a signature made for something else never fits a bundle."""


def signature_file(key: SigningKey, manifest: bytes) -> bytes:
    signature = key.sign(_PURPOSE + manifest)
    return f"{key.verifying.public.hex()} {signature.hex()}\n".encode()


def signer(content: bytes, manifest: bytes) -> VerifyingKey:
    """The key that signed ``manifest``, by what the signature file says.

    Raises:
        SignatureWrong: the file is no signature, or not of this manifest.
    """
    found = _LINE.fullmatch(content)
    if found is None:
        raise SignatureWrong(f"{SIGNATURE} holds no signature")
    public, signature = (bytes.fromhex(part.decode()) for part in found.groups())
    key = VerifyingKey(public)
    key.verify(signature, _PURPOSE + manifest)
    return key
