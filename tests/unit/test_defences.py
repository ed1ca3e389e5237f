"""What is left out and who was never seen, worked by hand on trees that are written by hand."""

from functools import cache

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.catalogue import Catalogue, catalogue_for
from features.records import KINDS
from models.bands import band_of
from models.booster import TreeModel
from models.calibration import Platt
from models.defences import Defences, DefendedModel, learn_defences
from tests.small_models import made_up_rows, small_parts
from tests.tree_texts import Split, model_text
from training.config import Trees
from training.fit import fit_trees

Floats = NDArray[np.float64]

ONE = catalogue_for("vehicle")
NAMES = ONE.names


def vehicle_row(**values: float) -> Floats:
    """Accompanied freight, laden, complete, of entities seen a hundred times."""
    row = np.full(len(NAMES), 100.0)
    chosen = {"is_unaccompanied": 0.0, "is_tourist": 0.0, "is_empty": 0.0, "failed_checks": 0.0}
    chosen |= {"blank_fields": 2.0, "unregistered_parties": 0.0, **values}
    for name, value in chosen.items():
        row[NAMES.index(name.replace("__", "."))] = value
    return row


def left_out(row: Floats, *fields: str) -> Floats:
    """As the row of the same record would be without the fields."""
    blank = row.copy()
    for at, feature in enumerate(ONE.features):
        if not set(feature.fields).isdisjoint(fields):
            blank[at] = np.nan
    blank[NAMES.index("blank_fields")] += len(fields)
    return blank


def defended(*trees: Split, defences: Defences | None = None) -> DefendedModel:
    usual = learn_defences(ONE, vehicle_row()[np.newaxis, :])
    return DefendedModel(TreeModel(model_text(NAMES, *trees)), defences or usual, ONE)


def margin(model: DefendedModel, row: Floats) -> float:
    return float(model.margins(row[np.newaxis, :])[0])


def test_a_field_that_was_left_out_is_the_worst_it_could_have_been() -> None:
    model = defended(
        Split("haulier.finds", 2.5, -0.5, 1.5),
        Split("haulier.movements", 50.0, 0.75, 0.25),
        Split("route.find_rate", 0.1, -0.125, 0.5),
    )
    row = vehicle_row(haulier__finds=0.0, route__find_rate=0.05)
    assert margin(model, row) == -0.5 + 0.25 - 0.125
    assert margin(model, left_out(row, "haulier_eori")) == 1.5 + 0.75 - 0.125
    assert margin(model, left_out(row, "haulier_eori", "route_id")) == 1.5 + 0.75 + 0.5


def test_what_does_not_apply_is_not_left_out() -> None:
    model = defended(Split("vehicle.finds", 2.5, -0.5, 1.5, nan_left=True))
    alone = left_out(vehicle_row(is_unaccompanied=1.0), "vehicle_reg")
    assert margin(model, alone) == -0.5
    assert margin(model, left_out(vehicle_row(), "vehicle_reg")) == 1.5
    unsaid = left_out(vehicle_row(), "vehicle_reg", "is_unaccompanied")
    assert margin(model, unsaid) == 1.5


def test_an_optional_field_may_be_left_out() -> None:
    model = defended(Split("operator.find_rate", 0.1, -0.5, 1.5, nan_left=True))
    assert margin(model, left_out(vehicle_row(), "operator")) == -0.5


def test_one_of_two_is_enough() -> None:
    model = defended(Split("trailer.finds", 2.5, -0.5, 1.5, nan_left=True))
    row = vehicle_row(is_unaccompanied=1.0)
    assert margin(model, left_out(row, "trailer_reg")) == -0.5  # it has a container
    assert margin(model, left_out(row, "trailer_reg", "container_no")) == 1.5


@pytest.mark.parametrize(("failed", "expected"), [(0.0, 0.5), (1.0, 2.0), (2.0, 2.0)])
def test_a_check_of_what_was_left_out_counts_as_failed(failed: float, expected: float) -> None:
    model = defended(Split("failed_checks", 0.5, 0.0, 0.5), Split("failed_checks", 1.5, 0.0, 1.5))
    row = left_out(vehicle_row(failed_checks=failed), "haulier_eori")
    assert margin(model, row) == expected
    assert margin(model, left_out(vehicle_row(), "departs_at")) == 0.0  # it has none to fail


def test_more_blank_fields_never_count_for_less_whatever_the_trees_say() -> None:
    model = defended(Split("blank_fields", 2.5, 1.0, -1.0))
    row = vehicle_row()
    assert margin(model, row) == 1.0
    assert margin(model, left_out(row, "haulier_eori")) == 1.0


def test_a_stranger_counts_for_no_less_than_the_usual() -> None:
    """Three hauliers had been seen: their median is 4 finds, and of their pairs 10 movements."""
    catalogue_rows = np.array(
        [
            vehicle_row(haulier__movements=0.0, haulier__finds=0.0),
            vehicle_row(haulier__finds=3.0, haulier_with_route__movements=0.0),
            vehicle_row(haulier__finds=4.0, haulier_with_route__movements=10.0),
            vehicle_row(haulier__finds=9.0, haulier_with_route__movements=20.0),
        ]
    )
    defences = learn_defences(ONE, catalogue_rows)
    usual = {one.label: one.usual for one in defences.newcomers}["haulier"]
    assert usual["haulier.finds"] == 4.0
    assert usual["haulier_with_route.movements"] == 10.0
    assert "route.find_rate" not in usual
    model = defended(
        Split("haulier.finds", 3.5, -0.5, 0.25),
        Split("haulier_with_route.movements", 5.0, 0.0, 0.125),
        defences=defences,
    )
    stranger = vehicle_row(
        haulier__movements=0.0, haulier__finds=0.0, haulier_with_route__movements=0.0
    )
    assert margin(model, stranger) == 0.25 + 0.125
    known = vehicle_row(haulier__finds=0.0, haulier_with_route__movements=0.0)
    assert margin(model, known) == -0.5
    (step,) = model.steps(stranger)
    assert (step.label, step.cause, step.raised_by) == ("haulier", "new", 0.875)


def test_a_stranger_who_looks_risky_stays_so() -> None:
    model = defended(Split("haulier.movements", 0.5, 1.0, -1.0))
    stranger = vehicle_row(haulier__movements=0.0)
    assert margin(model, stranger) == 1.0
    assert model.steps(stranger)[0].raised_by == 0.0


def test_steps_lead_from_the_trees_to_the_margin() -> None:
    model = defended(
        Split("haulier.finds", 2.5, -0.5, 1.5, nan_left=True),
        Split("route.find_rate", 0.1, -0.125, 0.5, nan_left=True),
    )
    row = left_out(vehicle_row(), "haulier_eori", "route_id")
    steps = [(step.label, step.cause, step.raised_by) for step in model.steps(row)]
    assert steps == [("route", "blank", 0.625), ("haulier", "blank", 2.0)]
    assert model.trees.margins(row[np.newaxis, :])[0] + 2.625 == margin(model, row)


def test_complete_rows_of_known_entities_have_lightgbms_margin() -> None:
    model = DefendedModel(TreeModel(small_parts().model_text), small_parts().defences, ONE)
    rows = np.abs(np.nan_to_num(made_up_rows(), nan=1.0))
    assert model.margins(rows).tobytes() == model.trees.margins(rows).tobytes()
    assert model.steps(rows[0]) == []


def test_defences_survive_json_and_must_fit() -> None:
    defences = small_parts().defences
    again = msgspec.json.decode(msgspec.json.encode(defences), type=Defences)
    assert again == defences
    without = Catalogue("vehicle", ONE.features[:40])
    with pytest.raises(ValueError, match="no feature of the catalogue"):
        DefendedModel(TreeModel(small_parts().model_text), defences, without)


def test_every_defence_is_called_on_by_a_golden_row() -> None:
    parts = small_parts()
    model = DefendedModel(TreeModel(parts.model_text), parts.defences, ONE)
    provoked = model.provoked(np.abs(np.nan_to_num(made_up_rows()[0], nan=1.0)))
    called = [{(step.label, step.cause) for step in model.steps(row)} for row in provoked]
    blank = [(one.label, "blank") for one in parts.defences.requirements]
    new = [(one.label, "new") for one in parts.defences.newcomers]
    assert len(called) == len(blank) + len(new)
    for expected, found in zip(blank + new, called, strict=True):
        assert expected in found


# of each kind: trees that are fitted with the catalogue's directions, on rows full of blanks


@cache
def learned(kind: str) -> DefendedModel:
    catalogue, rows = catalogue_for(kind), integer_rows(kind)
    rng = np.random.default_rng(8)
    risk = 1.0 / (1.0 + np.exp(2.0 - np.nan_to_num(rows) @ rng.normal(0, 0.1, rows.shape[1])))
    labels = (rng.random(len(rows)) < risk).astype(np.float64)
    options = Trees(rounds=40, leaves=8, least_rows_per_leaf=5, feature_share=0.3)
    trees = TreeModel(fit_trees(rows, labels, catalogue, options))
    return DefendedModel(trees, learn_defences(catalogue, rows), catalogue)


@cache
def integer_rows(kind: str) -> Floats:
    """float64[600, F] of small whole numbers, zeros among them, one field in ten left out."""
    catalogue, rng = catalogue_for(kind), np.random.default_rng(7)
    rows = rng.integers(0, 6, size=(600, len(catalogue.names))).astype(np.float64)
    for at, feature in enumerate(catalogue.features):
        if feature.dtype == "switch":
            rows[:, at] = rng.integers(0, 2, size=600)
    fields = sorted({field for feature in catalogue.features for field in feature.fields})
    for number, field in ((n, f) for n in range(600) for f in fields):
        if rng.random() < 0.1:
            rows[number, [field in feature.fields for feature in catalogue.features]] = np.nan
    rows.flags.writeable = False  # made once, for all
    return rows


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_leaving_out_more_never_lowers_the_margin(kind: str, data: st.DataObject) -> None:
    """Whatever else was left out before, and whichever checks went with it; bit for bit."""
    model, catalogue = learned(kind), catalogue_for(kind)
    row = integer_rows(kind)[data.draw(st.integers(0, 599))]
    requirement = data.draw(st.sampled_from(model.defences.requirements))
    if any(row[catalogue.names.index(n)] == 1.0 - v for n, v in requirement.mode.items()):
        return  # it is not required in this mode
    blank = row.copy()
    blank[[catalogue.names.index(name) for name in requirement.features]] = np.nan
    blank[catalogue.names.index("blank_fields")] += data.draw(st.integers(0, 2))
    blank[catalogue.names.index("failed_checks")] -= data.draw(st.integers(0, requirement.checks))
    assert margin(model, blank) >= margin(model, row)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_constrained_features_are_monotone_through_calibration_and_bands(
    kind: str, data: st.DataObject
) -> None:
    model, catalogue = learned(kind), catalogue_for(kind)
    row = integer_rows(kind)[data.draw(st.integers(0, 599))]
    constrained = [at for at, d in enumerate(catalogue.directions) if d and not np.isnan(row[at])]
    at = data.draw(st.sampled_from(constrained))
    worse = row.copy()
    worse[at] += catalogue.directions[at] * data.draw(st.sampled_from([0.5, 1.0, 3.0, 1000.0]))
    calibration = Platt(slope=0.7, intercept=-0.4)
    thresholds = small_parts().thresholds
    before, after = (
        calibration.probabilities(model.margins(one[np.newaxis, :]))[0] for one in (row, worse)
    )
    assert after >= before
    bands = ("low", "medium", "high")
    assert bands.index(band_of(after, thresholds)) >= bands.index(band_of(before, thresholds))


@pytest.mark.parametrize("kind", KINDS)
def test_constrained_features_are_monotone_whatever_else_is_missing(kind: str) -> None:
    """Of every row and constrained feature; LightGBM's finer methods fail a row in 60,000 here."""
    model, rows, directions = learned(kind), integer_rows(kind), catalogue_for(kind).directions
    for margins in (model.margins, model.trees.margins):
        before = margins(rows)
        for at in np.flatnonzero(directions):
            given = ~np.isnan(rows[:, at])
            for step in (0.5, 1.0, 2.0, 1000.0):
                worse = rows[given]
                worse[:, at] += directions[at] * step
                assert (margins(worse) >= before[given]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_alone_scores_as_among_others(kind: str) -> None:
    model, rows = learned(kind), integer_rows(kind)
    together = model.margins(rows)
    assert [margin(model, row) for row in rows[:60]] == together[:60].tolist()
    assert (together >= model.trees.margins(rows)).all()
    assert (together > model.trees.margins(rows)).any()
