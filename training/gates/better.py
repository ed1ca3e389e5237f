"""Better than what serves now; before anything serves, better than the best baseline."""

import msgspec

from features.ledger import GateResult
from models.bundle import Bundle
from models.evaluation import JUDGED_SHARE, MODEL, Evaluation
from models.paired import Paired, paired_measures
from training.gates.evidence import Evidence
from training.gates.results import FAILED, NOT_ASSESSABLE, by_lower_limits, gate
from training.words import difference_in_words

NAME = "better_than_champion"
MARGIN = 0.05
"""Of precision at capacity: an interval that reaches no further below zero passes. A model that is
retrained on newer data need not be better on every set of labels, but must not be worse."""


def ask(evidence: Evidence) -> GateResult:
    if evidence.champion is None:
        return gate(NAME, *_against_baselines(evidence.bundle, evidence.no_champion))
    rows = evidence.judged
    if rows is None:
        return gate(NAME, NOT_ASSESSABLE, evidence.not_judged)
    of_new, of_champion = rows.probabilities
    measures = paired_measures(of_champion, of_new, rows.labels, rows.days, share=JUDGED_SHARE)
    precision, auc = measures[0], measures[1]
    at_capacity = by_lower_limits(precision.interval, worse_below=0.0, fine_above=-MARGIN)
    return gate(
        NAME,
        FAILED if auc.says == "worse" else at_capacity,
        f"on {len(rows.labels):,} examined movements with {int(rows.labels.sum()):,} finds, "
        f"against version {evidence.champion.version}: {difference_in_words(precision)}; "
        f"{difference_in_words(auc)}",
    )


def _against_baselines(bundle: Bundle, no_champion: str) -> tuple[str, str]:
    """Result and sentence, from what training measured on the test slice."""
    try:
        measured = msgspec.convert(bundle.metrics["evaluation"], Evaluation).all
    except (KeyError, msgspec.ValidationError):
        return NOT_ASSESSABLE, f"{no_champion}, and the bundle holds no evaluation; train again"
    if not measured.can_be_judged or not measured.baselines:
        few = f"the test slice has too few finds ({measured.finds}) to compare it with baselines"
        return NOT_ASSESSABLE, f"{no_champion}, and {few}"
    best = max(measured.baselines, key=lambda item: item.at(JUDGED_SHARE).precision)
    theirs, ours = (item.at(JUDGED_SHARE).precision for item in (best, measured.ranking(MODEL)))
    precision = Paired(
        measure=f"precision at {JUDGED_SHARE:.0%}",
        better="higher",
        first=theirs,
        second=ours,
        difference=ours - theirs,
        interval=measured.difference(best.name).precision,
    )
    result = by_lower_limits(precision.interval, worse_below=0.0, fine_above=-MARGIN)
    against = f"{no_champion}; against the best baseline on the test slice, {best.name}"
    return result, f"{against}: {difference_in_words(precision)}"
