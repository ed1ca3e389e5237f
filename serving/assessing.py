"""From one movement and what is known to the record of its answer: pure, in any thread."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.history.carriage import NOTHING_ON_BOARD, OnBoard
from features.ledger import MovementDeclared
from serving.aboard import Aboard
from serving.answers import audit_record
from serving.audit import AuditRecord
from serving.auth.access import Client
from serving.idempotency import IdempotencyKey
from serving.knowledge import Circumstances
from serving.matching import Match, may_see
from serving.scorer import assess
from serving.selection import Referrals
from serving.shadow import Shadow, Shadowed
from serving.vocabulary import Because, Explain


class Repeat(NamedTuple):
    """Which assessment of a version of a movement it is, and why it is made."""

    assessment: int
    """Of this version for the agency, from 1."""
    because: Because | None
    """What became known; None for the first, which a client asks for."""


FIRST = Repeat(1, None)


class Question(NamedTuple):
    """What a client asks about one movement."""

    declared: MovementDeclared
    explain: Explain
    client: Client
    key: IdempotencyKey | None = None
    repeat: Repeat = FIRST


class Asked(NamedTuple):
    """A question at the instant at which the movement is assessed."""

    question: Question
    known: Circumstances
    features: NDArray[np.float64] | None
    """float64[F]; None when no model may speak."""
    first_seen: Micros
    """When the first of its versions was assessed for the agency: all of them have one draw."""
    shadowed: Shadowed | None = None
    """As the challenger sees it; None without one."""
    matches: tuple[Match, ...] = ()
    """What it meets of all agencies' intelligence: the client may not see all of it."""
    on_board: OnBoard = NOTHING_ON_BOARD
    aboard: Aboard | None = None
    """What the agency knows of its consignments; None when it knows of none."""

    @property
    def declared(self) -> MovementDeclared:
        return self.question.declared


class Assessor:
    def __init__(self, referrals: Referrals, shadow: Shadow) -> None:
        self._referrals = referrals
        self._shadow = shadow

    def answer(self, asked: Asked, probability: float | None) -> AuditRecord:
        """
        Args:
            probability: the model's for these features; None where none may speak.
        """
        return self._record(asked, asked.known, asked.question.explain, probability)

    def withheld(self, asked: Asked, suspended: str) -> AuditRecord:
        """The answer in the place of one that a model gave before it was suspended."""
        known = asked.known._replace(bundle=None, degraded=(suspended, *asked.known.degraded))
        return self._record(asked._replace(features=None, shadowed=None), known, "never", None)

    def _record(
        self, asked: Asked, known: Circumstances, explain: Explain, probability: float | None
    ) -> AuditRecord:
        bundle, agency = known.bundle, asked.question.client.agency
        assessment = assess(
            bundle,
            asked.features,
            degraded=known.degraded,
            explain=explain,
            probability=probability,
        )
        return audit_record(
            asked.declared,
            assessment,
            bundle,
            asked.features,
            as_of=known.as_of,
            ledger_position=known.ledger_position,
            selected=self._referrals.select(
                asked.declared.movement,
                assessment.probability,
                None if bundle is None else bundle.thresholds,
                asked.first_seen,
                may_see(asked.matches, agency),
                None if asked.aboard is None else asked.aboard.refers,
            ),
            matches=asked.matches,
            agency=agency,
            consignments=None if asked.aboard is None else asked.aboard.consignments,
            number=asked.question.repeat.assessment,
            because=asked.question.repeat.because,
            challenger=None if asked.shadowed is None else self._shadow.said(asked.shadowed),
        )
