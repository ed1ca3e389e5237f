"""What an officer reads."""

import math

import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.sentences import sentence

CATALOGUE = catalogue_for("vehicle", {"tax_type": "code", "axles": "number"})
CLEAN = {
    "haulier.movements": 40.0,
    "haulier.examinations": 9.0,
    "haulier.finds": 0.0,
    "haulier.days_since_last_examination": 30.2,
    "haulier.days_since_last_find": 3650.0,
}


def read(group: str, rest: float = 0.0, **values: float) -> str:
    """The sentence of a row with these values; ``__`` in a name stands for a point."""
    given = {name.replace("__", "."): value for name, value in values.items()}
    row = np.array([given.pop(name, rest) for name in CATALOGUE.names])
    assert not given, f"not in the catalogue: {given}"
    return sentence(CATALOGUE, group, row)


def test_four_states_of_knowledge() -> None:
    clean = {name.replace(".", "__"): value for name, value in CLEAN.items()}
    assert read("haulier", rest=math.nan) == "haulier: not declared"
    assert read("haulier") == "haulier: not seen before"
    assert (
        read("haulier", **{**clean, "haulier__examinations": 0.0})
        == "haulier: never examined in 40 movements"
    )
    assert (
        read("haulier", **clean)
        == "haulier: examined 9 times, nothing found, last examined 30 days ago"
    )


def test_finds_have_a_number_and_an_age() -> None:
    known = {
        "haulier__movements": 40.0,
        "haulier__examinations": 14.0,
        "haulier__finds": 2.0,
        "haulier__days_since_last_find": 12.3,
    }
    assert (
        read("haulier", **known) == "haulier: 2 finds in 14 examinations, the last find 12 days ago"
    )
    one = {**known, "haulier__finds": 1.0, "haulier__examinations": 1.0}
    assert read("haulier", **one) == "haulier: 1 find in 1 examination, 12 days ago"


LINKED = "organisations linked with the haulier"
SHARED = "by a shared vehicle, container or consignee"


@pytest.mark.parametrize(
    ("ties", "caught", "finds", "days", "expected"),
    [
        (6.0, 2.0, 3.0, 12.3, f"{LINKED} {SHARED}: 3 finds on 2 of them, the last 12 days ago"),
        (1.0, 1.0, 1.0, 0.5, f"{LINKED} {SHARED}: 1 find on 1 of them, 12 hours ago"),
        (5.0, 0.0, 0.0, 3650.0, f"{LINKED} {SHARED}: none of 5 ties is to one with a find"),
        (1.0, 0.0, 0.0, 3650.0, f"{LINKED} {SHARED}: the one tie is to one without a find"),
        (0.0, 0.0, 0.0, 3650.0, f"{LINKED} {SHARED}: no ties known"),
        (math.nan, math.nan, math.nan, math.nan, f"{LINKED}: haulier not declared"),
    ],
)
def test_links(ties: float, caught: float, finds: float, days: float, expected: str) -> None:
    text = read(
        LINKED,
        haulier_links__ties=ties,
        haulier_links__organisations_with_finds=caught,
        haulier_links__finds=finds,
        haulier_links__days_since_last_find=days,
    )
    assert text == expected


def test_links_of_two_steps_are_said_after_those_of_one() -> None:
    catalogue = catalogue_for("vehicle", two_steps=True)
    known = {
        "haulier_links.ties": 3.0,
        "haulier_links.organisations_with_finds_at_two_steps": 2.0,
        "haulier_links.days_since_last_find_at_two_steps": 12.3,
    }
    row = np.array([known.get(name, 0.0) for name in catalogue.names])
    assert sentence(catalogue, LINKED, row).endswith(
        "none of 3 ties is to one with a find; 2 with a find tied with those, the last 12 days ago"
    )


@pytest.mark.parametrize(
    ("movements", "examinations", "rate", "expected"),
    [
        (0.0, 0.0, 0.07, "route: not seen before"),
        (3.2, 0.0, 0.07, "route: never examined"),
        (3.2, 2.0, 0.09, "route: too few past examinations to tell (n = 2), taken as 9 %"),
        (
            900.0,
            1412.0,
            0.031,
            "route: about 3 % of past examinations found something (n = 1,412)",
        ),
        (math.nan, math.nan, math.nan, "route: not declared"),
    ],
)
def test_categories(movements: float, examinations: float, rate: float, expected: str) -> None:
    text = read(
        "route",
        route__movements_730d=movements,
        route__examinations=examinations,
        route__find_rate=rate,
    )
    assert text == expected


@pytest.mark.parametrize(
    ("movements", "expected"),
    [
        (0.0, "haulier with route: not seen together before"),
        (1.0, "haulier with route: seen together once, 3 days ago"),
        (1200.0, "haulier with route: seen together in 1,200 movements, the last 3 days ago"),
    ],
)
def test_pairs(movements: float, expected: str) -> None:
    text = read(
        "haulier with route",
        haulier_with_route__movements=movements,
        haulier_with_route__days_since_last_movement=3.0,
    )
    assert text == expected


@pytest.mark.parametrize(
    ("group", "values", "expected"),
    [
        ("gross mass", {"gross_mass_kg": 1234.0}, "gross mass: 1,234 kg"),
        (
            "gross mass",
            {"gross_mass_kg": 1200.0, "mass_roundness": 2.0},
            "gross mass: 1,200 kg, a multiple of 100 kg",
        ),
        ("booking", {"booking_lead_hours": 3.0}, "booked 3 hours before departure"),
        ("booking", {"booking_lead_hours": -0.5}, "booked 30 minutes after departure"),
        ("notice", {"notice_hours": 72.0}, "declared 3 days before arrival"),
        (
            "departure",
            {"departure_hour": 3.75, "departure_weekday": 1.0, "departs_at_night": 1.0},
            "departure: Tuesday 03:45 UTC, at night",
        ),
        ("declared empty", {"is_empty": 1.0}, "declared empty: yes"),
        ("declared empty", {"is_empty": 0.0}, "declared empty: no"),
        ("value per kg", {"value_per_kg": 12.5}, "value per kg: 12.5 GBP/kg"),
        ("failed checks", {"failed_checks": 0.0}, "failed checks: none"),
        ("fields left blank", {"blank_fields": 7.0}, "fields left blank: 7"),
        ("axles", {"attribute__axles": 5.0}, "axles: 5"),
        ("passengers", {}, "passengers: not declared"),
    ],
)
def test_declared(group: str, values: dict[str, float], expected: str) -> None:
    assert read(group, rest=math.nan, **values) == expected


def test_units_are_words() -> None:
    shipment = catalogue_for("shipment")
    row = np.full(len(shipment.names), 1047.0)
    text = sentence(shipment, "invoice amount", row)
    assert text == "invoice amount: 1,047 in the invoice's currency"


def test_an_unknown_group_is_an_error() -> None:
    with pytest.raises(KeyError, match="driver"):
        read("driver")


@pytest.mark.parametrize("kind", ["vehicle", "vessel", "shipment"])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, 5.0, 3650.0, 1e7, math.nan])
def test_every_group_has_a_sentence_whatever_the_values(kind: str, value: float) -> None:
    catalogue = catalogue_for(kind)
    row = np.full(len(catalogue.names), value)
    for feature in catalogue.features:
        if "weekday" in feature.name and not math.isnan(value):
            row[catalogue.names.index(feature.name)] = 6.0
    for group in dict.fromkeys(catalogue.groups):
        text = sentence(catalogue, group, row)
        assert text
        assert "nan" not in text
        assert "\n" not in text
