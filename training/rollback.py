"""One command makes an earlier promoted version serve again.

One approver is enough: the version was approved by two people before and served, and who sees
wrong scores at three in the morning must not wait for a second person. It is recorded with a
reason, and to promote the newer version again takes two people again.
"""

import contextlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from features.approvers import Approver, approver_of
from features.errors import InputError
from features.ledger import ModelPromoted, ModelRolledBack, open_ledger
from features.records import check_kind
from features.settings import Settings
from models.bundle import Bundle
from models.pins import PinError, place_bundle, read_pin
from training.approvers import SOURCE, record
from training.champion import PromotionRefused, make_champion, registered_bundle
from training.standing import Since, Standing, standing


class RollbackResult(NamedTuple):
    kind: str
    version: int
    from_version: int
    bundle_sha256: str
    sentence: str


def roll_back(
    settings: Settings,
    kind: str,
    approver: str,
    reason: str,
    *,
    to: int | None = None,
    key_file: Path | None = None,
    ledger_url: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> RollbackResult:
    """Make an earlier promoted version serve again; repeat it when it was interrupted.

    Args:
        reason: kept in the ledger.
        to: a version; by default the one that served before the one that serves.

    Raises:
        InputError: no name or no reason.
        PromotionRefused: there is no earlier promoted version to go back to.
        BundleError: the registry's bundle is not the one that was promoted.
    """
    say = progress or (lambda _: None)
    check_kind(kind)
    who = approver_of(approver, key_file, settings.approver_keys)
    why = " ".join(reason.split())
    if not why:
        raise InputError("--reason must say why; it is kept in the ledger")
    say("opening MLflow")
    from training.tracking import Tracking  # seconds to import

    tracking = Tracking(settings, create=False)
    with closing(open_ledger(ledger_url or settings.ledger, create=False)) as ledger:
        stands = standing(ledger.read_source(SOURCE), kind, settings.approver_keys)
        serving = _serving(stands, kind)
        target = _target(settings, stands, serving, to)
        say("verifying the bundle")
        with registered_bundle(settings, tracking, kind, target.version) as bundle:
            _refuse_another(bundle, target)
            place_bundle(settings.pins, bundle)  # what can fail comes before what everyone believes
            at = serving.at
            if target.version != serving.event.version:
                event = ModelRolledBack(
                    kind=kind,
                    version=target.version,
                    from_version=serving.event.version,
                    bundle_sha256=bundle.sha256,
                    approver=who.name,
                    reason=why,
                )
                at = record(ledger, who, event, "rollback")
            changed = make_champion(settings, tracking, bundle, target.approvers, at)
    return _result(target, serving, who, changed=changed)


def _serving(stands: Standing, kind: str) -> Since:
    if stands.serving is None:
        raise PromotionRefused(
            f"no {kind} version was ever promoted, so there is none to go back to"
        )
    return stands.serving


def _target(settings: Settings, stands: Standing, serving: Since, to: int | None) -> ModelPromoted:
    """Which promotion to go back to; of what serves where a roll-back was interrupted."""
    kind = serving.promotion.kind
    if to is not None:
        promotion = stands.last_promotion(to)
        if promotion is None:
            promoted = ", ".join(map(str, sorted({one.version for one in stands.promotions})))
            raise PromotionRefused(
                f"{kind} version {to} was never promoted (there were: {promoted}); two people "
                f"promote it: foreland promote --kind {kind} --version {to} --approver NAME"
            )
        return promotion
    if _is_interrupted(settings, serving):
        return serving.promotion
    if len(stands.served) < 2:
        raise PromotionRefused(
            f"nothing served before {kind} version {serving.event.version}; name a promoted "
            "version with --to, or train and promote another"
        )
    return stands.served[-2]


def _is_interrupted(settings: Settings, serving: Since) -> bool:
    """The ledger says that an earlier version serves again, and the pin does not say so yet."""
    with contextlib.suppress(PinError):
        pin = read_pin(settings.pins, serving.promotion.kind)
        is_pinned = pin is not None and pin.version == serving.event.version
        return isinstance(serving.event, ModelRolledBack) and not is_pinned
    return isinstance(serving.event, ModelRolledBack)


def _refuse_another(bundle: Bundle, target: ModelPromoted) -> None:
    if bundle.sha256 != target.bundle_sha256:
        raise PromotionRefused(
            f"what is registered as {bundle.kind} version {bundle.version} is not what was "
            "promoted; train and promote a new version"
        )


def _result(
    target: ModelPromoted, serving: Since, who: Approver, *, changed: bool
) -> RollbackResult:
    served = serving.event.version
    what = f"{target.kind} version {target.version}"
    sentence = f"{what} serves already; nothing was changed."
    if target.version != served:
        sentence = (
            f"{what} serves again instead of version {served}, by the word of {who.name}; the "
            f"service loads it from its pin. To promote version {served} again takes two people."
        )
    elif changed:
        sentence = f"{what} serves again: an interrupted change was finished."
    return RollbackResult(
        kind=target.kind,
        version=target.version,
        from_version=served,
        bundle_sha256=target.bundle_sha256,
        sentence=sentence,
    )
