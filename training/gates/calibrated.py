"""Its probabilities are what they say: 20 % finds something in about one of five."""

from features.ledger import GateResult
from models.metrics import calibration_error
from models.paired import calibration_interval
from training.gates.evidence import Evidence
from training.gates.results import NOT_ASSESSABLE, by_upper_limit, gate
from training.words import interval_in_words

NAME = "calibration"
LIMIT = 0.05
"""Mean distance between probability and find rate, over ten equal parts of the rows."""


def ask(evidence: Evidence) -> GateResult:
    rows = evidence.judged
    if rows is None or not rows.can_be_judged:
        few = "too few finds or clean examinations that it has not learned from"
        return gate(NAME, NOT_ASSESSABLE, evidence.not_judged or few)
    probabilities = rows.probabilities[0]
    error = calibration_error(probabilities, rows.labels)
    interval = calibration_interval(probabilities, rows.labels, rows.days)
    within = "too few days for an interval" if interval is None else interval_in_words(interval)
    said = (
        f"calibration error {error:.3f} on {len(rows.labels):,} examined movements, "
        f"{within} once what chance adds is taken back; the limit is {LIMIT:g}"
    )
    return gate(NAME, by_upper_limit(interval, LIMIT), said)
