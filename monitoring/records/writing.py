"""The folder ``records/`` of a report, and what the page says of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from monitoring.findings import KindFindings, OfTheService
from monitoring.page import KIND_WORDS, Link, Part
from monitoring.periods import Period
from monitoring.records.atrs import ByPeople, as_json, as_markdown, atrs_record, missing_fields
from monitoring.records.change_log import change_log

FOLDER = "records"


class Records(NamedTuple):
    """What goes into the folder."""

    files: Mapping[str, bytes]
    """By name."""
    missing: int
    """Fields of the ATRS record that only people can fill."""


def records_of(
    findings: Sequence[KindFindings],
    service: OfTheService,
    period: Period,
    by_people: ByPeople,
) -> Records:
    """Model cards and datasheets of what serves, change log, ATRS record."""
    files: dict[str, bytes] = {}
    for found in findings:
        if found.served is None:
            continue
        name = f"{found.kind}-{found.served.pin.version}"
        files[f"model-card-{name}.md"] = found.served.bundle.card.encode()
        if found.served.bundle.datasheet is not None:
            files[f"datasheet-{name}.md"] = found.served.bundle.datasheet.encode()
    record = atrs_record(findings, service, period, by_people)
    files["changes.md"] = change_log(service.changes).encode()
    files["atrs.md"] = as_markdown(record, period).encode()
    files["atrs.json"] = as_json(record)
    return Records(files, missing_fields(record))


def write_records(records: Records, folder: Path) -> None:
    """Into ``records/`` of ``folder``, which exists."""
    (folder / FOLDER).mkdir()
    for name, content in records.files.items():
        (folder / FOLDER / name).write_bytes(content)


def records_part(records: Records, findings: Sequence[KindFindings]) -> Part:
    """What the page says of them, with links."""
    texts = [
        (
            f"The transparency record (ATRS) is a draft: {records.missing} of its fields are to be "
            "completed by people. It is filled where this system knows, and nowhere else."
        )
    ]
    without = [
        KIND_WORDS[found.kind]
        for found in findings
        if found.served is not None and found.served.bundle.datasheet is None
    ]
    if without:
        texts.append(
            f"The model for {' and '.join(without)} is from before there were datasheets; the next "
            "one that is trained has one."
        )
    links = tuple(Link(_title(name), f"{FOLDER}/{name}") for name in records.files)
    return Part("Records", tuple(texts), links=links)


def _title(name: str) -> str:
    """
    >>> _title("model-card-vehicle-2.md"), _title("atrs.json")
    ('Model card, vehicle version 2', 'Transparency record (ATRS), JSON')
    """
    fixed = {
        "changes.md": "Change log of models",
        "atrs.md": "Transparency record (ATRS)",
        "atrs.json": "Transparency record (ATRS), JSON",
    }
    if name in fixed:
        return fixed[name]
    what, _, rest = name.removesuffix(".md").rpartition("-")[0].rpartition("-")
    version = name.removesuffix(".md").rpartition("-")[2]
    return f"{what.replace('-', ' ').capitalize()}, {rest} version {version}"
