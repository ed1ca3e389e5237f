"""The three things that a gate can say, and the one rule by which intervals decide."""

from features.ledger import GateResult
from models.bootstrap import Interval

PASSED, FAILED, NOT_ASSESSABLE = "passed", "failed", "not assessable"


def gate(name: str, result: str, sentence: str) -> GateResult:
    return GateResult(name=name, result=result, sentence=sentence)


def by_upper_limit(interval: Interval | None, limit: float) -> str:
    """Of a quantity that must not exceed ``limit``.

    >>> [by_upper_limit(of, 0.05) for of in ((0.01, 0.04), (0.06, 0.09), (0.01, 0.09), None)]
    ['passed', 'failed', 'not assessable', 'not assessable']
    """
    if interval is None:
        return NOT_ASSESSABLE
    low, high = interval
    if high <= limit:
        return PASSED
    return FAILED if low > limit else NOT_ASSESSABLE


def by_lower_limits(interval: Interval | None, *, worse_below: float, fine_above: float) -> str:
    """Of a difference: failed when all of it is worse, passed when all of it is fine.

    >>> limits = {"worse_below": 0.0, "fine_above": -0.05}
    >>> [by_lower_limits(of, **limits) for of in ((-0.04, 0.1), (-0.2, -0.1), (-0.2, 0.1))]
    ['passed', 'failed', 'not assessable']
    """
    if interval is None:
        return NOT_ASSESSABLE
    low, high = interval
    if high < worse_below:
        return FAILED
    return PASSED if low >= fine_above else NOT_ASSESSABLE
