"""How selectors stand as of an instant, for people who look at them."""

from typing import Literal, NamedTuple

from features.clock import Micros
from features.ledger import EventSource, SelectorApproved, SelectorProposed, SelectorWithdrawn
from serving.matching import SOURCE

State = Literal["proposed", "approved", "live", "expired", "withdrawn"]
"""``approved``: its start is still to come."""


class Approval(NamedTuple):
    said: SelectorApproved
    occurred_at: Micros


class Standing(NamedTuple):
    said: SelectorProposed
    state: State
    approval: Approval | None


def standing(ledger: EventSource, as_of: Micros) -> list[Standing]:
    """By the events with ``available_at < as_of``, in the order in which they were proposed."""
    proposed: dict[str, SelectorProposed] = {}
    approvals: dict[str, Approval] = {}
    withdrawn: set[str] = set()
    for event in ledger.read_source(SOURCE):
        said = event.payload
        if event.available_at >= as_of:
            continue
        if isinstance(said, SelectorProposed):
            proposed[said.selector] = said
        elif isinstance(said, SelectorApproved):
            approvals.setdefault(said.selector, Approval(said, event.occurred_at))
        elif isinstance(said, SelectorWithdrawn):
            withdrawn.add(said.selector)
    return [
        Standing(
            said, _state(said, name in approvals, name in withdrawn, as_of), approvals.get(name)
        )
        for name, said in proposed.items()
    ]


def _state(said: SelectorProposed, approved: bool, withdrawn: bool, as_of: Micros) -> State:
    if withdrawn:
        return "withdrawn"
    if as_of >= said.expires:
        return "expired"
    if not approved:
        return "proposed"
    return "live" if said.starts <= as_of else "approved"
