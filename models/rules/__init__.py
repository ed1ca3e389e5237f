"""Rules: named, versioned expressions that people approve, beside the model and never in it."""

from models.rules.attributes import (
    attributes_of,
    check_attributes,
    check_known,
    declared_attributes,
)
from models.rules.definition import (
    EXAMPLE,
    check_life,
    parse_rule,
    read_rule,
    sha256_of_rule,
)
from models.rules.errors import RuleFailed, RuleRefused
from models.rules.evaluating import Evaluated, RuleSet
from models.rules.expression import Expression
from models.rules.probes import try_out
from models.rules.standing import (
    APPROVERS_NEEDED,
    SOURCE,
    LiveRule,
    Mode,
    Rules,
    State,
    Version,
    read_rules,
    rules_heard,
)

__all__ = [
    "APPROVERS_NEEDED",
    "EXAMPLE",
    "SOURCE",
    "Evaluated",
    "Expression",
    "LiveRule",
    "Mode",
    "RuleFailed",
    "RuleRefused",
    "RuleSet",
    "Rules",
    "State",
    "Version",
    "attributes_of",
    "check_attributes",
    "check_known",
    "check_life",
    "declared_attributes",
    "parse_rule",
    "read_rule",
    "read_rules",
    "rules_heard",
    "sha256_of_rule",
    "try_out",
]
