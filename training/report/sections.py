"""The sections of an evaluation page, in the order in which they are read."""

from features.clock import from_micros
from models.bootstrap import Interval
from models.evaluation import JUDGED_SHARE, MODEL, SHARES, Ranking, SliceEvaluation
from models.metrics import calibration_bins
from training.report.charts import (
    ablation_chart,
    calibration_chart,
    gain_chart,
    precision_chart,
)
from training.report.facts import EvaluationFacts, Part, Section, Table
from training.report.figures import between, found, number, percent
from training.report.groups import groups_section
from training.report.unexamined import unexamined_section

INTERVALS = "In brackets: 95% intervals, from 400 resamples of whole days."
HOW_TO_ABLATE = (
    "Not measured in this run. It costs one more fit of the trees for each family: ask for it with "
    "foreland train --ablation, or with ablation = true under [evaluation] of the configuration."
)


def sections(facts: EvaluationFacts) -> tuple[Section, ...]:
    return (
        _at_capacity(facts),
        _unseen(facts),
        _calibration(facts),
        unexamined_section(facts.evaluation.beyond),
        groups_section(facts.evaluation.groups),
        _families(facts),
        _points(facts),
        _alarms(facts),
        _made_from(facts),
    )


def _at_capacity(facts: EvaluationFacts) -> Section:
    of_all = facts.evaluation.all
    says = (
        "If only some movements can be examined, the highest scores are examined first. Each "
        "figure counts equal scores as the mean of all their orders."
    )
    charts = (
        Part(
            "Precision at every capacity",
            chart=precision_chart(
                "precision",
                "Line chart: precision by share examined, model and baselines; "
                "the table below has the numbers",
                facts.scores,
                facts.labels,
            ),
        ),
        Part(
            "Share of all finds that are found",
            chart=gain_chart(
                "gain",
                "Line chart: share of all finds by share examined, model and baselines; "
                "the table below has the numbers",
                facts.scores,
                facts.labels,
            ),
        ),
    )
    return Section(
        "capacity",
        "All tested examinations",
        (Part(texts=(says, INTERVALS)), *charts, *_tables(of_all, "all tested examinations")),
    )


def _unseen(facts: EvaluationFacts) -> Section:
    evaluation = facts.evaluation
    says = (
        f"The same on {evaluation.unseen_by} that nobody had seen before: here memory does not "
        "help, and what is left is skill."
    )
    where = f"{evaluation.unseen_by} not seen before"
    parts = [Part(texts=(says,))]
    if not evaluation.unseen.rankings:
        parts.append(Part(texts=("There is no such row among those tested.",)))
    elif not evaluation.unseen.can_be_judged:
        parts.append(Part(texts=("There are too few finds to judge by.",)))
    return Section("unseen", "Not seen before", (*parts, *_tables(evaluation.unseen, where)))


def _tables(of: SliceEvaluation, where: str) -> tuple[Part, ...]:
    if not of.rankings:
        return ()
    counted = f"{of.rows:,} rows, {of.finds:,} finds, {of.days:,} days"
    precision = Table(
        f"Precision at a share of all, {where}: {counted}",
        ("", *(f"At {share:.0%}" for share in SHARES)),
        tuple(
            (item.name, *(percent(at.precision, at.interval) for at in item.capacity))
            for item in of.rankings
        ),
    )
    ranked = Table(
        f"Ranking as a whole, {where}: {counted}",
        ("", "ROC AUC", "Average precision"),
        tuple(_ranked(item) for item in of.rankings),
    )
    daily = of.rankings[0].daily
    yields = Table(
        f"Yield and recall, {where}: finds of examined, and their share of all finds",
        (
            "",
            *(f"At {share:.0%}" for share in SHARES),
            *(f"At {item.per_day:,} a day" for item in daily),
        ),
        tuple(_yields(item) for item in of.rankings),
    )
    parts = [
        Part("Precision", table=precision),
        Part("Ranking", table=ranked),
        Part("Yield", table=yields),
    ]
    if daily:
        a_day = Table(
            f"Precision at a number of examinations a day, {where}",
            ("", *(f"{item.per_day:,} a day" for item in daily)),
            tuple(
                (item.name, *(percent(of.precision, of.interval) for of in item.daily))
                for item in of.rankings
            ),
        )
        parts.append(Part("By the day", table=a_day))
    parts.append(Part("Model less baseline", table=_differences(of, where)))
    return tuple(parts)


def _ranked(item: Ranking) -> tuple[str, ...]:
    return (
        item.name,
        number(item.roc_auc, item.roc_auc_interval),
        number(item.average_precision, item.average_precision_interval),
    )


def _yields(item: Ranking) -> tuple[str, ...]:
    cells = [f"{found(at.finds, at.examined)}, {percent(at.recall)}" for at in item.capacity]
    cells += [f"{found(at.finds, at.examined)}, {percent(at.recall)}" for at in item.daily]
    return item.name, *cells


def _differences(of: SliceEvaluation, where: str) -> Table:
    return Table(
        f"Model less baseline, {where}: 95% intervals, the same resampled days for both",
        ("Baseline", "ROC AUC", f"Precision at {JUDGED_SHARE:.0%}", "The model is"),
        tuple(
            (
                item.baseline,
                between(item.roc_auc),
                between(item.precision, points=True),
                _told(item.precision),
            )
            for item in of.differences
        ),
    )


def _told(difference: Interval | None) -> str:
    """At the judged capacity."""
    if difference is None:
        return "not compared"
    low, high = difference
    return "better" if low > 0.0 else "worse" if high < 0.0 else "not told apart"


def _calibration(facts: EvaluationFacts) -> Section:
    model = facts.evaluation.all.ranking(MODEL)
    says = (
        f"Of movements given a probability of 10%, one in ten should be a find. Brier score "
        f"{number(model.brier, model.brier_interval)}, calibration error "
        f"{number(model.calibration_error)}."
    )
    bins = calibration_bins(facts.scores[MODEL], facts.labels)
    table = Table(
        "Predicted beside observed, in bins of equal counts by rising probability",
        ("Bin", "Rows", "Predicted", "Observed", "Finds"),
        tuple(
            (
                str(at),
                f"{item.rows:,}",
                percent(item.predicted),
                percent(item.observed),
                f"{item.finds:,}",
            )
            for at, item in enumerate(bins, start=1)
        ),
    )
    chart = calibration_chart(
        "calibration",
        "Scatter chart: finds per examination by predicted probability; "
        "the table below has the numbers",
        facts.scores,
        facts.labels,
    )
    parts = [Part(texts=(says,)), Part(chart=chart, table=table)]
    choice = facts.calibration
    if choice is not None and choice.log_losses:
        losses = Table(
            f"Held-out log loss, nats a row, on {choice.rows:,} rows of the calibration slice",
            ("Calibration", "Log loss", "Chosen"),
            tuple(
                (name, f"{loss:.4f}", "yes" if name == choice.chosen else "")
                for name, loss in choice.log_losses.items()
            ),
        )
        parts.append(Part("How the calibration was chosen", table=losses))
    elif choice is not None:
        few = f"Calibrated by {choice.chosen}: {choice.finds:,} finds were too few for a choice."
        parts.append(Part(texts=(few,)))
    return Section("calibration", "Are the probabilities right?", tuple(parts))


def _families(facts: EvaluationFacts) -> Section:
    title = "What each family of features adds"
    ablation = facts.evaluation.ablation
    if not ablation:
        return Section("families", title, (Part(texts=(HOW_TO_ABLATE,)),))
    table = Table(
        "The trees fitted again without each family, on the same rows and days",
        (
            "Without",
            "Features",
            "ROC AUC",
            "ROC AUC lost",
            f"Precision at {JUDGED_SHARE:.0%}",
            "Precision lost",
        ),
        tuple(
            (
                item.family,
                f"{item.features:,}",
                number(item.roc_auc),
                between(item.roc_auc_lost),
                percent(item.precision),
                between(item.precision_lost, points=True),
            )
            for item in ablation
        ),
    )
    says = (
        "An interval that holds 0 means that the family is not shown to add anything to the "
        "others; two families that say the same hide one another."
    )
    chart = None
    if any(item.roc_auc_lost for item in ablation):
        chart = ablation_chart(
            "ablation", "Interval chart: ROC AUC lost without each family; see the table", ablation
        )
    return Section("families", title, (Part(texts=(says,), chart=chart, table=table),))


def _points(facts: EvaluationFacts) -> Section:
    says = (
        "The baseline that a desk could use on paper: published indicators, each worth the points "
        "that past examinations give it. Ten points double the odds of a find."
    )
    table = Table(
        "Rules and their points, as fitted on the examinations before the test",
        ("Rule", "Points", "Examined", "Finds"),
        tuple(
            (rule.sentence, f"{rule.points}", f"{rule.rows:,}", f"{rule.finds:,}")
            for rule in facts.evaluation.points
        ),
    )
    return Section("points", "Rules as points", (Part(texts=(says,), table=table),))


def _alarms(facts: EvaluationFacts) -> Section:
    title = "Alarms"
    if facts.alarms is None:
        return Section("alarms", title, (Part(texts=("Nothing was checked in this run.",)),))
    failed = [item for item in facts.alarms if item.failed]
    blocking = sum(item.blocks for item in failed)
    says = (
        f"{len(facts.alarms)} checks for leaks and memory; {len(failed)} failed, {blocking} of "
        "them without a reason given, which blocks promotion."
    )
    table = Table(
        "Checks of this run",
        ("Check", "Result", "What was measured", "Acknowledged because"),
        tuple(
            (
                item.name.replace("_", " "),
                "failed" if item.failed else "passed",
                item.sentence,
                item.acknowledged or ("" if not item.failed else "not acknowledged"),
            )
            for item in facts.alarms
        ),
        in_words=True,
    )
    return Section("alarms", title, (Part(texts=(says,), table=table),))


def _made_from(facts: EvaluationFacts) -> Section:
    parts = [Part(texts=tuple(facts.made_from))]
    if facts.slices:
        rows = tuple(
            (
                item.name,
                f"{from_micros(item.first):%Y-%m-%d}",
                f"{from_micros(item.last):%Y-%m-%d}",
                f"{item.labels:,}",
                f"{item.finds:,}",
                percent(item.finds / item.labels),
            )
            for item in facts.slices
        )
        heads = ("Slice", "First movement", "Last movement", "Labels", "Finds", "Find rate")
        parts.append(Part(table=Table("Slices by time", heads, rows)))
    return Section("data", "What it was made from", tuple(parts))
