"""Makes alias and pin what the ledger says that serves; the pin last, and again after a crash."""

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from features.clock import Micros
from features.errors import ForelandError
from features.settings import Settings
from models.bundle import Bundle, load_bundle
from models.pins import Pin, PinError, place_bundle, read_pin, remove_pin, write_pin
from models.trust import trusted_keys

if TYPE_CHECKING:
    from training.tracking import Tracking


class PromotionRefused(ForelandError):
    """The version may not serve, or not by this person's word."""


@contextmanager
def registered_bundle(
    settings: Settings, tracking: "Tracking", kind: str, version: int
) -> Iterator[Bundle]:
    """A verified copy of a registered version, which goes when the context ends.

    Raises:
        TrackingError: no such version.
        BundleError: the registry's bundle is not what was trained, or nobody trusted signed it.
        PromotionRefused: it is another kind or version than its number.
    """
    with tempfile.TemporaryDirectory(prefix="foreland-") as scratch:
        path = tracking.download_bundle(kind, version, Path(scratch))
        bundle = load_bundle(
            path,
            expected_sha256=tracking.registered_sha256(kind, version),
            trusted=trusted_keys(settings),
        )
        if (bundle.kind, bundle.version) != (kind, version):
            raise PromotionRefused(
                f"what is registered as {kind} version {version} says that it is {bundle.kind} "
                f"version {bundle.version}; train again"
            )
        yield bundle


def make_champion(
    settings: Settings,
    tracking: "Tracking",
    bundle: Bundle,
    approvers: tuple[str, ...],
    at: Micros,
) -> bool:
    """False when the bundle served already and nothing was to be done.

    Args:
        at: when the ledger says that it began to serve.
    """
    pin = Pin(
        kind=bundle.kind,
        version=bundle.version,
        bundle_sha256=bundle.sha256,
        signed_by=bundle.signed_by.key_id,
        bundle=place_bundle(settings.pins, bundle),
        approvers=approvers,
        promoted_at=at,
    )
    served = None
    with contextlib.suppress(PinError):
        served = read_pin(settings.pins, bundle.kind)
    if tracking.champion(bundle.kind) != bundle.version:
        tracking.set_champion(bundle.kind, bundle.version, approvers)
    if served == pin:
        return False
    write_pin(settings.pins, pin)
    _end_its_challenge(settings, tracking, bundle)
    return True


def _end_its_challenge(settings: Settings, tracking: "Tracking", bundle: Bundle) -> None:
    """A champion is not scored in its own shadow."""
    if tracking.challenger(bundle.kind) == bundle.version:
        tracking.set_challenger(bundle.kind, None)
        remove_pin(settings.pins, bundle.kind, "challenger")
