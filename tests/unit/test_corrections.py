"""Which cells of a published month come out differently when it is issued again."""

from io import StringIO

import numpy as np
import pandas as pd

from monitoring.statistics.corrections import changed_figures

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
