"""From one movement and what is known to the record of its answer: pure, in any thread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.history.carriage import NOTHING_ON_BOARD, OnBoard
from features.ledger import MovementDeclared
from serving.aboard import Aboard
from serving.audit import AuditRecord, row_bytes
from serving.auth.access import Client
from serving.idempotency import IdempotencyKey
from serving.knowledge import Circumstances
from serving.matching import Match, encode_matches, may_see
from serving.score_ids import new_score_ids
from serving.scorer import Assessment, assess
from serving.selection import Referrals, Selected
from serving.shadow import Shadow, Shadowed
from serving.vocabulary import Because, Explain
from serving.wording import Wording


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
        self,
        rows: Sequence[Asked],
        probabilities: Sequence[float | None],
        score_ids: Sequence[str] | None = None,
    ) -> list[AuditRecord]:
        """One for each movement, in their order.

        Args:
            probabilities: the model's for their features; None where none may speak.
            score_ids: by default new ones.
        """
        known: Circumstances | None = None
        records, ids = [], new_score_ids(len(rows)) if score_ids is None else score_ids
        for asked, probability, score_id in zip(rows, probabilities, ids, strict=True):
            if asked.known is not known:  # those of a kind share theirs
                known = asked.known
                wording = Wording(known, len(rows))
            explain = asked.question.explain
            records.append(self._record(asked, explain, probability, wording, score_id))
        return records

    def withheld(self, asked: Asked, suspended: str) -> AuditRecord:
        """The answer in the place of one that a model gave before it was suspended."""
        known = asked.known._replace(bundle=None, degraded=(suspended, *asked.known.degraded))
        silent = asked._replace(known=known, features=None, shadowed=None)
        (score_id,) = new_score_ids(1)
        return self._record(silent, "never", None, Wording(known, 1), score_id)

    def said(
        self, asked: Asked, explain: Explain, probability: float | None
    ) -> tuple[Assessment, Selected]:
        """What is answered, before it is put into words."""
        bundle, matches, aboard = asked.known.bundle, asked.matches, asked.aboard
        assessment = assess(
            bundle,
            asked.features,
            degraded=asked.known.degraded,
            explain=explain,
            probability=probability,
        )
        selected = self._referrals.select(
            asked.declared.movement,
            assessment.probability,
            None if bundle is None else bundle.thresholds,
            asked.first_seen,
            may_see(matches, asked.question.client.agency) if matches else (),
            None if aboard is None else aboard.refers,
        )
        return assessment, selected

    def exploring(self, movements: Sequence[str], first_seen: Micros) -> NDArray[np.bool_]:
        """As ``Referrals.exploring``."""
        return self._referrals.exploring(movements, first_seen)

    def _record(
        self,
        asked: Asked,
        explain: Explain,
        probability: float | None,
        wording: Wording,
        score_id: str,
    ) -> AuditRecord:
        """Its ``body`` is the answer with ``movement_ref`` null.

        Args:
            wording: for the circumstances in ``asked``.
        """
        question, known, row, matches = asked.question, asked.known, asked.features, asked.matches
        declared, agency, repeat = question.declared, question.client.agency, question.repeat
        bundle, aboard = known.bundle, asked.aboard
        assessment, selected = self.said(asked, explain, probability)
        body = wording.of(
            declared,
            assessment,
            selected,
            score_id,
            matches,
            agency,
            None if aboard is None else aboard.consignments,
            *repeat,
        )
        return AuditRecord(  # by position, which takes half of the time
            score_id,
            declared.kind,
            declared.movement,
            declared.version,
            known.as_of,
            known.ledger_position,
            assessment.status,
            assessment.probability,
            assessment.band,
            None if bundle is None else bundle.version,
            None if bundle is None else bundle.sha256,
            None if bundle is None else bundle.catalogue.sha256,
            selected.recorded,
            None if asked.shadowed is None else self._shadow.said(asked.shadowed),
            None if row is None else row_bytes(row),
            body,
            encode_matches(matches) if matches else None,
            repeat.assessment,
            repeat.because,
        )
