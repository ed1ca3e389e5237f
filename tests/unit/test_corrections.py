"""What a correction changes: in the outcomes, and in the figures of months that were published."""

from io import StringIO

import numpy as np
import pandas as pd

from monitoring.periods import parse_period
from monitoring.statistics.corrections import TAKEN_BACK, changed_figures, corrected_outcomes

MARCH, APRIL = parse_period("2026-03"), parse_period("2026-04")


def outcomes(**standing: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "movement": list(standing),
            "kind": "vehicle",
            "outcome": list(standing.values()),
            "available_at": np.arange(len(standing)) + APRIL.start,
        }
    )


MOVEMENTS = pd.DataFrame(
    {
        "movement": ["a", "b", "c", "d"],
        "available_at": [MARCH.start, MARCH.start, APRIL.start, MARCH.start],
    }
)


def test_a_correction_is_told_from_a_late_result_and_belongs_to_the_movements_month() -> None:
    then = outcomes(a="positive", b="positive", c="negative", gone="positive")
    now = outcomes(a="positive", b="negative", d="positive")
    found = corrected_outcomes(then, now, MOVEMENTS)
    assert found[["movement", "month", "published", "now"]].to_numpy().tolist() == [
        ["b", "2026-03", "positive", "negative"],
        ["c", "2026-04", "negative", TAKEN_BACK],
    ]
    assert found["changed_at"].tolist()[0] == APRIL.start + 1
    assert np.isnan(found["changed_at"].tolist()[1])


def test_nothing_changed_is_an_empty_list() -> None:
    same = outcomes(a="positive")
    assert corrected_outcomes(same, same, MOVEMENTS).empty


RATES = pd.DataFrame(
    {
        "band": ["high", "low"],
        "finds": [12.0, np.nan],
        "find_rate": [12 / 37, np.nan],
        "live": [True, False],
    }
)


def test_a_table_read_back_from_its_file_has_not_changed() -> None:
    read_back = pd.read_csv(StringIO(RATES.to_csv(index=False)))
    assert changed_figures({"rates": read_back}, {"rates": RATES}).empty


def test_each_changed_cell_is_listed_with_both_values() -> None:
    now = RATES.assign(finds=[11.0, np.nan], find_rate=[11 / 37, 0.2])
    found = changed_figures({"rates": RATES, "same": RATES}, {"rates": now, "same": RATES})
    assert found[["table", "row", "column"]].to_numpy().tolist() == [
        ["rates", "high", "finds"],
        ["rates", "high", "find_rate"],
        ["rates", "low", "find_rate"],
    ]
    assert found["published"].iloc[0] == 12.0
    assert pd.isna(found["published"].iloc[2])
    assert found["now"].tolist() == [11.0, 11 / 37, 0.2]


def test_rows_and_tables_that_come_or_go_are_listed() -> None:
    fewer = changed_figures({"rates": RATES}, {"rates": RATES[:1]})
    assert set(fewer["row"]) == {"low"}
    assert fewer["now"].isna().all()
    new = changed_figures({}, {"rates": RATES})
    assert set(new["table"]) == {"rates"}
    assert new["published"].isna().all()


def test_rows_of_one_name_are_numbered() -> None:
    twice = pd.DataFrame({"group": ["FR", "FR"], "n": [1, 2]})
    found = changed_figures({"t": twice}, {"t": twice.assign(n=[1, 3])})
    assert found["row"].tolist() == ["FR (2)"]
