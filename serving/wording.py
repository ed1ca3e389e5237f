"""Answers about one kind at one instant, put into words: what many have in common is said once."""

from collections.abc import Sequence
from typing import Any

import msgspec

from features.clock import iso
from features.ledger import MovementDeclared
from serving.answers import answer_message, identity
from serving.knowledge import Circumstances
from serving.matching import Match
from serving.scorer import Assessment
from serving.selection import Selected
from serving.vocabulary import Because
from serving.wire import AssessmentMessage, Consignments, encode

FEW = 32
"""Of so few answers each is put into words by itself."""
_HOLE = b"\0"
"""No JSON holds it: within a text it is written as an escape."""
OPEN: Any = msgspec.Raw(_HOLE)
"""In the place of what differs between answers that are otherwise alike."""


class Wording:
    """
    Args:
        known: what all these answers rest on.
        answers: how many there will be.
    """

    def __init__(self, known: Circumstances, answers: int) -> None:
        self._model, self._as_of = identity(known.bundle), iso(known.as_of)
        self._ledger_position = known.ledger_position
        self._many = answers > FEW
        self._shapes: dict[tuple[Any, ...], bytes] = {}

    def of(
        self,
        declared: MovementDeclared,
        assessment: Assessment,
        selected: Selected,
        score_id: str,
        matches: Sequence[Match],
        agency: str,
        consignments: Consignments | None,
        number: int,
        because: Because | None,
    ) -> bytes:
        """The answer as it is recorded; arguments as of ``answer_message``."""
        plain = not (assessment.reasons or assessment.threats or matches or consignments)
        if self._many and plain and assessment.interval is not None:
            return self._filled(declared, assessment, selected, score_id, number, because)
        message = answer_message(
            declared,
            assessment,
            self._model,
            score_id=score_id,
            as_of=self._as_of,
            ledger_position=self._ledger_position,
            selected=selected,
            matches=matches,
            agency=agency,
            consignments=consignments,
            number=number,
            because=because,
        )
        return encode(message)

    def _filled(
        self,
        declared: MovementDeclared,
        assessment: Assessment,
        selected: Selected,
        score_id: str,
        number: int,
        because: Because | None,
    ) -> bytes:
        """The same, from the words of an answer that differs in its id and its probability."""
        status, degraded, probability, similar, interval, band, *_ = assessment
        said = status, degraded, similar, band, selected.recorded
        key = declared.version, number, because, said
        shape = self._shapes.get(key)
        if shape is None:
            message = self.open(declared, assessment, selected, number, because)
            shape = self._shapes[key] = as_template(encode(message))
        low, high = interval or (None, None)
        return shape % (encode(score_id), encode(probability), encode(low), encode(high))

    def open(
        self,
        declared: MovementDeclared,
        assessment: Assessment,
        selected: Selected,
        number: int = 1,
        because: Because | None = None,
    ) -> AssessmentMessage:
        """An answer with holes for id, probability and interval; plain, and with an interval."""
        return answer_message(
            declared,
            assessment._replace(probability=OPEN, interval=(OPEN, OPEN)),
            self._model,
            score_id=OPEN,
            as_of=self._as_of,
            ledger_position=self._ledger_position,
            selected=selected,
            number=number,
            because=because,
        )


def as_template(text: bytes) -> bytes:
    """For ``%``, which fills the holes of an encoded message in their order."""
    return text.replace(b"%", b"%%").replace(_HOLE, b"%b")
