"""The fields every movement has, and what each field is for.

A field's *role* is declared once, beside its type, and everything else follows from it: what the
ledger keeps, which keys history is counted by, which features the catalogue lists.

========== ======================================================================================
role       what becomes of it
========== ======================================================================================
identifier a keyed pseudonym, a key for history, never a feature
category   a key for history (its past find rate, as of the time), kept in plain
measure    a number, a feature as it is
switch     true or false, a feature as 1 or 0
moment     an instant, from which features are derived
========== ======================================================================================
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from features.records.refusal import Problem, RecordRejected

Namespace = Literal["organisation", "vehicle", "trailer", "container", "vessel"]
"""Identifiers of one namespace share one history, whatever field and kind they came in."""

Role = Literal["identifier", "category", "measure", "switch", "moment"]


class Field(NamedTuple):
    name: str
    role: Role
    label: str
    """How an officer's sentence calls it."""
    unit: str | None = None
    namespace: Namespace | None = None
    check: str | None = None
    """The check of ``features.checks`` that it should pass; failing it is a flag."""


def identifier(
    namespace: Namespace, label: str, description: str, *, check: str | None = None
) -> Meta:
    return Meta(
        description=description,
        extra={"role": "identifier", "label": label, "namespace": namespace, "check": check},
    )


def category(label: str, description: str, *, check: str | None = None) -> Meta:
    return Meta(description=description, extra={"role": "category", "label": label, "check": check})


def measure(label: str, unit: str, description: str) -> Meta:
    return Meta(description=description, extra={"role": "measure", "label": label, "unit": unit})


def switch(label: str, description: str) -> Meta:
    return Meta(description=description, extra={"role": "switch", "label": label})


def moment(label: str, description: str) -> Meta:
    return Meta(description=description, extra={"role": "moment", "label": label})


# Patterns end in `$(?!\n)` because Python's `$` alone also matches before a last line feed.
_NOT_BLANK = r"^[^\s](.*[^\s])?$(?!\n)"

Reference = Annotated[str, Meta(min_length=1, max_length=70, pattern=_NOT_BLANK)]
RegistrationNumber = Annotated[str, Meta(min_length=1, max_length=40, pattern=_NOT_BLANK)]
"""An EORI, TIN or other number an organisation is registered under."""
Mark = Annotated[str, Meta(min_length=1, max_length=30, pattern=_NOT_BLANK)]
Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,199}$(?!\n)")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)")]
Commodity = Annotated[str, Meta(pattern=r"^[0-9]{4,10}$(?!\n)")]
AttributeName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$(?!\n)")]
AttributeNumber = Annotated[float, Meta(ge=-1e15, le=1e15)]  # bounds also keep out NaN
AttributeCode = Annotated[str, Meta(max_length=200, pattern=_NOT_BLANK)]
Instant = Annotated[datetime, Meta(tz=True)]
Mass = Annotated[float, Meta(gt=0, lt=1e11)]
Amount = Annotated[float, Meta(ge=0, lt=1e15)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]

PERSON_FIELDS = frozenset(
    {
        "birth_date",
        "crew_names",
        "date_of_birth",
        "driver_name",
        "driver_nationality",
        "driver_passport",
        "email",
        "first_name",
        "given_name",
        "home_address",
        "last_name",
        "master_name",
        "nationality_of_driver",
        "passenger_name",
        "passenger_names",
        "passport_number",
        "person_name",
        "phone",
        "skipper_name",
        "surname",
        "telephone",
        "travel_document",
    }
)
"""Names under which clients send a natural person's data; refused by name, never stored."""


class Movement(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """Common to a vehicle crossing, a vessel arrival and a shipment declaration.

    Only ``movement_ref``, ``declared_at`` and one identifier or attribute are required; what is
    left out is missing, which is not the empty string and not zero.
    """

    movement_ref: Annotated[
        Reference,
        Meta(description="The sender's reference; a later message with it replaces this."),
    ]
    declared_at: Annotated[
        Instant, Meta(description="When the movement was declared, with a time zone (RFC 3339).")
    ]
    version: Annotated[
        int, Meta(ge=1, le=1_000_000, description="1 for the first message about this movement.")
    ] = 1
    attributes: Annotated[
        dict[AttributeName, AttributeNumber | AttributeCode],
        Meta(max_length=64, description="Extra columns; numbers or codes, features without code."),
    ] = {}


Rule = Callable[[Any], Problem | None]
"""A rule over one record: None when it is kept. Rules do not look at the clock or a file."""


@cache
def fields_of(record: type[Movement]) -> tuple[Field, ...]:
    """The fields that carry a role, in the order of declaration."""
    found = []
    for item in msgspec.inspect.type_info(record).fields:  # type: ignore[attr-defined]
        extra = item.type.extra if isinstance(item.type, msgspec.inspect.Metadata) else None
        if extra:
            found.append(Field(name=item.name, **extra))
    return tuple(found)


def refuse_person_data(row: Mapping[str, Any]) -> None:
    """Raise when a field or an attribute goes by the name of a natural person's data."""
    carried = [("", name) for name in _person_data_among(tuple(row))]
    attributes = row.get("attributes")
    if attributes and isinstance(attributes, Mapping):
        carried += [("/attributes", name) for name in _person_data_among(tuple(attributes))]
    if carried:
        raise RecordRejected(
            tuple(
                Problem(
                    "person_data_refused",
                    f"{parent}/{name}",
                    f"{name} is a natural person's data, which is never taken in; leave it out",
                )
                for parent, name in sorted(carried)
            )
        )


@lru_cache(maxsize=1024)  # rows of one sender have the same names
def _person_data_among(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if is_person_data(name))


def is_person_data(name: str) -> bool:
    """Whatever the case and the separators.

    >>> is_person_data("driverName"), is_person_data("Driver Name"), is_person_data("haulier_eori")
    (True, True, False)
    """
    return re.sub(r"[^a-z]", "", str(name).lower()) in _SQUEEZED_PERSON_FIELDS


_SQUEEZED_PERSON_FIELDS = frozenset(name.replace("_", "") for name in PERSON_FIELDS)


def refuse_odd_times(row: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Raise for a number where an instant belongs: 20200101 would be read as seconds since 1970."""
    problems = []
    for name in names:
        value = row.get(name)
        if value is None or isinstance(value, datetime):
            continue
        if not isinstance(value, str) or not _YEAR_FIRST.match(value):
            sentence = f"{value!r} is no RFC 3339 time such as 2026-03-01T08:30:00Z"
            problems.append(Problem("bad_value", f"/{name}", sentence))
    if problems:
        raise RecordRejected(tuple(problems))


_YEAR_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def shape_problem(exc: msgspec.ValidationError) -> Problem:
    """msgspec's sentence, with its path as a JSON pointer."""
    text, _, path = re.sub(r" - at `key` in ", " - at ", str(exc)).partition(" - at `$")
    path = path.rstrip("`").replace("[...]", "")  # which key of a mapping it was is not told
    pointer = path.replace(".", "/").replace("[", "/").replace("]", "")
    text = text.replace(r"(?!\\n)", "")
    code = "unknown_field" if "unknown field" in text else "bad_value"
    if "missing required field" in text:
        code = "missing_field"
    return Problem(code, pointer, text[0].lower() + text[1:])


def something_to_go_by(movement: Movement) -> Problem | None:
    named = any(getattr(movement, field.name) is not None for field in fields_of(type(movement)))
    if named or movement.attributes:
        return None
    return Problem("nothing_declared", "", "give at least one identifier, field or attribute")
