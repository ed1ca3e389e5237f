"""What an officer reads about one group of features, from the values of one row alone.

Four states of knowledge are told apart, because they call for different things: *not declared*
(nothing to look up), *not seen before*, *never examined*, and *examined and nothing found*.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue, Feature
from features.history import aboard
from features.history.links import LinkRole, link_role
from features.history.statistics import NEVER_DAYS

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FEW_EXAMINATIONS = 20
"""Below this a category's find rate is mostly the kind's own, and the sentence says so."""

UNITS = {
    "currency": "in the invoice's currency",
    "currency/kg": "a kg, in the invoice's currency",
}
"""Units that need words."""

Values = Mapping[str, float]


def sentence(catalogue: Catalogue, group: str, row: NDArray[np.float64]) -> str:
    """One sentence on the group, without a full stop.

    Args:
        group: one of ``catalogue.groups``.
        row: float64[F].

    Raises:
        KeyError: the catalogue has no such group.
    """
    places = [i for i, feature in enumerate(catalogue.features) if feature.group == group]
    if not places:
        raise KeyError(f"catalogue {catalogue.kind} has no group {group!r}")
    found = [(catalogue.features[i], float(row[i])) for i in places]
    declared = [(feature, value) for feature, value in found if feature.source == "declared"]
    phrases = [_declared(group, declared)] if declared else []
    by_role: dict[str, dict[str, float]] = {}
    for feature, value in found:
        if feature.source == "history":
            role, _, statistic = feature.name.rpartition(".")
            by_role.setdefault(role, {})[statistic] = value
    links = link_role(catalogue.kind)
    phrases += [
        f"{group}{_of_links(links, values)}"
        if role == links.name
        else f"{group}: {_history(role, values)}"
        for role, values in by_role.items()
    ]
    return "; ".join(phrases)


def _history(role: str, values: Values) -> str:
    if role == aboard.ROLE:
        return _of_consignments(values)
    if any(math.isnan(value) for value in values.values()):
        return "not declared"
    if "movements_730d" in values and "movements" not in values:
        return _of_category(values)
    if "finds" in values:
        return _of_entity(values)
    return _of_pair(values)


def _of_entity(values: Values) -> str:
    movements, examinations = round(values["movements"]), round(values["examinations"])
    if movements == 0:
        return "not seen before"
    if examinations == 0:
        return f"never examined in {_count(movements, 'movement')}"
    return _examined(values)


def _of_consignments(values: Values) -> str:
    known = values["consignments"]
    if not known > 0:  # NaN too
        return "none known"
    named = values["organisations"]
    if not named > 0:
        return f"{round(known):,} known, no organisation named"
    text = f"{round(known):,} known, of {_count(round(named), 'organisation')}"
    if values["examinations"] == 0:
        return f"{text}; never examined"
    if values["never_examined"] > 0:
        text = f"{text}, {round(values['never_examined']):,} of them never examined"
    return f"{text}; {_examined(values)}"


def _examined(values: Values) -> str:
    """What at least one examination found."""
    examinations, finds = round(values["examinations"]), round(values["finds"])
    if finds == 0:
        times = {1: "once", 2: "twice"}.get(examinations, f"{examinations:,} times")
        last = _ago(values["days_since_last_examination"])
        return f"examined {times}, nothing found, last examined {last}"
    last = _ago(values["days_since_last_find"])
    found = f"{_count(finds, 'find')} in {_count(examinations, 'examination')}"
    return f"{found}, the last find {last}" if finds > 1 else f"{found}, {last}"


def _of_category(values: Values) -> str:
    examinations, rate = round(values["examinations"]), _percent(values["find_rate"])
    if values["movements_730d"] == 0.0:
        return "not seen before"
    if examinations == 0:
        return "never examined"
    if examinations < FEW_EXAMINATIONS:
        return f"too few past examinations to tell (n = {examinations}), taken as {rate}"
    return f"about {rate} of past examinations found something (n = {examinations:,})"


def _of_pair(values: Values) -> str:
    movements = round(values["movements"])
    if movements == 0:
        return "not seen together before"
    last = _ago(values["days_since_last_movement"])
    if movements == 1:
        return f"seen together once, {last}"
    return f"seen together in {movements:,} movements, the last {last}"


def _of_links(links: LinkRole, values: Values) -> str:
    if any(math.isnan(value) for value in values.values()):
        return f": {links.organisation.label} not declared"
    ties, caught, finds = (
        round(values[name]) for name in ("ties", "organisations_with_finds", "finds")
    )
    if ties == 0:
        found = "no ties known"
    elif caught == 0 and ties == 1:
        found = "the one tie is to one without a find"
    elif caught == 0:
        found = f"none of {ties:,} ties is to one with a find"
    else:
        last = _ago(values["days_since_last_find"])
        age = f"the last {last}" if finds > 1 else last
        found = f"{_count(finds, 'find')} on {caught:,} of them, {age}"
    beyond = round(values.get("organisations_with_finds_at_two_steps", 0.0))
    if beyond > 0:
        last = _ago(values["days_since_last_find_at_two_steps"])
        found += f"; {beyond:,} with a find tied with those, the last {last}"
    return f" by a shared {links.shared}: {found}"


def _declared(group: str, found: list[tuple[Feature, float]]) -> str:
    given = [(feature, value) for feature, value in found if not math.isnan(value)]
    if not given:
        return f"{group}: not declared"
    values = {feature.name: value for feature, value in given}
    whole = next((WHOLE[name](values) for name in values if name in WHOLE), None)
    if whole is not None:
        return whole
    return f"{group}: " + ", ".join(_plain(feature, value) for feature, value in given)


def _plain(feature: Feature, value: float) -> str:
    if feature.dtype == "switch":
        return "yes" if value else "no"
    if feature.unit == "year":
        return f"{value:.0f}"
    if feature.unit in {"n", "as mapped", "ratio"}:
        return _number(value)
    if feature.unit == "h":
        return _hours(value)
    return f"{_number(value)} {UNITS.get(feature.unit, feature.unit)}"


def _gross_mass(values: Values) -> str:
    steps = {1: "10", 2: "100", 3: "1,000"}
    step = steps.get(round(values.get("mass_roundness", 0.0)))
    text = f"gross mass: {_number(values['gross_mass_kg'])} kg"
    return text if step is None else f"{text}, a multiple of {step} kg"


def _lead(hours: float, verb: str, event: str) -> str:
    return f"{verb} {_hours(abs(hours))} {'after' if hours < 0 else 'before'} {event}"


def _moment(group: str, values: Values, night: str) -> str:
    minutes = int(values[f"{group}_hour"] * 60)
    day = WEEKDAYS[round(values[f"{group}_weekday"])]
    text = f"{group}: {day} {minutes // 60:02}:{minutes % 60:02} UTC"
    return f"{text}, at night" if values[night] else text


def _failed_checks(values: Values) -> str:
    failed = round(values["failed_checks"])
    return "failed checks: none" if failed == 0 else f"failed checks: {failed}"


WHOLE: Mapping[str, Callable[[Values], str]] = {
    "gross_mass_kg": _gross_mass,
    "booking_lead_hours": lambda v: _lead(v["booking_lead_hours"], "booked", "departure"),
    "notice_hours": lambda v: _lead(v["notice_hours"], "declared", "arrival"),
    "departure_hour": lambda v: _moment("departure", v, "departs_at_night"),
    "arrival_hour": lambda v: _moment("arrival", v, "arrives_at_night"),
    "net_to_gross": lambda v: f"net mass is {_percent(v['net_to_gross'])} of gross mass",
    "failed_checks": _failed_checks,
}
"""Groups whose sentence is more than value and unit, by one of their features."""


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _number(value: float) -> str:
    """
    >>> _number(1200.0), _number(3.14159), _number(0.00123), _number(-0.5)
    ('1,200', '3.14', '0.00123', '-0.5')
    """
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.1e}"


def _percent(share: float) -> str:
    """
    >>> _percent(0.034), _percent(0.004), _percent(1.0)
    ('3 %', '0.4 %', '100 %')
    """
    percent = 100 * share
    return f"{percent:.1f} %" if percent < 1 else f"{percent:.0f} %"


def _hours(hours: float) -> str:
    """
    >>> _hours(0.5), _hours(1.0), _hours(3.2), _hours(72.0)
    ('30 minutes', '1 hour', '3 hours', '3 days')
    """
    if 0 < abs(hours) < 0.99:
        return _count(round(hours * 60), "minute")
    if abs(hours) < 48:
        return _count(round(hours), "hour")
    return _count(round(hours / 24), "day")


def _ago(days: float) -> str:
    """
    >>> _ago(0.02), _ago(0.5), _ago(12.3), _ago(400.0), _ago(3650.0)
    ('less than an hour ago', '12 hours ago', '12 days ago', '13 months ago', 'over 10 years ago')
    """
    if days >= NEVER_DAYS:
        return "over 10 years ago"
    if days * 24 < 1:
        return "less than an hour ago"
    if days < 2:
        return f"{_count(round(days * 24), 'hour')} ago"
    if days < 90:
        return f"{_count(round(days), 'day')} ago"
    if days < 730:
        return f"{_count(round(days / 30.44), 'month')} ago"
    return f"{_count(round(days / 365.25), 'year')} ago"
