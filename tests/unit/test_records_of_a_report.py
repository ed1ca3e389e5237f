"""The ATRS record and the change log: filled where the system knows, and nowhere else."""

from pathlib import Path

import msgspec
import pytest

from features.errors import InputError
from models.bundle import load_bundle
from models.pins import Pin
from monitoring.findings import KindFindings, Served
from monitoring.periods import parse_period
from monitoring.records.atrs import (
    TO_BE_COMPLETED,
    as_json,
    as_markdown,
    atrs_record,
    missing_fields,
    read_by_people,
)
from monitoring.records.change_log import change_log
from monitoring.statistics.serving_changes import Change, served_before
from tests.scored_frames import findings, of_the_service, scored_frame
from tests.small_models import write_small_bundle

MARCH = parse_period("2026-03")
EVERY_FIELD = {
    "Metadata": "organisation,organisation type,function,capability,task,phase,region,"
    "date published,ATRS version,other tags",
    "Tier 1": "name,description,website,contact",
    "2.1 Owner": "organisation,team,senior responsible owner,third party,company number,"
    "third party role,procurement,third party data access terms",
    "2.2 Description": "detailed description,scope,benefits,previous process,"
    "alternatives considered",
    "2.3 Decision process": "process integration,provided information,"
    "human decisions and review,frequency and scale of usage,required training,"
    "appeals and review",
    "2.4 Tool": "system architecture,system input,system output,phase,maintenance,models",
    "2.4 Model: vehicle": "name,version,task,input,output,architecture,performance,datasets,"
    "dataset purposes",
    "2.4 Development data: vehicle": "description,modality,quantities,sensitive attributes,"
    "completeness and representativeness,cleaning,collection,access and storage,"
    "sharing agreements,source",
    "2.4 Operational data": "sources,sensitive attributes,processing,access and storage,"
    "sharing agreements",
    "2.5 Impact assessments and risks": "impact assessments,risks and mitigations",
}
ONLY_PEOPLE_KNOW = {
    "Metadata": ["organisation", "phase", "date published"],
    "2.1 Owner": ["senior responsible owner", "procurement"],
    "2.2 Description": ["benefits", "previous process", "alternatives considered"],
    "2.3 Decision process": ["required training", "appeals and review"],
    "2.5 Impact assessments and risks": ["risks and mitigations"],
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> KindFindings:
    path = tmp_path_factory.mktemp("bundles") / "vehicle-1"
    write_small_bundle(path)
    bundle = load_bundle(path)
    pin = Pin(
        kind="vehicle",
        version=1,
        bundle_sha256=bundle.sha256,
        signed_by="cd" * 8,
        bundle="vehicle-1",
        approvers=("Ann", "Ben"),
        promoted_at=MARCH.start,
    )
    return findings("vehicle", scored_frame([]), MARCH, served=Served(pin, bundle, ()))


def test_the_record_has_every_field_of_the_standard_in_its_order(found: KindFindings) -> None:
    record = atrs_record([found], of_the_service(), MARCH, {})
    assert {name: ",".join(fields) for name, fields in record.items()} == EVERY_FIELD
    assert list(record) == list(EVERY_FIELD)
    assert all(text for fields in record.values() for text in fields.values())


def test_what_only_people_know_is_marked_and_what_they_say_goes_first(
    found: KindFindings,
) -> None:
    record = atrs_record([found], of_the_service(), MARCH, {})
    for section, fields in ONLY_PEOPLE_KNOW.items():
        assert {record[section][field] for field in fields} == {TO_BE_COMPLETED}
    assert found.served is not None
    assert found.served.pin.bundle_sha256 in record["2.4 Model: vehicle"]["version"]
    said = {"Metadata": {"phase": "beta-pilot"}, "Tier 1": {"name": "Our name for it"}}
    completed = atrs_record([found], of_the_service(), MARCH, said)
    assert completed["Metadata"]["phase"] == "beta-pilot"
    assert completed["Tier 1"]["name"] == "Our name for it"
    assert missing_fields(completed) == missing_fields(record) - 1


def test_both_forms_say_the_same(found: KindFindings) -> None:
    record = atrs_record([found], of_the_service(), MARCH, {})
    assert msgspec.json.decode(as_json(record)) == record
    text = as_markdown(record, MARCH)
    assert text.count(f": {TO_BE_COMPLETED}\n") == missing_fields(record)
    assert f"Draft: {missing_fields(record)} fields" in text


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[Metadata", "is no TOML"),
        ("[Metdata]\nphase = 'retired'", "no section 'Metdata'"),
        ("[Metadata]\nphases = 'retired'", "no field 'phases'"),
        ("[Metadata]\nphase = 3", "no field 'phase' of text"),
        ("[Metadata]\nphase = 'live'", "phase is one of pre-deployment"),
        ("Metadata = 'x'", "no section 'Metadata'"),
    ],
)
def test_a_slip_in_what_people_complete_is_named(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "atrs.toml").write_text(toml)
    with pytest.raises(InputError) as refused:
        read_by_people(tmp_path)
    assert said in str(refused.value)


def test_people_can_complete_models_too(tmp_path: Path) -> None:
    assert read_by_people(tmp_path) == {}
    (tmp_path / "atrs.toml").write_text(
        "['2.4 Development data: vehicle']\n'sharing agreements' = 'With the ports.'"
    )
    said = read_by_people(tmp_path)
    assert said["2.4 Development data: vehicle"]["sharing agreements"] == "With the ports."


def change(at: int, what: str, version: int | None, **more: object) -> Change:
    made = Change(at, "vehicle", what, version, None, "ab" * 32, ("Ann",), False, None, ())  # type: ignore[arg-type]
    return made._replace(**more)  # type: ignore[arg-type]


def test_the_change_log_says_who_what_and_why_the_newest_first() -> None:
    its = [
        change(0, "approved", 1, acknowledged=("alarm: known",)),
        change(1, "promoted", 1, by=("Ann", "Ben"), authenticated=True),
        change(2, "promoted", 2),
        change(3, "rolled back", 1, from_version=2, reason="wrong\nscores"),
        change(4, "challenger stopped", None, bundle_sha256=""),
    ]
    text = change_log(its)
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert "challenger stopped by Ann" in lines[0]
    assert "version 1 rolled back instead of version 2 by Ann (attributed)" in lines[1]
    assert "version 1 promoted by Ann and Ben (authenticated)" in lines[3]
    assert "  - reason: wrong scores" in text
    assert "  - accepted alarm: known" in text
    assert "## Vessels\n\nNothing yet." in text
    assert [served_before(its, "vehicle", at) for at in (1, 2, 3, 4)] == [None, 1, 2, 1]
