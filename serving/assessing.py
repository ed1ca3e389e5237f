"""From one movement and what is known to the record of its answer: pure, in any thread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.history.carriage import NOTHING_ON_BOARD, OnBoard
from features.ledger import MovementDeclared
from serving.aboard import Aboard
from serving.answers import Grounds, audit_record, grounds_of, new_score_ids
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

    def answers(
        self, rows: Sequence[Asked], probabilities: Sequence[float | None]
    ) -> list[AuditRecord]:
        """One for each movement, in their order.

        Args:
            probabilities: the model's for their features; None where none may speak.
        """
        known: Circumstances | None = None
        records, ids = [], new_score_ids(len(rows))
        for asked, probability, score_id in zip(rows, probabilities, ids, strict=True):
            if asked.known is not known:  # those of a kind share theirs
                known = asked.known
                grounds = grounds_of(known.bundle, known.as_of, known.ledger_position)
            explain = asked.question.explain
            records.append(
                self._record(asked, grounds, known.degraded, explain, probability, score_id)
            )
        return records

    def withheld(self, asked: Asked, suspended: str) -> AuditRecord:
        """The answer in the place of one that a model gave before it was suspended."""
        known = asked.known
        return self._record(
            asked._replace(features=None, shadowed=None),
            grounds_of(None, known.as_of, known.ledger_position),
            (suspended, *known.degraded),
            "never",
            None,
            *new_score_ids(1),
        )

    def _record(
        self,
        asked: Asked,
        grounds: Grounds,
        degraded: tuple[str, ...],
        explain: Explain,
        probability: float | None,
        score_id: str,
    ) -> AuditRecord:
        question, bundle = asked.question, grounds.bundle
        agency, aboard = question.client.agency, asked.aboard
        assessment = assess(
            bundle,
            asked.features,
            degraded=degraded,
            explain=explain,
            probability=probability,
        )
        return audit_record(
            question.declared,
            assessment,
            grounds,
            asked.features,
            score_id=score_id,
            selected=self._referrals.select(
                question.declared.movement,
                assessment.probability,
                None if bundle is None else bundle.thresholds,
                asked.first_seen,
                may_see(asked.matches, agency) if asked.matches else (),
                None if aboard is None else aboard.refers,
            ),
            matches=asked.matches,
            agency=agency,
            consignments=None if aboard is None else aboard.consignments,
            number=question.repeat.assessment,
            because=question.repeat.because,
            challenger=None if asked.shadowed is None else self._shadow.said(asked.shadowed),
        )
