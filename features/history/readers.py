"""Where each key of a movement's history is read from, worked out once for each kind."""

from functools import cache, lru_cache
from typing import NamedTuple

from features.history.aboard import ORGANISATION
from features.history.links import link_role
from features.history.roles import KeyReader, attribute_role, key_reader, kind_key, roles_of


class KeyReaders(NamedTuple):
    """How to find the key of each role."""

    organisations: tuple[str, ...]
    """Fields, as of other entities: a key of theirs is what the movement names there."""
    categories: tuple[KeyReader, ...]
    """The kind itself first."""
    entities: tuple[str, ...]
    pairs: tuple[KeyReader, ...]


@lru_cache(maxsize=1024)
def readers_of(kind: str, attributes: tuple[str, ...]) -> KeyReaders:
    roles = (*roles_of(kind), *(attribute_role(kind, name) for name in attributes))
    named = [role for role in roles if role.grade == "entity"]
    categories, pairs = (
        tuple(key_reader(role) for role in roles if role.grade == grade)
        for grade in ("category", "pair")
    )
    itself = kind_key(kind)
    return KeyReaders(
        tuple(role.parts[0].field for role in named if role.space == ORGANISATION),
        (lambda _: itself, *categories),
        tuple(role.parts[0].field for role in named if role.space != ORGANISATION),
        pairs,
    )


@cache
def link_fields(kind: str) -> tuple[str, tuple[str, ...]]:
    """Where the organisation is named, and what it may be linked by."""
    role = link_role(kind)
    return role.organisation.parts[0].field, tuple(by.parts[0].field for by in role.connectors)
