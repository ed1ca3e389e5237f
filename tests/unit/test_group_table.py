"""Groups side by side: worked by hand, against plain counting, and with nothing to subtract."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, hypergeom

from monitoring.statistics.groups import Membership, group_table, membership, memberships

Row = tuple[str, bool, float, float]
"""Group, referred, probability, label."""


def tabled(rows: Sequence[Row], *more: Membership) -> pd.DataFrame:
    groups, referred, probability, label = zip(*rows, strict=True)
    return group_table(
        (membership("route", groups), *more),
        np.array(referred, bool),
        np.array(probability, float),
        np.array(label, float),
    )


def by_group(table: pd.DataFrame) -> dict[str, Any]:
    return {str(row["group"]): row for row in table.to_dict("records")}


def route(name: str, finds: int, nothing: int, let_go: int, probability: float = 0.3) -> list[Row]:
    rows: list[Row] = [(name, True, probability, 1.0)] * finds
    rows += [(name, True, probability, 0.0)] * nothing
    return [*rows, *[(name, False, 0.05, np.nan)] * let_go]


def test_rates_of_a_group_and_its_tests() -> None:
    found = by_group(tabled(route("A", 30, 70, 900) + route("B", 5, 95, 400)))
    a, b = found["A"], found["B"]
    assert (a["movements"], a["referral_rate"], a["examined"], a["finds"]) == (1_000, 0.1, 100, 30)
    assert (b["referral_rate"], b["find_rate"], b["false_referral_rate"]) == (0.2, 0.05, 0.95)
    assert (a["elsewhere"], b["elsewhere"]) == (0.05, 0.3)
    law = hypergeom(200, 100, 35)
    higher = law.sf(30) + law.pmf(30) / 2
    assert a["outcome_test"] == pytest.approx(2 * higher)  # the same for both: adjusting keeps it
    assert b["expected"] == pytest.approx(30.0)
    assert b["score_test"] < 0.001  # 5 where 30 were promised, against 30 of 30


def test_an_unequal_find_rate_that_the_scores_foresaw_is_no_unequal_score() -> None:
    """Infra-marginality: one standard (refer from 0.2), different mixes, different find rates."""
    plain = route("A", 60, 40, 100, probability=0.6)
    marginal = route("B", 20, 80, 100, probability=0.2)
    found = by_group(tabled(plain + marginal))
    assert found["A"]["outcome_test"] < 0.0005
    assert found["A"]["score_test"] > 0.5


def test_a_small_group_is_kept_back_with_what_would_tell_it() -> None:
    rows = route("A", 30, 70, 900) + route("B", 10, 40, 50) + route("C", 1, 2, 3)
    found = by_group(tabled(rows))
    assert np.isnan(found["C"]["movements"])
    assert np.isnan(found["B"]["movements"])
    assert np.isnan(found["B"]["find_rate"])
    assert found["A"]["movements"] == 1_000


def test_a_region_gives_no_small_route_away() -> None:
    rows = route("FR1", 30, 70, 900) + route("FR2", 1, 2, 3) + route("MA1", 10, 40, 50)
    regions = membership("region", ["Africa" if row[0] == "MA1" else "Europe" for row in rows])
    found = by_group(tabled(rows, regions))
    shown = [name for name in ("FR1", "FR2") if not np.isnan(found[name]["movements"])]
    assert not shown or np.isnan(found["Europe"]["movements"])


def test_an_unassessed_movement_counts_but_promises_nothing() -> None:
    rows: list[Row] = [("A", False, np.nan, 1.0)] * 12 + [("B", False, 0.5, 0.0)] * 20
    found = by_group(tabled(rows))
    assert (found["A"]["finds"], found["A"]["expected"]) == (12, 0.0)
    assert np.isnan(found["A"]["score_test"])
    assert np.isnan(found["A"]["referred_find_rate"])


def test_beyond_twelve_groups_the_smallest_stand_together() -> None:
    names = [f"R{at:02d}" for at in range(15) for _ in range(40 - at)]
    groups = membership("route", names)
    assert groups.names == (*(f"R{at:02d}" for at in range(11)), "all others")
    assert np.bincount(groups.code)[-1] == 29 + 28 + 27 + 26


def test_groups_of_movements_come_from_fields_and_features() -> None:
    declared: Any = [SimpleNamespace(fields={"route_id": "FRCQF"}), SimpleNamespace(fields={})]
    rows = np.array([[0.0], [150.0]])
    found = {one.by: one for one in memberships("vehicle", declared, rows, ["haulier.movements"])}
    assert set(found) == {
        *("route", "country of registration", "region of departure", "size of the haulier")
    }  # the catalogue has nothing else
    region, size = found["region of departure"], found["size of the haulier"]
    assert [region.names[at] for at in region.code] == ["Europe", "not declared"]
    assert [size.names[at] for at in size.code] == ["no movement before", "100 or more"]


rows_drawn = st.lists(
    st.tuples(
        st.sampled_from("ABCD"),
        st.booleans(),
        st.floats(0.01, 0.99),
        st.sampled_from([0.0, 1.0, np.nan]),
    ),
    min_size=1,
    max_size=80,
)


@given(rows_drawn)
def test_counts_are_those_of_plain_counting(rows: list[Row]) -> None:
    table = tabled(rows)
    for row in table.to_dict("records"):
        mine = [one for one in rows if one[0] == row["group"]]
        labels = [label for _, _, _, label in mine if not np.isnan(label)]
        on_referral = [label for _, was, _, label in mine if was and not np.isnan(label)]
        if not np.isnan(row["finds"]):
            assert (row["examined"], row["finds"]) == (len(labels), sum(labels))
        if not np.isnan(row["referred_find_rate"]):
            assert row["results"] == len(on_referral)
            assert row["referred_find_rate"] == sum(on_referral) / len(on_referral)
        assert np.isnan(row["movements"]) or row["movements"] == len(mine) >= 10


def test_tests_are_adjusted_over_all_groups() -> None:
    rows = route("A", 30, 70, 10) + route("B", 5, 95, 10) + route("C", 12, 88, 10)
    table = tabled(rows)
    plain = []
    for finds in (30, 5, 12):
        law = hypergeom(300, 47, 100)
        half = law.pmf(finds) / 2
        plain.append(2 * min(law.sf(finds) + half, law.cdf(finds) - half))
    expected = dict(zip("ABC", false_discovery_control(plain), strict=True))
    assert {name: row["outcome_test"] for name, row in by_group(table).items()} == pytest.approx(
        expected
    )
