"""Problems as they may be told: nothing that a cell holds, neither its text nor a name within it.

Rules of records say numbers, times and codes, and no identifier. What they say of shapes and of
strangers within an object is put in other words here, because there a cell speaks.
"""

import re
from collections.abc import Iterator

import msgspec

from features.files.field_kinds import allowed_words, names_within
from features.records import Problem

_OWN_WORDS = {
    "unknown_field": "an object in the cell has a name that is no field; rename it or leave it out",
    "person_data_refused": (
        "an object in the cell has a natural person's data under a name of its own, which is "
        "never taken in; leave it out"
    ),
    "last_port_disagrees": "another port is the latest of previous_ports; correct one",
}
_QUOTES = re.compile(r"invalid (enum )?value\b", re.IGNORECASE)
_PLACE = re.compile("[0-9]{1,6}")
"""In a list; a longer number is a name within an object, and may be somebody's."""
MOST_WORDS = 12
"""Longer lists of words are no help in one line."""


def unquoted(problems: tuple[Problem, ...], record: type[msgspec.Struct]) -> tuple[Problem, ...]:
    """
    >>> from features.records import Vehicle
    >>> [told] = unquoted((Problem("unknown_field", "/haulier/J. Doe", "no J. Doe"),), Vehicle)
    >>> told.pointer, told.message
    ('/haulier', 'an object in the cell has a name that is no field; rename it or leave it out')
    >>> [told] = unquoted((Problem("bad_value", "/haulier/123456782/driver", "no"),), Vehicle)
    >>> told.pointer
    '/haulier'
    """
    return tuple(_unquoted(problem, record) for problem in problems)


def _unquoted(problem: Problem, record: type[msgspec.Struct]) -> Problem:
    steps = list(_known(problem.pointer, names_within(record)))
    pointer = "".join(f"/{step}" for step in steps)
    message = _OWN_WORDS.get(problem.code, problem.message)
    # until shape_problem of features.records.movement itself tells no value any more
    if _QUOTES.match(message):
        message = _of_fixed_words(allowed_words(record, steps[0]) if len(steps) == 1 else ())
    return problem._replace(pointer=pointer, message=message)


def _known(pointer: str, names: frozenset[str]) -> Iterator[str]:
    """The steps down to the first that is neither a field nor a place in a list.

    Attributes are named by the mapping, so their names are no cell's.
    """
    steps = pointer.split("/")[1:]
    of_mapping = steps[:1] == ["attributes"]
    for step in steps:
        if not (of_mapping or step in names or _PLACE.fullmatch(step)):
            return
        yield step


def _of_fixed_words(words: tuple[str, ...]) -> str:
    if not words or len(words) > MOST_WORDS:
        return "none of the words of this field; correct it, or map it under [values]"
    return f"none of {', '.join(words)}; correct it, or map it under [values]"
