"""Rules and back-tests as a person reads them in a terminal."""

from collections.abc import Iterator

from features.clock import Micros, iso
from models.rules import APPROVERS_NEEDED, Rules, Version
from models.unexamined import Measured
from training.rules.backtest import Count, Overlap, RuleBacktest


def backtest_in_words(done: RuleBacktest, most_matched: float) -> Iterator[str]:
    """Lines.

    Args:
        most_matched: share of movements that a rule may match to become active.
    """
    estimate = done.estimate
    yield (
        f"{done.rule} version {done.version}, sha256 {done.sha256[:12]}, on {done.kind} movements "
        f"that became known from {_day(estimate.since)} to {_day(estimate.until)}"
        f"{' (simulated)' if done.simulated else ''}"
    )
    yield (
        f"would have matched {estimate.matched:,} of {estimate.movements:,} ({done.share:.2%}), "
        f"{done.per_week:.1f} a week; {_limit(done.share, most_matched)}"
    )
    if done.failed:
        yield f"could not be evaluated for {done.failed:,} movements, which count as not matched"
    yield f"would have found: {_found(done.matched)}"
    yield f"all movements of the time: {_found(done.all)}"
    yield from _overlap(done.overlap, done.overlap_reason)
    for measured in done.beyond:
        yield _measured(measured)
    if done.beyond_reason:
        yield f"examined or not: {done.beyond_reason}"


def version_in_words(rules: Rules, version: Version, at: Micros) -> str:
    """One line: what it is and how it stands."""
    rule, state = version.rule, rules.state(version, at)
    standing: str = state
    if state == "proposed":
        given = len(version.approvers("shadow", at))
        standing = f"proposed, {given} of {APPROVERS_NEEDED} approvals"
    return (
        f"{rule.name} {rule.version}: {standing}; {rule.kind}, {rule.action}, {rule.points} "
        f"points, {rule.agency}, until {_day(rule.expires_at)}: {rule.reason}"
    )


def story_in_words(version: Version) -> Iterator[str]:
    """All that was written and said of it, a line each."""
    rule = version.rule
    yield f"when: {rule.when}"
    yield (
        f"handling: {rule.handling}, {rule.marking}, contact: {rule.contact}, threat: "
        f"{rule.threat or 'any'}"
    )
    yield f"sha256: {version.sha256}"
    yield f"{iso(version.proposed_at)} proposed by {rule.created_by}"
    for said, available_at in version.approvals:
        knew = ""
        if said.estimate is not None:
            one = said.estimate
            knew = (
                f", back-tested: matches {one.matched:,} of {one.movements:,}, "
                f"{one.found:,} finds in {one.examined:,} examined"
            )
        yield f"{iso(available_at)} approved for {said.mode} by {said.approver}{knew}"
    if version.retired is not None:
        said_last, ended_at = version.retired
        yield f"{iso(ended_at)} retired by {said_last.by}: {said_last.reason}"


def _limit(share: float, most_matched: float) -> str:
    """
    >>> _limit(0.2, 0.05)
    'too many to become active, the limit is 5.0%'
    """
    if share > most_matched:
        return f"too many to become active, the limit is {most_matched:.1%}"
    return f"the limit is {most_matched:.1%}"


def _found(count: Count) -> str:
    if count.find_rate is None:
        return f"not known, none of {count.movements:,} has a matured label"
    low, high = count.find_rate
    return (
        f"{count.found:,} finds in {count.examined:,} examined of {count.movements:,} "
        f"({count.found / count.examined:.1%}, 95 % {low:.1%} to {high:.1%})"
    )


def _overlap(overlap: Overlap | None, reason: str | None) -> Iterator[str]:
    if overlap is None:
        yield f"beside the model: not assessable, {reason}"
        return
    volume = overlap.both.movements + overlap.only_rule.movements
    caution = f"; {overlap.caution}" if overlap.caution else ""
    yield (
        f"beside {overlap.model} at the same volume of {volume:,}, on movements known since "
        f"{_day(overlap.since)} that it did not learn from{caution}:"
    )
    yield f"  both: {_found(overlap.both)}"
    yield f"  only the rule: {_found(overlap.only_rule)}"
    yield f"  only the model: {_found(overlap.only_model)}"


def _measured(measured: Measured) -> str:
    said = []
    for one in measured.estimates:
        if one.value is None or one.interval is None:
            said.append(f"{one.estimator} not assessable ({one.reason})")
        else:
            low, high = one.interval
            said.append(f"{one.estimator} {one.value:.1%} ({low:.1%} to {high:.1%})")
    return f"{measured.name}: {'; '.join(said)}"


def _day(instant: Micros) -> str:
    return iso(instant)[:10]
