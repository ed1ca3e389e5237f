"""What is required, what a row shows of it, and which features it could have changed."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalogue import Catalogue, catalogue_for
from features.history.online import LiveHistory
from features.intake import declare
from features.pseudonyms import Pseudonyms, load_pseudonyms
from features.records import KINDS, REQUIRED, RecordRejected, declared_fields, read_movement
from features.requirements import Requirement, required_of, requirements_of
from features.rows import feature_row
from tests.full_records import FULL

COUNTERS = {"failed_checks", "unregistered_parties", "blank_fields"}
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "records.md"


def row_of(kind: str, record: dict[str, Any], pseudonyms: Pseudonyms) -> dict[str, float]:
    catalogue = catalogue_for(kind)
    movement = declare(read_movement(kind, record), pseudonyms)
    row = feature_row(LiveHistory(), movement, movement.declared_at + 1, catalogue)
    return dict(zip(catalogue.names, row.tolist(), strict=True))


def shows_blank(requirement: Requirement, row: dict[str, float]) -> bool:
    left_out = all(np.isnan(row[name]) for name in requirement.shown_by)
    return left_out and applies(requirement, row)


def applies(requirement: Requirement, row: dict[str, float]) -> bool:
    return all(np.isnan(row[name]) or row[name] == v for name, v in requirement.mode.items())


def party_of(field: str) -> tuple[str, ...]:
    """A party may come as an object or by its name too: leaving it out leaves out all of it."""
    party = field.removesuffix("_eori")
    return (field, party, f"{party}_name", f"{party}_address") if party != field else (field,)


def without(record: dict[str, Any], *fields: str) -> dict[str, Any]:
    left_out = {name for field in fields for name in party_of(field)}
    return {name: value for name, value in record.items() if name not in left_out}


def test_what_is_required_is_declared_and_documented() -> None:
    text = DOCUMENT.read_text().partition("## Required for a score")[2].partition("\n## ")[0]
    listed = {
        (kind, mode, name)
        for kind, mode, names in re.findall(r"^\| (\w+) \| (\w+) \| (.*) \|$", text, re.MULTILINE)
        for name in names.replace("`", "").split(", ")
        if kind != "kind"
    }
    required = {(kind, r.mode, r.name) for kind in KINDS for r in REQUIRED[kind]}
    assert listed == required
    for kind in KINDS:
        fields = {field for required in REQUIRED[kind] for field in required.fields}
        assert fields <= {field.name for field in declared_fields(kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_shows_what_was_left_out_and_nothing_else_changes(kind: str, tmp_path: Path) -> None:
    """The features that a field could have changed are those that do change without it."""
    requirements = requirements_of(catalogue_for(kind))
    pseudonyms = load_pseudonyms(tmp_path)
    complete = row_of(kind, FULL[kind], pseudonyms)
    applying = [at for at, one in enumerate(requirements) if applies(one, complete)]
    assert not any(shows_blank(one, complete) for one in requirements)
    singles, tried = [(at,) for at in applying], 0
    for chosen in (*singles, *combinations(applying, 2)):
        fields = [field for at in chosen for field in REQUIRED[kind][at].fields]
        try:
            row = row_of(kind, without(FULL[kind], *fields), pseudonyms)
        except RecordRejected:
            continue  # some of them belong together
        tried += 1
        blank = {at for at, one in enumerate(requirements) if shows_blank(one, row)}
        assert blank.issuperset(chosen)
        free = {name for at in blank for name in requirements[at].features}
        changed = {name for name in row if not same(row[name], complete[name])}
        assert changed <= free | COUNTERS, (fields, changed - free)
        for counter in {"unregistered_parties", "blank_fields"}.intersection(row):
            assert row[counter] >= complete[counter]
    assert tried > len(applying)


def same(one: float, other: float) -> bool:
    return one == other or (np.isnan(one) and np.isnan(other))


def test_what_no_feature_is_made_of_is_not_asked_for() -> None:
    vehicle = catalogue_for("vehicle")
    few = Catalogue("vehicle", tuple(f for f in vehicle.features if f.name == "gross_mass_kg"))
    (only,) = requirements_of(few)
    assert (only.label, only.shown_by, only.mode) == ("gross mass", ("gross_mass_kg",), {})


def test_a_placeholder_shows_as_left_out(tmp_path: Path) -> None:
    pseudonyms, left_out = load_pseudonyms(tmp_path), without(FULL["vehicle"], "haulier_eori")
    row = row_of("vehicle", left_out | {"haulier_eori": "000000000"}, pseudonyms)
    named = {one.label: one for one in requirements_of(catalogue_for("vehicle"))}
    assert shows_blank(named["haulier"], row)
    assert row["failed_checks"] == row_of("vehicle", left_out, pseudonyms)["failed_checks"]


@pytest.mark.parametrize(
    ("is_unaccompanied", "needed"),
    [
        (0.0, {"vehicle_reg"}),
        (1.0, {"trailer_reg or container_no"}),
        (np.nan, {"vehicle_reg", "trailer_reg or container_no"}),
    ],
)
def test_the_mode_that_a_row_shows_says_what_is_required(
    is_unaccompanied: float, needed: set[str]
) -> None:
    catalogue = catalogue_for("vehicle")
    row = np.full(len(catalogue.names), np.nan)
    row[catalogue.names.index("is_unaccompanied")] = is_unaccompanied
    found = {one.name for one in required_of(catalogue, row)}
    assert found & {"vehicle_reg", "trailer_reg or container_no"} == needed
    assert "route_id" in found
