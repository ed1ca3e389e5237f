"""What is to be assessed again, read in a thread: assessments that may be live, and what they were
about."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from features.clock import Micros
from features.history.carriage import carrier_of
from features.ledger import (
    Ledger,
    MovementDeclared,
    Recorded,
    SelectorApproved,
    SelectorProposed,
    open_tables,
)
from serving.audit import AuditLog, RecordedAssessment
from serving.audit.reading import Begin, LiveRow
from serving.matching import SOURCE as INTELLIGENCE_SOURCE
from serving.reassessing.overheard import Stretch
from serving.reassessing.triggers import INTELLIGENCE, Trigger

MOST_EVENTS, MOST_ROWS = 1_000, 500
"""Read at a time."""
_PROPOSED = "SELECT position FROM events WHERE source = ? AND event_id = ?"
Named = tuple[str, str]
"""Agency and pseudonym of a movement."""


class Subject(NamedTuple):
    """The highest version of a movement that was assessed for an agency."""

    declared: MovementDeclared
    first: RecordedAssessment
    last: RecordedAssessment
    """Of the same version; the same as ``first`` until it was assessed again."""
    first_seen: Micros
    """When the first of all versions was assessed."""
    triggers: Sequence[Trigger]
    """That it does not know of yet, at least one."""

    @property
    def trigger(self) -> Trigger:
        """What it is assessed again because of."""
        return max(self.triggers, key=lambda one: one.weight)

    @property
    def only_intelligence(self) -> bool:
        return all(one.because in INTELLIGENCE.values() for one in self.triggers)


class Subjects:
    """Used by one thread at a time."""

    def __init__(self, ledger: Ledger, answer_seconds: float) -> None:
        self._ledger = ledger
        self._log = AuditLog(ledger.url, answer_seconds=answer_seconds)
        self.tables = open_tables(ledger.url, answer_seconds=answer_seconds)

    def close(self) -> None:
        self._log.close()
        self.tables.close()

    def events(self, after_position: int, up_to: int) -> Stretch:
        """The next ``MOST_EVENTS``, by position."""
        read = islice(self._ledger.tail(after_position), MOST_EVENTS)
        found = [event for event in read if event.position <= up_to]
        return Stretch(found, found[-1].position if found else up_to)

    def delayed(self, events: Sequence[Recorded]) -> dict[int, Trigger]:
        """The approvals among them of selectors that start later, by position."""
        found = {}
        for event in events:
            if isinstance(event.payload, SelectorApproved):
                starts = self._starts(event.payload.selector)
                if starts is not None and starts > event.available_at:
                    found[event.position] = Trigger(event.position, "selector", starts=starts)
        return found

    def _starts(self, selector: str) -> Micros | None:
        at = self.tables.fetch(_PROPOSED, [INTELLIGENCE_SOURCE, f"proposed:{selector}"])
        event = next(self._ledger.tail(at[0][0] - 1), None) if at else None
        said = None if event is None else event.payload
        return said.starts if isinstance(said, SelectorProposed) else None

    def begin(self, since: Micros) -> Begin | None:
        """Where the first assessment with ``available_at >= since`` is; None without any."""
        return self._log.begin(since)

    def rows(self, since: Micros, after_number: int) -> list[LiveRow]:
        """The next ``MOST_ROWS`` of what may be live."""
        return self._log.first_assessments(since, after_number, MOST_ROWS)

    def named_carriers(self, agency: str, shipment: str) -> frozenset[str]:
        """Pseudonyms of the movements by which any of its versions that were assessed for the
        agency was to be carried: history knows of the last one, and of none when it is cancelled.
        """
        found = self._log.of_movement(agency, shipment)
        events = (next(self._ledger.tail(one.position - 1), None) for one in found)
        declared = (None if event is None else event.payload for event in events)
        carriers = (carrier_of(one) for one in declared if isinstance(one, MovementDeclared))
        return frozenset(carrier for carrier in carriers if carrier is not None)

    def read(self, wanted: Collection[tuple[Named, Collection[Trigger]]]) -> list[Subject]:
        """Those that were assessed, are not erased, and do not know of every trigger yet."""
        return list(self._read(wanted))

    def _read(self, wanted: Collection[tuple[Named, Collection[Trigger]]]) -> Iterator[Subject]:
        for (agency, movement), triggers in wanted:
            found = self._log.of_movement(agency, movement)
            if not found:
                continue
            highest = max(one.movement_version for one in found)
            of_version = [one for one in found if one.movement_version == highest]
            last, first = of_version[0], of_version[-1]
            unknown = [one for one in triggers if _is_news(one, last)]
            if not unknown or last.body is None:
                continue
            event = next(self._ledger.tail(first.position - 1), None)
            if event is not None and isinstance(event.payload, MovementDeclared):
                first_seen = min(one.as_of for one in found)
                yield Subject(event.payload, first, last, first_seen, unknown)


def _is_news(trigger: Trigger, last: RecordedAssessment) -> bool:
    return trigger.position > last.ledger_position or trigger.starts > last.as_of
