"""Cells become values: units by exact factors, numbers as they are written there, times, lists."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.files.conversions import (
    CellRefused,
    Notation,
    Times,
    from_json,
    listed,
    number_reader,
)
from features.files.units import convertible, factor


@pytest.mark.parametrize(
    ("number", "unit", "wanted", "expected"),
    [
        (12.5, "t", "kg", 12_500.0),
        (2_000.0, "lb", "kg", 907.18474),
        (1.0, "long_ton", "kg", 1_016.0469088),
        (1.0, "short_ton", "kg", 907.18474),
        (250.0, "g", "kg", 0.25),
        (100.0, "ft", "m", 30.48),
        (12.0, "in", "m", 0.3048),
        (90.0, "min", "h", 1.5),
        (2.0, "days", "h", 48.0),
        (36.0, "h", "days", 1.5),
        (0.05, "fraction", "%", 5.0),
        (18.52, "km/h", "knots", 10.0),
    ],
)
def test_units_are_converted_by_exact_factors(
    number: float, unit: str, wanted: str, expected: float
) -> None:
    by = factor(unit, wanted)
    assert by is not None
    assert number_reader(Notation(), by)(number) == expected
    assert number_reader(Notation(), by)(str(number)) == expected


def test_only_units_of_the_same_quantity_are_a_pair() -> None:
    assert factor("ft", "kg") is None
    assert factor("t", "GBP") is None
    assert convertible("GBP") == convertible("n") == convertible(None) == ()
    assert factor("kg", "kg") == Fraction(1)


GERMAN = Notation(",", ".")
FRENCH = Notation(",", " ")
COMMA = Notation(",")
BRITISH = Notation(".", ",")


@pytest.mark.parametrize(
    ("notation", "text", "number"),
    [
        (GERMAN, "1.234.567,5", 1_234_567.5),
        (GERMAN, "1234,5", 1_234.5),
        (GERMAN, "-12", -12.0),
        (FRENCH, "12 345,25", 12_345.25),
        (FRENCH, "12\u00a0345,25", 12_345.25),
        (FRENCH, "12\u202f345,25", 12_345.25),
        (COMMA, "0,5", 0.5),
        (COMMA, "1,5e3", 1_500.0),
        (BRITISH, "1,234.5", 1_234.5),
        (BRITISH, "1234.5", 1_234.5),
        (GERMAN, 1.5, 1.5),  # a typed cell has no notation
        (Notation(), "1e3", 1_000.0),
    ],
)
def test_numbers_as_they_are_written_there(notation: Notation, text: Any, number: float) -> None:
    assert number_reader(notation, Fraction(1))(text) == number


@pytest.mark.parametrize(
    ("notation", "text"),
    [
        (GERMAN, "1,234.5"),
        (GERMAN, "1.23,5"),
        (GERMAN, "12.3456"),
        (COMMA, "1.234"),  # a thousand, or one and a bit? the mapping must say
        (BRITISH, "1.234,5"),
        (BRITISH, "1,23"),
        (COMMA, ""),
        (COMMA, "٣"),
        (Notation(), "1_000"),
        (Notation(), "1,5"),
        (Notation(), [1]),
    ],
)
def test_a_number_written_otherwise_is_refused_and_not_quoted(
    notation: Notation, text: Any
) -> None:
    with pytest.raises(CellRefused, match="no number") as caught:
        number_reader(notation, Fraction(1), hint=", or say so")(text)
    assert (
        str(text) not in str(caught.value).replace("1.234,5", "").replace("1,234.5", "") or not text
    )


@given(st.floats(0, 1e12).map(lambda x: round(x, 2)))
def test_any_number_is_read_back_from_its_german_form(number: float) -> None:
    written = f"{number:,.2f}".translate(str.maketrans(",.", ".,"))
    assert number_reader(GERMAN, Fraction(1))(written) == number


def test_of_two_equal_times_in_autumn_the_first_is_taken_and_counted() -> None:
    times = Times("When", "departs_at", None, ZoneInfo("Europe/Paris"))
    assert times("2026-10-25T02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert times("2026-10-25T02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert times(datetime(2026, 10, 25, 2, 30)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    times("2026-10-25T03:30")
    times("2026-10-25T02:30+02:00")  # says which of the two it is
    assert (times.read, times.twice, times.failed) == (5, 3, 0)
    with pytest.raises(CellRefused, match="the clocks of Europe/Paris skipped"):
        times("2026-03-29T02:30")
    assert (times.read, times.failed) == (6, 1)


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("A;B", ["A", "B"]),
        (" A ; ; B ;", ["A", "B"]),
        ("A", ["A"]),
        ('["A;B", "C"]', ["A;B", "C"]),
        ('[{"lat": 1.5}]', [{"lat": 1.5}]),
        (["A", "B"], ["A", "B"]),
        ([], []),
    ],
)
def test_a_list_is_json_or_separated_by_semicolons(cell: Any, values: Any) -> None:
    assert listed(cell) == values


@pytest.mark.parametrize(
    "text",
    ["[1, 2", "[NaN]", "[-Infinity]", '[{"a": 1, "a": 2}]', "[" * 100_000, '{"a": 1} x'],
)
@pytest.mark.parametrize("read", [listed, from_json])
def test_what_is_no_json_is_refused(read: Callable[[Any], Any], text: str) -> None:
    with pytest.raises(CellRefused, match="no JSON"):
        read(text)


def test_an_object_may_come_as_text_or_as_itself() -> None:
    value = {"gaps": 2, "speeds": [1.5, None]}
    assert from_json(json.dumps(value)) == from_json(value) == value
