"""One rule's expression: checked, compiled once, evaluated for any movement.

Every value that a movement may lack is in one of three states in CEL: true, false, or an error.
What is missing is absent, so a comparison with it has no answer. The answer of the whole is then
found as far as it does not depend on the missing part:

======================================  ====================================================
``missing > 1``, ``missing == "x"``     no answer
``!(missing > 1)``, ``missing != "x"``  no answer: who said nothing is not known to be other
``missing > 1 || known``                true when ``known`` is true, else no answer
``missing > 1 && known``                false when ``known`` is false, else no answer
``has(declared.x)``                     true or false, never without an answer
======================================  ====================================================

and a rule without an answer does not match.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import cel

from models.rules.errors import RuleFailed, RuleRefused
from models.rules.grammar import SOURCES, Token, tokens_of, unknown
from models.rules.names import Name, Sort, attribute_name, identifiers_of, names_of

_EQUALITIES = frozenset({"==", "!=", "in"})
_NEVER_EQUAL: Mapping[Sort, tuple[str, ...]] = {
    "number": ("text",),
    "text": ("number",),
    "switch": ("text", "number"),
    "instant": ("text", "number"),
    "number or text": (),
}
"""Kinds of constants, by the sort of what they are compared with."""
_WRITTEN: Mapping[Sort, str] = {
    "number": "a number such as 6.5",
    "text": 'a text such as "GB"',
    "switch": "true or false",
    "instant": 'timestamp("2026-03-01T00:00:00Z")',
    "number or text": "either",
}

Variables = Mapping[str, Mapping[str, Any]]
"""``declared`` and ``history`` to what is known under each name."""


class Expression:
    """
    Args:
        attributes: what those are that are known, by name; any other is a number or a text.

    Raises:
        RuleRefused: it cannot be parsed, or reads what a movement of the kind never has.
    """

    def __init__(
        self, kind: str, text: str, attributes: Mapping[str, Sort] = MappingProxyType({})
    ) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        paths = dict.fromkeys(token.text for token in self.tokens if token.kind == "path")
        self.names = tuple(_name(kind, path, attributes) for path in paths)
        """What it reads, in the order in which it first does."""
        _check_constants({name.path: name for name in self.names}, self.tokens)
        try:
            self._program = cel.compile(text)
        except ValueError as exc:
            raise RuleRefused(f"`when` is no expression: {_syntax_error(exc)}; correct it") from exc
        # The library's own list, beside that of the text: nothing is read that was not checked.
        if not set(self._program.variables()) <= set(SOURCES):
            raise RuleRefused("`when` reads more than declared and history; write it more plainly")

    def matches(self, context: cel.Context) -> bool:
        """Whether it is true of what ``context`` holds; without an answer it is not.

        Raises:
            RuleFailed: it is neither true nor false, though nothing that it needed is missing.
        """
        try:
            found = self._program.execute(context)
        except KeyError:  # of an absent name, and of nothing else: a rule reads no map by key
            return False
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:  # a panic in the library's Rust is no Exception
            raise RuleFailed(_first_sentence(exc)) from exc
        if not isinstance(found, bool):
            raise RuleFailed(f"it gives {type(found).__name__}, which is neither true nor false")
        return found


def context_of(variables: Variables) -> cel.Context:
    """For one movement and any number of expressions; for one thread."""
    return cel.Context(dict(variables))


def _name(kind: str, path: str, attributes: Mapping[str, Sort]) -> Name:
    found = names_of(kind).get(path) or attribute_name(kind, path)
    if found is not None:
        known = attributes.get(found.key) if found.kept_in == "attributes" else None
        return found if known is None else found._replace(sort=known)
    if path in identifiers_of(kind):
        raise RuleRefused(
            f"`when` reads {path!r}, which is an identifier; who is looked for by name is a "
            "selector: foreland selectors add"
        )
    raise unknown(f"value of a {kind}", path, names_of(kind))


def _check_constants(names: Mapping[str, Name], tokens: Sequence[Token]) -> None:
    """In CEL a text equals no number and that is no error: it would only never be true."""
    for at, token in enumerate(tokens):
        if token.text not in _EQUALITIES or at == 0:
            continue
        around = [tokens[at - 1], *_constants_after(tokens[at + 1 :])]
        sorts = {names[one.text].sort for one in around if one.kind == "path"}
        for constant in around:
            for sort in sorts:
                if constant.kind in _NEVER_EQUAL[sort]:
                    raise RuleRefused(
                        f"`when` asks whether a {sort} is {constant.text}, which it never is; "
                        f"compare it with {_WRITTEN[sort]}"
                    )


def _constants_after(rest: Sequence[Token]) -> Sequence[Token]:
    """The value after an equality, or all of the list after ``in``."""
    if rest and rest[0].text == "[":
        end = next((at for at, token in enumerate(rest) if token.text == "]"), len(rest))
        return rest[1:end]
    return rest[:1]


def _first_sentence(exc: BaseException) -> str:
    return (str(exc).splitlines() or [""])[0].split(". ")[0].rstrip(".:") or repr(exc)


def _syntax_error(exc: Exception) -> str:
    """
    >>> try: cel.compile("1 +")
    ... except ValueError as exc: _syntax_error(exc)
    "character 4: mismatched input '<EOF>'"
    """
    found = re.search(r"<input>:\d+:(\d+): (?:Syntax error: )?([^\n{]*)", str(exc))
    if found is None:
        return _first_sentence(exc)
    return f"character {found[1]}: {found[2].removesuffix(' expecting ').strip()}"
