"""Colours per area and decisions sought, from made-up signals."""

import numpy as np

from monitoring.overview import Shown, areas, decisions_sought, rules_table
from monitoring.signals import AREAS, Colour, Signal


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
