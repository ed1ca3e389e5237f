"""Which part of the Common Expression Language (CEL) a rule may use, and what it reads.

The library parses and evaluates; here an expression is held to what can be bounded before that:
named values, comparisons, arithmetic, lists of constants and a few functions on texts and times. No
loops, no maps, no access by index, so that an expression costs about as much as it is long and
everything that it reads can be told from its text.

References:
    Common Expression Language, language definition: https://github.com/google/cel-spec
"""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from models.rules.errors import RuleRefused

LONGEST = 1_000
"""Characters of an expression."""
DEEPEST = 12
"""Brackets within brackets."""
LONGEST_PATTERN = 40
"""Characters. The library builds a pattern anew at every evaluation: 8 to 250 µs of these."""

FUNCTIONS = frozenset({"has", "size", "timestamp", "duration"})
METHODS = frozenset(
    {
        "startsWith",
        "endsWith",
        "contains",
        "matches",
        "size",
        "getHours",
        "getDayOfWeek",
        "getDate",
        "getMonth",
        "getFullYear",
    }
)
SOURCES = ("declared", "history")

_WORDS = frozenset({"true", "false", "in"})
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>r"[^"\n]*"|r'[^'\n]*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>&&|\|\||[=!<>]=|[-<>!+*/?:.,()\[\]])""",
    re.VERBOSE | re.ASCII,
)
_SLOW_IN_PATTERNS = re.compile(r"\\[A-Za-z]|\{|\(\?")


class Token(NamedTuple):
    kind: str
    """``text``, ``number``, ``word``, ``sign``, or ``path``: words joined by dots."""
    text: str


def tokens_of(expression: str) -> list[Token]:
    """The expression in pieces, each path of a value in one.

    Raises:
        RuleRefused: it is longer or deeper than a rule may be, or has what no rule may have.
    """
    if not 0 < len(expression) <= LONGEST:
        raise RuleRefused(
            f"`when` is {len(expression)} characters long; an expression has 1 to {LONGEST}, so "
            "make two rules of it"
        )
    tokens = list(_joined(list(_pieces(expression))))
    _check_depth(tokens)
    for at, token in enumerate(tokens):
        _check(token, tokens[at - 1] if at else None, tokens[at + 1 :])
    return tokens


def unknown(what: str, name: str, known: Collection[str]) -> RuleRefused:
    """A refusal with the nearest names that there are."""
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    last = name.rpartition(".")[2]
    near += [one for one in sorted(known) if one.endswith(f".{last}") and one not in near]
    hint = f"did you mean {', '.join(near[:3])}?" if near else f"there are {', '.join(known)}"
    return RuleRefused(f"there is no {what} {name!r}; {hint}")


def _pieces(expression: str) -> Iterator[Token]:
    at = 0
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None or expression.startswith("//", at):
            raise RuleRefused(
                f"`when` has {expression[at : at + 10]!r}, which no rule may have; compare values "
                "with constants, and write comments in the TOML beside it"
            )
        at = found.end()
        if found.lastgroup and found.lastgroup != "space":
            yield Token(found.lastgroup, found.group())


def _joined(pieces: Sequence[Token]) -> Iterator[Token]:
    """Words joined by dots as one path; a method that is called stays a word of its own."""
    at = 0
    while at < len(pieces):
        kind, text = pieces[at]
        at += 1
        after_dot = at > 1 and pieces[at - 2].text == "."
        if kind != "word" or text in _WORDS or after_dot or _is_called(pieces, at):
            yield Token(kind, text)
            continue
        while (
            at + 1 < len(pieces)
            and pieces[at].text == "."
            and pieces[at + 1].kind == "word"
            and not _is_called(pieces, at + 2)
        ):
            text = f"{text}.{pieces[at + 1].text}"
            at += 2
        yield Token("path", text)


def _is_called(pieces: Sequence[Token], at: int) -> bool:
    return at < len(pieces) and pieces[at].text == "("


def _check_depth(tokens: Sequence[Token]) -> None:
    depth = 0
    for _, text in tokens:
        depth += (text in {"(", "["}) - (text in {")", "]"})
        if depth > DEEPEST:
            raise RuleRefused(
                f"`when` has more than {DEEPEST} brackets within each other; make two rules of it"
            )


def _check(token: Token, before: Token | None, rest: Sequence[Token]) -> None:
    if token.kind == "path" and token.text == "null":
        raise RuleRefused(
            "`when` compares with null, which nothing is equal to: what is missing is absent; "
            "write !has(declared.gross_mass_kg)"
        )
    if token.kind == "path" and token.text.partition(".")[0] not in SOURCES:
        raise RuleRefused(
            f"`when` reads {token.text!r}; a name begins with declared or history, as in "
            "declared.gross_mass_kg and history.haulier.finds"
        )
    if token.kind == "word" and token.text not in _WORDS:
        known = METHODS if before is not None and before.text == "." else FUNCTIONS
        if token.text not in known:
            raise unknown("function", token.text, sorted(known))
        if token.text == "matches":
            _check_pattern(rest)
    if token.text == "[" and before is not None and _ends_a_value(before):
        raise RuleRefused("`when` reads by index; write declared.NAME, and `in` for lists")


def _ends_a_value(token: Token) -> bool:
    return token.kind in {"path", "text"} or token.text in {")", "]"}


def _check_pattern(rest: Sequence[Token]) -> None:
    """
    Args:
        rest: what follows ``matches``.
    """
    if [token.kind for token in rest[:2]] != ["sign", "text"] or rest[2].text != ")":
        raise RuleRefused("`matches` takes one constant text; write .matches('^GB')")
    pattern = rest[1].text
    length = len(pattern.removeprefix("r")) - len("''")
    if length > LONGEST_PATTERN or _SLOW_IN_PATTERNS.search(pattern):
        raise RuleRefused(
            f"the pattern {pattern} may take too long: it has at most {LONGEST_PATTERN} characters "
            "and none of \\d, \\w, {3}, (?; write [0-9] and [A-Z], or use startsWith"
        )
