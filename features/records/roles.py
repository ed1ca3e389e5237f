"""What each field of a record is for.

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
reference  keyed pseudonyms that join records (documents, consignments, further containers):
           neither features nor keys by themselves
detail     kept whole, for rules, links and reports; identifiers within it become pseudonyms
party      an organisation's registration number, name and address: the number becomes what the
           field ``<party>_eori`` would, the rest is dropped and leaves a flag that it was there
name       a name or an address of an organisation: dropped, leaves the same flag
track      positions over time: their summary is kept, they are not
========== ======================================================================================
"""

from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

Namespace = Literal["organisation", "vehicle", "trailer", "container", "vessel"]
"""Identifiers of one namespace share one history, whatever field and kind they came in."""

Role = Literal[
    "identifier",
    "category",
    "measure",
    "switch",
    "moment",
    "reference",
    "detail",
    "party",
    "name",
    "track",
]
MODEL_ROLES: frozenset[Role] = frozenset({"identifier", "category", "measure", "switch", "moment"})
"""Roles from which features and keys of history are made."""


class Field(NamedTuple):
    name: str
    role: Role
    label: str = ""
    """How an officer's sentence calls it."""
    unit: str | None = None
    namespace: Namespace | None = None
    check: str | None = None
    """The check of ``features.checks`` that it should pass; failing it is a flag."""
    space: str | None = None
    """Of a reference: where its texts are told apart; a namespace, or a kind of document."""
    party: str | None = None
    """Of a party or a name: which party it is."""


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


def reference(space: str, description: str, *, check: str | None = None) -> Meta:
    return Meta(
        description=description, extra={"role": "reference", "space": space, "check": check}
    )


def detail(description: str, *, unit: str | None = None, check: str | None = None) -> Meta:
    return Meta(description=description, extra={"role": "detail", "unit": unit, "check": check})


def party(which: str, description: str) -> Meta:
    return Meta(description=description, extra={"role": "party", "party": which})


def name(which: str, description: str) -> Meta:
    return Meta(description=description, extra={"role": "name", "party": which})


def track(description: str) -> Meta:
    return Meta(description=description, extra={"role": "track"})


@cache
def fields_of(record: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Every field that carries a role, in the order of declaration."""
    found = []
    for item in msgspec.inspect.type_info(record).fields:  # type: ignore[attr-defined]
        extra: dict[str, Any] | None = getattr(item.type, "extra", None)
        if extra and "role" in extra:
            found.append(Field(name=item.name, **extra))
    return tuple(found)
