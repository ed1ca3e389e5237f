"""Which shipments say that a movement carries them, in the version of each that stands.

Memory: about 600 bytes for a carrier with a shipment, and 200 for each further shipment.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from features.history.frozen import Texts
from features.history.tables import Sharded
from features.history.view import Counted, Standing
from features.ledger.events import MovementDeclared

NOBODY: Collection[str] = ()


class OnBoard(NamedTuple):
    """The consignments of one movement at an instant, by their pseudonyms; none is cancelled."""

    declared: frozenset[str]
    """Shipments of which a version stands: those that it lists, and those that name it."""
    announced: frozenset[str]
    """Those that it lists, and of which no version is known."""

    @property
    def anything(self) -> bool:
        return bool(self.declared or self.announced)


NOTHING_ON_BOARD = OnBoard(frozenset(), frozenset())


def carrier_of(shipment: MovementDeclared) -> str | None:
    """Pseudonym of the movement that carries it; None when it does not say."""
    return next(iter(shipment.references.get("carried_by", ())), None) or None


class Told(NamedTuple):
    """A message about a shipment, once it is heard."""

    standing: Standing
    """Of the shipment."""
    payload: Counted
    place: int
    """Of the version that it brought; -1 for another message."""


class Carriage:
    """From carrier to shipments, kept as versions replace each other."""

    def __init__(self, frozen: Texts | None = None) -> None:
        self._carrier = Sharded[str]()
        self._shipments = Sharded[set[str]]()
        if frozen is not None:
            texts = iter(frozen.all())
            for shipment, carrier in zip(texts, texts, strict=True):
                self._put(shipment, carrier)

    def carrying(self, shipment: str) -> str | None:
        """Pseudonym of the movement that carries it; None when nothing that stands says so."""
        return self._carrier.shard(shipment).get(shipment)

    def carried_by(self, carrier: str) -> Collection[str]:
        return self._shipments.shard(carrier).get(carrier, NOBODY)

    def follow(self, told: Told) -> None:
        """Keep up with a message, after all messages of its instant were heard.

        A version that does not stand then never will: a higher one or a cancellation is known.
        """
        version = told.standing.version
        if version is None:
            self._put(told.payload.movement, None)
        elif version.place == told.place and isinstance(told.payload, MovementDeclared):
            self._put(told.payload.movement, carrier_of(told.payload))

    def freeze(self) -> Texts:
        """Two texts of each shipment: its own pseudonym, its carrier's."""
        return Texts.of(self._pairs())

    def _pairs(self) -> Iterator[str]:
        for pair in self._carrier.items():
            yield from pair

    def _put(self, shipment: str, carrier: str | None) -> None:
        carriers = self._carrier.shard(shipment)
        before = carriers.pop(shipment, None)
        if before is not None:
            left = self._shipments.shard(before)
            left[before].discard(shipment)
            if not left[before]:
                del left[before]
        if carrier is not None:
            carriers[shipment] = carrier
            self._shipments.shard(carrier).setdefault(carrier, set()).add(shipment)
