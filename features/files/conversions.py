"""From one cell of a file to one value: times, numbers with their units, lists, texts."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from features.files.tabular import text_of
from features.records.moments import FIRST_OF_TWO

Convert = Callable[[Any], Any]
"""From a cell that is not None to the field's value, None for missing."""

MOST_TEXTS = 65_536
"""How many spellings of times are remembered; each costs some 200 bytes."""


class CellRefused(ValueError):
    """A cell that cannot become its field; the text is the sentence of the problem.

    It never quotes the cell: a column that slipped puts a name or a registration anywhere.
    """


class LabelRefused(CellRefused):
    """A label that is neither an outcome nor in the mapping: the whole column is in doubt."""


class Times:
    """Reads a column of times, and counts: how many there were, and whether any was a time."""

    def __init__(
        self,
        column: str,
        field: str,
        pattern: str | None,
        zone: ZoneInfo | None,
        *,
        port_local: bool = False,
    ) -> None:
        """
        Args:
            port_local: a time without zone or offset is the local time of a port, which the
                record knows; it stays without one here.
        """
        self.column, self.field = column, field
        self.read = self.failed = self.twice = 0
        """``twice`` are wall-clock times that came twice, of which the first was taken."""
        self.first_failure = ""
        self._pattern, self._zone, self._port_local = pattern, zone, port_local
        self._remembered = lru_cache(maxsize=MOST_TEXTS)(self._instant)

    def __call__(self, cell: Any) -> datetime:
        self.read += 1
        try:
            # Texts with their offset are read faster than they are looked up.
            plain = self._pattern is None and self._zone is None
            found = self._instant(cell) if plain else self._remembered(cell)
        except CellRefused as exc:
            self.failed += 1
            self.first_failure = self.first_failure or str(exc).partition(";")[0]
            raise
        self.twice += found.twice
        return found.at

    def _instant(self, cell: Any) -> "_Instant":
        if isinstance(cell, str):
            cell = _parsed(cell, self._pattern, self.field)
        elif isinstance(cell, date) and not isinstance(cell, datetime):
            cell = datetime(cell.year, cell.month, cell.day)
        if not isinstance(cell, datetime):
            raise CellRefused("a number, not a time; write 2026-03-01T08:30:00Z")
        if cell.tzinfo is UTC:
            return _Instant(cell, twice=False)
        try:
            if cell.tzinfo is not None:
                return _Instant(cell.astimezone(UTC), twice=False)
            if self._zone is None and self._port_local:
                return _Instant(cell, twice=False)
            return _of_wall_clock(cell, self._zone)
        except OverflowError:
            raise CellRefused("out of the range of times; correct it") from None


class _Instant(NamedTuple):
    at: datetime
    twice: bool


def _of_wall_clock(cell: datetime, zone: ZoneInfo | None) -> _Instant:
    """In UTC; of two equal wall-clock times in autumn the first, marked as such."""
    if zone is None:
        raise CellRefused(f"{cell} has no time zone; add one, or set time_zone under [formats]")
    local = cell.replace(tzinfo=zone)
    at = local.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != cell:
        raise CellRefused(f"a time that the clocks of {zone.key} skipped; correct it")
    if local.replace(fold=1).utcoffset() != local.utcoffset():
        return _Instant(at.replace(tzinfo=FIRST_OF_TWO), twice=True)
    return _Instant(at, twice=False)


def _parsed(text: str, pattern: str | None, field: str) -> datetime:
    try:
        return datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
    except ValueError:
        if pattern:
            sentence = f"not a time like {pattern}; correct it, or change [formats] {field}"
        else:
            sentence = (
                "not an ISO 8601 time such as 2026-03-01T08:30:00Z; correct it, "
                f"or set [formats] {field} in the mapping"
            )
        raise CellRefused(sentence) from None


class Notation(NamedTuple):
    """How numbers are written in texts."""

    decimal: str = "."
    thousands: str = ""
    """Empty when numbers have no separators; a blank stands for no-break blanks too."""

    @property
    def is_plain(self) -> bool:
        return self == Notation()


def number_reader(notation: Notation, factor: Fraction, *, hint: str = "") -> Convert:
    """Reads numbers and texts of numbers, and multiplies by ``factor``."""
    plain = _plain_number if notation.is_plain else _separated_number(notation)
    over, under = factor.numerator, factor.denominator

    def convert(cell: Any) -> float:
        try:
            number = plain(cell) if isinstance(cell, str) else float(cell)
        except (TypeError, ValueError, OverflowError):
            written = "" if notation.is_plain else f" written like {_example(notation)}"
            raise CellRefused(f"no number{written}; correct it{hint}") from None
        return number if over == under else number * over / under

    return convert


def _plain_number(text: str) -> float:
    if "_" in text:  # Python takes 1_000 for a number
        raise ValueError(text)
    return float(text)


def _separated_number(notation: Notation) -> Callable[[str], float]:
    whole = r"\d+"
    if notation.thousands:
        whole = rf"(?:\d+|\d{{1,3}}(?:{re.escape(notation.thousands)}\d{{3}})+)"
    written = re.compile(
        rf"[+-]?(?:{whole}(?:{re.escape(notation.decimal)}\d*)?(?:[eE][+-]?\d+)?)", re.ASCII
    )

    def read(text: str) -> float:
        if notation.thousands == " ":
            text = text.replace("\u00a0", " ").replace("\u202f", " ")
        if written.fullmatch(text) is None:
            raise ValueError(text)
        if notation.thousands:
            text = text.replace(notation.thousands, "")
        return float(text.replace(notation.decimal, "."))

    return read


def _example(notation: Notation) -> str:
    return f"1{notation.thousands}234{notation.decimal}5"


def listed(cell: Any) -> Any:
    """A list as it is; of a text, JSON, or values separated by semicolons.

    >>> listed('["A", "B"]'), listed("A; B;"), listed("A")
    (['A', 'B'], ['A', 'B'], ['A'])
    """
    if not isinstance(cell, str):
        return cell
    if cell.startswith(("[", "{")):
        return from_json(cell)
    return [text for part in cell.split(";") if (text := part.strip())]


def from_json(cell: Any) -> Any:
    """A nested value as it is; of a text, the JSON in it."""
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise CellRefused(
            "no JSON (NaN is none, nor an object with a name twice); correct it"
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def unless(missing: frozenset[str], convert: Convert | None) -> Convert:
    """``convert``, but the texts of ``missing`` become None."""

    def converted(cell: Any) -> Any:
        if text_of(cell) in missing:
            return None
        return cell if convert is None else convert(cell)

    return converted
