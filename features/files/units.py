"""Units of source files, converted to the unit of our field by exact factors.

References:
    International yard and pound agreement, 1959 (lb, ft, in); SI Brochure, 9th edition, tables 8
    and 9 (t, min, h, d, nautical mile, knot); UK Weights and Measures Act 1985, schedule 1 (ton).
"""

from fractions import Fraction

_POUND = Fraction(45_359_237, 100_000_000)
_FOOT = Fraction(3_048, 10_000)

_FACTORS: dict[str, dict[str, Fraction]] = {
    "mass": {
        "g": Fraction(1, 1_000),
        "kg": Fraction(1),
        "t": Fraction(1_000),
        "lb": _POUND,
        "long_ton": 2_240 * _POUND,
        "short_ton": 2_000 * _POUND,
    },
    "length": {
        "cm": Fraction(1, 100),
        "m": Fraction(1),
        "km": Fraction(1_000),
        "in": _FOOT / 12,
        "ft": _FOOT,
        "nmi": Fraction(1_852),
    },
    "time": {
        "s": Fraction(1, 3_600),
        "min": Fraction(1, 60),
        "h": Fraction(1),
        "days": Fraction(24),
    },
    "speed": {
        "kn": Fraction(1),
        "knots": Fraction(1),
        "km/h": Fraction(1_000, 1_852),
        "m/s": Fraction(3_600, 1_852),
    },
    "share": {"%": Fraction(1), "fraction": Fraction(100)},
}
"""Of each quantity, how much of one and the same unit the others are."""


def factor(unit: str, wanted: str) -> Fraction | None:
    """By what a number in ``unit`` is multiplied to be one in ``wanted``; None for no such pair.

    >>> factor("t", "kg"), factor("min", "h"), factor("ft", "kg")
    (Fraction(1000, 1), Fraction(1, 60), None)
    """
    for factors in _FACTORS.values():
        if unit in factors and wanted in factors:
            return factors[unit] / factors[wanted]
    return None


def convertible(wanted: str | None) -> tuple[str, ...]:
    """The units that a field in ``wanted`` may come in; none for a count or an amount of money.

    >>> convertible("h")
    ('s', 'min', 'h', 'days')
    """
    for factors in _FACTORS.values():
        if wanted in factors:
            return tuple(factors)
    return ()
