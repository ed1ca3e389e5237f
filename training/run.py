"""One training run: from the ledger to a registered version with everything that it rests on."""

import shutil
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import Micros, parse_day
from features.history.offline import fill_history
from features.records import check_kind
from features.rows import FillHistory
from features.settings import Settings
from models.bands import Thresholds, thresholds_at_capacity
from models.booster import TreeModel
from models.bundle import BundleParts, load_bundle, write_bundle
from models.calibration import Platt, SimilarExaminations, fit_platt, similar_examinations
from models.card import CardFacts, model_card
from models.evaluation import Evaluation
from models.golden import choose_golden_rows
from models.pins import bundle_directory
from models.reference import reference_of
from training.config import TrainingConfig, read_config
from training.data import Progress, TrainingData, gather
from training.evaluate import evaluate, scores_of_all
from training.fit import fit_trees
from training.results import flat_metrics, summary
from training.unexamined import NO_LOG

if TYPE_CHECKING:
    from training.tracking import RunRecord

Floats = NDArray[np.float64]


class TrainingResult(NamedTuple):
    kind: str
    version: int
    bundle: Path
    """The bundle's directory."""
    metrics: dict[str, Any]
    """As ``training.results.summary`` gives them."""
    run_id: str
    """Of MLflow."""
    bundle_sha256: str
    verdict: str
    """Two plain sentences on what the model is worth."""


class Learned(NamedTuple):
    text: str
    """LightGBM's."""
    calibration: Platt
    similar: SimilarExaminations
    thresholds: Thresholds
    of_window: Floats
    """Probabilities of all movements of the calibration window."""
    of_test: Floats
    """Probabilities of the test slice."""
    golden_rows: Floats


def train(
    settings: Settings,
    kind: str,
    *,
    ledger_url: str | None = None,
    config: str | Path | None = None,
    until: str | Micros | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Learn from what the ledger knew before ``until``; log, write and register the result.

    Args:
        config: a TOML file, or the name of a configuration that ships.
        until: an ISO day or microseconds; by default just after the kind's newest event.
        dask: address of a scheduler whose workers build the history features, with the same bytes.
        progress: is told what happens next, in a few words.

    Raises:
        ForelandError: nothing to learn from, or a configuration or an MLflow that cannot be used.
    """
    say = progress or (lambda _: None)
    check_kind(kind)
    options = read_config(config, kind)
    horizon = parse_day(until, "--until") if isinstance(until, str) else until
    with _history_by(dask, say) as fill:
        data = gather(ledger_url or settings.ledger, kind, options, horizon, say, fill)
    say("fitting the trees")
    learned = learn(data, options)
    say("evaluating beside the baselines")
    scores = _scores(kind, data, learned)
    evaluation = _evaluation(kind, data, scores, options)
    say("opening MLflow")
    from training.tracking import Tracking  # seconds to import: not before it is needed

    tracking = Tracking(settings)
    parts = _bundle_parts(kind, tracking.next_version(kind), data, learned, evaluation, options)
    settings.bundles.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.bundles, prefix=f".{kind}-") as scratch:
        say("writing the bundle")
        bundle = Path(scratch) / "bundle"
        sha256 = write_bundle(bundle, parts)
        load_bundle(bundle, expected_sha256=sha256)  # what serving will do, before anyone relies
        say("drawing")
        files = _write_files(Path(scratch), parts, data, scores, evaluation)
        say("recording the run in MLflow")
        run = _run_record(parts, sha256, bundle, files, data, evaluation, options)
        run_id = tracking.record(run)
        target = _keep(bundle, settings.bundles / bundle_directory(kind, parts.version))
    metrics = summary(evaluation, data.simulated)
    return TrainingResult(kind, parts.version, target, metrics, run_id, sha256, evaluation.verdict)


def _history_by(dask: str | None, say: Progress) -> AbstractContextManager[FillHistory]:
    if dask is None:
        return nullcontext(fill_history)
    from features.history.distributed import on_cluster  # only who uses it pays for its import

    def tell(done: int, of: int) -> None:
        say(f"building features on the cluster: {done} of {of} parts")

    return on_cluster(dask, tell)


def learn(data: TrainingData, options: TrainingConfig) -> Learned:
    """Fit on the first slice, calibrate on the second, never look at the third but to score it."""
    labels, slices = data.labelled.labels, data.slices
    fitted = data.matrix[slices.fit]
    text = fit_trees(fitted, labels[slices.fit], data.catalogue, options.trees)
    model = TreeModel(text)
    margins = model.margins(data.matrix[slices.calibrate])
    calibration = fit_platt(margins, labels[slices.calibrate])
    of_window = calibration.probabilities(model.margins(data.window))
    return Learned(
        text=text,
        calibration=calibration,
        similar=similar_examinations(calibration.probabilities(margins), labels[slices.calibrate]),
        thresholds=thresholds_at_capacity(
            of_window, options.bands.high_share, options.bands.medium_share
        ),
        of_window=of_window,
        of_test=calibration.probabilities(model.margins(data.matrix[slices.test])),
        golden_rows=choose_golden_rows(model, fitted),
    )


def _scores(kind: str, data: TrainingData, learned: Learned) -> dict[str, Floats]:
    return scores_of_all(
        kind,
        data.rows(data.before_test),
        data.labelled.labels[data.before_test],
        data.rows(data.slices.test),
        learned.of_test,
    )


def _evaluation(
    kind: str, data: TrainingData, scores: dict[str, Floats], options: TrainingConfig
) -> Evaluation:
    return evaluate(
        kind,
        scores,
        data.labelled.labels[data.slices.test],
        data.labelled.as_of[data.slices.test],
        learned=data.rows(data.before_test),
        tested=data.rows(data.slices.test),
        simulated=data.simulated,
        seed=options.trees.seed,
    )


def _bundle_parts(
    kind: str,
    version: int,
    data: TrainingData,
    learned: Learned,
    evaluation: Evaluation,
    options: TrainingConfig,
) -> BundleParts:
    slices = data.slice_facts()
    facts = CardFacts(
        kind=kind,
        version=version,
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
        trees=_in_words(options),
        unexamined=NO_LOG,
        erased=data.erased,
    )
    return BundleParts(
        kind=kind,
        version=version,
        model_text=learned.text,
        calibration=learned.calibration,
        similar=learned.similar,
        catalogue=data.catalogue,
        thresholds=learned.thresholds,
        reference=reference_of(data.catalogue.names, data.window, learned.of_window),
        golden_rows=learned.golden_rows,
        metrics={
            "slices": [item._asdict() for item in slices],
            "evaluation": msgspec.to_builtins(evaluation),
        },
        card=model_card(facts),
        trained_until=data.until,
        simulated=data.simulated,
        data_sha256=facts.data_sha256,
    )


def _in_words(options: TrainingConfig) -> str:
    trees = options.trees
    return (
        f"{trees.rounds} trees of at most {trees.leaves} leaves, learning rate "
        f"{trees.learning_rate:g}, seed {trees.seed}, monotone where the catalogue says so"
    )


def _write_files(
    scratch: Path,
    parts: BundleParts,
    data: TrainingData,
    scores: dict[str, Floats],
    evaluation: Evaluation,
) -> Path:
    """What a person looks at in MLflow; the bundle is logged beside it."""
    from training.plots import write_plots  # matplotlib

    files = scratch / "files"
    plots = files / "plots"
    plots.mkdir(parents=True)
    write_plots(
        plots,
        scores,
        data.labelled.labels[data.slices.test],
        title=f"{parts.kind.capitalize()} model, version {parts.version}",
        simulated=data.simulated,
    )
    (files / "card.md").write_text(parts.card, encoding="utf-8")
    document = msgspec.json.format(msgspec.json.encode(evaluation), indent=1)
    (files / "evaluation.json").write_bytes(document)
    return files


def _run_record(
    parts: BundleParts,
    sha256: str,
    bundle: Path,
    files: Path,
    data: TrainingData,
    evaluation: Evaluation,
    options: TrainingConfig,
) -> "RunRecord":
    from training.tracking import RunRecord

    chosen = {
        f"{group}.{name}": value
        for group in ("labels", "split", "trees", "bands")
        for name, value in msgspec.to_builtins(getattr(options, group)).items()
        if value is not None
    }
    counts = {f"rows.{item.name}": item.labels for item in data.slice_facts()}
    erased = sum(count.events for count in data.erased)
    return RunRecord(
        kind=parts.kind,
        version=parts.version,
        parameters={**chosen, **counts, "rows.bands": len(data.window), "erased.events": erased},
        metrics=flat_metrics(evaluation),
        tags={
            "bundle_sha256": sha256,
            "data_sha256": parts.data_sha256,
            "catalogue_sha256": parts.catalogue.sha256,
            "simulated": str(parts.simulated).lower(),
            "verdict": evaluation.verdict,
        },
        columns=parts.catalogue.names,
        bundle=bundle,
        files=files,
    )


def _keep(bundle: Path, target: Path) -> Path:
    if target.exists():  # of another registry: this version was registered just now
        shutil.rmtree(target)
    return bundle.rename(target)
