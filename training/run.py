"""One training run: from the ledger to a registered version with everything that it rests on."""

from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pandas as pd

from features.clock import Micros, parse_day
from features.errors import InputError
from features.history.offline import fill_history
from features.ledger import open_source
from features.records import check_kind
from features.rotation import pseudonyms_to_read
from features.rows import FillHistory
from features.settings import Settings
from models.alarms import Alarm
from models.bundle import UNNUMBERED
from training.alarms import alarms_of
from training.artefacts import bundle_parts, run_record, write_files
from training.choices import read_choices
from training.config import TrainingConfig, read_config
from training.data import Progress, TrainingData, gather
from training.fit import FitTrees, fit_trees
from training.learning import learn
from training.measuring import measure
from training.pending import Kept, keep_run
from training.results import summary
from training.run_records import Registered
from training.trials import Tuned


class TrainingResult(NamedTuple):
    kind: str
    version: int
    """``UNNUMBERED`` when MLflow could not take the run."""
    bundle: Path
    """The bundle's directory."""
    metrics: dict[str, Any]
    """As ``training.results.summary`` gives them."""
    run_id: str
    """Of MLflow; empty when it could not take the run."""
    bundle_sha256: str
    verdict: str
    """Two plain sentences on what the model is worth."""
    alarms: tuple[Alarm, ...]
    waiting: str = ""
    """Why the run is not registered, where it is kept, and how to register it later."""


def train(
    settings: Settings,
    kind: str,
    *,
    ledger_url: str | None = None,
    config: str | Path | None = None,
    until: str | Micros | None = None,
    dask: str | None = None,
    fit_on_cluster: bool = False,
    tune: int = 0,
    choices: Path | None = None,
    ablation: bool = False,
    progress: Progress | None = None,
) -> TrainingResult:
    """Learn from what the ledger knew before ``until``; log, write and register the result.

    Args:
        config: a TOML file, or the name of a configuration that ships.
        until: an ISO day or microseconds; by default just after the kind's newest event.
        dask: address of a scheduler whose workers build the history features, with the same bytes.
        fit_on_cluster: let the same workers fit the trees too, with other bytes than this machine.
        tune: trials in the search for settings of the trees; 0 keeps the configuration's.
        choices: the log of who was chosen for examination, as ``read_choices`` reads it.
        ablation: fit again without each family of features, as ``[evaluation] ablation`` does.
        progress: is told what happens next, in a few words.

    A run that MLflow cannot take is kept under the home, to be registered later.

    Raises:
        ForelandError: nothing to learn from, or a configuration that cannot be used.
    """
    say = progress or (lambda _: None)
    check_kind(kind)
    if fit_on_cluster and dask is None:
        raise InputError("--fit-on-cluster needs the address of one: add --dask ADDRESS")
    options = read_config(config, kind)
    horizon = parse_day(until, "--until") if isinstance(until, str) else until
    if ablation:
        asked = msgspec.structs.replace(options.evaluation, ablation=True)
        options = msgspec.structs.replace(options, evaluation=asked)
    url = ledger_url or settings.ledger
    logged = None if choices is None else _logged(settings, url, kind, choices)
    with _history_by(dask, say) as fill:
        data = gather(url, kind, options, horizon, say, fill, logged)
    tuned = _tuned(settings, data, options, tune, say) if tune else None
    if tuned is not None:
        options = msgspec.structs.replace(options, trees=tuned.trees)
    say("fitting the trees")
    with _fit_by(dask if fit_on_cluster else None) as fit:
        learned = learn(data, options, fit)
    say("evaluating beside the baselines")
    comparison, evaluation = measure(data, learned, options)
    say("looking for leaks")
    alarms = alarms_of(kind, data, learned, options.acknowledge)
    parts = bundle_parts(
        kind, data, learned, evaluation, alarms, options, tuned, on_cluster=fit_on_cluster
    )
    say("writing and drawing")
    kept = keep_run(
        settings,
        parts,
        run_record(parts, data, evaluation, options, tuned),
        lambda files: write_files(files, parts, data, comparison.scores, evaluation),
    )
    say("recording the run in MLflow")
    registered, waiting = _register(settings, kept)
    return TrainingResult(
        kind=kind,
        version=registered.version,
        bundle=registered.bundle,
        metrics=summary(evaluation, data.simulated),
        run_id=registered.run_id,
        bundle_sha256=registered.bundle_sha256,
        verdict=evaluation.verdict,
        alarms=alarms,
        waiting=waiting,
    )


def _logged(settings: Settings, url: str, kind: str, choices: Path) -> pd.DataFrame:
    with closing(open_source(url)) as ledger:
        return read_choices(choices, kind, pseudonyms_to_read(ledger, settings.keys))


def _register(settings: Settings, kept: Kept) -> tuple[Registered, str]:
    """What was registered; or what was kept, and why it waits."""
    from training.registering import register  # MLflow takes seconds to import
    from training.tracking import Tracking, TrackingUnavailable

    try:
        return register(settings, Tracking(settings), kept.directory), ""
    except (TrackingUnavailable, OSError) as exc:  # OSError: such as a full disk
        unnumbered = Registered(UNNUMBERED, kept.bundle, kept.bundle_sha256, run_id="")
        return unnumbered, (
            f"{exc}; the run is kept in {kept.directory}, register it with: foreland runs upload"
        )


def _history_by(dask: str | None, say: Progress) -> AbstractContextManager[FillHistory]:
    if dask is None:
        return nullcontext(fill_history)
    from features.history.distributed import on_cluster  # only who uses it pays for its import

    def tell(done: int, of: int) -> None:
        say(f"building features on the cluster: {done} of {of} parts")

    return on_cluster(dask, tell)


def _fit_by(dask: str | None) -> AbstractContextManager[FitTrees]:
    if dask is None:
        return nullcontext(fit_trees)
    from training.cluster_fit import fitted_on_cluster

    return fitted_on_cluster(dask)


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
