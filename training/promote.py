"""Two different people approve a version; the second approval promotes it.

An approval names the sha256 that was approved. Promotion downloads the bundle again, verifies it
against that sha256, and writes the pin last: until then the old version serves.
"""

import contextlib
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from features.clock import Micros, now_micros
from features.errors import ForelandError, InputError
from features.ledger import ApprovalGiven, Event, Ledger, ModelPromoted, open_ledger
from features.records import check_kind
from features.settings import Settings
from models.bundle import Bundle, load_bundle
from models.pins import Pin, PinError, place_bundle, read_pin, write_pin
from models.trust import Trusted, trusted_keys

if TYPE_CHECKING:
    from training.tracking import Tracking

SOURCE = "promotion"
APPROVERS_NEEDED = 2


class PromotionRefused(ForelandError):
    """The version may not be promoted, or not by this person."""


class PromotionResult(NamedTuple):
    kind: str
    version: int
    promoted: bool
    """True when this call made the version serve."""
    approvers: tuple[str, ...]
    """In the order of their approvals."""
    bundle_sha256: str
    sentence: str
    """What happened and what comes next."""


class _Promoted(NamedTuple):
    event: ModelPromoted
    at: Micros


class _Standing(NamedTuple):
    """What the ledger says about one version since it was last promoted."""

    approvers: tuple[str, ...]
    round: int
    """How often the version was promoted before."""
    last: _Promoted | None
    """The kind's last promotion, whatever the version."""


def promote(
    settings: Settings,
    kind: str,
    version: int,
    approver: str,
    *,
    ledger_url: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> PromotionResult:
    """Record one person's approval, and promote when it is the second.

    Raises:
        InputError: no name was given.
        TrackingError: no such version.
        PromotionRefused: the same person twice.
        BundleError: the registry's bundle is not what was trained.
    """
    say = progress or (lambda _: None)
    check_kind(kind)
    name = " ".join(approver.split())
    if not name:
        raise InputError("--approver must be a name; two different people promote a version")
    say("opening MLflow")
    from training.tracking import Tracking  # seconds to import

    tracking = Tracking(settings, create=False)
    with (
        closing(open_ledger(ledger_url or settings.ledger, create=False)) as ledger,
        tempfile.TemporaryDirectory(prefix="foreland-") as scratch,
    ):
        say("verifying the bundle")
        bundle = _registered_bundle(tracking, kind, version, Path(scratch), trusted_keys(settings))
        standing = _standing(ledger, bundle)
        if standing.last is not None and _is_of(standing.last, bundle):
            return _finish(settings, tracking, bundle, standing.last)
        if _same(name) in map(_same, standing.approvers):
            raise PromotionRefused(
                f"{name} approved {kind} version {version} already; a second, different person "
                f"must: foreland promote --kind {kind} --version {version} --approver NAME"
            )
        approval = _approval(bundle, name, standing.round)
        approvers = (*standing.approvers, name)
        if len(approvers) < APPROVERS_NEEDED:
            ledger.append([approval])
            return _one_more_needed(bundle, approvers)
        say("promoting")
        place_bundle(settings.pins, bundle)  # what can fail comes before what everyone believes
        promotion = ModelPromoted(
            kind=kind, version=version, approvers=approvers, bundle_sha256=bundle.sha256
        )
        event_id = f"promotion:{_identity(bundle, standing.round)}"
        (_, stamp) = ledger.append([approval, _event(event_id, promotion)])  # one commit
        promoted = _Promoted(promotion, stamp.available_at)
        return _finish(settings, tracking, bundle, promoted)


def _registered_bundle(
    tracking: "Tracking", kind: str, version: int, scratch: Path, trusted: Trusted
) -> Bundle:
    path = tracking.download_bundle(kind, version, scratch)
    bundle = load_bundle(
        path, expected_sha256=tracking.registered_sha256(kind, version), trusted=trusted
    )
    if (bundle.kind, bundle.version) != (kind, version):
        raise PromotionRefused(
            f"what is registered as {kind} version {version} says that it is {bundle.kind} "
            f"version {bundle.version}; train again"
        )
    return bundle


def _standing(ledger: Ledger, bundle: Bundle) -> _Standing:
    approvers: tuple[str, ...] = ()
    rounds = 0
    last: _Promoted | None = None
    for event in ledger.tail(0):
        said = event.payload
        if not isinstance(said, ApprovalGiven | ModelPromoted) or said.kind != bundle.kind:
            continue
        of_this = (said.version, said.bundle_sha256) == (bundle.version, bundle.sha256)
        if isinstance(said, ModelPromoted):
            last = _Promoted(said, event.available_at)
            if of_this:
                approvers, rounds = (), rounds + 1
        elif of_this:
            approvers = (*approvers, said.approver)
    return _Standing(approvers, rounds, last)


def _is_of(promoted: _Promoted, bundle: Bundle) -> bool:
    event = promoted.event
    return (event.version, event.bundle_sha256) == (bundle.version, bundle.sha256)


def _finish(
    settings: Settings, tracking: "Tracking", bundle: Bundle, promoted: _Promoted
) -> PromotionResult:
    """Make alias and pin what the ledger says; also after a promotion that was interrupted."""
    approvers = promoted.event.approvers
    pin = Pin(
        kind=bundle.kind,
        version=bundle.version,
        bundle_sha256=bundle.sha256,
        signed_by=bundle.signed_by.key_id,
        bundle=place_bundle(settings.pins, bundle),
        approvers=approvers,
        promoted_at=promoted.at,
    )
    served = None
    with contextlib.suppress(PinError):
        served = read_pin(settings.pins, bundle.kind)
    if tracking.champion(bundle.kind) != bundle.version:
        tracking.set_champion(bundle.kind, bundle.version, approvers)
    changed = served != pin
    if changed:
        write_pin(settings.pins, pin)
    who = " and ".join(approvers)
    what = f"{bundle.kind} version {bundle.version}"
    return PromotionResult(
        kind=bundle.kind,
        version=bundle.version,
        promoted=changed,
        approvers=approvers,
        bundle_sha256=bundle.sha256,
        sentence=f"{what} is promoted, approved by {who}; the service loads it from its pin."
        if changed
        else f"{what} is the champion already, approved by {who}; nothing was changed.",
    )


def _one_more_needed(bundle: Bundle, approvers: tuple[str, ...]) -> PromotionResult:
    return PromotionResult(
        kind=bundle.kind,
        version=bundle.version,
        promoted=False,
        approvers=approvers,
        bundle_sha256=bundle.sha256,
        sentence=f"{bundle.kind} version {bundle.version} is approved by {approvers[0]}; "
        "a second, different approver promotes it.",
    )


def _approval(bundle: Bundle, name: str, rounds: int) -> Event:
    approval = ApprovalGiven(
        kind=bundle.kind, version=bundle.version, approver=name, bundle_sha256=bundle.sha256
    )
    return _event(f"approval:{_identity(bundle, rounds)}:{_same(name)}", approval)


def _identity(bundle: Bundle, rounds: int) -> str:
    """A version that is promoted again later needs new approvals, which are new events."""
    return f"{bundle.kind}:{bundle.version}:{rounds}:{bundle.sha256}"


def _event(event_id: str, payload: ApprovalGiven | ModelPromoted) -> Event:
    return Event(source=SOURCE, event_id=event_id, occurred_at=now_micros(), payload=payload)


def _same(name: str) -> str:
    """Two spellings of one name are one person.

    >>> _same("Ada  LOVELACE") == _same("ada lovelace")
    True
    """
    return " ".join(name.casefold().split())
