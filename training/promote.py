"""Two different people approve a version that passes its gates; the second approval promotes it.

An approval names the sha256 that was approved and what every gate said then; the gates are asked
again at the second, because facts may have changed. Promotion downloads the bundle again, verifies
it against that sha256, and writes the pin last: until then the old version serves.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from features.approvers import Approver, approver_of, signed_by
from features.clock import Micros, now_micros
from features.ledger import ApprovalGiven, Event, GateResult, ModelPromoted, open_ledger
from features.people import same_name
from features.records import check_kind
from features.settings import Settings
from models.bundle import Bundle
from models.pins import place_bundle
from training.approvers import SOURCE
from training.champion import PromotionRefused, make_champion, registered_bundle
from training.gates import acknowledged, ask_gates, blocking
from training.standing import Approval, Since, Standing, standing

if TYPE_CHECKING:
    from training.tracking import Tracking

APPROVERS_NEEDED = 2


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
    gates: tuple[GateResult, ...]
    """As they stood at this call; those of the promotion where the version serves already."""


def promote(
    settings: Settings,
    kind: str,
    version: int,
    approver: str,
    *,
    key_file: Path | None = None,
    acknowledge: Mapping[str, str] | None = None,
    asked: Sequence[GateResult] | None = None,
    ledger_url: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> PromotionResult:
    """Record one person's approval, and promote when it is the second.

    Args:
        key_file: the approver's own key, needed where the settings have ``approver_keys``.
        acknowledge: gate to reason, for gates that failed and need not block.
        asked: what the gates said a moment ago, to a caller who asked them himself; they are
            asked here otherwise, at every approval.

    Raises:
        InputError: no name was given, or a gate is acknowledged that there is not.
        ApproverRefused: keys are configured, and this is not the key of that name.
        TrackingError: no such version.
        PromotionRefused: the same person twice, or a gate that nobody acknowledged.
        BundleError: the registry's bundle is not what was trained.
    """
    say = progress or (lambda _: None)
    check_kind(kind)
    who = approver_of(approver, key_file, settings.approver_keys)
    say("opening MLflow")
    from training.tracking import Tracking  # seconds to import

    tracking = Tracking(settings, create=False)
    say("verifying the bundle")
    with (
        closing(open_ledger(ledger_url or settings.ledger, create=False)) as ledger,
        registered_bundle(settings, tracking, kind, version) as bundle,
    ):
        stands = standing(ledger.read_source(SOURCE), kind, settings.approver_keys)
        if stands.serving is not None and _is_of(stands.serving, bundle):
            return _serves_already(settings, tracking, bundle, stands.serving)
        before = stands.of(version, bundle.sha256)
        repeated = _is_repeated(who, before, bundle)
        if asked is None:
            say("asking the gates")
            asked = ask_gates(settings, tracking, ledger, bundle, stands.serving)
        gates = acknowledged(asked, acknowledge or {})
        _refuse_failed_gates(gates, bundle)
        now = now_micros()
        mine = [] if repeated else [signed_by(who, _approval(who, bundle, gates), now)]
        events = [
            _event(f"approval:{_identity(bundle, stands)}:{who.name}:{now}", now, one)
            for one in mine
        ]
        approvals = [*(one.event for one in before), *mine]
        tracking.record_gates(kind, version, gates)
        if len(approvals) < APPROVERS_NEEDED:
            ledger.append(events)
            return _one_more_needed(bundle, who, gates)
        say("promoting")
        place_bundle(settings.pins, bundle)  # what can fail comes before what everyone believes
        promotion = _promotion(bundle, approvals, gates)
        events.append(_event(f"promotion:{_identity(bundle, stands)}", now, promotion))
        (*_, stamp) = ledger.append(events)  # one commit
        since = Since(promotion, stamp.available_at, promotion)
        return _promoted(settings, tracking, bundle, since)


def _is_of(serving: Since, bundle: Bundle) -> bool:
    event = serving.event
    return (event.version, event.bundle_sha256) == (bundle.version, bundle.sha256)


def _is_repeated(who: Approver, before: Sequence[Approval], bundle: Bundle) -> bool:
    """Two may have approved in the same instant, each as the first: then either promotes.

    Raises:
        PromotionRefused: this person approved already, and nobody else did.
    """
    public_key = who.key.verifying.public.hex() if who.key else None
    mine = [one.event.approver for one in before if one.is_by(who.name, public_key)]
    if not mine:
        return False
    if len(before) >= APPROVERS_NEEDED:
        return True
    by = who.name if same_name(mine[0]) == same_name(who.name) else f"{mine[0]}, with the same key,"
    raise PromotionRefused(
        f"{by} approved {bundle.kind} version {bundle.version} already; a second, different person "
        f"must: foreland promote --kind {bundle.kind} --version {bundle.version} --approver NAME"
    )


def _refuse_failed_gates(gates: Sequence[GateResult], bundle: Bundle) -> None:
    block = blocking(gates)
    if not block:
        return
    said = "; ".join(f"{gate.name}: {gate.sentence}" for gate in block)
    options = " ".join(f'--acknowledge {gate.name}="REASON"' for gate in block)
    raise PromotionRefused(
        f"{bundle.kind} version {bundle.version} fails {len(block)} of {len(gates)} gates: {said}. "
        f"Train a better version, or accept it by name, which is recorded: {options}"
    )


def _approval(who: Approver, bundle: Bundle, gates: tuple[GateResult, ...]) -> ApprovalGiven:
    return ApprovalGiven(
        kind=bundle.kind,
        version=bundle.version,
        approver=who.name,
        bundle_sha256=bundle.sha256,
        gates=gates,
    )


def _promotion(
    bundle: Bundle, approvals: Sequence[ApprovalGiven], gates: tuple[GateResult, ...]
) -> ModelPromoted:
    return ModelPromoted(
        kind=bundle.kind,
        version=bundle.version,
        approvers=tuple(one.approver for one in approvals),
        bundle_sha256=bundle.sha256,
        authenticated=all(one.signature is not None for one in approvals),
        gates=gates,
    )


def _identity(bundle: Bundle, stands: Standing) -> str:
    """A version that is promoted again later needs new approvals, which are new events."""
    rounds = stands.rounds.get((bundle.version, bundle.sha256), 0)
    return f"{bundle.kind}:{bundle.version}:{rounds}:{bundle.sha256}"


def _event(event_id: str, now: Micros, payload: ApprovalGiven | ModelPromoted) -> Event:
    return Event(source=SOURCE, event_id=event_id, occurred_at=now, payload=payload)


def _serves_already(
    settings: Settings, tracking: "Tracking", bundle: Bundle, serving: Since
) -> PromotionResult:
    """Finish a promotion that was interrupted; else say that there is nothing to do."""
    result = _promoted(settings, tracking, bundle, serving)
    if result.promoted:
        return result
    who = " and ".join(result.approvers)
    sentence = (
        f"{bundle.kind} version {bundle.version} is the champion already, approved by {who}; "
        "nothing was changed."
    )
    return result._replace(sentence=sentence)


def _promoted(
    settings: Settings, tracking: "Tracking", bundle: Bundle, since: Since
) -> PromotionResult:
    promotion = since.promotion
    changed = make_champion(settings, tracking, bundle, promotion.approvers, since.at)
    shown = "authenticated by their keys" if promotion.authenticated else "by name only"
    who = " and ".join(promotion.approvers)
    return PromotionResult(
        kind=bundle.kind,
        version=bundle.version,
        promoted=changed,
        approvers=promotion.approvers,
        bundle_sha256=bundle.sha256,
        sentence=f"{bundle.kind} version {bundle.version} is promoted, approved by {who} "
        f"({shown}); the service loads it from its pin.",
        gates=promotion.gates,
    )


def _one_more_needed(
    bundle: Bundle, who: Approver, gates: tuple[GateResult, ...]
) -> PromotionResult:
    return PromotionResult(
        kind=bundle.kind,
        version=bundle.version,
        promoted=False,
        approvers=(who.name,),
        bundle_sha256=bundle.sha256,
        sentence=f"{bundle.kind} version {bundle.version} is approved by {who.name}; "
        "a second, different approver promotes it.",
        gates=gates,
    )
