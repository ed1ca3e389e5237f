"""All that the ledger said before an instant, as columns: the current view, and every change of it.

``movements`` and ``outcomes`` are the current view, one row per movement. ``entries`` is how that
view came about: what was added to history and taken back, at which weight, visible from when.
History at an earlier ``as_of`` is read from ``entries``, never from the current view.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import compress
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from msgspec.structs import force_setattr
from numpy.typing import NDArray

from features.clock import Micros
from features.collector import collector_paused
from features.history.entries import (
    Cancellations,
    Entries,
    Events,
    Ints,
    Verdicts,
    Versions,
    entries_of,
    standings,
)
from features.ledger.events import (
    Erased,
    MovementCancelled,
    MovementDeclared,
    OutcomeRecorded,
    Recorded,
)
from features.ledger.protocol import EventSource, LedgerReader
from features.records import KINDS

SIMULATION = "simulation"
"""The source of events that no border ever saw."""


class _View(NamedTuple):
    """int64[movements] each, -1 for none: see ``standings``."""

    version: Ints
    first: Ints
    verdict: Ints


class KindVersions(NamedTuple):
    """The versions of movements of one kind, in the order of ``Timeline.versions``."""

    at: Ints
    """int64[m]: where in ``Timeline.versions``."""
    payloads: list[MovementDeclared]

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Those that are chosen, of bool[versions] over all kinds."""
        mine = chosen[self.at]
        payloads = list(compress(self.payloads, mine.tolist()))
        return self._replace(at=self.at[mine], payloads=payloads)


class Timeline:
    """Events with ``available_at < available_before``; equal timestamps are not in it."""

    def __init__(self, events: Events, available_before: Micros, *, erased: int = 0) -> None:
        self.available_before = available_before
        self.versions = events.versions
        self.verdicts = events.verdicts
        self.erased = erased
        """Events of that time whose content retention has destroyed; nothing here knows them."""
        self._events = events

    def before(self, available_before: Micros) -> "Timeline":
        """What it was at an earlier instant: everything later is cut off, not hidden.

        What retention had erased by then is not counted.

        Raises:
            ValueError: it does not know what came then.
        """
        if available_before > self.available_before:
            raise ValueError(f"{available_before} is later than {self.available_before}")
        return Timeline(self._events.before(available_before), available_before)

    @cached_property
    def entries(self) -> Entries:
        return entries_of(self._events)

    @cached_property
    def versions_by_kind(self) -> Mapping[str, KindVersions]:
        """For every kind, those without versions too: each space of keys goes through them."""
        at: dict[str, list[int]] = {kind: [] for kind in KINDS}
        payloads = self.versions.payloads
        for i, payload in enumerate(payloads):
            at[payload.kind].append(i)
        return {
            kind: KindVersions(np.array(its, dtype=np.int64), [payloads[i] for i in its])
            for kind, its in at.items()
        }

    @cached_property
    def _view(self) -> _View:
        return _View(*standings(self._events))

    @cached_property
    def movements(self) -> pd.DataFrame:
        """One row per movement, by ``(available_at, position)`` of the version heard first.

        Columns: movement, kind, version, source, declared_at, available_at and position (both of
        the version heard first), simulated, payload (the ``MovementDeclared`` that stands).
        """
        numbers = np.flatnonzero(self._view.version >= 0)
        numbers = numbers[np.argsort(self._view.first[numbers])]
        stands = self._view.version[numbers].tolist()
        first = self._view.first[numbers]
        payloads = [self.versions.payloads[i] for i in stands]
        sources = [self.versions.source[i] for i in stands]
        return pd.DataFrame(
            {
                "movement": [p.movement for p in payloads],
                "kind": [p.kind for p in payloads],
                "version": np.array([p.version for p in payloads], dtype=np.int64),
                "source": sources,
                "declared_at": np.array([p.declared_at for p in payloads], dtype=np.int64),
                "available_at": self.versions.available_at[first],
                "position": self.versions.position[first],
                "simulated": np.array([source == SIMULATION for source in sources], dtype=bool),
                "payload": pd.Series(payloads, dtype=object),
            }
        )

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """One row per movement that has an outcome, by its ``(available_at, position)``.

        Columns: movement, kind, examined_at, available_at, position, outcome, thoroughness,
        selection_reason, threat and concealment (None without a find, or where the find did not
        say). An outcome whose movement is not known yet is parked, and one whose movement is
        cancelled is without it: neither is in it.
        """
        known = (self._view.verdict >= 0) & (
            self._view.version >= 0
        )  # neither parked nor cancelled
        stands = np.sort(self._view.verdict[known])
        payloads = [self.verdicts.payloads[i] for i in stands.tolist()]
        return pd.DataFrame(
            {
                "movement": [p.movement for p in payloads],
                "kind": [p.kind for p in payloads],
                "examined_at": np.array([p.examined_at for p in payloads], dtype=np.int64),
                "available_at": self.verdicts.available_at[stands],
                "position": self.verdicts.position[stands],
                "outcome": [p.outcome for p in payloads],
                "thoroughness": [p.thoroughness for p in payloads],
                "selection_reason": [p.selection_reason for p in payloads],
                "threat": pd.Series([p.threat for p in payloads], dtype=object),
                "concealment": pd.Series([p.concealment or None for p in payloads], dtype=object),
            }
        )

    def first_declared(self, movements: pd.DataFrame) -> list[MovementDeclared]:
        """The version heard first of each of these rows of ``movements``.

        A row as of its ``available_at`` is made from it: later versions were not known then.
        """
        index_of = {position: at for at, position in enumerate(self.versions.position.tolist())}
        return [self.versions.payloads[index_of[at]] for at in movements["position"].tolist()]

    def of_kind(self, kind: str) -> pd.DataFrame:
        """The rows of ``movements`` of one kind, index 0 to n-1."""
        return self.movements[self.movements["kind"] == kind].reset_index(drop=True)

    def attributes(self, kind: str) -> dict[str, str]:
        """Each attribute of the kind to ``number`` (no text was ever seen) or ``code``, by name."""
        found: dict[str, str] = {}
        for payload in self.versions_by_kind[kind].payloads:
            for name, value in payload.attributes.items():
                if isinstance(value, str):
                    found[name] = "code"
                else:
                    found.setdefault(name, "number")
        return dict(sorted(found.items()))


def load_timeline(ledger: LedgerReader | EventSource, *, available_before: Micros) -> Timeline:
    return timeline_of(ledger.read(available_before=available_before), available_before)


@collector_paused()
def timeline_of(events: Iterable[Recorded], available_before: Micros) -> Timeline:
    """
    Args:
        events: by ``(available_at, position)``, all with ``available_at < available_before``.
    """
    numbers: dict[tuple[str, str], int] = {}
    texts: dict[str, str] = {}
    declared = _Messages()
    concluded = _Messages()
    cancelled = _Messages()
    sources: list[str] = []
    erased = 0
    for event in events:
        payload = event.payload
        if isinstance(payload, MovementDeclared):
            _share_texts(payload, texts)
            declared.add(event, numbers)
            sources.append(event.source)
        elif isinstance(payload, OutcomeRecorded):
            concluded.add(event, numbers)
        elif isinstance(payload, MovementCancelled):
            cancelled.add(event, numbers)
        elif isinstance(payload, Erased):
            erased += 1
    together = Events(
        Versions(declared.payloads, *_columns(declared.rows), sources),
        Verdicts(concluded.payloads, *_columns(concluded.rows)),
        Cancellations(cancelled.payloads, *_columns(cancelled.rows)),
        len(numbers),
    )
    return Timeline(together, available_before, erased=erased)


def _share_texts(movement: MovementDeclared, texts: dict[str, str]) -> None:
    """Keep one copy of a pseudonym or code that many movements name, and of what is empty: two
    fifths of the memory."""
    for named in (movement.entities, movement.fields):
        for field, value in named.items():
            if isinstance(value, str):
                named[field] = texts.setdefault(value, value)
    for name in ("attributes", "references", "details", "tags"):
        if not getattr(movement, name):
            force_setattr(movement, name, _EMPTY)


_EMPTY: dict[str, Any] = {}
"""Of every movement that has none: nobody writes to a record of the ledger."""


class _Messages:
    def __init__(self) -> None:
        self.payloads: list[Any] = []
        self.rows: list[tuple[int, int, int]] = []

    def add(self, event: Recorded, numbers: dict[tuple[str, str], int]) -> None:
        payload: Any = event.payload
        number = numbers.setdefault((payload.kind, payload.movement), len(numbers))
        self.payloads.append(payload)
        self.rows.append((number, event.available_at, event.position))


def _columns(rows: list[tuple[int, int, int]]) -> tuple[Ints, Ints, Ints]:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    movement, available_at, position = np.ascontiguousarray(table.T)
    return movement, available_at, position
