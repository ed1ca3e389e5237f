"""Every feature is in one family, and a family can be taken out."""

from collections import Counter

import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.records import KINDS
from models.families import FAMILIES, families_of, without


@pytest.mark.parametrize("kind", KINDS)
def test_every_feature_is_in_a_family_and_families_are_told_by_name(kind: str) -> None:
    catalogue = catalogue_for(kind, {"terminal": "code", "axles": "number"})
    of = dict(zip(catalogue.names, families_of(catalogue), strict=True))
    assert set(of.values()) <= set(FAMILIES)
    expected = {
        "failed_checks": "the movement itself",
        "attribute.axles": "the movement itself",
        "attribute.terminal.find_rate": "history of routes and categories",
        "operator.find_rate": "history of entities",
        "consignor.find_rate": "history of entities",
        "route.find_rate": "history of routes and categories",
        "consignor_with_consignee.movements": "new pairs",
        "haulier_links.finds": "links",
        "carried.finds": "consignments on board",
    }
    if kind == "vehicle":
        expected["operator.find_rate"] = "history of routes and categories"  # a ferry's, by code
    assert {name: of[name] for name in expected if name in of} == {
        name: family for name, family in expected.items() if name in of
    }
    counts = Counter(of.values())
    assert counts["consignments on board"] == (0 if kind == "shipment" else 9)
    assert counts["links"] == 4


def test_a_family_that_is_taken_out_says_nothing_and_the_rest_stays() -> None:
    catalogue = catalogue_for("vehicle")
    rows = np.random.default_rng(1).normal(size=(5, len(catalogue.names)))
    rows[0] = np.nan
    blinded = without(rows, catalogue, "links")
    inside = np.array([family == "links" for family in families_of(catalogue)])
    assert (blinded[:, inside] == 0.0).all()
    assert blinded[:, ~inside].tobytes() == rows[:, ~inside].tobytes()
    assert np.isnan(rows[0]).all()
