"""Names the challenger: a registered version that may be scored in the champion's shadow.

Nobody is shown what it says, so one person is enough and no gate is asked: a shadow is where the
evidence for the gates comes from.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from features.approvers import approver_of
from features.errors import InputError
from features.ledger import ChallengerNamed, open_ledger
from features.records import check_kind
from features.settings import Settings
from models.pins import Pin, place_bundle, remove_pin, write_pin
from training.approvers import record
from training.champion import registered_bundle


def challenge(
    settings: Settings,
    kind: str,
    version: int | None,
    approver: str,
    *,
    key_file: Path | None = None,
    ledger_url: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> str:
    """Set alias and pin of the challenger, or with None take them away; what happened, in words.

    Raises:
        InputError: no name, or the version that serves.
        TrackingError: no such version.
        BundleError: the registry's bundle is not what was trained.
    """
    say = progress or (lambda _: None)
    check_kind(kind)
    who = approver_of(approver, key_file, settings.approver_keys)
    say("opening MLflow")
    from training.tracking import Tracking  # seconds to import

    tracking = Tracking(settings, create=False)
    with closing(open_ledger(ledger_url or settings.ledger, create=False)) as ledger:
        if version is None:
            nobody = ChallengerNamed(kind=kind, version=None, bundle_sha256="", approver=who.name)
            record(ledger, who, nobody, "challenger")
            tracking.set_challenger(kind, None)
            remove_pin(settings.pins, kind, "challenger")
            return f"no {kind} version is the challenger any more."
        if version == tracking.champion(kind):
            raise InputError(
                f"{kind} version {version} is the champion; a challenger is another version"
            )
        say("verifying the bundle")
        with registered_bundle(settings, tracking, kind, version) as bundle:
            directory = place_bundle(settings.pins, bundle)
            named = ChallengerNamed(
                kind=kind, version=version, bundle_sha256=bundle.sha256, approver=who.name
            )
            at = record(ledger, who, named, "challenger")
            tracking.set_challenger(kind, version)
            pin = Pin(
                kind=kind,
                version=version,
                bundle_sha256=bundle.sha256,
                signed_by=bundle.signed_by.key_id,
                bundle=directory,
                approvers=(who.name,),
                promoted_at=at,
            )
            write_pin(settings.pins, pin, "challenger")
    return (
        f"{kind} version {version} is the challenger; it may be scored in the shadow, never shown."
    )
