"""Which consignments a vehicle or vessel has on board, read from live history or from a timeline.

They are those whose organisations ``features.history.aboard`` folds, each by itself, and those
that are only announced: listed by the movement, and declared by nobody yet.
"""

import numpy as np

from features.clock import Micros
from features.history.aboard import CARGO, CARRIERS, listed_by
from features.history.carriage import NOTHING_ON_BOARD, OnBoard
from features.history.consignments import known_aboard
from features.history.offline import queries_of
from features.history.online import LiveHistory
from features.ledger.events import MovementDeclared
from features.timeline import Timeline


def live_on_board(history: LiveHistory, movement: MovementDeclared, as_of: Micros) -> OnBoard:
    """What is on board, of all that history has heard and was available before ``as_of``."""
    if movement.kind not in CARRIERS:
        return NOTHING_ON_BOARD
    history.apply_before(as_of)
    carried, listed = history.carried_by(movement.movement), listed_by(movement)
    if not carried and not listed:
        return NOTHING_ON_BOARD
    declared, announced = set(carried), set()
    for shipment in listed:
        standing = history.standing(CARGO, shipment)
        if standing is None or standing.since is None:
            announced.add(shipment)
        elif standing.version is not None:
            declared.add(shipment)
    if not declared and not announced:
        return NOTHING_ON_BOARD
    return OnBoard(frozenset(declared), frozenset(announced))


def on_board(timeline: Timeline, movement: MovementDeclared, as_of: Micros) -> OnBoard:
    """The same, of events with ``available_at < as_of``.

    Args:
        timeline: of events before ``as_of`` and none later.

    Raises:
        FutureRefused: an ``as_of`` later than the timeline reaches.
    """
    if movement.kind not in CARRIERS:
        return NOTHING_ON_BOARD
    _, versions = known_aboard(timeline, queries_of(timeline, [movement], np.array([as_of])))
    payloads = timeline.versions.payloads
    heard = {payload.movement for payload in timeline.versions_by_kind[CARGO].payloads}
    return OnBoard(
        frozenset(payloads[version].movement for version in versions.tolist()),
        frozenset(listed_by(movement)) - heard,
    )
