"""What served: which model, what it learned from, and who approved it."""

from collections.abc import Sequence

import pandas as pd

from features.clock import Micros, iso
from monitoring.findings import KindFindings, OfTheService
from monitoring.page import KIND_WORDS, Figure, Part, Section, Worry, kind_heading
from monitoring.periods import Period
from monitoring.sections import use
from monitoring.signals import Signal
from monitoring.tables import Column, Table

APPROVERS_NEEDED = 2


def section(
    findings: Sequence[KindFindings], service: OfTheService, period: Period, records: Part
) -> Section:
    """
    Args:
        records: what is said of the records beside the page, as ``records_part`` has it.
    """
    parts = tuple(Part(kind_heading(f.kind), *_part(f, period)) for f in findings)
    return Section("served", "What served", (*parts, *use.parts(service, period), records))


def _part(found: KindFindings, period: Period) -> tuple[tuple[str, ...], tuple[Figure, ...]]:
    if found.served is None:
        words = KIND_WORDS[found.kind]
        return (f"No model for {words} is promoted, so {words} cannot be scored.",), ()
    says, worry = _verdict(found, period)
    table = Table(
        f"{found.kind}-served",
        f"The model that serves {KIND_WORDS[found.kind]}",
        (Column("what", "What"), Column("value", "Value")),
        pd.DataFrame(_facts(found), columns=["what", "value"]),
    )
    definition = (
        "From the pin that the service loads, the bundle's manifest and the approvals in the "
        "ledger. An approver is authenticated where the approval is signed with the key that is "
        "configured for that name, and attributed where it is only a name. Times are UTC."
    )
    return (), (Figure(says, worry, table, definition, signals=_signals(found)),)


def _signals(found: KindFindings) -> tuple[Signal, ...]:
    assert found.served is not None
    approved = len(set(found.served.pin.approvers))
    versions = _versions(found)
    return (
        Signal(
            area="served",
            name="two-approvers",
            kind=found.kind,
            colour="red" if approved < APPROVERS_NEEDED else "green",
            value=float(approved),
            n=approved,
            rule=f"red when fewer than {APPROVERS_NEEDED} different people approved what serves",
            owner="senior responsible owner",
            action="suspend the kind, then have a version approved by two people and promoted",
        ),
        Signal(
            area="served",
            name="several-versions",
            kind=found.kind,
            colour="amber" if len(versions | {found.served.pin.version}) > 1 else "green",
            value=float(len(versions)),
            n=int(found.scored.frame["version"].notna().sum()),
            rule="amber when another version than the one that serves scored in the period",
            owner="model owner",
            action="read this period's figures of the kind as those of several models",
        ),
    )


def _verdict(found: KindFindings, period: Period) -> tuple[str, Worry]:
    assert found.served is not None
    pin = found.served.pin
    model = f"Version {pin.version} serves {KIND_WORDS[found.kind]}"
    if len(set(pin.approvers)) < APPROVERS_NEEDED:
        return f"{model}, but two different people have not approved it.", "look"
    approved = f"{model}, approved by {' and '.join(pin.approvers)}"
    others = _versions(found) - {pin.version}
    if others:
        listed = ", ".join(str(version) for version in sorted(others))
        return f"{approved}; version {listed} answered some of this period's movements.", "look"
    if pin.promoted_at >= period.end:
        says = f"{approved}; it was promoted after the period, so where nothing was scored live "
        return f"{says}the figures show what it would have said.", "calm"
    return f"{approved} and promoted on {_day(pin.promoted_at)}.", "calm"


def _versions(found: KindFindings) -> set[int]:
    return {int(version) for version in found.scored.frame["version"].dropna()}


def _facts(found: KindFindings) -> list[tuple[str, str]]:
    assert found.served is not None
    pin, bundle, approvals = found.served
    given = {approval.approver: approval for approval in approvals}
    facts = [
        ("Version", str(pin.version)),
        ("sha256 of the bundle", pin.bundle_sha256),
        ("Learned from data until", _moment(bundle.manifest.trained_until)),
        ("Trained on", "simulated data" if bundle.manifest.simulated else "recorded data"),
    ]
    for approver in pin.approvers:
        approval = given.get(approver)
        known = f", {_moment(approval.approved_at)}" if approval else ""
        shown = "authenticated" if approval and approval.authenticated else "attributed"
        facts.append(("Approved by", f"{approver}{known} ({shown})"))
    return [*facts, ("Promoted", _moment(pin.promoted_at))]


def _moment(instant: Micros) -> str:
    return iso(instant)[:16].replace("T", " ")


def _day(instant: Micros) -> str:
    return iso(instant)[:10]
