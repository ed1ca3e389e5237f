"""Colours per area and decisions sought, from made-up signals."""

import numpy as np
import pandas as pd

from monitoring.overview import (
    Asking,
    Shown,
    areas,
    asking,
    decisions_sought,
    rules_table,
    signals_shown,
)
from monitoring.page import Figure, Part, Report, Section, Worry
from monitoring.signals import AREAS, Colour, Signal
from monitoring.tables import Table


def shown(
    area: str, name: str, colour: Colour, kind: str | None = None, owner: str = "data owner"
) -> Shown:
    signal = Signal(area, name, kind, colour, 0.25, 40, "red from 0.2", owner, "look at it")
    return Shown(signal, "It moved.", "What moved", f"{kind or 'index'}.html#{name}")


def test_an_area_has_the_colour_of_its_worst_signal_and_names_those_that_set_it() -> None:
    drift = [shown("drift", name, "green") for name in ("b", "c")]
    drift += [shown("drift", "d", "amber", "vessel"), shown("drift", "e", "grey")]
    by_slug = {area.slug: area for area in areas([*drift, shown("groups", "f", "grey")])}
    assert list(by_slug) == list(AREAS)
    assert by_slug["drift"].colour == "amber"
    assert [one.signal.name for one in by_slug["drift"].set_by] == ["d"]
    assert by_slug["drift"].counts == "4 rules: 1 amber, 2 green, 1 grey."
    assert [one.signal.name for one in by_slug["drift"].signals] == ["d", "b", "c", "e"]
    assert by_slug["groups"].colour == "grey"
    assert (by_slug["served"].colour, by_slug["served"].signals) == ("grey", ())


def test_a_figure_that_asks_for_a_look_is_named_where_no_rule_of_its_own_does() -> None:
    def figure(name: str, worry: Worry, colour: Colour) -> Figure:
        table = Table(name, f"About {name}", (), pd.DataFrame())
        signals = (shown("drift", name, colour).signal,)
        return Figure("It moved.", worry, table, "Counted.", signals=signals)

    drift = Section(
        "drift",
        "Drift",
        (
            Part(None, (), (figure("a", "look", "green"), figure("b", "calm", "green"))),
            Part("Vessels", (), (figure("c", "look", "amber"), figure("d", "look", "grey"))),
        ),
    )
    report = Report("March", "", (drift,), None, "", "")
    by_slug = {area.slug: area for area in areas(signals_shown(report), asking(report))}
    assert by_slug["drift"].asking == (
        Asking("All kinds", "About a", "index.html#a"),
        Asking("Vessels", "About d", "vessel.html#d"),
    )
    assert by_slug["groups"].asking == ()


def test_decisions_are_sought_for_what_the_responsible_owner_answers_for_red_first() -> None:
    responsible = "senior responsible owner"
    asked = decisions_sought(
        [
            shown("groups", "a", "amber", "vehicle", responsible),
            shown("groups", "b", "red", "vessel", responsible),
            shown("groups", "c", "green", None, responsible),
            shown("drift", "d", "red"),
        ]
    )
    assert list(asked) == ["look at it"]
    assert [one.signal.name for one in asked["look at it"]] == ["b", "a"]


def test_the_rules_can_be_downloaded_with_what_set_each_colour() -> None:
    unknown = shown("drift", "d", "grey")
    unknown = unknown._replace(signal=unknown.signal._replace(value=np.nan))
    frame = rules_table([shown("drift", "c", "red", "vessel"), unknown]).frame
    first, second = frame.to_dict("records")
    told = tuple(first[key] for key in ("area", "kind", "colour", "figure"))
    assert told == ("Drift", "Vessels", "red", "vessel.html#c")
    assert second["value"] != second["value"]
    assert unknown.value == "too little to say"
