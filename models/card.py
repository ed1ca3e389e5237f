"""The model card: what a bundle is, was made from and achieved, in Markdown, for people.

Every number comes from the same objects as the bundle's ``metrics.json``; nothing is written by
hand, and nothing is a time of writing.

References:
    Mitchell, M. et al. (2019), "Model cards for model reporting", FAT* '19, section 4.
"""

from collections.abc import Sequence
from typing import NamedTuple

from features.catalogue import Catalogue
from features.clock import Micros, from_micros
from features.ledger import ErasedCount
from models.alarms import Alarm
from models.bands import Thresholds
from models.bootstrap import Interval
from models.bundle import UNNUMBERED
from models.calibration import CalibrationChoice
from models.evaluation import JUDGED_SHARE, MODEL, SHARES, Evaluation, Ranking, SliceEvaluation

WHAT_IT_SAYS = (
    "the probability of a find IF examined, for movements like those examined in the past"
)


LIMITS = (
    """Movements were not chosen for examination at random. The probability holds for movements like
  those examined; how well it holds for others is not known from this data.""",
    "An examination that found nothing is not proof that there was nothing.",
    """History moves on after training: the same movement can score differently tomorrow, because of
  what was found today.""",
)


class SliceFacts(NamedTuple):
    name: str
    first: Micros
    last: Micros
    """When the first and the last movement of the slice became known."""
    labels: int
    finds: int


class CardFacts(NamedTuple):
    kind: str
    version: int
    simulated: bool
    trained_until: Micros
    data_sha256: str
    catalogue: Catalogue
    slices: Sequence[SliceFacts]
    movements_for_bands: int
    high_share: float
    medium_share: float
    thresholds: Thresholds
    evaluation: Evaluation
    trees: str
    """Settings of the trees, in words."""
    calibration: CalibrationChoice
    threats: str
    """How the distribution of threats given a find was made, in words."""
    unexamined: str = ""
    """What is said of movements that nobody examined, or why nothing is."""
    erased: Sequence[ErasedCount] = ()
    """What retention had erased before it was made."""
    alarms: Sequence[Alarm] = ()


def model_card(facts: CardFacts) -> str:
    parts = (
        _identity(facts),
        _use(facts),
        _data(facts),
        _bands(facts),
        _results(facts.evaluation),
        _alarms(facts.alarms),
        _limits(facts),
    )
    return "\n".join(parts)


def card_title(kind: str, version: int, simulated: bool) -> str:
    """
    >>> card_title("vehicle", 2, simulated=True), card_title("vessel", UNNUMBERED, simulated=False)
    ('# Model card: vehicle version 2 (simulated)', '# Model card: vessel, not numbered yet')
    """
    number = ", not numbered yet" if version == UNNUMBERED else f" version {version}"
    return f"# Model card: {kind}{number}{' (simulated)' if simulated else ''}"


def _identity(facts: CardFacts) -> str:
    lines = [card_title(facts.kind, facts.version, facts.simulated), ""]
    if facts.simulated:
        lines += [
            "**Trained and tested on simulated data:** no figure is about a real border.",
            "",
        ]
    lines += [f"{facts.evaluation.verdict}", ""]
    return "\n".join(lines)


def _use(facts: CardFacts) -> str:
    groups = list(dict.fromkeys(facts.catalogue.groups))
    return f"""## What it says

For one {facts.kind}, {WHAT_IT_SAYS}.
It advises on which movements to examine; an officer decides. It scores things that move, never
people, and no attribute of a natural person is an input.

- Learned from nothing that became available at or after {_day(facts.trained_until)}.
- LightGBM, {facts.trees}.
- {_calibration(facts.calibration)}
- Threats, given a find: {facts.threats}.
- {len(facts.catalogue.names)} features about {len(groups)} things: {", ".join(groups)}.
- Catalogue sha256 `{facts.catalogue.sha256}`, training data sha256 `{facts.data_sha256}`.
"""


def _calibration(choice: CalibrationChoice) -> str:
    begins = f"Calibrated on {choice.rows:,} later examinations with {choice.finds:,} finds"
    if not choice.log_losses:
        return f"{begins}, by Platt's method: too few of a class to choose by."
    losses = ", ".join(f"{name} {loss:.4f}" for name, loss in choice.log_losses.items())
    return f"{begins}, by the method with the lowest held-out log loss: {choice.chosen} ({losses})."


def _data(facts: CardFacts) -> str:
    rows = "\n".join(
        f"| {item.name} | {_day(item.first)} | {_day(item.last)} | {item.labels:,} "
        f"| {item.finds:,} | {item.finds / item.labels:.1%} |"
        for item in facts.slices
    )
    return f"""## What it was made from

Examined movements with a matured outcome, positive or negative, split by time. A movement that
nobody examined is unlabelled and never counted as clean.

| slice | first movement | last movement | labels | finds | find rate |
| --- | --- | --- | ---: | ---: | ---: |
{rows}

{_erased(facts.erased)}
"""


def _erased(erased: Sequence[ErasedCount]) -> str:
    """What this model could not learn from, because it was gone."""
    if not erased:
        return "Retention had erased nothing from the ledger before."
    counts = [
        f"- {count.movements:,} movements of kind {count.kind} by the rule {count.rule!r}."
        for count in erased
    ]
    return "\n".join(["Retention had erased from the ledger before:", "", *counts])


def _bands(facts: CardFacts) -> str:
    return f"""## Bands

Set on all {facts.movements_for_bands:,} movements of the calibration window, examined or not: at
most {facts.high_share:.0%} of them are high, at most {facts.medium_share:.0%} high or medium.

| band | probability |
| --- | --- |
| high | {facts.thresholds.high:.4f} and above |
| medium | {facts.thresholds.medium:.4f} and above |
| low | below |
"""


def _results(evaluation: Evaluation) -> str:
    unseen = f"Test rows of {evaluation.unseen_by} not seen before"
    return f"""## What it achieved on the test slice

{_slice("All test rows", evaluation.all)}
{_slice(unseen, evaluation.unseen)}
Precision is the share of finds among the rows ranked highest, the expectation where scores tie.
In brackets: 95 % intervals, resampling whole days. The baselines were fitted on every label
before the test slice, those of the calibration slice too. Not seen before means: in no labelled row
before the test slice.
"""


def _slice(title: str, found: SliceEvaluation) -> str:
    counted = f"{title}: {found.rows:,} rows, {found.finds:,} finds, {found.days:,} days."
    if not found.rankings:
        return f"{counted}\n"
    heads = " | ".join(f"precision at {share:.0%}" for share in SHARES)
    model = found.ranking(MODEL)
    lines = [counted, "", f"| | ROC AUC | average precision | {heads} |"]
    lines.append("| --- | ---: | ---: |" + " ---: |" * len(SHARES))
    lines += [_ranking(item) for item in found.rankings]
    error, brier = (_number(x) for x in (model.calibration_error, model.brier))
    lines += ["", f"Calibration error of the model {error}, Brier score {brier}.", ""]
    return "\n".join(lines)


def _ranking(item: Ranking) -> str:
    precisions = []
    for share in SHARES:
        interval = item.precision_interval if share == JUDGED_SHARE else None
        precisions.append(f"{item.at(share).precision:.3f}{_interval(interval)}")
    auc = f"{_number(item.roc_auc)}{_interval(item.roc_auc_interval)}"
    return f"| {item.name} | {auc} | {_number(item.average_precision)} | {' | '.join(precisions)} |"


def _alarms(alarms: Sequence[Alarm]) -> str:
    said = "\n".join(f"- {alarm.in_words}." for alarm in alarms) or "Nothing was checked."
    return f"""## Alarms

A failed one blocks promotion unless the configuration acknowledges it with a reason.

{said}
"""


def _limits(facts: CardFacts) -> str:
    limits = list(LIMITS)
    if not facts.evaluation.unseen.can_be_judged:
        limits.append(
            f"On {facts.evaluation.unseen_by} not seen before there were too few rows to say more."
        )
    if facts.unexamined:
        limits.append(f"Movements that nobody examined: {facts.unexamined}.")
    return "## Limits\n\n" + "\n".join(f"- {text}" for text in limits) + "\n"


def _day(instant: Micros) -> str:
    return f"{from_micros(instant):%Y-%m-%d}"


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
