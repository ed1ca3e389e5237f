"""Reasons of trees that are written by hand: every contribution and sentence worked out before."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from features.catalogue import catalogue_for
from features.history.statistics import NEVER_DAYS
from models.booster import TreeModel
from models.bundle import Bundle, load_bundle
from models.defences import DefendedModel, learn_defences
from models.golden import choose_golden_rows
from models.reasons import reasons_for
from models.reference import reference_of
from tests.small_models import made_up_rows, small_parts, write_small_bundle
from tests.tree_texts import Split, model_text

CATALOGUE = catalogue_for("vehicle")
NAMES = CATALOGUE.names

# Of 100 rows that a tree was fitted on, `at_most_rows` went left. One split on one feature, so the
# Shapley value of the feature is its leaf less the expectation, weighted by those rows:
#   haulier.finds <= 0.5: 80 rows at -0.25, 20 rows at 1.00 -> expected 0.00
#   route.find_rate <= 0.05: 50 at -0.50, 50 at 0.50        -> expected 0.00
#   gross_mass_kg <= 19,999: 60 at 0.20, 40 at -0.05        -> expected 0.10
TREES = (
    Split("haulier.finds", 0.5, -0.25, 1.0, nan_left=True, at_most_rows=80),
    Split("route.find_rate", 0.05, -0.5, 0.5),
    Split("gross_mass_kg", 19_999.0, 0.2, -0.05, at_most_rows=60),
)


def row(**values: float) -> NDArray[np.float64]:
    """Complete, accompanied freight of a haulier with 2 finds in 6 examinations, 12 days ago."""
    found = np.full(len(NAMES), 1.0)
    chosen = {
        "is_unaccompanied": 0.0,
        "is_tourist": 0.0,
        "is_empty": 0.0,
        "gross_mass_kg": 20_000.0,
        "mass_roundness": 3.0,
        "haulier.movements": 40.0,
        "haulier.examinations": 6.0,
        "haulier.finds": 2.0,
        "haulier.days_since_last_find": 12.0,
        "haulier.days_since_last_examination": 5.0,
        "route.examinations": 400.0,
        "route.find_rate": 0.034,
        **{name.replace("__", "."): value for name, value in values.items()},
    }
    for name, value in chosen.items():
        found[NAMES.index(name)] = value
    return found


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    usual, text = np.array([row()]), model_text(NAMES, *TREES)
    defences = learn_defences(CATALOGUE, usual)
    model = DefendedModel(TreeModel(text), defences, CATALOGUE)
    rows = np.concatenate([usual, made_up_rows()])
    scores = small_parts().calibration.probabilities(model.margins(rows))
    path: Path = tmp_path_factory.mktemp("golden") / "bundle"
    write_small_bundle(
        path,
        model_text=text,
        defences=defences,
        golden_rows=choose_golden_rows(model, rows),
        reference=reference_of(NAMES, rows, scores),
    )
    return load_bundle(path)


def explained(bundle: Bundle, values: NDArray[np.float64]) -> list[tuple[str, float, str]]:
    return [(r.effect, round(r.contribution, 9), r.sentence) for r in reasons_for(bundle, values)]


def test_both_directions_with_value_and_age(bundle: Bundle) -> None:
    assert explained(bundle, row()) == [
        ("raises", 1.0, "haulier: 2 finds in 6 examinations, the last find 12 days ago"),
        ("lowers", -0.5, "route: about 3 % of past examinations found something (n = 400)"),
        ("lowers", -0.15, "gross mass: 20,000 kg, a multiple of 1,000 kg"),
    ]


def test_never_examined_is_not_known_to_be_clean(bundle: Bundle) -> None:
    clean = row(haulier__finds=0.0, haulier__days_since_last_find=NEVER_DAYS)
    unknown = clean.copy()
    unknown[NAMES.index("haulier.examinations")] = 0.0
    said = [
        next(reason for reason in explained(bundle, one) if "haulier" in reason[2])
        for one in (clean, unknown)
    ]
    assert said == [
        ("lowers", -0.25, "haulier: examined 6 times, nothing found, last examined 5 days ago"),
        ("lowers", -0.25, "haulier: never examined in 40 movements"),
    ]


def test_what_was_left_out_is_a_reason_of_its_own(bundle: Bundle) -> None:
    blank = row()
    blank[[at for at, f in enumerate(CATALOGUE.features) if "haulier_eori" in f.fields]] = np.nan
    assert explained(bundle, blank) == [
        ("raises", 1.25, "haulier not declared: counted as the worst that it could have been"),
        ("lowers", -0.5, "route: about 3 % of past examinations found something (n = 400)"),
        ("lowers", -0.25, "haulier: not declared"),
        ("lowers", -0.15, "gross mass: 20,000 kg, a multiple of 1,000 kg"),
    ]
    assert bundle.margins(blank[np.newaxis, :])[0] == pytest.approx(0.1 + 1.25 - 0.5 - 0.25 - 0.15)


def test_a_stranger_is_no_better_than_the_usual(bundle: Bundle) -> None:
    """The one haulier that was seen had 2 finds, so that is what is usual."""
    stranger = row(haulier__movements=0.0, haulier__examinations=0.0, haulier__finds=0.0)
    assert explained(bundle, stranger)[:3] == [
        ("raises", 1.25, "haulier not seen before: counted for no less than an average history"),
        ("lowers", -0.5, "route: about 3 % of past examinations found something (n = 400)"),
        ("lowers", -0.25, "haulier: not seen before"),
    ]
