"""Published find rates and what corrected and late outcomes make of them, counted by hand."""

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from features.clock import MICROS_PER_DAY, Micros
from features.ledger import MovementDeclared, OutcomeRecorded, Payload, Recorded
from features.timeline import Timeline, timeline_of
from models.proportions import wilson_interval
from monitoring.periods import parse_period
from monitoring.publishing import Issue
from monitoring.restating import Restated, restated_in
from monitoring.sections.restated import section
from monitoring.statistics.restated import restated_rates

FEBRUARY, MARCH = parse_period("2026-02"), parse_period("2026-03")
PUBLISHED_AT = MARCH.start + 3 * MICROS_PER_DAY


def rates(**bands: tuple[int, float]) -> pd.DataFrame:
    rows = [(band, examined, finds) for band, (examined, finds) in bands.items()]
    return pd.DataFrame(rows, columns=["band", "examined", "finds"])


def changes(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["band", "was", "became"])


NONE = np.nan


def test_a_find_that_is_revoked_and_a_result_that_comes_late() -> None:
    found = restated_rates(
        rates(high=(40, 10.0), low=(100, 2.0), all=(140, 12.0)),
        changes(("high", 1.0, 0.0), ("high", 1.0, NONE), ("high", NONE, 1.0)),
    ).set_index("band")
    assert list(found.index) == ["high", "all"]
    high = found.loc["high"]
    assert (high["corrected"], high["late"]) == (2, 1)
    assert (high["examined_was"], high["examined"]) == (40, 40)  # one gone, one more
    assert (high["finds_was"], high["finds"]) == (10, 9)
    assert high["find_rate"] == 9 / 40
    assert (high["find_rate_low"], high["find_rate_high"]) == wilson_interval(9, 40)
    assert found.loc["all", "finds"] == 11


def test_what_was_too_few_to_show_stays_too_few() -> None:
    found = restated_rates(rates(high=(9, NONE), all=(9, NONE)), changes(("high", NONE, 1.0)))
    assert found["examined"].tolist() == [10, 10]
    assert found[["finds_was", "finds", "find_rate"]].isna().all(axis=None)
    fewer = restated_rates(rates(high=(10, 3.0)), changes(("high", 1.0, NONE)))
    assert (fewer["finds_was"][0], fewer["examined"][0]) == (3.0, 9)
    assert np.isnan(fewer["finds"][0])


def test_without_a_change_nothing_is_listed() -> None:
    assert restated_rates(rates(high=(40, 10.0)), changes()).empty


def known(position: int, available_at: Micros, payload: Payload) -> Recorded:
    return Recorded(
        position=position,
        source="file",
        event_id=str(position),
        occurred_at=available_at,
        available_at=available_at,
        backfill=True,
        payload=payload,
    )


def outcome(movement: str, what: str, message: str, corrects: str | None = None) -> OutcomeRecorded:
    return msgspec.convert(
        {
            "kind": "vehicle",
            "movement": movement,
            "examined_at": FEBRUARY.start,
            "outcome": what,
            "threat": "cash" if what == "positive" else None,
            "message": message,
            "corrects": corrects,
        },
        OutcomeRecorded,
    )


@pytest.fixture
def timeline() -> Timeline:
    """Of February: a find that is corrected in March, one that stands, a result that comes late;
    the last two movements were never scored live."""
    events: list[tuple[Micros, Payload]] = [
        (FEBRUARY.start + n, MovementDeclared(kind="vehicle", movement=name, declared_at=0))
        for n, name in enumerate(("corrected", "stands", "late", "unscored"))
    ]
    events += [
        (FEBRUARY.start + 10, outcome("corrected", "positive", "1")),
        (FEBRUARY.start + 11, outcome("stands", "positive", "2")),
        (FEBRUARY.start + 12, outcome("unscored", "positive", "3")),
        (PUBLISHED_AT + 1, outcome("corrected", "negative", "4", corrects="1")),
        (PUBLISHED_AT + 2, outcome("late", "negative", "5")),
        (PUBLISHED_AT + 3, outcome("unscored", "negative", "6", corrects="3")),
    ]
    told = [known(n, at, payload) for n, (at, payload) in enumerate(events, start=1)]
    return timeline_of(told, MARCH.end)


@pytest.fixture
def answers() -> pd.DataFrame:
    scored = ["corrected", "stands", "late"]
    return pd.DataFrame(
        {
            "kind": "vehicle",
            "movement": scored,
            "as_of": FEBRUARY.start,
            "available_at": FEBRUARY.start + 5,
            "probability": 0.9,
            "band": ["high", "high", "low"],
            "version": 1,
            "assessment": 1,
        }
    )


def publish(out: Path, number: int = 1) -> None:
    folder = out / "2026-02"
    (folder / "downloads").mkdir(parents=True)
    issue = Issue(
        period="2026-02", number=number, issued_at=0, as_of=PUBLISHED_AT, ledger_position=1
    )
    (folder / "issue.json").write_bytes(msgspec.json.encode(issue))
    csv = folder / "downloads" / "vehicle-find-rates.csv"
    rates(high=(20, 12.0), low=(30, 1.0), all=(50, 13.0)).to_csv(csv, index=False)


def test_the_next_report_lists_what_changed(
    timeline: Timeline, answers: pd.DataFrame, tmp_path: Path
) -> None:
    publish(tmp_path)
    found = restated_in(tmp_path, timeline, answers, MARCH)
    assert (found.periods, found.not_live) == (("2026-02",), 1)
    assert found.rates[["band", "corrected", "late", "examined", "finds"]].to_numpy().tolist() == [
        ["high", 1, 0, 20, 11.0],
        ["low", 0, 1, 31, 1.0],
        ["all", 1, 1, 51, 12.0],
    ]
    assert set(found.rates["period"]) == {"February 2026"}
    said = section(found)
    (figure,) = said.parts[0].figures
    assert figure.says.startswith("Since 1 earlier report, 1 outcome counted there changed")
    assert "Figures of February 2026 are not what was published" in figure.says
    assert [signal.colour for signal in figure.signals] == ["amber"]
    assert said.texts[0].startswith("Beside those, 1 outcome changed of movements that were scored")
    assert figure.table.rows[0][:4] == ["February 2026", "Vehicles", "high", "1"]


@pytest.mark.parametrize("before", [FEBRUARY, MARCH])
def test_only_what_is_published_and_earlier_is_compared(
    timeline: Timeline, answers: pd.DataFrame, tmp_path: Path, before: object
) -> None:
    publish(tmp_path, number=0 if before is MARCH else 1)
    found = restated_in(tmp_path, timeline, answers, MARCH if before is MARCH else FEBRUARY)
    assert found.periods == ()
    assert section(found).texts == ("No report before this one is published here.",)


def test_when_nothing_changed_it_says_so() -> None:
    (figure,) = section(Restated(("2026-02",), pd.DataFrame(), 0)).parts[0].figures
    assert figure.worry == "calm"
    assert figure.table.rows == []
