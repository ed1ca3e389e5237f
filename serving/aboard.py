"""What was answered about the consignments of a carrier, to be shown beside its own score.

It moves neither probability nor band: the model reads the organisations on board by itself
(``features.history.aboard``). But an officer at the quay meets the lorry, not the consignment, so
a consignment that is referred for what is known of it refers its carrier
([ADR 36](../docs/adr/0036-a-carrier-answers-for-its-consignments.md)).
"""

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import NamedTuple, cast

from features.clock import Micros
from features.history.aboard import listed_by
from features.history.carriage import OnBoard
from features.ledger import MovementDeclared
from serving.audit import AuditLog
from serving.selection import ORDER, Known, Selected, decode_selected
from serving.vocabulary import Band
from serving.wire import ConsignmentRisk, Consignments

MOST_LOOKED_UP = 10_000
"""Consignments of one carrier whose answers are read; of more, the first by pseudonym."""
BANDS: tuple[Band, ...] = ("unassessed", "low", "medium", "high")
"""From what says least to the highest risk."""
_decoded: Callable[[str], Selected] = lru_cache(4096)(decode_selected)
"""Few differ: a day, a band, referred or not."""


class AnsweredBefore(NamedTuple):
    """What was answered about the standing version of one consignment, the last time."""

    movement: str
    """Pseudonym."""
    score_id: str
    band: str
    probability: float | None
    selection: str | None
    """``serving.selection.Selected`` as JSON; None for what is from before there was one."""


class Aboard(NamedTuple):
    """What an agency knows of the consignments of one movement."""

    consignments: Consignments
    refers: Known | None
    """Why the carrier is referred with one of them; None when none is, but for a draw."""


def to_look_up(on_board: OnBoard) -> Collection[str]:
    """Pseudonyms of those whose answers are read."""
    if len(on_board.declared) <= MOST_LOOKED_UP:
        return on_board.declared
    return sorted(on_board.declared)[:MOST_LOOKED_UP]


def known_aboard(
    log: AuditLog,
    agency: str,
    carrier: MovementDeclared,
    on_board: OnBoard,
    position_up_to: int,
    as_of: Micros,
) -> Aboard | None:
    """``aboard_of`` what the log says: of thousands it takes a tenth of a second."""
    rows = log.answered_before(agency, list(to_look_up(on_board)), position_up_to, as_of)
    return aboard_of(on_board, listed_by(carrier), map(AnsweredBefore._make, rows))


def aboard_of(
    on_board: OnBoard, listed: Collection[str], answered: Iterable[AnsweredBefore]
) -> Aboard | None:
    """None when the agency knows of none.

    Args:
        listed: pseudonyms of the consignments that the movement lists itself. That another agency
            has declared one that names this carrier is that agency's to tell.
        answered: to the agency, about each of ``to_look_up`` that was assessed for it.
    """
    answers = list(answered)
    known = on_board.announced | on_board.declared.intersection(listed)
    known |= {one.movement for one in answers}
    if not known:
        return None
    first = max(answers, default=None, key=_rank)
    refers = None if first is None else _known_reason(first)
    highest = None
    if first is not None:
        highest = ConsignmentRisk(
            score_id=first.score_id,
            band=cast(Band, first.band),
            probability=first.probability,
            referred=refers is not None,
        )
    return Aboard(
        Consignments(
            known=len(known),
            assessed=len(answers),
            highest=highest,
            sentence=_sentence(len(known), len(answers), highest, len(on_board.declared)),
        ),
        refers,
    )


def _rank(one: AnsweredBefore) -> tuple[int, int, float, str]:
    """What is referred for something known comes first, then by band and probability; of equal
    ones the last id, so that nothing depends on the order in which they were read."""
    reason = _known_reason(one)
    return (
        -1 if reason is None else ORDER.index(reason),
        BANDS.index(cast(Band, one.band)),
        -1.0 if one.probability is None else one.probability,
        one.score_id,
    )


def _known_reason(one: AnsweredBefore) -> Known | None:
    """Why it is referred whatever the draw: chance that fell on a consignment is not evidence
    against the lorry, which has a draw of its own."""
    selected = None if one.selection is None else _decoded(one.selection)
    if selected is None or float(selected.propensity) < 1.0 or selected.reason == "cold_start":
        return None
    return selected.reason if selected.reason in ORDER else "risk"


def _sentence(known: int, assessed: int, highest: ConsignmentRisk | None, declared: int) -> str:
    """
    >>> _sentence(3, 0, None, 1)
    '3 consignments on board are known; none of them was assessed'
    """
    said = (
        "1 consignment on board is known"
        if known == 1
        else f"{known:,} consignments on board are known"
    )
    if highest is None:
        return f"{said}; {'it was not assessed' if known == 1 else 'none of them was assessed'}"
    which = "it was assessed" if known == 1 else f"{assessed:,} of them were assessed"
    if known > 1 and assessed == 1:
        which = "1 of them was assessed"
    if declared > MOST_LOOKED_UP:
        which += f", of the {MOST_LOOKED_UP:,} that were looked at"
    risk = str(highest.band)
    if highest.probability is not None:
        risk = f"band {highest.band}, probability {highest.probability:.3f}"
    said = f"{said}; {which}; the highest risk is {risk} (assessment {highest.score_id})"
    if highest.referred:
        said += "; it is referred, so what carries it is referred too"
    return said
