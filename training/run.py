"""One training run: from the ledger to a registered version with everything that it rests on."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue, catalogue_for
from features.clock import Micros, parse_day
from features.ledger import open_ledger
from features.records import check_kind
from features.rows import feature_rows
from features.settings import Settings
from features.timeline import Timeline, load_timeline
from models.bands import Thresholds, thresholds_at_capacity
from models.baselines import Rows
from models.booster import TreeModel
from models.bundle import BundleParts, load_bundle, write_bundle
from models.calibration import Platt, fit_platt, similar_examinations
from models.card import CardFacts, SliceFacts, model_card
from models.evaluation import SHARES, Evaluation, SliceEvaluation
from models.golden import choose_golden_rows
from models.pins import bundle_directory
from models.reference import reference_of
from training.config import TrainingConfig, read_config
from training.evaluate import evaluate, scores_of_all
from training.fit import fit_trees
from training.labels import Labelled, NoLabels, first_declared, matured_labels
from training.splits import Slices, split_by_time

Floats = NDArray[np.float64]
Progress = Callable[[str], None]
_END_OF_TIME = 1 << 62


class TrainingResult(NamedTuple):
    kind: str
    version: int
    bundle: Path
    """The bundle's directory."""
    metrics: dict[str, Any]
    run_id: str
    """Of MLflow."""
    bundle_sha256: str
    verdict: str


class _Data(NamedTuple):
    """Everything that is learned from and tested on."""

    catalogue: Catalogue
    labelled: Labelled
    slices: Slices
    matrix: Floats
    """float64[n, F] of ``labelled``."""
    window: Floats
    """float64[m, F] of all movements between the two boundaries, examined or not."""
    until: Micros

    def rows(self, chosen: NDArray[np.int64]) -> Rows:
        return Rows([self.labelled.movements[at] for at in chosen.tolist()], self.matrix[chosen])

    @property
    def simulated(self) -> bool:
        return bool(self.labelled.simulated.any())

    @property
    def sha256(self) -> str:
        """Of rows, labels and instants; pseudonyms are left out, so that it is the same wherever
        the same files were ingested."""
        digest = hashlib.sha256("\n".join(self.catalogue.names).encode())
        arrays = (self.labelled.as_of, self.labelled.known_at, self.labelled.labels, self.matrix)
        for array in (*arrays, self.window):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


class _Learned(NamedTuple):
    text: str
    calibration: Platt
    thresholds: Thresholds
    probabilities: Floats
    """Of the calibration slice, then of the window, then of the test slice, below."""
    of_window: Floats
    of_test: Floats
    golden_rows: Floats


def train(
    settings: Settings,
    kind: str,
    *,
    ledger_url: str | None = None,
    config: str | Path | None = None,
    until: str | Micros | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Learn from what the ledger knew before ``until``; log, write and register the result.

    Args:
        config: a TOML file, or the name of a configuration that ships.
        until: an ISO day or microseconds; by default just after the kind's newest event.
        progress: is told what happens next, in a few words.

    Raises:
        ForelandError: nothing to learn from, a configuration or MLflow that cannot be used. No
            version is registered and no bundle is left behind.
    """
    say = progress or (lambda _: None)
    check_kind(kind)
    options = read_config(config, kind)
    horizon = parse_day(until, "--until") if isinstance(until, str) else until
    data = _gather(ledger_url or settings.ledger, kind, options, horizon, say)

    say("fitting the trees")
    learned = _learn(data, options)
    say("evaluating beside the baselines")
    scores = _all_scores(kind, data, learned, options.trees.seed)
    evaluation = _evaluate(kind, data, scores, options.trees.seed)

    say("recording the run in MLflow")
    from training.tracking import Tracking  # seconds to import: not before it is needed

    tracking = Tracking(settings)
    version = tracking.next_version(kind)
    parts = _bundle_parts(kind, version, data, learned, evaluation, options)
    settings.bundles.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.bundles, prefix=f".{kind}-") as scratch:
        bundle = Path(scratch) / "bundle"
        sha256 = write_bundle(bundle, parts)
        load_bundle(bundle, expected_sha256=sha256)  # what serving will do, before anyone relies
        files = _write_files(Path(scratch), data, scores, evaluation, parts)
        run_id = tracking.record(
            _run_record(parts, sha256, bundle, files, data, evaluation, options)
        )
        target = settings.bundles / bundle_directory(kind, version)
        if target.exists():  # of another registry: this version was registered just now
            shutil.rmtree(target)
        bundle.rename(target)
    return TrainingResult(
        kind=kind,
        version=version,
        bundle=target,
        metrics=summary(evaluation, data.simulated),
        run_id=run_id,
        bundle_sha256=sha256,
        verdict=evaluation.verdict,
    )


def _gather(
    url: str, kind: str, options: TrainingConfig, until: Micros | None, say: Progress
) -> _Data:
    say("reading the ledger")
    with closing(open_ledger(url, create=False)) as ledger:
        before = _END_OF_TIME if until is None else until
        timeline = load_timeline(ledger, available_before=before)
    horizon = _just_after_newest(timeline, kind) if until is None else until
    labelled = matured_labels(
        timeline, kind, until=horizon, maturity_days=options.labels.maturity_days
    )
    slices = split_by_time(labelled, options.split, kind)
    catalogue = catalogue_for(kind, timeline.attributes(kind))
    say("building features of what was examined")
    matrix = feature_rows(timeline, labelled.movements, labelled.as_of, catalogue)
    say("building features of all movements of the calibration window")
    movements = timeline.of_kind(kind)
    known = movements["available_at"]
    inside = movements[(known >= slices.calibrate_from) & (known < slices.test_from)]
    window = feature_rows(
        timeline,
        first_declared(timeline, inside),
        inside["available_at"].to_numpy(np.int64),
        catalogue,
    )
    return _Data(catalogue, labelled, slices, matrix, window, horizon)


def _just_after_newest(timeline: Timeline, kind: str) -> Micros:
    outcomes = timeline.outcomes[timeline.outcomes["kind"] == kind]
    newest = [*timeline.of_kind(kind)["available_at"], *outcomes["available_at"]]
    if not newest:
        raise NoLabels(f"the ledger holds no {kind}; run foreland ingest --kind {kind} first")
    return int(max(newest)) + 1


def _learn(data: _Data, options: TrainingConfig) -> _Learned:
    labels, slices = data.labelled.labels, data.slices
    fitted = data.matrix[slices.fit]
    text = fit_trees(fitted, labels[slices.fit], data.catalogue, options.trees)
    model = TreeModel(text)
    margins = model.margins(data.matrix[slices.calibrate])
    calibration = fit_platt(margins, labels[slices.calibrate])
    of_window = calibration.probabilities(model.margins(data.window))
    return _Learned(
        text=text,
        calibration=calibration,
        thresholds=thresholds_at_capacity(
            of_window, options.bands.high_share, options.bands.medium_share
        ),
        probabilities=calibration.probabilities(margins),
        of_window=of_window,
        of_test=calibration.probabilities(model.margins(data.matrix[slices.test])),
        golden_rows=choose_golden_rows(model, fitted),
    )


def _all_scores(kind: str, data: _Data, learned: _Learned, seed: int) -> dict[str, Floats]:
    before_test = np.concatenate([data.slices.fit, data.slices.calibrate])
    return scores_of_all(
        kind,
        data.rows(before_test),
        data.labelled.labels[before_test],
        data.rows(data.slices.test),
        learned.of_test,
        seed,
    )


def _evaluate(kind: str, data: _Data, scores: dict[str, Floats], seed: int) -> Evaluation:
    before_test = np.concatenate([data.slices.fit, data.slices.calibrate])
    test = data.slices.test
    return evaluate(
        kind,
        scores,
        data.labelled.labels[test],
        data.labelled.as_of[test],
        learned=data.rows(before_test),
        tested=data.rows(test),
        simulated=data.simulated,
        seed=seed,
    )


def _bundle_parts(
    kind: str,
    version: int,
    data: _Data,
    learned: _Learned,
    evaluation: Evaluation,
    options: TrainingConfig,
) -> BundleParts:
    slices = _slice_facts(data)
    sha256 = data.sha256
    trees = options.trees
    card = model_card(
        CardFacts(
            kind=kind,
            version=version,
            simulated=data.simulated,
            trained_until=data.until,
            data_sha256=sha256,
            catalogue=data.catalogue,
            slices=slices,
            movements_for_bands=len(data.window),
            high_share=options.bands.high_share,
            medium_share=options.bands.medium_share,
            thresholds=learned.thresholds,
            evaluation=evaluation,
            trees=f"{trees.rounds} trees of at most {trees.leaves} leaves, "
            f"learning rate {trees.learning_rate:g}, monotone where the catalogue says so",
        )
    )
    metrics = {
        "slices": [item._asdict() for item in slices],
        "evaluation": msgspec.to_builtins(evaluation),
    }
    calibrated_labels = data.labelled.labels[data.slices.calibrate]
    return BundleParts(
        kind=kind,
        version=version,
        model_text=learned.text,
        calibration=learned.calibration,
        similar=similar_examinations(learned.probabilities, calibrated_labels),
        catalogue=data.catalogue,
        thresholds=learned.thresholds,
        reference=reference_of(data.catalogue.names, data.window, learned.of_window),
        golden_rows=learned.golden_rows,
        metrics=metrics,
        card=card,
        trained_until=data.until,
        simulated=data.simulated,
        data_sha256=sha256,
    )


def _slice_facts(data: _Data) -> list[SliceFacts]:
    found = []
    for name in ("fit", "calibrate", "test"):
        chosen = getattr(data.slices, name)
        as_of, labels = data.labelled.as_of[chosen], data.labelled.labels[chosen]
        found.append(
            SliceFacts(name, int(as_of[0]), int(as_of[-1]), len(labels), int(labels.sum()))
        )
    return found


def _write_files(
    scratch: Path,
    data: _Data,
    scores: dict[str, Floats],
    evaluation: Evaluation,
    parts: BundleParts,
) -> Path:
    """What a person looks at in MLflow; the bundle is logged beside it."""
    from training.plots import write_plots  # matplotlib

    files = scratch / "files"
    (files / "plots").mkdir(parents=True)
    write_plots(
        files / "plots",
        scores,
        data.labelled.labels[data.slices.test],
        title=f"{parts.kind} version {parts.version}",
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
    data: _Data,
    evaluation: Evaluation,
    options: TrainingConfig,
) -> Any:
    from training.tracking import RunRecord

    chosen = {
        f"{group}.{name}": value
        for group in ("labels", "split", "trees", "bands")
        for name, value in msgspec.to_builtins(getattr(options, group)).items()
        if value is not None
    }
    counts = {f"rows.{item.name}": item.labels for item in _slice_facts(data)}
    return RunRecord(
        kind=parts.kind,
        version=parts.version,
        parameters={**chosen, **counts, "rows.bands": len(data.window)},
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


def summary(evaluation: Evaluation, simulated: bool) -> dict[str, Any]:
    """The figures that end ``foreland train``, as JSON values; None where undefined."""
    return {
        "simulated": simulated,
        "verdict": evaluation.verdict,
        "all": _slice_summary(evaluation.all),
        "unseen": {"by": evaluation.unseen_by, **_slice_summary(evaluation.unseen)},
    }


def _slice_summary(found: SliceEvaluation) -> dict[str, Any]:
    rankings = {
        item.name.replace(" ", "_"): {
            "roc_auc": item.roc_auc,
            "average_precision": item.average_precision,
            **{f"precision_at_{_percent(share)}": item.at(share).precision for share in SHARES},
        }
        for item in found.rankings
    }
    return {"rows": found.rows, "finds": found.finds, **rankings}


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Name to number, as MLflow keeps them; what is undefined is left out."""
    flat: dict[str, float] = {}
    for name, found in (("all", evaluation.all), ("unseen", evaluation.unseen)):
        flat[f"{name}/rows"], flat[f"{name}/finds"] = found.rows, found.finds
        for item in found.rankings:
            prefix = f"{name}/{item.name}"
            for measure in ("roc_auc", "average_precision", "brier", "calibration_error"):
                flat[f"{prefix}/{measure}"] = getattr(item, measure)
            for capacity in item.capacity:
                at = _percent(capacity.share)
                flat[f"{prefix}/precision_at_{at}"] = capacity.precision
                flat[f"{prefix}/recall_at_{at}"] = capacity.recall  # type: ignore[assignment]
    return {key: float(value) for key, value in flat.items() if value is not None}


def _percent(share: float) -> str:
    """
    >>> _percent(0.05)
    '5pct'
    """
    return f"{share * 100:g}pct"
