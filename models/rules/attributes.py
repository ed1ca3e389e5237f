"""Attributes that a rule reads, held against those that movements have declared.

The catalogue knows no attribute: mappings name them, and only the ledger says which there are and
whether they hold numbers or texts.
"""

from collections.abc import Collection, Iterable, Mapping

from features.ledger import MovementDeclared, Recorded, RuleProposed
from models.rules.errors import RuleRefused
from models.rules.expression import Expression
from models.rules.grammar import unknown
from models.rules.names import Sort, attribute_of
from models.rules.probes import try_out


def attributes_of(rule: RuleProposed) -> frozenset[str]:
    """Which it reads, or reads the history of, by name."""
    read = map(attribute_of, Expression(rule.kind, rule.when).names)
    return frozenset(name for name in read if name is not None)


def declared_attributes(events: Iterable[Recorded], kind: str) -> dict[str, Sort]:
    """What each attribute of the kind holds, by name; ``number or text`` when it held both."""
    found: dict[str, Sort] = {}
    for event in events:
        said = event.payload
        if not isinstance(said, MovementDeclared) or said.kind != kind:
            continue
        for name, value in said.attributes.items():
            sort: Sort = "text" if isinstance(value, str) else "number"
            if found.setdefault(name, sort) != sort:
                found[name] = "number or text"
    return found


def check_known(rule: RuleProposed, declared: Collection[str]) -> None:
    """
    Args:
        declared: every attribute that a movement of the rule's kind ever had, by name.

    Raises:
        RuleRefused: it reads another one, with the nearest that there are.
    """
    for name in sorted(attributes_of(rule).difference(declared)):
        if not declared:
            raise RuleRefused(
                f"{rule.name} reads the attribute {name!r}, and no {rule.kind} ever declared any; "
                "map one first (docs/mapping.md)"
            )
        raise unknown(f"attribute of a {rule.kind}", name, sorted(declared))


def check_attributes(rule: RuleProposed, declared: Mapping[str, Sort]) -> None:
    """
    Raises:
        RuleRefused: as ``check_known``; or a number is compared with a text, or the history is
            read of an attribute that has none.
    """
    check_known(rule, declared)
    expression = Expression(rule.kind, rule.when, declared)
    for name in expression.names:
        attribute = attribute_of(name)
        if name.kept_in == "row" and attribute is not None and declared[attribute] == "number":
            raise RuleRefused(
                f"`when` reads {name.path!r}, but {attribute!r} is a number, and only codes have a "
                f"history; compare declared.attribute.{attribute} instead"
            )
    try_out(expression)
