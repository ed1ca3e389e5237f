"""Numbers with their intervals, as sentences say them."""

from models.bootstrap import Interval
from models.paired import Paired


def difference_in_words(paired: Paired) -> str:
    """
    >>> measured = Paired(measure="ROC AUC", better="higher", first=0.8, second=0.82,
    ...     difference=0.02, interval=(-0.01, 0.05))
    >>> difference_in_words(measured)
    'ROC AUC 0.820 where it was 0.800 (difference +0.020, -0.010 to +0.050): not told apart'
    """
    if paired.first is None or paired.second is None or paired.difference is None:
        return f"{paired.measure} is not defined, for want of finds or of clean examinations"
    within = ", too few days for an interval"
    if paired.interval is not None:
        low, high = paired.interval
        within = f", {low:+.3f} to {high:+.3f}"
    return (
        f"{paired.measure} {paired.second:.3f} where it was {paired.first:.3f} "
        f"(difference {paired.difference:+.3f}{within}): {paired.says}"
    )


def interval_in_words(interval: Interval) -> str:
    """
    >>> interval_in_words((0.01, 0.034))
    '0.010 to 0.034'
    """
    return f"{interval[0]:.3f} to {interval[1]:.3f}"
