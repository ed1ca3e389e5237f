"""What the ledger said when a score was given: history, the selectors and rules that the movement
met, and the consignments on board."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from features.catalogue import Catalogue
from features.history.on_board import on_board
from features.ledger import Ledger, MovementCancelled, MovementDeclared, Recorded
from features.rows import Floats, feature_rows
from features.timeline import Timeline, timeline_of
from serving.aboard import known_aboard
from serving.answers import shown_matches
from serving.audit import AuditLog, RecordedAssessment
from serving.comparing import Difference
from serving.intelligence import read_matching
from serving.matching import Match, Sighting, encode_matches
from serving.recording import REASSESSMENT
from serving.wire import AssessmentMessage, Consignments


class Known:
    """As of one score: its instant, and the last position that it had heard.

    Args:
        apart: without what the movement had added to history itself, as ``LiveHistory.apart``
            reads. First assessments of a later version that were made before Foreland did so
            counted the earlier version.
    """

    def __init__(self, ledger: Ledger, recorded: RecordedAssessment, *, apart: bool) -> None:
        self._ledger = ledger
        self._recorded = recorded
        self._apart = apart

    @cached_property
    def timeline(self) -> Timeline:
        """What came later is left out by its position: a backfill carries earlier clocks."""
        as_of, position = self._recorded.as_of, self._recorded.ledger_position
        heard = self._ledger.read(available_before=as_of, position_up_to=position)
        return timeline_of(self._without_itself(heard) if self._apart else heard, as_of)

    def _without_itself(self, heard: Iterable[Recorded]) -> Iterator[Recorded]:
        was_declared = False
        for event in heard:
            said = event.payload
            was_declared |= (
                isinstance(said, MovementDeclared)
                and said.kind == self._recorded.kind
                and said.movement == self._recorded.movement
            )
            yield event
        if was_declared:
            yield _taken_out(self._recorded)

    def matches_of(self, declared: MovementDeclared) -> tuple[Match, ...]:
        """Hidden ones too."""
        as_of = self._recorded.as_of

        def row_of(catalogue: Catalogue) -> Floats:
            row: Floats = feature_rows(self.timeline, [declared], np.array([as_of]), catalogue)[0]
            return row

        matching = read_matching(self._ledger, self._recorded.ledger_position)
        return matching.of(Sighting(declared, as_of, row_of))

    def consignments_of(self, declared: MovementDeclared) -> Consignments | None:
        """What the agency knew of those on board."""
        then, as_of = self._recorded, self._recorded.as_of
        carried = on_board(self.timeline, declared, as_of)
        with closing(AuditLog(self._ledger.url)) as log:
            aboard = known_aboard(log, then.agency, declared, carried, then.ledger_position, as_of)
        return None if aboard is None else aboard.consignments


def _taken_out(recorded: RecordedAssessment) -> Recorded:
    last = recorded.as_of - 1
    return Recorded(
        position=recorded.position,
        source=REASSESSMENT,
        event_id=recorded.score_id,
        occurred_at=last,
        available_at=last,
        backfill=False,
        payload=MovementCancelled(
            kind=recorded.kind, movement=recorded.movement, cancelled_at=last
        ),
    )


def selectors_agree(recorded: RecordedAssessment, again: tuple[Match, ...]) -> bool:
    """Whether rules alone make the difference: these read history, which retention takes away;
    selectors read only what the movement declares itself."""
    texts = (recorded.matches, encode_matches(again))
    before, now = (msgspec.json.decode(text or "[]") for text in texts)
    return bool(_of_selectors(before) == _of_selectors(now))


def _of_selectors(matches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [match for match in matches if match["by"] == "selector"]


def match_differences(
    recorded: RecordedAssessment, answer: AssessmentMessage, again: tuple[Match, ...]
) -> list[Difference]:
    """Between what was recorded as met, what the client was shown of it, and what stood then."""
    shown = shown_matches(again, recorded.agency)
    pairs = {
        "column matches": (recorded.matches, encode_matches(again)),
        "matches": (answer.matches, shown),
    }
    return [Difference(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1]]
