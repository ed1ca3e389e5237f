"""What a rule of a record is, and how all rules of a record and of what lies in it are tried.

A rule reads one record, or one object within it, and nothing else: no clock, no file. It returns
early when the fields it is about are missing, because most fields of most records are.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec

from features.records.codes import CODE_LISTS
from features.records.refusal import Problem


class Breach(NamedTuple):
    """Where and how a rule is broken."""

    pointer: str
    """From the object that the rule reads, such as ``/net_kg``."""
    message: str
    """Rule, value and next step; never the text of an identifier."""


class Rule(NamedTuple):
    code: str
    """Stable; clients may rely on it."""
    requires: str
    """The rule in one sentence."""
    broken: Callable[[Any], Breach | None]
    """None when it is kept."""
    about: tuple[str, ...] = ()
    """Fields without any of which it is kept; none when it may be broken by what is missing."""


class Flag(NamedTuple):
    """A rule whose breach is noted and never a reason to refuse."""

    code: str
    requires: str
    raised: Callable[[Any], str | None]
    """The field that is flagged, None when there is nothing to flag."""
    about: tuple[str, ...]
    """Fields without any of which there is nothing to flag."""


def rule(code: str, *about: str) -> Callable[[Callable[[Any], Breach | None]], Rule]:
    """Makes a rule of a function; its docstring is the rule in one sentence."""

    def made(broken: Callable[[Any], Breach | None]) -> Rule:
        return Rule(code, _sentence(broken), broken, about)

    return made


def flag(code: str, *about: str) -> Callable[[Callable[[Any], str | None]], Flag]:
    """Makes a flag of a function; its docstring says what is noted."""

    def made(raised: Callable[[Any], str | None]) -> Flag:
        return Flag(code, _sentence(raised), raised, about)

    return made


def _sentence(function: Callable[..., Any]) -> str:
    return " ".join((function.__doc__ or "").split())


class Checks(NamedTuple):
    """Everything to try on objects of one type."""

    rules: tuple[Rule, ...]
    coded: tuple[tuple[str, str, bool], ...]
    """Field, name of its code list, and whether it holds many codes."""
    inside: tuple[tuple[str, bool, "Checks"], ...]
    """Field, whether it holds many objects, and what to try on them."""

    def about(self, names: Iterable[str]) -> "Checks":
        """What an object may break of which these fields are given and no others."""
        given = frozenset(names)
        return Checks(
            tuple(one for one in self.rules if not one.about or not given.isdisjoint(one.about)),
            tuple(one for one in self.coded if one[0] in given),
            tuple(one for one in self.inside if one[0] in given),
        )


RulesOf = tuple[tuple[type[msgspec.Struct], tuple[Rule, ...]], ...]
"""The rules of each type of object; hashable, because what is made from them is kept."""


@cache
def checks_of(record: type[msgspec.Struct], rules: RulesOf) -> Checks:
    """The rules of a type and of everything that can lie within it."""
    coded: list[tuple[str, str, bool]] = []
    inside: list[tuple[str, bool, Checks]] = []
    for item in msgspec.inspect.type_info(record).fields:  # type: ignore[attr-defined]
        for many, innermost in _innermost(item.type, many=False):
            if isinstance(innermost, msgspec.inspect.StructType):
                within = checks_of(innermost.cls, rules)
                if within != Checks((), (), ()):
                    inside.append((item.name, many, within))
            else:
                coded.append((item.name, innermost.extra["list"], many))
    return Checks(dict(rules).get(record, ()), tuple(coded), tuple(inside))


def _innermost(kind: Any, *, many: bool) -> Iterator[tuple[bool, Any]]:
    """Structs and listed codes in a type, and whether they come in a list."""
    if isinstance(kind, msgspec.inspect.Metadata):
        if kind.extra and "list" in kind.extra:
            yield many, kind
        else:
            yield from _innermost(kind.type, many=many)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for one in kind.types:
            yield from _innermost(one, many=many)
    elif isinstance(kind, msgspec.inspect.VarTupleType):
        yield from _innermost(kind.item_type, many=True)
    elif isinstance(kind, msgspec.inspect.StructType):
        yield many, kind


def problems_of(value: msgspec.Struct, checks: Checks, pointer: str = "") -> list[Problem]:
    """Every broken rule of an object and of the objects within it."""
    found: list[Problem] = []
    for one in checks.rules:
        breach = one.broken(value)
        if breach is not None:
            found.append(Problem(one.code, pointer + breach.pointer, breach.message))
    for name, code_list, many in checks.coded:
        given = getattr(value, name)
        if given is not None:
            found += _unknown_codes(given, code_list, f"{pointer}/{name}", many=many)
    for name, many, within in checks.inside:
        given = getattr(value, name)
        if not given:
            continue
        if not many:
            found += problems_of(given, within, f"{pointer}/{name}")
            continue
        for index, item in enumerate(given):
            found += problems_of(item, within, f"{pointer}/{name}/{index}")
    return found


def _unknown_codes(given: Any, code_list: str, pointer: str, *, many: bool) -> Iterator[Problem]:
    known, code, wanted = CODE_LISTS[code_list]
    if not many:
        if given not in known:
            yield Problem(code, pointer, f"{given} is no {wanted}; correct it")
        return
    for index, one in enumerate(given):
        if one not in known:
            yield Problem(code, f"{pointer}/{index}", f"{one} is no {wanted}; correct it")
