"""Where the keys of movements lie in live state: movement by movement, or column by column."""

from array import array
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from features.declared import FEW
from features.history.kernel import NOT_DECLARED, UNSEEN, Slots
from features.history.plan import Plan
from features.history.tables import LAST_SHARD, Sharded, Shards
from features.ledger.events import MovementDeclared
from features.movement_columns import names_given, values_of


def slots_of(
    slots: tuple[Sharded[int], ...], movements: Sequence[MovementDeclared], plan: Plan
) -> tuple[int, Slots]:
    """That of the kind, and int32[n, 2 + roles] as ``live_kernel.read_live`` takes them.

    Args:
        slots: of the keys of each grade.
    """
    entities, *others = [one.shards for one in slots]
    kind = _slot(others[0], plan.kind_key)
    of = _by_row if len(movements) <= FEW else _by_column
    return kind, of(kind, entities, others, movements, plan)


def _by_row(
    kind: int,
    entities: Shards[int],
    others: Sequence[Shards[int]],
    movements: Sequence[MovementDeclared],
    plan: Plan,
) -> Slots:
    by_grade = list(zip(others, plan.readers, strict=True))
    asked = array("i")
    append = asked.append
    for movement in movements:  # neither functions nor comprehensions: each would be a call
        append(kind)
        named = movement.entities.get
        for field in plan.entities:
            key = named(field)
            append(entities[hash(key) & LAST_SHARD].get(key, UNSEEN) if key else NOT_DECLARED)
        for shards, readers in by_grade:
            for reader in readers:
                key = reader(movement)
                append(shards[hash(key) & LAST_SHARD].get(key, UNSEEN) if key else NOT_DECLARED)
    return np.frombuffer(asked, dtype=np.int32).reshape(len(movements), -1)


def _by_column(
    kind: int,
    entities: Shards[int],
    others: Sequence[Shards[int]],
    movements: Sequence[MovementDeclared],
    plan: Plan,
) -> Slots:
    """What no movement gives is not looked for, and a key that several have is found once."""
    given = names_given(movements)
    columns: list[Sequence[int] | int] = [kind]
    for field in plan.entities:
        texts = (text or None for text in values_of(movements, "entities", field))
        columns.append(_found(entities, str, texts) if field in given else NOT_DECLARED)
    for shards, roles in zip(others, plan.keys, strict=True):
        for role in roles:
            if given.issuperset(part.field for part in role.parts):
                key_of = role.prefix.__add__
                columns.append(_found(shards, key_of, role.texts(movements)))
            else:
                columns.append(NOT_DECLARED)
    asked = np.empty((len(movements), len(columns)), dtype=np.int32)
    for place, column in enumerate(columns):
        asked[:, place] = column
    return asked


def _found(
    shards: Shards[int], key_of: Callable[[str], str], texts: Iterable[str | None]
) -> list[int]:
    column = list(texts)
    found = {text: _slot(shards, None if text is None else key_of(text)) for text in set(column)}
    return [found[text] for text in column]


def _slot(shards: Shards[int], key: str | None) -> int:
    if key is None:
        return NOT_DECLARED
    return shards[hash(key) & LAST_SHARD].get(key, UNSEEN)
