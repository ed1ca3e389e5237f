"""Why a record was refused: stable codes, a pointer to the field, one sentence each."""

from typing import NamedTuple

from features.errors import InputError


class Problem(NamedTuple):
    """One broken rule of one record."""

    code: str
    """Stable, such as ``net_above_gross``; clients may rely on it."""
    pointer: str
    """JSON pointer (RFC 6901) to the field, such as ``/net_mass_kg``; empty for the record."""
    message: str
    """Rule, value and next step."""


class RecordRejected(InputError):
    """A record breaks at least one rule; ``problems`` holds all that were found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__(
            "; ".join(f"{p.code} at {p.pointer or '/'}: {p.message}" for p in problems)
        )


def escaped(name: str) -> str:
    """One step of a JSON pointer.

    >>> escaped("a/b~c")
    'a~1b~0c'
    """
    return name.replace("~", "~0").replace("/", "~1")
