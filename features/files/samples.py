"""What some cells of a column look like: which times, which numbers, which unit."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from features.files.conversions import Notation
from features.files.tabular import text_of

_DAYS = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %H:%M:%S.%f")
_DIGITS = {"%Y%m%d": 8, "%Y%m%d%H%M": 12, "%Y%m%d%H%M%S": 14}
"""Patterns of digits alone, and how many: strptime would take fewer for some of them too."""
_PATTERNS = (*_DIGITS, *(day + clock for day in _DAYS for clock in _CLOCKS))

_UNIT_WORDS = {
    "g": "g",
    "grams": "g",
    "kg": "kg",
    "kgs": "kg",
    "t": "t",
    "tonnes": "t",
    "lb": "lb",
    "lbs": "lb",
    "pounds": "lb",
    "cm": "cm",
    "m": "m",
    "metres": "m",
    "meters": "m",
    "ft": "ft",
    "feet": "ft",
    "min": "min",
    "mins": "min",
    "minutes": "min",
    "h": "h",
    "hrs": "h",
    "hours": "h",
    "days": "days",
}


class Times(NamedTuple):
    pattern: str | None
    """None for ISO 8601, which needs none."""
    others: tuple[str, ...]
    """Further patterns that fit every cell; a person has to say which it is."""
    has_zone: bool


def times_in(cells: Sequence[Any]) -> Times | None:
    """How the times of a column are written; None when they are none that we recognise.

    >>> times_in(["01/02/2026", "03/04/2026"])
    Times(pattern='%d/%m/%Y', others=('%m/%d/%Y',), has_zone=False)
    >>> times_in(["2026-02-01T08:30Z"])
    Times(pattern=None, others=(), has_zone=True)
    """
    if not cells:
        return None
    if all(isinstance(cell, datetime) for cell in cells):
        return Times(None, (), cells[0].tzinfo is not None)
    texts = [text_of(cell) for cell in cells]
    fitting = [pattern for pattern in _PATTERNS if all(_fits(text, pattern) for text in texts)]
    iso = [_iso(text) for text in texts]
    if None not in iso and not fitting:
        return Times(None, (), all(at is not None and at.tzinfo is not None for at in iso))
    return Times(fitting[0], tuple(fitting[1:]), has_zone=False) if fitting else None


def notation_in(cells: Sequence[Any]) -> Notation | None:
    """How the numbers of a column are written; None when they are no numbers.

    >>> notation_in(["1.234,5", "7"])
    Notation(decimal=',', thousands='.')
    """
    texts = [text_of(cell) for cell in cells]
    if not texts or any(re.fullmatch("0[0-9]+", text) for text in texts):
        return None  # a code: 010129
    for notation, written in _NOTATIONS:
        if all(written.fullmatch(text) for text in texts):
            return notation
    return None


_NOTATIONS = (
    (Notation(), re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")),
    (Notation(","), re.compile(r"[+-]?[0-9]+(,[0-9]+)?")),
    (Notation(",", "."), re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})*(,[0-9]+)?")),
    (Notation(".", ","), re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?")),
    (
        Notation(",", " "),
        re.compile("[+-]?[0-9]{1,3}([ \u00a0\u202f][0-9]{3})*(,[0-9]+)?"),
    ),
)


def is_list(cells: Sequence[Any]) -> bool:
    """True when a column holds lists, or texts of several values."""
    return any(
        isinstance(cell, list) or (isinstance(cell, str) and (cell[:1] == "[" or ";" in cell))
        for cell in cells
    )


def is_object(cells: Sequence[Any]) -> bool:
    """True when a column holds objects: a struct of Parquet."""
    return bool(cells) and all(isinstance(cell, dict) for cell in cells)


def unit_in(name: str) -> tuple[str, str | None]:
    """A column's plain name without its unit, and the unit.

    >>> unit_in("gross_weight_lbs"), unit_in("length")
    (('gross_weight', 'lb'), ('length', None))
    """
    base, _, last = name.rpartition("_")
    return (base, _UNIT_WORDS[last]) if base and last in _UNIT_WORDS else (name, None)


def _fits(text: str, pattern: str) -> bool:
    if len(text) != _DIGITS.get(pattern, len(text)):
        return False
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True


def _iso(text: str) -> datetime | None:
    if re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
