"""Rules as points: what a targeting desk without a model would use, and can read in one minute.

Which rules there are is fixed, from published indicators of risk; how many points each is worth is
fitted, so that the model is compared with the best such table and not with a poor one. Ten points
double the odds of a find. A rule never takes points away: an indicator of risk is not an excuse.

References:
    World Customs Organization (2012), "Customs Risk Management Compendium", volume 1, annex on
    risk indicators: new parties, late or amended bookings, vague descriptions, missing seals.
    Paris MoU on Port State Control, "Ship risk profile": age, flag, the company's past results,
    added up as points.
    US Departments of State and the Treasury and US Coast Guard (2020), "Sanctions advisory for the
    maritime industry": AIS silence, meetings at sea, changes of flag and identity.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.baselines import Rows

Floats = NDArray[np.float64]
Test = Literal["at least", "below"]

DOUBLES_THE_ODDS = 10
"""Points."""
_TESTS: Mapping[Test, Callable[[Floats, float], NDArray[np.bool_]]] = {
    "at least": operator.ge,
    "below": operator.lt,
}
_MOST_LIKELY_NOTHING = 1.0
"""Strength of the pull towards no points (C of the regression)."""


class Indicator(NamedTuple):
    """A condition on one feature; what was not declared never meets it."""

    feature: str
    test: Test
    value: float
    sentence: str


class PointsRule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table of points."""

    sentence: str
    points: int
    rows: int
    """Fitted rows that meet it."""
    finds: int
    """Among them."""


def _found_before(role: str, label: str) -> Indicator:
    return Indicator(f"{role}.finds", "at least", 1.0, f"something was found on the {label} before")


def _new(role: str, label: str) -> Indicator:
    return Indicator(f"{role}.movements", "below", 5.0, f"{label} with fewer than 5 movements")


_PAPERS = (
    Indicator("seal_missing", "at least", 1.0, "no seal where one is expected"),
    Indicator("vague_description", "at least", 1.0, "goods described vaguely"),
    Indicator("unregistered_parties", "at least", 1.0, "a party without a registration number"),
)
_CHECKS = (
    Indicator("failed_checks", "at least", 1.0, "a check digit or similar rule failed"),
    Indicator("blank_fields", "at least", 3.0, "3 or more fields left blank"),
)
_NEW_TRADE = Indicator(
    "consignor_with_consignee.movements", "below", 1.0, "first trade of consignor with consignee"
)
_ABOARD = _found_before("carried", "organisations whose goods are on board")

INDICATORS: Mapping[str, tuple[Indicator, ...]] = {
    "vehicle": (
        _new("haulier", "haulier"),
        _new("consignor", "consignor"),
        Indicator("booking_lead_hours", "below", 24.0, "booked less than a day ahead"),
        Indicator("booking_amendments", "at least", 2.0, "booking amended twice or more"),
        Indicator("is_empty", "at least", 1.0, "declared empty"),
        Indicator("is_unaccompanied", "at least", 1.0, "unaccompanied"),
        Indicator("route_changed", "at least", 1.0, "route changed after booking"),
        Indicator("departs_at_night", "at least", 1.0, "departs at night"),
        *_PAPERS,
        *_CHECKS,
        _NEW_TRADE,
        _found_before("haulier", "haulier"),
        _found_before("vehicle", "vehicle"),
        _found_before("trailer", "trailer"),
        _found_before("consignor", "consignor"),
        _found_before("haulier_links", "organisations linked with the haulier"),
        _ABOARD,
    ),
    "vessel": (
        _new("operator", "operator"),
        Indicator("ais_gap_hours", "at least", 6.0, "6 hours or more of AIS silence"),
        Indicator("loitering_hours", "at least", 6.0, "6 hours or more of loitering"),
        Indicator("encounters", "at least", 1.0, "met another vessel at sea"),
        Indicator("flag_changes_24m", "at least", 1.0, "changed flag in 24 months"),
        Indicator("identity_changes", "at least", 1.0, "changed identity"),
        Indicator("speed_anomalies", "at least", 1.0, "moved at an impossible speed"),
        Indicator("mmsi_of_another_flag", "at least", 1.0, "MMSI of another flag"),
        Indicator("ais_destination_differs", "at least", 1.0, "AIS says another destination"),
        Indicator("vessel_age_years", "at least", 25.0, "25 years old or more"),
        Indicator("is_reported", "below", 1.0, "voyage not reported"),
        Indicator("notice_hours", "below", 24.0, "less than 24 hours of notice"),
        *_CHECKS,
        _found_before("imo", "ship"),
        _found_before("hull", "hull"),
        _found_before("operator", "operator"),
        _found_before("operator_links", "organisations linked with the operator"),
        _ABOARD,
    ),
    "shipment": (
        _new("consignor", "consignor"),
        _new("consignee", "consignee"),
        _new("declarant", "declarant"),
        Indicator("origin_differs", "at least", 1.0, "dispatched from another country than origin"),
        Indicator("amendment_count", "at least", 2.0, "amended twice or more"),
        Indicator("notice_hours", "below", 24.0, "less than 24 hours of notice"),
        *_PAPERS,
        *_CHECKS,
        _NEW_TRADE,
        _found_before("consignor", "consignor"),
        _found_before("consignee", "consignee"),
        _found_before("declarant", "declarant"),
        _found_before("container", "container"),
        _found_before("consignor_links", "organisations linked with the consignor"),
    ),
}


class RulesAsPoints:
    """The sum of the points of the rules that a movement meets."""

    name = "rules as points"

    def __init__(self, kind: str, names: Sequence[str]) -> None:
        """
        Args:
            names: of the columns; a rule about a feature that is not among them is left out.
        """
        at = {name: place for place, name in enumerate(names)}
        self._rules = [(at[rule.feature], rule) for rule in INDICATORS[kind] if rule.feature in at]
        self._points: Floats = np.zeros(len(self._rules))
        self.table: tuple[PointsRule, ...] = ()
        """The most points first; empty before ``fit``."""

    def fit(self, rows: Rows, labels: Floats) -> None:
        met = self._met(rows.matrix)
        if self._rules:
            model = LogisticRegression(C=_MOST_LIKELY_NOTHING, max_iter=1000).fit(met, labels)
            exact = np.maximum(model.coef_[0], 0.0) * DOUBLES_THE_ODDS / np.log(2.0)
            self._points = np.round(exact)
        table = [
            PointsRule(
                sentence=rule.sentence,
                points=int(points),
                rows=int(column.sum()),
                finds=int(column @ labels),
            )
            for (_, rule), points, column in zip(self._rules, self._points, met.T, strict=True)
        ]
        self.table = tuple(sorted(table, key=lambda item: -item.points))

    def scores(self, rows: Rows) -> Floats:
        return np.asarray(self._met(rows.matrix) @ self._points, dtype=np.float64)

    def _met(self, matrix: Floats) -> Floats:
        """float64[n, rules] of 0.0 and 1.0; NaN meets nothing."""
        met = np.zeros((len(matrix), len(self._rules)))
        for column, (at, rule) in enumerate(self._rules):
            met[:, column] = _TESTS[rule.test](matrix[:, at], rule.value)
        return met
