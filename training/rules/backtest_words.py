"""A back-test as a person reads it in a terminal."""

from collections.abc import Iterator

from models.unexamined import Measured
from training.rules.backtest import Count, Overlap, RuleBacktest
from training.rules.words import day_of


def backtest_in_words(done: RuleBacktest, most_matched: float) -> Iterator[str]:
    """Lines.

    Args:
        most_matched: share of movements that a rule may match to become active.
    """
    estimate = done.estimate
    yield (
        f"{done.rule} version {done.version}, sha256 {done.sha256[:12]}, on {done.kind} movements "
        f"that became known from {day_of(estimate.since)} to {day_of(estimate.until)}"
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
        f"{day_of(overlap.since)} that it did not learn from{caution}:"
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
