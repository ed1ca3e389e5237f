"""Everything that agencies know, as the ledger has it: the matchers, with what they have heard."""

from features.clock import Micros
from features.ledger import EventSource
from serving.exchange.partner_matches import PartnerMatches
from serving.matching import PARTNERS, SOURCE, Matcher, Matching
from serving.rule_matcher import RuleMatcher
from serving.selectors.matcher import SelectorMatcher


def read_matching(
    ledger: EventSource, position_up_to: int | None = None, *, asked_from: Micros = 0
) -> Matching:
    """What stands by all events of intelligence, or by those up to a position.

    Args:
        asked_from: no movement will be looked at as of an earlier instant.
    """
    matching = Matching(matchers(asked_from))
    for events in (ledger.read_source(SOURCE), ledger.read_sources(PARTNERS)):
        for event in events:
            if position_up_to is not None and event.position > position_up_to:
                break
            matching.hear(event)
    return matching


def matchers(asked_from: Micros) -> list[Matcher]:
    """Fresh ones, which have heard of nothing yet."""
    return [SelectorMatcher(asked_from), RuleMatcher(), PartnerMatches()]
