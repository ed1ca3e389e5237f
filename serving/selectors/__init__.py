"""Selectors: approved, expiring entries of agencies' watch-lists, and what movements meet them.

docs/intelligence.md says what may be in one, and who sees a match.
"""

from serving.selectors.acts import approve, propose, withdraw
from serving.selectors.drafting import SelectorRefused, draft
from serving.selectors.matcher import SelectorMatcher

__all__ = ["SelectorMatcher", "SelectorRefused", "approve", "draft", "propose", "withdraw"]
