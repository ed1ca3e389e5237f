"""Gives a run that was kept its number: from then on MLflow has it, and people can promote it."""

import shutil
import tempfile
from pathlib import Path

from features.settings import Settings
from models.bundle import CARD, DATASHEET, UNNUMBERED, Bundle, load_bundle, number_bundle
from models.card import card_title
from models.datasheet import datasheet_title
from models.pins import bundle_directory
from models.trust import bundle_signing_key, trusted_keys
from training.pending import BUNDLE, FILES, put, read_record
from training.run_records import Registered
from training.tracking import Tracking


def register(settings: Settings, tracking: Tracking, directory: Path) -> Registered:
    """Number the run's bundle, log it, register its version; the run waits no longer.

    Raises:
        TrackingUnavailable: MLflow cannot be used; the run goes on waiting.
        TrackingError: it gave another number than it announced; the run goes on waiting.
        BundleError: the bundle was altered while it waited.
    """
    record = read_record(directory)
    version = tracking.next_version(record.kind)
    settings.bundles.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.bundles, prefix=f".{record.kind}-") as scratch:
        made = Path(scratch) / BUNDLE
        sha256 = _number(settings, directory / BUNDLE, version, made)
        run_id = tracking.record(record, version, sha256, bundle=made, files=directory / FILES)
        target = put(made, settings.bundles / bundle_directory(record.kind, version))
    shutil.rmtree(directory)
    return Registered(version, target, sha256, run_id)


def _number(settings: Settings, unnumbered: Path, version: int, target: Path) -> str:
    key = bundle_signing_key(settings)
    known = [key.verifying, *trusted_keys(settings)]
    bundle = load_bundle(unnumbered, trusted=known)
    sha256 = number_bundle(target, bundle, version, _numbered_pages(bundle, version), key)
    load_bundle(target, expected_sha256=sha256, trusted=[key.verifying])
    return sha256


def _numbered_pages(bundle: Bundle, version: int) -> dict[str, str]:
    """Card and datasheet with the number in their titles; a bundle may have no datasheet."""
    texts = {CARD: (bundle.card, card_title), DATASHEET: (bundle.datasheet, datasheet_title)}
    pages = {}
    for name, (text, title) in texts.items():
        if text is not None:
            before, after = (
                title(bundle.kind, number, bundle.manifest.simulated)
                for number in (UNNUMBERED, version)
            )
            pages[name] = text.replace(before, after, 1)
    return pages
