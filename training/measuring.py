"""What a training run measures of what it learned: on its test slice, and beyond the examined."""

from models.evaluation import JUDGED_SHARE, MODEL, Evaluation
from models.families import Ablated
from models.unexamined import BeyondTheExamined, beyond_the_examined
from training.ablation import ablate
from training.config import TrainingConfig
from training.data import TrainingData
from training.evaluate import Comparison, Tested, compare_with_baselines, evaluate
from training.learning import Learned


def measure(
    data: TrainingData, learned: Learned, options: TrainingConfig
) -> tuple[Comparison, Evaluation]:
    """The model beside every baseline on the test slice, and whatever else was asked for."""
    kind = data.catalogue.kind
    comparison = compare_with_baselines(
        kind,
        data.catalogue.names,
        data.rows(data.before_test),
        data.labelled.labels[data.before_test],
        data.rows(data.slices.test),
        learned.of_test,
    )
    tested = data.tested()
    evaluation = evaluate(
        kind,
        comparison,
        tested,
        earlier=data.rows(data.ever_before_test),
        simulated=data.simulated,
        seed=options.trees.seed,
        per_day=options.evaluation.per_day,
        ablation=_ablation(data, tested, options) if options.evaluation.ablation else (),
        beyond=_beyond(data, learned, comparison),
    )
    return comparison, evaluation


def _ablation(data: TrainingData, tested: Tested, options: TrainingConfig) -> tuple[Ablated, ...]:
    fit = data.slices.fit
    return ablate(
        data.catalogue,
        (data.matrix[fit], data.labelled.labels[fit]),
        (tested.rows.matrix, tested.labels),
        tested.days,
        options.trees,
    )


def _beyond(data: TrainingData, learned: Learned, comparison: Comparison) -> BeyondTheExamined:
    if data.logged is None or not len(data.logged.rows.movements):
        return beyond_the_examined(None, {}, JUDGED_SHARE)
    log = data.logged.log
    log = log._replace(sample=log.sample._replace(probability=learned.of_logged))
    scores = {MODEL: learned.of_logged} | {
        baseline.name: baseline.scores(data.logged.rows) for baseline in comparison.baselines
    }
    return beyond_the_examined(log, scores, JUDGED_SHARE)
