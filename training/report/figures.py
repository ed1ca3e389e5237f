"""Numbers as an evaluation page writes them."""

from models.bootstrap import Interval

NOT_KNOWN = "not known"
SUPPRESSED = "suppressed"


def percent(share: float | None, interval: Interval | None = None) -> str:
    """
    >>> percent(0.125, (0.081, 0.17)), percent(0.5), percent(None)
    ('12.5% (8.1% to 17.0%)', '50.0%', 'not known')
    """
    if share is None:
        return NOT_KNOWN
    within = "" if interval is None else f" ({interval[0]:.1%} to {interval[1]:.1%})"
    return f"{share:.1%}{within}"


def number(value: float | None, interval: Interval | None = None) -> str:
    """
    >>> number(0.7512, (0.7, 0.8)), number(None)
    ('0.751 (0.700 to 0.800)', 'not known')
    """
    if value is None:
        return NOT_KNOWN
    within = "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
    return f"{value:.3f}{within}"


def between(interval: Interval | None, *, points: bool = False) -> str:
    """An interval of a difference, with its sign; ``points`` in percentage points.

    >>> between((-0.012, 0.034)), between((0.01, 0.2), points=True), between(None)
    ('-0.012 to +0.034', '+1.0 to +20.0 points', 'too few days')
    """
    if interval is None:
        return "too few days"
    low, high = interval
    return (
        f"{100 * low:+.1f} to {100 * high:+.1f} points" if points else f"{low:+.3f} to {high:+.3f}"
    )


def found(finds: float, examined: int) -> str:
    """A yield; an expectation over ties need not be whole.

    >>> found(12.0, 40), found(3.25, 40)
    ('12 of 40', '3.2 of 40')
    """
    told = f"{finds:,.0f}" if abs(finds - round(finds)) < 1e-9 else f"{finds:,.1f}"
    return f"{told} of {examined:,}"
