"""Instants as text."""

from hypothesis import example, given
from hypothesis import strategies as st

from features.clock import from_micros, iso

SECOND = 1_000_000


@given(st.integers(-62_135_596_800 * SECOND, 253_402_300_799 * SECOND))
@example(-1)
@example(SECOND)
@example(SECOND + 7)
def test_text_of_an_instant_is_that_of_its_datetime(micros: int) -> None:
    """From year 1 to 9999, before 1970 too; whole seconds are written without a fraction."""
    assert iso(micros) == from_micros(micros).isoformat().replace("+00:00", "Z")
