"""The key that signs heads, and whose heads are believed.

Not the key that signs bundles: the service signs heads as it goes, and must not be able to make a
bundle of its own. ``features.home_keys`` says where the key lies; the setting ``audit_keys`` pins
others.
"""

from collections.abc import Sequence

from features.home_keys import believed_keys, rotate_key, signing_key
from features.settings import Settings
from features.signing import SigningKey, VerifyingKey

NAME = "audit"


def audit_signing_key(settings: Settings) -> SigningKey:
    """Read anew for each head, so that a rotation needs no restart; made on first use.

    Raises:
        KeyUnusable: it is malformed or readable by others, or only its public half is here.
    """
    return signing_key(settings.keys, NAME)


def audit_keys(settings: Settings) -> Sequence[VerifyingKey]:
    """Pinned by the settings, or else the home's own, the newest first; none where nothing is."""
    return believed_keys(settings.keys, NAME, settings.audit_keys, "audit_keys")


def rotate_audit_key(settings: Settings) -> SigningKey:
    """As ``features.home_keys.rotate_key``."""
    return rotate_key(settings.keys, NAME, "audit_keys")
