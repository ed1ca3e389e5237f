"""What calls for assessing a movement again: events that make something known beside it. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from features.clock import Micros
from features.history.aboard import CARGO, CARRIERS, listed_by
from features.ledger import (
    MovementCancelled,
    MovementDeclared,
    MovementReassessed,
    OutcomeRecorded,
    PartnerEventReceived,
    Recorded,
    RuleApproved,
    SelectorApproved,
)
from serving.exchange.messages import ALERT_RAISED, OUTCOME_RECORDED
from serving.matching import SOURCE as INTELLIGENCE_SOURCE
from serving.recording import agency_of
from serving.vocabulary import Because

WEIGHTS: tuple[Because, ...] = (
    "outcome",
    "partner",
    "rule",
    "selector",
    "cancellation",
    "consignment",
)
ABOUT_CARGO: frozenset[Because] = frozenset({"cancellation", "consignment"})
"""What concerns the carriers of a consignment, and nothing else."""
INTELLIGENCE: Mapping[type, Because] = {
    SelectorApproved: "selector",
    RuleApproved: "rule",
    PartnerEventReceived: "partner",
}
"""Events by which a selector, a rule or what a partner said becomes live."""
DECISIVE = frozenset({"band", "selection", "matches"})
"""What has to change about a consignment that is assessed again before its carrier is."""


class Trigger(NamedTuple):
    """One event that became known."""

    position: int
    because: Because
    kind: str = ""
    movement: str = ""
    """Pseudonym of the movement that it is about: a consignment, or what was examined. Empty for
    intelligence, which may be about any."""
    agency: str | None = None
    """Whose carriers it concerns; None: those of every agency."""
    starts: Micros = 0
    """Of a selector that was approved before its start: when it becomes live."""
    later: bool = False
    """Whether the consignment was declared before, perhaps on board of another carrier."""
    gone: bool = False
    """Whether it is on board no more, of the carrier that is to be assessed again."""

    @property
    def weight(self) -> tuple[int, int]:
        """Of several that call for one assessment the greatest is named as its reason."""
        return WEIGHTS.index(self.because), self.position


def trigger_of(event: Recorded) -> Trigger | None:
    """None for an event after which nothing is assessed again.

    A selector or rule that is only proposed gives no advice yet, and one that ends takes none back.
    Of what partners tell alerts and finds count; their finds are many, so all that came since the
    last look are one trigger.
    A consignment concerns the carriers of the agency that had it assessed, and no other's, and so
    does its cancellation, and one that goes to another carrier the one that it leaves.
    Of what is assessed again only a consignment is followed, and no further than to its carrier,
    which is carried by nothing: so there is no circle.
    """
    said = event.payload
    if isinstance(said, PartnerEventReceived):
        return Trigger(event.position, "partner") if _may_be_met(said) else None
    if event.source == INTELLIGENCE_SOURCE:
        live = INTELLIGENCE.get(type(said))
        return None if live is None else Trigger(event.position, live)
    if isinstance(said, OutcomeRecorded):
        return Trigger(event.position, "outcome", said.kind, said.movement)
    because: Because = "consignment"
    later = gone = False
    if isinstance(said, MovementDeclared) and said.kind == CARGO:
        agency, later = agency_of(event.source), said.version > 1
    elif isinstance(said, MovementCancelled) and said.kind == CARGO:
        agency, because, later, gone = agency_of(event.source), "cancellation", True, True
    elif isinstance(said, MovementReassessed) and said.kind == CARGO:
        agency = None if DECISIVE.isdisjoint(said.changed) else said.agency
    else:
        return None
    if agency is None:
        return None
    return Trigger(event.position, because, CARGO, said.movement, agency, later=later, gone=gone)


def _may_be_met(said: PartnerEventReceived) -> bool:
    found = said.event_type == OUTCOME_RECORDED and said.data.get("outcome") == "positive"
    return found or said.event_type == ALERT_RAISED


class Listings:
    """Which carriers have listed which consignments lately.

    Two halves, of which the older is dropped as a whole when a listing comes: what was heard stays
    for at least ``days``, and at most twice as long while carriers list. Memory: some 150 bytes for
    each that is listed.
    """

    def __init__(self, days: Micros) -> None:
        self._days = days
        self._since: Micros = 0
        self._now: dict[str, tuple[str, ...]] = {}
        self._before: dict[str, tuple[str, ...]] = {}

    def hear(self, events: Iterable[Recorded]) -> None:
        """Events come by position."""
        for event in events:
            said = event.payload
            if not isinstance(said, MovementDeclared) or said.kind not in CARRIERS:
                continue
            if event.available_at - self._since > self._days:
                self._now, self._before, self._since = {}, self._now, event.available_at
            for shipment in listed_by(said):
                carriers = self._now.get(shipment, ())
                if said.movement not in carriers:
                    self._now[shipment] = (*carriers, said.movement)

    def carriers_of(self, shipment: str) -> frozenset[str]:
        """Pseudonyms of movements of which some version has listed it; not each still does."""
        return frozenset((*self._now.get(shipment, ()), *self._before.get(shipment, ())))
