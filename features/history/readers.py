"""Where each key of a movement's history is read from, worked out once for each kind."""

from functools import cache, lru_cache

from features.history.aboard import ORGANISATION
from features.history.links import link_role
from features.history.roles import KeyReader, attribute_role, key_reader, kind_key, roles_of
from features.history.statistics import GRADES
from features.history.tables import ENTITY

CATEGORY, PAIR = GRADES.index("category"), GRADES.index("pair")

Readers = tuple[int, tuple[KeyReader, ...]]
"""Place of a grade, and how to find keys of it."""


@lru_cache(maxsize=1024)
def readers_of(kind: str, attributes: tuple[str, ...]) -> tuple[Readers, ...]:
    """How to find the key of each role: organisations, the kind and categories, the others."""
    roles = (*roles_of(kind), *(attribute_role(kind, name) for name in attributes))
    organisations = tuple(key_reader(role) for role in roles if role.space == ORGANISATION)
    entities, categories, pairs = (
        tuple(
            key_reader(role) for role in roles if role.grade == grade and role.space != ORGANISATION
        )
        for grade in GRADES
    )
    itself = kind_key(kind)
    return (
        (ENTITY, organisations),
        (CATEGORY, (lambda _: itself, *categories)),
        (ENTITY, entities),
        (PAIR, pairs),
    )


@cache
def link_fields(kind: str) -> tuple[str, tuple[str, ...]]:
    """Where the organisation is named, and what it may be linked by."""
    role = link_role(kind)
    return role.organisation.parts[0].field, tuple(by.parts[0].field for by in role.connectors)
