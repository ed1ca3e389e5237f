"""Movements that no border ever saw, to try an expression on before anybody is asked to approve it.

A mass that is compared with a text is an error only where the comparison is reached. So each
expression is tried on values made of its own constants, all there, and then with each of them
missing: what can fail, fails here, and not in an answer.
"""

import datetime
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.rules.errors import RuleFailed, RuleRefused
from models.rules.expression import Expression, Variables, context_of
from models.rules.grammar import Token
from models.rules.names import Name

PROBES = 400
_SEED = 20
_INSTANTS = [
    datetime.datetime(2026, month, day, hour, 15, tzinfo=datetime.UTC)
    for month, day, hour in ((1, 1, 0), (6, 14, 4), (6, 14, 13), (12, 31, 23))
]


def try_out(expression: Expression) -> None:
    """
    Raises:
        RuleRefused: it is neither true nor false of some movement, or the same of all.
    """
    met = 0
    for variables in probes_of(expression):
        try:
            met += expression.matches(context_of(variables))
        except RuleFailed as exc:
            raise RuleRefused(
                f"`when` cannot be evaluated: {exc}. Numbers are decimals, so write 2.0 * "
                f"declared.x; switches are true or false. It was tried with {_said(variables)}"
            ) from exc
    if not expression.names:
        raise RuleRefused(
            f"`when` reads nothing of the movement, so it is {'true' if met else 'false'} of all; "
            "compare something that was declared or that history knows"
        )


def probes_of(expression: Expression) -> Iterator[Variables]:
    """The same for the same expression, whenever it is asked."""
    choose = random.Random(_SEED)
    candidates = {name: _candidates(name, expression.tokens) for name in expression.names}
    for _ in range(PROBES):
        yield _variables({name: choose.choice(values) for name, values in candidates.items()})
    for missing in (*((name,) for name in expression.names), expression.names):
        known = {name: v[0] for name, v in candidates.items() if name not in missing}
        yield _variables({**dict.fromkeys(missing), **known})


def _candidates(name: Name, tokens: Sequence[Token]) -> list[Any]:
    if name.sort == "switch":
        return [True, False]
    if name.sort == "instant":
        return _INSTANTS
    beside = _constants_beside(name.path, tokens)
    texts = [_unquoted(token.text) for token in beside if token.kind == "text"]
    numbers = [float(token.text) for token in beside if token.kind == "number"]
    if name.sort == "text" or (name.sort == "number or text" and texts):
        return [*texts, "", "another"]
    return [*(number + step for number in numbers for step in (0.0, 1.0, -1.0)), 0.0, 1.0, 1e6]


def _constants_beside(path: str, tokens: Sequence[Token]) -> list[Token]:
    """Constants between a reading of the name and the next name."""
    found, of_it = [], False
    for token in tokens:
        if token.kind == "path":
            of_it = token.text == path
        elif of_it and token.kind in {"text", "number"}:
            found.append(token)
    return found


def _unquoted(literal: str) -> str:
    return literal.removeprefix("r")[1:-1]


def _variables(values: Mapping[Name, Any]) -> Variables:
    """As ``reading.Reader`` makes them; None is missing."""
    made: dict[str, dict[str, Any]] = {"declared": {}, "history": {}}
    for name, value in values.items():
        *branch, leaf = name.path.split(".")
        within = made
        for part in branch:
            within = within.setdefault(part, {})
        if value is not None:
            within[leaf] = value
    return made


def _said(variables: Variables) -> str:
    return ", ".join(f"{source} {dict(known)}" for source, known in variables.items() if known)
