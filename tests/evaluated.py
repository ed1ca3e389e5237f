"""A made-up evaluation with everything in it, for tests of the page that shows it."""

from functools import cache

import numpy as np

from features.catalogue import catalogue_for
from features.ledger import MovementDeclared
from models.alarms import Alarm
from models.baselines import Rows
from models.calibration import CalibrationChoice
from models.card import SliceFacts
from models.evaluation import MODEL
from models.families import Ablated
from models.left_out import Sample
from models.unexamined import LoggedChoices, beyond_the_examined
from training.evaluate import Tested, compare_with_baselines, evaluate
from training.report import EvaluationFacts

DAY = 86_400_000_000
ROUTES = ("FRCQF-GBDVR", "NLRTM-GBHRW", "IEDUB-GBHLY", "BEZEE-GBHUL")


@cache
def evaluated() -> EvaluationFacts:
    """1,500 vehicles of a made-up test slice; the model knows a part of what decides."""
    rng = np.random.default_rng(3)
    catalogue = catalogue_for("vehicle")
    earlier, earlier_labels, _ = _vehicles(rng, 2_000, catalogue.names)
    tested, labels, probabilities = _vehicles(rng, 1_500, catalogue.names)
    compared = compare_with_baselines(
        "vehicle", catalogue.names, earlier, earlier_labels, tested, probabilities
    )
    as_of = np.arange(1_500) * DAY // 25
    evaluation = evaluate(
        "vehicle",
        compared,
        Tested(tested, catalogue.names, labels, as_of),
        earlier=earlier,
        simulated=True,
        seed=1,
        per_day=(2, 10),
        ablation=_ablation(),
        beyond=beyond_the_examined(_log(rng), {MODEL: rng.random(4_000)}, 0.05),
    )
    return EvaluationFacts(
        kind="vehicle",
        title="Vehicle model, learned until 2026-03-01",
        simulated=True,
        evaluation=evaluation,
        scores=compared.scores,
        labels=labels,
        made_from=("Made up for a test.", f"Training data sha256 {'0' * 64}."),
        slices=(SliceFacts("fit", 0, 60 * DAY, 2_000, int(earlier_labels.sum())),),
        alarms=(
            Alarm(name="train_test_gap", failed=False, sentence="ROC AUC 0.81 and 0.79."),
            Alarm(name="memorised", failed=True, sentence="Half < of them.", acknowledged="known"),
            Alarm(name="too_good_alone", failed=True, sentence="One feature alone: 0.97."),
        ),
        calibration=CalibrationChoice(
            chosen="beta", rows=900, finds=90, log_losses={"platt": 0.31, "beta": 0.3}
        ),
    )


def _vehicles(
    rng: np.random.Generator, rows: int, columns: tuple[str, ...]
) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows, labels and the probabilities that decided them."""
    movements = [
        MovementDeclared(
            kind="vehicle",
            movement=str(n),
            declared_at=0,
            entities={"haulier_eori": f"organisation:{int(rng.integers(0, 2_000))}"},
            fields={"route_id": str(rng.choice(ROUTES, p=(0.5, 0.3, 0.185, 0.015)))},
        )
        for n in range(rows)
    ]
    matrix = rng.normal(size=(rows, len(columns)))
    matrix[:, columns.index("haulier.movements")] = rng.integers(0, 150, rows)
    matrix[:, columns.index("haulier.days_since_first_movement")] = rng.integers(0, 800, rows)
    matrix[:, columns.index("unregistered_parties")] = rng.random(rows) < 0.2
    empty = matrix[:, columns.index("is_empty")] = (rng.random(rows) < 0.2).astype(np.float64)
    probabilities = 0.04 + 0.2 * empty + 0.3 * rng.random(rows) ** 3
    labels = (rng.random(rows) < probabilities).astype(np.float64)
    return Rows(movements, matrix), labels, probabilities


def _ablation() -> tuple[Ablated, ...]:
    return (
        Ablated(
            family="the movement itself",
            features=21,
            roc_auc=0.61,
            roc_auc_lost=(0.05, 0.12),
            precision=0.2,
            precision_lost=(0.01, 0.11),
        ),
        Ablated(
            family="links",
            features=4,
            roc_auc=0.72,
            roc_auc_lost=(-0.004, 0.006),
            precision=0.3,
            precision_lost=(-0.02, 0.01),
        ),
    )


def _log(rng: np.random.Generator) -> LoggedChoices:
    propensity = np.clip(rng.beta(1, 9, 4_000), 0.02, 0.9)
    referred = rng.random(4_000) < propensity
    found = np.where(referred, (rng.random(4_000) < 0.1).astype(np.float64), np.nan)
    sample = Sample(referred, found, propensity, np.full(4_000, 0.1))
    return LoggedChoices(sample, referred & (rng.random(4_000) < 0.2), np.full(4_000, 0.02))
