"""The ATRS record: filled where the system knows, completed by people, never invented.

People complete it in ``atrs.toml`` of the home, a table for each section and a key for each field;
what they say there goes before what the system would say. A field that neither knows is marked.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from features.clock import iso
from features.errors import InputError
from monitoring.findings import KindFindings, OfTheService, Served
from monitoring.page import KIND_WORDS
from monitoring.periods import Period
from monitoring.records.atrs_fields import DEVELOPMENT_DATA, MODEL, PHASES, SECTIONS
from monitoring.reviews import EXPECTED

TO_BE_COMPLETED = "to be completed"
FILE = "atrs.toml"

ByPeople = Mapping[str, Mapping[str, str]]
"""Section to field to what people wrote in ``atrs.toml``."""
Fields = dict[str, str]
Record = dict[str, Fields]
"""Section to field to what it says."""


def atrs_record(
    findings: Sequence[KindFindings],
    service: OfTheService,
    period: Period,
    by_people: ByPeople,
) -> Record:
    """Every field of every section, in the order of the standard."""
    known = _known(findings, service, period)
    record: Record = {}
    for section, fields in SECTIONS.items():
        record[section] = {
            field: by_people.get(section, {}).get(field)
            or known.get(section, {}).get(field)
            or TO_BE_COMPLETED
            for field in fields
        }
        if section == "2.4 Tool":
            for found in findings:
                if found.served is not None:
                    record |= _of_model(found.kind, found.served, by_people)
    return record


def read_by_people(home: Path) -> ByPeople:
    """What people have completed; nothing when there is no such file.

    Raises:
        InputError: it is no TOML, or has a section or a field that the standard has not.
    """
    path = home / FILE
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise InputError(f"{path} is no TOML ({exc}); correct it") from exc
    for section, fields in said.items():
        allowed = _fields_of(section)
        if not allowed or not isinstance(fields, dict):
            raise InputError(f"{path}: there is no section {section!r}; see docs/monitoring.md")
        for field, text in fields.items():
            if field not in allowed or not isinstance(text, str):
                raise InputError(
                    f"{path}: section {section!r} has no field {field!r} of text; there are "
                    f"{', '.join(allowed)}"
                )
    phase = said.get("Metadata", {}).get("phase")
    if phase is not None and phase not in PHASES:
        raise InputError(f"{path}: phase is one of {', '.join(PHASES)}, not {phase!r}")
    return said


def missing_fields(record: Record) -> int:
    """How many only people can fill, and have not."""
    return sum(text == TO_BE_COMPLETED for fields in record.values() for text in fields.values())


def as_markdown(record: Record, period: Period) -> str:
    lines = [
        f"# Algorithmic transparency record, {period.title}",
        "",
        f"Draft: {missing_fields(record)} fields are to be completed by people, in {FILE}.",
        "",
    ]
    for section, fields in record.items():
        lines += [f"## {section}", ""]
        lines += [f"- **{field}**: {' '.join(text.split())}" for field, text in fields.items()]
        lines.append("")
    return "\n".join(lines)


def as_json(record: Record) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def _fields_of(section: str) -> tuple[str, ...]:
    if section in SECTIONS:
        return SECTIONS[section]
    of_kinds: dict[str, tuple[str, ...]] = {_model_section(kind): MODEL for kind in KIND_WORDS}
    of_kinds |= {_data_section(kind): DEVELOPMENT_DATA for kind in KIND_WORDS}
    return of_kinds.get(section, ())


def _model_section(kind: str) -> str:
    return f"2.4 Model: {kind}"


def _data_section(kind: str) -> str:
    return f"2.4 Development data: {kind}"


def _known(findings: Sequence[KindFindings], service: OfTheService, period: Period) -> ByPeople:
    served = [found.kind for found in findings if found.served is not None]
    answers = int(service.days["answers"].sum())
    kinds = ", ".join(KIND_WORDS[kind] for kind in served) or "none yet"
    reviews = "; ".join(
        f"{EXPECTED.get(review.name, review.name)}: reviewed next by {review.due or 'no day set'}"
        for review in service.reviews
    )
    return {
        "Tier 1": {
            "name": "Foreland",
            "description": (
                "Scores vehicles, vessels and shipments for the risk of smuggling, to advise which "
                "of them an officer should examine. It scores things that move, never people."
            ),
        },
        "2.2 Description": {
            "detailed description": (
                "For each movement that is declared before arrival, a model gives the probability "
                "of a find if it is examined, learned from past examinations, with reasons. A "
                "small share of movements is referred at random, so that what is never examined "
                "is estimated too."
            ),
            "scope": f"Movements of the kinds that a model serves: {kinds}.",
        },
        "2.3 Decision process": {
            "provided information": (
                "Band, probability with an interval, at most five reasons as sentences, what is "
                "not known, and whether an examination is advised for risk or by chance."
            ),
            "human decisions and review": (
                "An officer decides on every examination; decisions, overrides and their reasons "
                "are recorded beside the score."
            ),
            "frequency and scale of usage": f"{answers:,} answers in {period.title}.",
        },
        "2.4 Tool": {
            "system architecture": (
                "An append-only ledger of declarations and outcomes; features computed from it as "
                "it was known at each instant; one signed model a kind; an HTTP service that "
                "records every answer in a signed audit log before it gives it."
            ),
            "system input": "Declared fields of the movement, and the ledger's history of its "
            "entities, by keyed pseudonyms.",
            "system output": "A probability, a band (high, medium, low, unassessed) and reasons.",
            "models": f"One for each of: {kinds}.",
        },
        "2.4 Operational data": {
            "sources": "Declarations, outcomes and decisions that client systems send.",
            "sensitive attributes": "None of a natural person is taken.",
            "processing": "Checked by rules, identifiers replaced by keyed pseudonyms, sealed.",
            "access and storage": "In the ledger's database, each record under a key of its own; "
            "clients by scope, every look recorded; erased by rules of retention.",
        },
        "2.5 Impact assessments and risks": {"impact assessments": reviews},
    }


def _of_model(kind: str, served: Served, by_people: ByPeople) -> dict[str, Fields]:
    bundle = served.bundle
    slices = bundle.metrics.get("slices", [])
    verdict = bundle.metrics.get("evaluation", {}).get("verdict")
    simulated = " Simulated." if bundle.manifest.simulated else ""
    quantities = "; ".join(
        f"{item['name']}: {item['labels']:,} examined, {item['finds']:,} finds" for item in slices
    )
    learned_until = iso(bundle.manifest.trained_until)[:10]
    model = {
        "name": f"Foreland, {kind}",
        "version": f"{served.pin.version} (sha256 {served.pin.bundle_sha256})",
        "task": "The probability of a find if the movement is examined.",
        "input": f"{len(bundle.catalogue.names)} features, catalogue {bundle.catalogue.sha256}.",
        "output": "A calibrated probability from 0 to 1.",
        "architecture": "Gradient-boosted trees (LightGBM), calibrated on later examinations.",
        "performance": f"{verdict}{simulated}" if verdict else "",
        "datasets": f"Examined movements of the ledger, known before {learned_until}.{simulated}",
        "dataset purposes": "Fitting, calibration and test, in that order of time.",
    }
    data = {
        "description": "Examined movements with a matured result; the datasheet says more.",
        "modality": "Tabular.",
        "quantities": quantities,
        "sensitive attributes": "None of a natural person.",
        "completeness and representativeness": "Only examined movements have a result, and they "
        "were not chosen at random.",
        "cleaning": "Records that break a rule are refused; corrected results count as corrected.",
        "collection": "A simulated border." if bundle.manifest.simulated else "",
        "source": f"The ledger; training rows have sha256 {bundle.manifest.data_sha256}.",
    }
    return {
        section: {
            field: by_people.get(section, {}).get(field) or known.get(field) or TO_BE_COMPLETED
            for field in fields
        }
        for section, fields, known in (
            (_model_section(kind), MODEL, model),
            (_data_section(kind), DEVELOPMENT_DATA, data),
        )
    }
