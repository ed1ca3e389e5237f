"""What the page says of what hides in a sum: slow changes, places, months, fields."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY
from features.ledger import Event, MovementDeclared, OutcomeRecorded, Payload, open_ledger
from features.timeline import load_timeline
from monitoring.leads import led_finds
from monitoring.page import Figure, Section
from monitoring.sections import drift, find_rate, quality, trends
from monitoring.statistics.places import finds_by_place
from monitoring.statistics.trends import Windows
from monitoring.tactics import trends_in, windows_of
from tests.months_frames import MAY, over_time_of, world
from tests.scored_frames import findings, scored_frame

DAY = MICROS_PER_DAY
ROWS = [("low", 0.1, "negative")] * 90 + [("low", 0.1, "positive")] * 10
CHANGES = pd.DataFrame(
    {
        "name": ["booking_lead_hours", "is_empty"],
        "what": ["hours booked before departure", "runs empty"],
        "weeks": [24, 24],
        "movements": [20_000, 20_000],
        "change": [-0.12, 0.04],
        "change_low": [-0.16, -0.02],
        "change_high": [-0.08, 0.10],
        "by_chance": [1e-4, 0.2],
    }
)
DRIFT = pd.DataFrame(
    {
        "name": ["score"], "what": ["score"], "source": ["score"], "psi": [0.01],
        "by_chance": [0.02], "change": ["little"], "movements": [100], "reference": [900],
    }
)  # fmt: skip


def figure(section: Section, name: str) -> Figure:
    return next(f for p in section.parts for f in p.figures if f.name == f"vehicle-{name}")


def about(**replaced: Any) -> Any:
    return findings("vehicle", scored_frame(ROWS), MAY, **replaced)


def test_what_changes_a_little_every_week_is_named() -> None:
    found = about(drift=DRIFT, over_time=over_time_of(world(1), gradual=CHANGES))
    shown = figure(drift.section([found], MAY), "gradual")
    assert "Over the last 24 weeks" in shown.says
    assert "most surely hours booked before departure:" in shown.says
    assert "runs empty" not in shown.says
    (signal,) = shown.signals
    assert (signal.colour, signal.value, signal.n) == ("amber", -0.12, 20_000)
    quiet = about(drift=DRIFT, over_time=over_time_of(world(1), gradual=CHANGES.iloc[1:]))
    shown = figure(drift.section([quiet], MAY), "gradual")
    assert "has not changed steadily" in shown.says
    assert shown.worry == "calm"


def led(place: str, when: int, finds: int, examined: int) -> pd.DataFrame:
    label = np.repeat([1.0, 0.0], [finds, examined - finds])
    return pd.DataFrame({"place": place, "examined_at": when, "label": label})


def test_a_place_that_stopped_finding_is_named_and_small_places_keep_their_numbers() -> None:
    results = [led("GBHUL", 1, 15, 30), led("GBHUL", 9, 0, 30)]
    results += [led("GBDVR", 1, 15, 30), led("GBDVR", 9, 14, 30), led("GBPME", 1, 4, 8)]
    found = about(places=finds_by_place(pd.concat([*results, led("GBPME", 9, 4, 8)]), 5))
    shown = figure(find_rate.section([found], MAY), "led-finds")
    assert "led to 60 examinations of vehicles" in shown.says  # 68 would tell the eight
    assert shown.signals[0].n == 60
    assert "most surely at GBHUL" in shown.says
    (signal,) = shown.signals
    assert (signal.name, signal.colour) == ("finds-missing-at-a-place", "red")
    rows = {row[0]: row for row in shown.table.rows}
    assert rows["GBHUL"][1] == "30"
    assert rows["GBPME"][1:] == ["under 10", "too few", "under 10", "too few", "too few"]


def test_fields_that_are_left_out_more_often_turn_a_light() -> None:
    missing = pd.DataFrame(
        {
            "field": ["booked at"], "name": ["booked_at"],
            "missing": [0.9], "missing_low": [0.88], "missing_high": [0.92],
            "missing_before": [0.1], "missing_before_low": [0.08], "missing_before_high": [0.12],
            "rose": [True],
        }
    )  # fmt: skip
    shown = figure(quality.section([about(missing=missing)], MAY), "missing")
    assert shown.signals[0][:4] == ("quality", "fields-missing", "vehicle", "amber")
    shown = figure(quality.section([about(missing=missing.assign(rose=False))], MAY), "missing")
    assert shown.signals[0].colour == "green"


def border_with_a_tactic() -> pd.DataFrame:
    """Five examinations a day for 300 days; one a week finds something on R9, in a tank, from day
    200 on."""
    at = np.repeat(np.arange(300), 5)
    new = (np.arange(1_500) % 35 == 0) & (at >= 200)
    return pd.DataFrame(
        {
            "available_at": at * DAY,
            **{
                name: pd.Categorical(["x"] * 1_500)
                for name in ("goods", "carriage", "ferry operator", "registered in")
            },
            "route": pd.Categorical(np.where(new, "R9", "R1")),
            "label": new.astype(np.float64),
            "threat": pd.Categorical([None] * 1_500),
            "concealment": pd.Categorical(["tank" if one else None for one in new]),
            "case": np.arange(1_500),
        }
    )


def test_what_is_found_once_a_week_shows_over_months_and_in_no_month() -> None:
    frame = border_with_a_tactic()
    period, stretch = windows_of(272 * DAY, 300 * DAY)
    tables = [trends_in(frame, "vehicle", windows) for windows in (period, stretch)]
    section = trends.section([about(trends=tables[0], trends_of_late=tables[1])], MAY)
    colours = [
        figure(section, name).signals[0].colour for name in ("trends-finds", "trends-finds-of-late")
    ]
    assert colours == ["green", "red"]
    shown = figure(section, "trends-finds-of-late")
    assert "Over the last 16 weeks" in shown.says
    named = {row[0] for row in shown.table.rows}
    assert {"route R9", "concealment tank", "route R9, concealment tank"} <= named


def test_in_a_young_ledger_nothing_is_new() -> None:
    frame = border_with_a_tactic()
    young = frame[frame["available_at"] >= 77 * DAY]
    # the stretch begins on day 188, and as much as its 112 days has to be known of before
    assert trends_in(young, "vehicle", Windows(-200 * DAY, 188 * DAY, 300 * DAY)).empty
    old = frame[frame["available_at"] >= 76 * DAY]
    assert len(trends_in(old, "vehicle", Windows(-200 * DAY, 188 * DAY, 300 * DAY)))


def event(name: str, payload: Payload, moment: int) -> Event:
    return Event(
        source="simulation",
        event_id=name,
        occurred_at=moment,
        payload=payload,
        available_at=moment,
    )


def test_leads_come_from_the_ledger_by_the_port_at_home(tmp_path: Path) -> None:
    start, end = MAY.end - 200 * DAY, MAY.end
    routes = ("FRCQF-GBDVR", "GBDVR-FRDKK")

    def events() -> Any:
        for number in range(40):
            moment = start + number * 5 * DAY
            declared = MovementDeclared(
                kind="vehicle",
                movement=f"v{number}",
                declared_at=moment,
                fields={"route_id": routes[number % 2]},
            )
            yield event(f"m{number}", declared, moment)
            outcome = OutcomeRecorded(
                kind="vehicle",
                movement=f"v{number}",
                examined_at=moment,
                outcome="positive" if moment < end - 112 * DAY else "negative",
                selection_reason="intelligence" if number % 4 else "random",
            )
            yield event(f"o{number}", outcome, moment + 1)

    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as ledger:
        ledger.backfill(events())
        timeline = load_timeline(ledger, available_before=end)
    found = led_finds(timeline, "vehicle", MAY)
    # every 5 days, the last 112 of 200 from day 88 on: numbers 18 to 39, five of them random
    counts = found.table.drop(columns="by_chance").to_dict("split")["data"]
    assert counts == [["GBDVR", 17, 0, 13, 13]]
