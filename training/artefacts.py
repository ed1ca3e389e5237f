"""What a training run leaves behind: its bundle's parts, its documents, its record in MLflow."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import from_micros
from models.alarms import Alarm, alarms_in, listed
from models.bundle import UNNUMBERED, BundleParts
from models.calibration import CalibrationChoice
from models.card import CardFacts, model_card
from models.datasheet import datasheet
from models.evaluation import Evaluation
from models.reference import reference_of
from models.unexamined import beyond_in_words
from training.config import TrainingConfig
from training.data import TrainingData
from training.learning import Learned
from training.results import flat_metrics
from training.run_records import RunRecord
from training.threats import ThreatRecord
from training.trials import Tuned

if TYPE_CHECKING:
    from training.report import EvaluationFacts

Floats = NDArray[np.float64]

WHICH_MOVEMENTS = (
    "Examined movements with a matured outcome, positive or negative, split by time. A movement "
    "that nobody examined is unlabelled and never counted as clean."
)


def bundle_parts(
    kind: str,
    data: TrainingData,
    learned: Learned,
    evaluation: Evaluation,
    alarms: Sequence[Alarm],
    options: TrainingConfig,
    tuned: Tuned | None = None,
    *,
    on_cluster: bool = False,
) -> BundleParts:
    """Of a bundle without a number: it gets one when it is registered."""
    slices = data.slice_facts()
    facts = CardFacts(
        kind=kind,
        version=UNNUMBERED,
        simulated=data.simulated,
        trained_until=data.until,
        data_sha256=data.sha256,
        catalogue=data.catalogue,
        slices=slices,
        movements_for_bands=len(data.window),
        high_share=options.bands.high_share,
        medium_share=options.bands.medium_share,
        thresholds=learned.thresholds,
        evaluation=evaluation,
        trees=_in_words(options, tuned, on_cluster=on_cluster),
        calibration=learned.choice,
        threats=_threats_in_words(learned.threat_record),
        unexamined=beyond_in_words(evaluation.beyond),
        erased=data.erased,
        alarms=alarms,
    )
    return BundleParts(
        kind=kind,
        version=UNNUMBERED,
        model_text=learned.text,
        defences=learned.defences,
        calibration=learned.calibration,
        similar=learned.similar,
        threats=learned.threats,
        catalogue=data.catalogue,
        thresholds=learned.thresholds,
        reference=reference_of(data.catalogue.names, data.window, learned.of_window),
        golden_rows=learned.golden_rows,
        metrics={
            "slices": [item._asdict() for item in slices],
            "evaluation": msgspec.to_builtins(evaluation),
            **({"tuning": tuned.as_metrics()} if tuned else {}),
            "calibration": msgspec.to_builtins(learned.choice),
            "threats": msgspec.to_builtins(learned.threat_record),
            **listed(alarms),
        },
        card=model_card(facts),
        datasheet=datasheet(facts),
        trained_until=data.until,
        simulated=data.simulated,
        data_sha256=facts.data_sha256,
    )


def _in_words(options: TrainingConfig, tuned: Tuned | None, *, on_cluster: bool) -> str:
    trees = options.trees
    words = (
        f"{trees.rounds} trees of at most {trees.leaves} leaves, learning rate "
        f"{trees.learning_rate:g}, seed {trees.seed}, monotone where the catalogue says so"
    )
    if on_cluster:
        words += "; fitted by the workers of a Dask cluster, not to the digit as by one machine"
    return f"{words}; {tuned.in_words()}" if tuned else words


def _threats_in_words(record: ThreatRecord) -> str:
    if not record.told_apart:
        return f"base rates alone, of {record.finds:,} finds: too few to tell movements apart by"
    return (
        f"trees that tell {record.told_apart} threats apart, weighing {record.weight:.2f} beside "
        f"the base rates of {record.finds:,} finds; log loss on {record.held_out:,} later finds "
        f"{record.log_loss:.3f}, of the base rates alone {record.log_loss_of_base_rates:.3f}"
    )


def write_files(
    files: Path,
    parts: BundleParts,
    data: TrainingData,
    scores: dict[str, Floats],
    evaluation: Evaluation,
) -> None:
    """What a person looks at in MLflow; the bundle with its card is logged beside it.

    Nothing says the version, which the model gets only when it is registered.
    """
    from training.plots import write_plots  # matplotlib
    from training.report import evaluation_page

    plots = files / "plots"
    plots.mkdir()
    write_plots(
        plots,
        scores,
        data.labelled.labels[data.slices.test],
        title=_title(parts),
        simulated=data.simulated,
    )
    page = evaluation_page(_facts(parts, data, scores, evaluation))
    (files / "evaluation.html").write_text(page, encoding="utf-8")
    document = msgspec.json.format(msgspec.json.encode(evaluation), indent=1)
    (files / "evaluation.json").write_bytes(document)


def _title(parts: BundleParts) -> str:
    learned_until = from_micros(parts.trained_until)
    return f"{parts.kind.capitalize()} model, learned until {learned_until:%Y-%m-%d}"


def _facts(
    parts: BundleParts, data: TrainingData, scores: dict[str, Floats], evaluation: Evaluation
) -> "EvaluationFacts":
    from training.report import EvaluationFacts

    return EvaluationFacts(
        kind=parts.kind,
        title=_title(parts),
        simulated=parts.simulated,
        evaluation=evaluation,
        scores=scores,
        labels=data.labelled.labels[data.slices.test],
        made_from=(
            WHICH_MOVEMENTS,
            f"{len(parts.catalogue.names)} features; catalogue sha256 {parts.catalogue.sha256}.",
            f"Training data sha256 {parts.data_sha256}: rows, labels and instants.",
        ),
        slices=data.slice_facts(),
        alarms=alarms_in(parts.metrics),
        calibration=msgspec.convert(parts.metrics["calibration"], CalibrationChoice),
    )


def run_record(
    parts: BundleParts,
    data: TrainingData,
    evaluation: Evaluation,
    options: TrainingConfig,
    tuned: Tuned | None = None,
) -> RunRecord:
    chosen = {
        f"{group}.{name}": value
        for group in ("labels", "split", "features", "trees", "bands", "evaluation")
        for name, value in msgspec.to_builtins(getattr(options, group)).items()
        if value is not None
    }
    counts = {f"rows.{item.name}": item.labels for item in data.slice_facts()}
    erased = sum(count.events for count in data.erased)
    return RunRecord(
        kind=parts.kind,
        parameters={**chosen, **counts, "rows.bands": len(data.window), "erased.events": erased},
        metrics=flat_metrics(evaluation),
        tags={
            "data_sha256": parts.data_sha256,
            "catalogue_sha256": parts.catalogue.sha256,
            "simulated": str(parts.simulated).lower(),
            "verdict": evaluation.verdict,
        },
        columns=parts.catalogue.names,
        trials=tuned.records() if tuned else (),
    )
