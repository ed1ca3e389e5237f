"""The one list of features."""

import msgspec
import pytest

from features.catalogue import Catalogue, CatalogueError, CatalogueMismatch, catalogue_for
from features.history.links import AT_TWO_STEPS
from features.history.plan import plan_of
from features.ledger.events import MovementDeclared
from features.records import KINDS, declared_fields
from features.rows import feature_rows
from features.timeline import timeline_of

ATTRIBUTES = {"tax_type": "code", "axles": "number"}


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip_keeps_the_sha256(kind: str) -> None:
    catalogue = catalogue_for(kind, ATTRIBUTES)
    again = Catalogue.from_json(catalogue.to_json())
    assert again == catalogue
    assert (again.kind, again.features, again.sha256) == (
        kind,
        catalogue.features,
        catalogue.sha256,
    )
    assert catalogue_for(kind, dict(reversed(ATTRIBUTES.items()))) == catalogue
    assert catalogue_for(kind, {}) != catalogue


@pytest.mark.parametrize("kind", KINDS)
def test_every_feature_is_complete_and_named_once(kind: str) -> None:
    catalogue = catalogue_for(kind, ATTRIBUTES)
    assert len(set(catalogue.names)) == len(catalogue.names) == len(catalogue.directions)
    assert len(catalogue.groups) == len(catalogue.names) <= 149
    for feature in catalogue.features:
        assert feature.direction in (-1, 0, 1)
        assert all((feature.group, feature.unit, feature.missing, feature.description)), feature
    numbers = {f.name for f in declared_fields(kind) if f.role in ("measure", "switch")}
    assert numbers < set(catalogue.names)


@pytest.mark.parametrize("kind", KINDS)
def test_no_identifier_is_a_feature(kind: str) -> None:
    identifiers = {f.name for f in declared_fields(kind) if f.role == "identifier"}
    assert not identifiers.intersection(catalogue_for(kind).names)


def test_directions_are_those_that_can_be_defended() -> None:
    catalogue = catalogue_for("vehicle", ATTRIBUTES)
    direction = dict(zip(catalogue.names, catalogue.directions, strict=True))
    assert direction["haulier.finds_730d"] == 1
    assert direction["haulier.find_rate"] == direction["route.find_rate"] == 1
    assert direction["haulier.days_since_last_find"] == -1
    assert direction["haulier.examinations"] == direction["haulier.movements_7d"] == 0
    assert direction["haulier_links.finds"] == 1
    assert direction["haulier_links.organisations_with_finds"] == 1
    assert direction["haulier_links.days_since_last_find"] == -1
    assert direction["haulier_links.ties"] == 0
    assert direction["gross_mass_kg"] == direction["attribute.axles"] == 0


def test_attributes_need_no_code() -> None:
    catalogue = catalogue_for("shipment", ATTRIBUTES)
    features = {feature.name: feature for feature in catalogue.features}
    assert features["attribute.axles"].source == "declared"
    assert features["attribute.tax_type.find_rate"].group == "tax type"
    assert "attribute.tax_type" not in features


def test_an_attribute_that_is_called_like_a_field_has_a_group_of_its_own() -> None:
    groups = catalogue_for("vehicle", {"route": "code", "gross_mass": "number"}).groups
    assert {"route", "route (attribute)", "gross mass", "gross mass (attribute)"} <= set(groups)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"kind":"vehicle","features":[{"name":1}]}'])
def test_what_is_not_a_catalogue_is_refused(text: bytes) -> None:
    with pytest.raises(CatalogueError, match="not a catalogue"):
        Catalogue.from_json(text)


@pytest.mark.parametrize("name", ["driver.finds", "haulier.luck", "carried.luck", "speed"])
def test_a_feature_of_another_code_is_refused(name: str) -> None:
    catalogue = catalogue_for("vehicle")
    source = "history" if "." in name else "declared"
    strange = msgspec.structs.replace(catalogue.features[0], name=name, source=source)
    changed = Catalogue("vehicle", (*catalogue.features, strange))
    timeline = timeline_of([], 1)
    movement = MovementDeclared(kind="vehicle", movement="m", declared_at=0)
    with pytest.raises(CatalogueMismatch, match=name):
        feature_rows(timeline, [movement], [1], changed)


def test_a_plan_reads_every_history_column_once() -> None:
    catalogue = catalogue_for("vessel", ATTRIBUTES)
    plan = plan_of(catalogue)
    wanted = [i for i, f in enumerate(catalogue.features) if f.source == "history"]
    assert plan.links is not None
    links = plan.links.picks[:, 1].tolist()
    by_space = [reading.picks for reading in plan.by_space.values()]
    on_board = plan.aboard.columns.tolist()
    for picks in (plan.picks, by_space):
        columns = [column for table in picks for column in table[:, 2].tolist()]
        assert sorted(columns + links + on_board) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_two_steps_along_links_are_there_when_asked_for(kind: str) -> None:
    usual, asked = catalogue_for(kind), catalogue_for(kind, two_steps=True)
    more = set(asked.names) - set(usual.names)
    assert {name.rpartition(".")[2] for name in more} == AT_TWO_STEPS
    direction = dict(zip(asked.names, asked.directions, strict=True))
    assert sorted(direction[name] for name in more) == [-1, 1]
