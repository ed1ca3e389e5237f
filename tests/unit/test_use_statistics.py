"""Who called what, and which bands led to which action, worked by hand."""

import numpy as np
import pandas as pd

from monitoring.statistics.use import actions, calls, unused

COLUMNS = ["kind", "band", "selected", "decided", "answers"]


def test_each_action_is_counted_in_its_band() -> None:
    answers = pd.DataFrame(
        [
            ("vehicle", "low", "none", "none", 900),
            ("vehicle", "low", "exploration", "referred", 12),
            ("vehicle", "low", "intelligence", "none", 3),
            ("vehicle", "low", "rule", "referred", 1),
            ("vehicle", "high", "risk", "referred", 30),
            ("vehicle", "high", "risk", "overridden", 5),
            ("vehicle", "unassessed", "cold_start", "none", 2),
        ],
        columns=COLUMNS,
    )
    table = actions(answers).set_index("band")
    assert table.index.tolist() == ["high", "low", "unassessed"]
    assert table["answers"].tolist() == [35, 916, 2]
    assert table["for_risk"].tolist() == [35, 0, 0]
    assert table["for_knowledge"].tolist() == [0, 4, 0]
    assert table["by_chance"].tolist() == [0, 12, 2]
    told = table[["referred", "released", "overridden", "undecided"]].to_numpy().tolist()
    assert told == [[30, 0, 5, 0], [13, 0, 0, 903], [0, 0, 0, 2]]


def test_a_few_decisions_are_kept_back_and_none_at_all_is_said() -> None:
    answers = pd.DataFrame(
        [("vessel", "high", "risk", "released", 9), ("vessel", "low", "none", "none", 4)],
        columns=COLUMNS,
    )
    few, none = actions(answers).to_dict("records")
    assert np.isnan(few["released"])
    assert np.isnan(few["undecided"])
    assert (none["released"], none["undecided"]) == (0, 4)


def test_calls_are_in_one_order_and_keep_their_counts() -> None:
    counts = {("b", "x", "score"): 2, ("a", "y", "proof"): 1}
    assert calls(counts).to_numpy().tolist() == [["a", "y", "proof", 1], ["b", "x", "score", 2]]
    assert calls({}).empty


def test_a_client_without_a_key_did_what_it_did() -> None:
    table = unused({}, {"port": ["score.write"]})
    assert table.iloc[0].tolist() == ["port", "", "score.write", ""]
