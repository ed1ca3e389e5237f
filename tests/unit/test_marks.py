"""Styles of British registration marks, from the leaflet and by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from features.marks import uk_mark_style
from features.records import flags_of, read_movement


@pytest.mark.parametrize(
    ("mark", "style"),
    [
        ("AB12CDE", "current"),
        ("AB00CDE", "other"),  # no half-year 00, 01 or 50
        ("AB50CDE", "other"),
        ("AI12CDE", "other"),  # no I in the first two
        ("AB12CDI", "other"),
        ("A123BCD", "prefix"),
        ("Q1ABC", "prefix"),  # of unknown age
        ("U123BCD", "other"),  # no year had a U
        ("ABC123D", "suffix"),
        ("ABC1Y", "suffix"),
        ("ABC123", "dateless"),
        ("A1", "dateless"),
        ("1234AB", "dateless"),
        ("AIA1234", "northern_ireland"),
        ("TIG12", "northern_ireland"),
        ("AZ1234", "northern_ireland"),
        ("1234XI", "northern_ireland"),
        ("ABC1234", "other"),
        ("WX12345", "other"),  # Polish
        ("12LR1234", "other"),
        ("", "other"),
    ],
)
def test_british_mark_styles(mark: str, style: str) -> None:
    assert uk_mark_style(mark) == style


@pytest.mark.parametrize(
    ("mark", "country", "flagged"),
    [
        ("AB12 CDE", "GB", False),
        ("aia 1234", "GB", False),
        ("WX 12345", "GB", True),  # a Polish mark, declared as British
        ("WX 12345", "PL", False),
        ("AB12 CDE", "PL", False),  # a foreign mark may look British
        ("WX 12345", None, False),
    ],
)
def test_a_british_vehicle_has_a_british_mark(
    mark: str, country: str | None, flagged: bool
) -> None:
    row: dict[str, Any] = {
        "movement_ref": "M-1",
        "declared_at": datetime(2026, 3, 1, tzinfo=UTC),
        "vehicle_reg": mark,
        "vehicle_country": country,
    }
    flags = flags_of(read_movement("vehicle", row))
    assert ("mark_style:vehicle_reg" in flags) is flagged
