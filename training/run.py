"""One training run: from the ledger to a registered version with everything that it rests on."""

import shutil
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import Micros, parse_day
from features.history.offline import fill_history
from features.records import check_kind
from features.rows import FillHistory
from features.settings import Settings
from models.bundle import load_bundle, write_bundle
from models.evaluation import Evaluation
from models.pins import bundle_directory
from models.trust import bundle_signing_key
from training.artefacts import bundle_parts, run_record, write_files
from training.config import TrainingConfig, read_config
from training.data import Progress, TrainingData, gather
from training.evaluate import evaluate, scores_of_all
from training.learning import Learned, learn
from training.results import summary
from training.trials import Tuned

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


def train(
    settings: Settings,
    kind: str,
    *,
    ledger_url: str | None = None,
    config: str | Path | None = None,
    until: str | Micros | None = None,
    dask: str | None = None,
    tune: int = 0,
    progress: Progress | None = None,
) -> TrainingResult:
    """Learn from what the ledger knew before ``until``; log, write and register the result.

    Args:
        config: a TOML file, or the name of a configuration that ships.
        until: an ISO day or microseconds; by default just after the kind's newest event.
        dask: address of a scheduler whose workers build the history features, with the same bytes.
        tune: trials in the search for settings of the trees; 0 keeps the configuration's.
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
    tuned = _tuned(settings, data, options, tune, say) if tune else None
    if tuned is not None:
        options = msgspec.structs.replace(options, trees=tuned.trees)
    say("fitting the trees")
    learned = learn(data, options)
    say("evaluating beside the baselines")
    scores = _scores(kind, data, learned)
    evaluation = _evaluation(kind, data, scores, options)
    say("opening MLflow")
    from training.tracking import Tracking  # seconds to import: not before it is needed

    tracking = Tracking(settings)
    parts = bundle_parts(
        kind, tracking.next_version(kind), data, learned, evaluation, options, tuned
    )
    settings.bundles.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.bundles, prefix=f".{kind}-") as scratch:
        say("writing the bundle")
        bundle = Path(scratch) / "bundle"
        key = bundle_signing_key(settings)
        sha256 = write_bundle(bundle, parts, key)
        # what serving will do, before anyone relies
        load_bundle(bundle, expected_sha256=sha256, trusted=[key.verifying])
        say("drawing")
        files = write_files(Path(scratch), parts, data, scores, evaluation)
        say("recording the run in MLflow")
        run = run_record(parts, sha256, bundle, files, data, evaluation, options, tuned)
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


def _tuned(
    settings: Settings, data: TrainingData, options: TrainingConfig, trials: int, say: Progress
) -> Tuned:
    from training.tune import study_file, tune  # Optuna: half a second

    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        say(f"tuning the trees: {done} of {trials} trials")

    file = study_file(settings.tuning, data, options.trees)
    gap_days = options.split.gap_days
    return tune(data, options.trees, trials, gap_days=gap_days, file=file, advance=advance)


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
        earlier=data.rows(data.ever_before_test),
        tested=data.rows(data.slices.test),
        simulated=data.simulated,
        seed=options.trees.seed,
    )


def _keep(bundle: Path, target: Path) -> Path:
    if target.exists():  # of another registry: this version was registered just now
        shutil.rmtree(target)
    return bundle.rename(target)
