"""What can be wrong with a rule."""

from features.errors import ForelandError


class RuleRefused(ForelandError):
    """A rule cannot be taken, or cannot be approved, as it is."""


class RuleFailed(ForelandError):
    """A rule could not be evaluated for one movement, and not because something is missing."""
