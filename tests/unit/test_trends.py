"""What is new, rising or falling: worked by hand, and against plain counting."""

import itertools
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from monitoring.statistics.trends import (
    FEWEST_FINDS,
    FEWEST_MOVEMENTS,
    Windows,
    alarming,
    changing,
    trends,
)
from monitoring.tactics import (
    ATTRIBUTES,
    WITH_CONCEALMENT,
    combinations,
    movements_and_results,
)

WINDOWS = Windows(before=100, start=200, end=300)
LONG_AGO, BEFORE, NOW = 50, 150, 250
Row = tuple[int, str | None, str | None, float, str | None]
"""When, route, goods, label, threat."""


def framed(rows: Sequence[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["available_at", "route", "goods", "label", "threat"])
    categories = dict.fromkeys(("route", "goods", "threat"), "category")
    frame = frame.assign(case=np.arange(len(frame)))
    return frame.astype({"available_at": "int64", "label": "float64", **categories})


def times(count: int, *row: Any) -> list[Row]:
    return [row] * count


def by_value(table: pd.DataFrame) -> dict[str, Any]:
    return {f"{row['what']}: {row['value']}": row for row in table.to_dict("records")}


SINGLE = (("route",), ("goods",))


def test_looking_more_is_not_taken_for_more_smuggling() -> None:
    rows = times(10, BEFORE, "R1", None, 1.0, None) + times(90, BEFORE, "R1", None, 0.0, None)
    rows += times(40, NOW, "R1", None, 1.0, None) + times(360, NOW, "R1", None, 0.0, None)
    rows += times(900, BEFORE, "R1", None, np.nan, None) + times(600, NOW, "R1", None, np.nan, None)
    row = by_value(trends(framed(rows), WINDOWS, SINGLE))["route: R1"]
    assert (row["finds"], row["finds_before"]) == (40, 10)  # four times as many
    assert (row["examination_rate"], row["examination_rate_before"]) == (0.4, 0.1)
    assert row["find_rate"] == row["find_rate_before"] == 0.1
    assert row["among_finds"] == "not told apart"


def test_more_finds_per_examination_are_a_rise_and_fewer_a_fall() -> None:
    rows = times(5, BEFORE, "R1", None, 1.0, None) + times(95, BEFORE, "R1", None, 0.0, None)
    rows += times(30, NOW, "R1", None, 1.0, None) + times(70, NOW, "R1", None, 0.0, None)
    rows += times(30, BEFORE, "R2", None, 1.0, None) + times(70, BEFORE, "R2", None, 0.0, None)
    rows += times(5, NOW, "R2", None, 1.0, None) + times(95, NOW, "R2", None, 0.0, None)
    table = trends(framed(rows), WINDOWS, SINGLE)
    assert {k: row["among_finds"] for k, row in by_value(table).items()} == {
        "route: R1": "rising",
        "route: R2": "falling",
    }
    assert len(changing(table, "finds")) == 2
    assert changing(table, "movements").empty


@pytest.mark.parametrize(
    ("found_out", "others", "alarms"),
    [
        (10, 80, 1),  # of 90 companies, beside none of 90: by chance in 0.5 * (1/2)^10
        (3, 80, 0),  # beside none of 90 that may well be luck, whatever they brought
        (3, 2, 1),
        (2, 2, 0),  # surely no luck, but too few to be a tactic
        (1, 0, 0),
    ],
)
def test_a_tactic_is_that_of_several_companies(found_out: int, others: int, alarms: int) -> None:
    rows = times(90, BEFORE, "R1", None, 0.0, None) + times(80, NOW, "R1", None, 0.0, None)
    rows += times(10, NOW, "R1", None, 1.0, None)
    of_each = [*range(90), *(100 + at % max(others, 1) for at in range(80))]
    of_each += [200 + at % found_out for at in range(10)]
    if not others:
        of_each[90:170] = [200] * 80
    table = trends(framed(rows).assign(case=of_each), WINDOWS, SINGLE)
    row = by_value(table)["route: R1"]
    assert (row["finds"], row["cases"], row["cases_before"]) == (10, found_out, 0)
    assert (row["cases_examined"], row["cases_examined_before"]) == (found_out + others, 90)
    assert row["among_finds"] == "new"  # ten lorries beside none are shown, alarm or not
    assert len(alarming(table)) == alarms


def test_new_is_what_was_never_found_before_not_only_not_lately() -> None:
    rows = times(200, BEFORE, "R1", None, 0.0, None) + times(200, BEFORE, "R2", None, 0.0, None)
    rows += times(1, LONG_AGO, "R2", None, 1.0, None)
    for route in ("R1", "R2"):
        rows += times(10, NOW, route, None, 1.0, None) + times(90, NOW, route, None, 0.0, None)
    found = by_value(trends(framed(rows), WINDOWS, SINGLE))
    assert (found["route: R1"]["among_finds"], found["route: R1"]["first_found"]) == ("new", True)
    assert found["route: R2"]["among_finds"] == "rising"
    assert not found["route: R2"]["first_found"]


def test_what_nobody_examined_before_is_held_against_all_examinations_before() -> None:
    rows = times(20, BEFORE, "R1", None, 1.0, None) + times(180, BEFORE, "R1", None, 0.0, None)
    rows += times(12, NOW, "R2", None, 1.0, None) + times(8, NOW, "R2", None, 0.0, None)
    rows += times(2, NOW, "R3", None, 1.0, None) + times(18, NOW, "R3", None, 0.0, None)
    rows += times(1, NOW, "R3", None, 1.0, None)
    frame = framed(rows)
    frame.loc[:19, "case"] %= 2  # the finds of before are those of two companies
    found = by_value(trends(frame, WINDOWS, SINGLE))
    assert found["route: R2"]["among_finds"] == "new"
    assert found["route: R2"]["cases_p"] == pytest.approx(plain_chance_of_more(12, 20, 2, 182))
    assert found["route: R3"]["first_found"]
    assert found["route: R3"]["among_finds"] == "not told apart"  # as often as anywhere


def test_a_threat_is_counted_against_the_examinations_of_the_rest_of_its_combination() -> None:
    rows = times(100, BEFORE, "R1", "24", 0.0, None) + times(80, NOW, "R1", "24", 0.0, None)
    rows += times(20, NOW, "R1", "24", 1.0, "cash") + times(50, NOW, "R1", "24", np.nan, None)
    found = by_value(trends(framed(rows), WINDOWS, (("route", "goods"),)))
    row = found["route and goods and threat: R1 + 24 + cash"]
    assert (row["movements"], row["examined"], row["finds"]) == (150, 100, 20)
    assert row["among_finds"] == "new"
    assert pd.isna(row["among_movements"])
    assert found["threat: cash"]["examined_before"] == 100


def test_threats_that_were_not_named_before_are_not_new_now() -> None:
    rows = times(20, BEFORE, "R1", None, 1.0, None) + times(80, BEFORE, "R1", None, 0.0, None)
    rows += times(20, NOW, "R1", None, 1.0, "cash") + times(80, NOW, "R1", None, 0.0, None)
    assert set(by_value(trends(framed(rows), WINDOWS, SINGLE))) == {"route: R1"}
    named = [
        (at, route, goods, label, "cash" if label == 1.0 else None)
        for at, route, goods, label, _ in rows
    ]
    assert "threat: cash" in by_value(trends(framed(named), WINDOWS, SINGLE))


def found_out(when: int, count: int, concealment: str | None, goods: str = "24") -> pd.DataFrame:
    """So many finds of cash on R1."""
    frame = framed(times(count, when, "R1", goods, 1.0, "cash"))
    return frame.assign(concealment=concealment)


def passed(when: int, count: int) -> pd.DataFrame:
    return framed(times(count, when, "R1", "24", 0.0, None)).assign(concealment=None)


def together(*parts: pd.DataFrame) -> pd.DataFrame:
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(case=np.arange(len(frame)))


BY_CONCEALMENT = ((), ("threat",), ("route",), ("route", "threat"))


def test_a_concealment_is_counted_against_the_examinations_of_what_no_find_says() -> None:
    frame = together(
        passed(BEFORE, 90), found_out(BEFORE, 10, "cover load"), passed(NOW, 60),
        found_out(NOW, 5, "cover load"), found_out(NOW, 15, "tank"),
        framed(times(50, NOW, "R2", "24", 0.0, None)).assign(concealment=None),
    )  # fmt: skip
    found = by_value(trends(frame, WINDOWS, SINGLE, BY_CONCEALMENT))
    for name, examined in (
        ("concealment: tank", 130),
        ("threat and concealment: cash + tank", 130),
        ("route and concealment: R1 + tank", 80),
        ("route and threat and concealment: R1 + cash + tank", 80),
    ):
        row = found[name]
        assert (row["examined"], row["examined_before"]) == (examined, 100)
        assert (row["finds"], row["finds_before"], row["among_finds"]) == (15, 0, "new")
        assert pd.isna(row["among_movements"])
    assert found["concealment: cover load"]["among_finds"] == "not told apart"
    assert not any("goods and concealment" in name for name in found), "nobody asked"
    assert not any("concealment" in name for name in by_value(trends(frame, WINDOWS, SINGLE)))


@pytest.mark.parametrize(("said", "compared"), [(10, True), (9, False)])
def test_concealments_are_compared_where_half_of_the_finds_before_say_theirs(
    said: int, compared: bool
) -> None:
    frame = together(
        passed(BEFORE, 80), found_out(BEFORE, said, "tank"), found_out(BEFORE, 20 - said, None),
        passed(NOW, 80), found_out(NOW, 20, "tank"),
    )  # fmt: skip
    found = by_value(trends(frame, WINDOWS, SINGLE, BY_CONCEALMENT))
    assert ("concealment: tank" in found) == compared
    assert "threat: cash" in found, "one does not wait for the other"
    # the threats were not said before: what needs both is not compared either
    silent = frame.assign(threat=frame["threat"].where(frame["available_at"] == NOW))
    left = by_value(trends(silent, WINDOWS, SINGLE, BY_CONCEALMENT))
    assert ("concealment: tank" in left) == compared
    assert not any("threat" in name for name in left)


def test_among_movements_a_share_counts_and_a_small_change_is_not_named() -> None:
    rows = times(1_000, BEFORE, "R1", None, np.nan, None) + times(
        100, BEFORE, "R2", None, np.nan, None
    )
    rows += times(10_000, NOW, "R1", None, np.nan, None) + times(900, NOW, "R2", None, np.nan, None)
    rows += times(400, NOW, "R3", None, np.nan, None)
    found = by_value(trends(framed(rows), WINDOWS, SINGLE))
    assert found["route: R2"]["share_change"] == pytest.approx(900 / 11_300 / (100 / 1_100))
    assert found["route: R2"]["among_movements"] == "not told apart"
    assert found["route: R3"]["among_movements"] == "new"
    assert math.isinf(found["route: R3"]["share_change"])
    assert pd.isna(found["route: R3"]["among_finds"])


def test_nothing_at_all_has_no_trend() -> None:
    assert trends(framed([]), WINDOWS, SINGLE).empty
    only_before = framed(times(50, BEFORE, "R1", None, 0.0, None))
    assert trends(only_before, WINDOWS, SINGLE).empty


def plain_p_value(hits: int, of: int, other: int, other_of: int) -> float:
    """Two-sided mid-p over all tables with these margins."""
    higher = plain_chance_of_more(hits, of, other, other_of)
    return min(1.0, 2 * min(higher, 1 - higher))


def plain_chance_of_more(hits: int, of: int, other: int, other_of: int) -> float:
    total = hits + other
    ways = [math.comb(of, k) * math.comb(other_of, total - k) for k in range(total + 1)]
    return (sum(ways[hits + 1 :]) + ways[hits] / 2) / sum(ways)


row_drawn = st.tuples(
    st.sampled_from([LONG_AGO, 100, BEFORE, 199, 200, NOW, 299, 300]),
    st.sampled_from(["R1", "R2", None]),
    st.sampled_from(["24", "87"]),
    st.sampled_from([0.0, 1.0, np.nan]),
    st.just(None),
)


@given(st.lists(row_drawn, max_size=150))
def test_counts_and_tests_are_those_of_plain_counting(rows: list[Row]) -> None:
    table = trends(framed(rows), WINDOWS, (("route", "goods"),))
    found = by_value(table)
    now = [row for row in rows if 200 <= row[0] < 300]
    before = [row for row in rows if 100 <= row[0] < 200]
    expected: dict[str, float] = {}
    for route, goods in itertools.product(("R1", "R2"), ("24", "87")):
        mine, then = ([r for r in part if r[1:3] == (route, goods)] for part in (now, before))
        examined, past = ([r[3] for r in part if r[3] == r[3]] for part in (mine, then))
        name = f"route and goods: {route} + {goods}"
        if name in found:
            row = found[name]
            assert (row["movements"], row["movements_before"]) == (len(mine), len(then))
            assert (row["examined"], row["finds"]) == (len(examined), sum(examined))
        base = past or [r[3] for r in before if r[3] == r[3]]
        if sum(examined) + sum(past) >= FEWEST_FINDS and examined and base:
            expected[name] = plain_p_value(
                int(sum(examined)), len(examined), int(sum(base)), len(base)
            )
        if len(mine) + len(then) >= FEWEST_MOVEMENTS and now and before:
            assert isinstance(found[name]["among_movements"], str)
    tested = {
        name: row["finds_p"] for name, row in found.items() if row["finds_p"] == row["finds_p"]
    }
    assert tested.keys() == expected.keys()
    if expected:
        adjusted = false_discovery_control(list(expected.values()))
        assert [tested[name] for name in expected] == pytest.approx(list(adjusted), abs=1e-9)


@given(st.lists(st.tuples(row_drawn, st.integers(0, 6)), max_size=150))
def test_companies_are_those_of_plain_counting(rows: list[tuple[Row, int]]) -> None:
    frame = framed([row for row, _ in rows]).assign(case=[case for _, case in rows])
    tested = trends(frame.astype({"case": "int64"}), WINDOWS, (("goods",),))
    for row in tested[tested["among_finds"].notna()].to_dict("records"):
        mine = [drawn for drawn in rows if drawn[0][2] == row["value"]]
        now = found_of_examined(mine, 200, 300)
        before = found_of_examined(mine, 100, 200)
        assert (row["cases"], row["cases_examined"]) == now
        assert (row["cases_before"], row["cases_examined_before"]) == before
        base = before if before[1] else found_of_examined(rows, 100, 200)
        if base[1]:
            assert row["cases_p"] == pytest.approx(plain_chance_of_more(*now, *base), abs=1e-9)


def found_of_examined(rows: list[tuple[Row, int]], start: int, end: int) -> tuple[int, int]:
    within = [(row[3], case) for row, case in rows if start <= row[0] < end and row[3] == row[3]]
    return len({case for label, case in within if label}), len({case for _, case in within})


def test_chance_alone_names_few() -> None:
    """Simulated: 60 borders that do not change; at 5 % false discoveries few name anything."""
    rng, named = np.random.default_rng(3), 0
    for _ in range(60):
        n = 3_000
        frame = pd.DataFrame(
            {
                "available_at": rng.integers(100, 300, n),
                "route": pd.Categorical(rng.choice(["A", "B", "C", "D"], n)),
                "goods": pd.Categorical(rng.choice(list("12345678"), n)),
                "label": np.where(rng.random(n) < 0.2, rng.random(n) < 0.15, np.nan),
                "threat": pd.Categorical([None] * n),
                "case": np.arange(n),
            }
        )
        named += len(changing(trends(frame, WINDOWS, (*SINGLE, ("route", "goods"))), "finds")) > 0
    assert named <= 7


def test_the_frame_is_made_from_what_was_declared_and_found() -> None:
    payloads = [
        SimpleNamespace(
            fields={"route_id": "FRCQF", "commodity_code": "2402200000"},
            entities={"haulier_eori": "organisation:1", "consignee_eori": "organisation:2"},
        ),
        SimpleNamespace(fields={}, entities={}),
        SimpleNamespace(
            fields={"route_id": "FRCQF"}, entities={"consignee_eori": "organisation:2"}
        ),
    ]
    movements = pd.DataFrame(
        {"movement": ["a", "b", "c"], "available_at": [1, 2, 3], "payload": payloads}
    )
    outcomes = pd.DataFrame(
        {
            "kind": ["vehicle", "vehicle", "vessel"],
            "movement": ["a", "b", "c"],
            "outcome": ["positive", "no_show", "positive"],
            "threat": pd.Series(["tobacco_alcohol", None, "cash"], dtype=object),
            "concealment": pd.Series(["cover_load", None, "tank"], dtype=object),
        }
    )
    frame = movements_and_results(movements, outcomes, "vehicle")
    assert frame["goods"].astype(object).where(frame["goods"].notna(), None).tolist() == [
        *("24", None, None)
    ]
    assert frame["label"].fillna(-1).tolist() == [1.0, -1.0, -1.0]
    assert frame["threat"].astype(object).tolist()[0] == "tobacco alcohol"
    assert frame["threat"].isna().tolist() == [False, True, True]
    assert frame["concealment"].astype(object).tolist()[0] == "cover load"
    assert frame["concealment"].isna().tolist() == [False, True, True]
    assert frame["case"].tolist() == [0, 1, 0]  # of one consignee, and of nobody known
    columns = {"available_at", "label", "threat", "concealment", "case"}
    assert set(frame) == {*columns, *ATTRIBUTES["vehicle"]}


@pytest.mark.parametrize("kind", ["vehicle", "vessel", "shipment"])
def test_pairs_are_of_attributes_that_there_are(kind: str) -> None:
    assert {name for names in combinations(kind) for name in names} == set(ATTRIBUTES[kind])
    beside = {name for names in WITH_CONCEALMENT[kind] for name in names}
    assert beside <= {*ATTRIBUTES[kind], "threat"}
    assert () in WITH_CONCEALMENT[kind], "by itself too"
