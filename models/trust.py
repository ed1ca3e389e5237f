"""Whose bundles are believed: training signs with one key, and whoever loads pins its public half.

``features.home_keys`` says where the key lies; the setting ``bundle_keys`` pins others.
"""

from collections.abc import Sequence

from features.home_keys import believed_keys, rotate_key, signing_key
from features.settings import Settings
from features.signing import SigningKey, VerifyingKey

NAME = "bundles"
Trusted = Sequence[VerifyingKey]


def bundle_signing_key(settings: Settings) -> SigningKey:
    """The key that signs bundles here, made on first use.

    Raises:
        KeyUnusable: only its public half is here, so that bundles must be signed elsewhere.
    """
    return signing_key(settings.keys, NAME)


def trusted_keys(settings: Settings) -> Trusted:
    """Pinned by the settings, or else the home's own, the newest first; none where nothing is.

    Raises:
        KeyUnusable: one is malformed, or others can replace it.
    """
    return believed_keys(settings.keys, NAME, settings.bundle_keys, "bundle_keys")


def rotate_signing_key(settings: Settings) -> SigningKey:
    """As ``features.home_keys.rotate_key``."""
    return rotate_key(settings.keys, NAME, "bundle_keys")
