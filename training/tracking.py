"""The only file that knows MLflow: runs, artefacts and the registry of versions.

Versions of a kind count from 1. A version is registered after its bundle was written with that
number, so the number is asked for first and compared afterwards.
"""

import contextlib
import importlib.metadata
import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.errors import ForelandError
from features.ledger import GateResult
from features.settings import Settings
from models.bundle import CARD, DATASHEET
from training.run_records import BacktestRecord, RunRecord, TrialRecord

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a minute of silence, not ten
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

with warnings.catch_warnings():
    # until mlflow no longer warns of its own type hints when imported (3.17.2 does)
    warnings.simplefilter("ignore")
    import mlflow  # it reads the environment set above
    import mlflow.artifacts
    import mlflow.pyfunc
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature, set_model
    from mlflow.pyfunc import PythonModel
    from mlflow.tracking import MlflowClient
    from mlflow.types.schema import ColSpec, Schema
    from sqlalchemy.exc import SQLAlchemyError

__all__ = ["PythonModel", "Tracking", "TrackingError", "TrackingUnavailable", "set_model"]

TRACKING_URI = "MLFLOW_TRACKING_URI"
CHAMPION = "champion"
CHALLENGER = "challenger"
LONGEST_TAG = 5_000
"""That MLflow takes."""
BACKTESTS = "foreland-backtests"
CODE = Path(__file__).with_name("served_model.py")
REQUIREMENTS = ("lightgbm", "msgspec", "numpy", "pandas", "scikit-learn", "scipy")
"""Named, because MLflow would take ten seconds to infer them."""


class TrackingError(ForelandError):
    """MLflow cannot do what was asked, or holds something else than was expected."""


class TrackingUnavailable(TrackingError):
    """MLflow cannot be reached, or cannot read or write; later it may."""


class Tracking:
    """One tracking store and registry: the settings', or what ``MLFLOW_TRACKING_URI`` names.

    With ``create`` the settings' own store is made where it is missing.

    Raises:
        TrackingUnavailable: the store cannot be opened.
        TrackingError: it is missing, with ``create=False``.
    """

    def __init__(self, settings: Settings, *, create: bool = True) -> None:
        given = os.environ.get(TRACKING_URI)
        self.uri = given or settings.tracking_store
        self._artefacts = None if given else settings.artefacts
        if not given:
            file = Path(settings.tracking_store.removeprefix("sqlite:///"))
            if not create and not file.exists():
                raise TrackingError(f"no model is registered in {file}; run foreland train first")
            file.parent.mkdir(parents=True, exist_ok=True)
        with self._mlflow("be opened"):
            self._client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            self._client.search_registered_models(max_results=1)

    def versions(self, kind: str) -> list[int]:
        """Registered versions, rising; empty when nothing was ever registered."""
        name = model_name(kind)
        with self._mlflow(f"list the versions of {name}"):
            found = self._client.search_model_versions(f"name = '{name}'", max_results=10_000)
            return sorted(int(item.version) for item in found)

    def next_version(self, kind: str) -> int:
        return max(self.versions(kind), default=0) + 1

    def record(
        self, run: RunRecord, version: int, sha256: str, *, bundle: Path, files: Path
    ) -> str:
        """Log a run, its trials as nested runs, and register its version; the run's id.

        Args:
            version: the number that ``next_version`` announced, which the bundle says too.
            sha256: of the bundle's manifest.
            files: a directory of plots and documents.

        Nothing is registered before all of it was logged.

        Raises:
            TrackingUnavailable: it could not be logged or registered.
            TrackingError: the registry gave another number than ``version``.
        """
        name = model_name(run.kind)
        tags = {**run.tags, "bundle_sha256": sha256}
        with self._mlflow("record the run"):
            experiment = self._experiment(name)
            with mlflow.start_run(experiment_id=experiment, run_name=f"{run.kind}-{version}"):
                run_id = str(mlflow.active_run().info.run_id)
                mlflow.set_tags(tags)
                mlflow.log_params(run.parameters)
                mlflow.log_metrics(run.metrics)
                mlflow.log_artifacts(str(files))
                for page in (CARD, DATASHEET):
                    if (bundle / page).exists():  # a run that waited may be older than datasheets
                        mlflow.log_artifact(str(bundle / page))
                mlflow.log_artifacts(str(bundle), "bundle")
                for trial in run.trials:
                    self._record_trial(trial, experiment, run_id, run.tags.get("simulated"))
                model = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(CODE),
                    artifacts={"bundle": str(bundle)},
                    pip_requirements=_requirements(),
                    signature=_signature(run.columns),
                )
            registered = self._register(name, model, run_id, tags)
        if int(registered.version) != version:
            raise TrackingError(
                f"MLflow registered {name} as version {registered.version}, its bundle says "
                f"{version}: another training ran at the same time, or versions were deleted; "
                f"delete version {registered.version} in MLflow, then run foreland runs upload"
            )
        return run_id

    def record_backtest(self, run: BacktestRecord) -> str:
        """Log a backtest in an experiment of its own; the run's id."""
        with self._mlflow("record the backtest"):
            experiment = self._experiment(BACKTESTS)
            with mlflow.start_run(experiment_id=experiment, run_name=run.name) as active:
                run_id = str(active.info.run_id)
                mlflow.set_tags({"simulated": "true"})
                mlflow.log_params(dict(run.parameters))
                mlflow.log_metrics(dict(run.metrics))
                for name, values in run.weekly.items():
                    self._client.log_batch(run_id, _steps(name, values))  # takes up to 1,000
                for file in run.files:
                    mlflow.log_artifact(str(file))
        return run_id

    def download_bundle(self, kind: str, version: int, directory: Path) -> Path:
        """A copy of a registered version's bundle, under an existing directory; unverified.

        Raises:
            TrackingError: no such version; the text names those that there are.
        """
        versions = self.versions(kind)
        if version not in versions:
            there = ", ".join(map(str, versions)) or "none; run foreland train first"
            raise TrackingError(f"no {kind} version {version} is registered (there is: {there})")
        with self._mlflow(f"download {kind} version {version}"):
            copy = mlflow.artifacts.download_artifacts(
                artifact_uri=f"models:/{model_name(kind)}/{version}", dst_path=str(directory)
            )
        return Path(copy) / "artifacts" / "bundle"

    def registered_sha256(self, kind: str, version: int) -> str:
        """Of the bundle's manifest, as the training run registered it."""
        name = model_name(kind)
        with self._mlflow(f"read {kind} version {version}"):
            tags = self._client.get_model_version(name, str(version)).tags
        if "bundle_sha256" not in tags:
            raise TrackingError(
                f"{name} version {version} has no bundle_sha256 in MLflow, so foreland train did "
                "not register it; train again"
            )
        return str(tags["bundle_sha256"])

    def champion(self, kind: str) -> int | None:
        """The version that the alias points to; None when no version was ever promoted."""
        return self._version_of(kind, CHAMPION)

    def challenger(self, kind: str) -> int | None:
        return self._version_of(kind, CHALLENGER)

    def set_challenger(self, kind: str, version: int | None) -> None:
        """None: nobody has the alias any more."""
        name = model_name(kind)
        with self._mlflow(f"set the alias of {kind}"):
            if version is not None:
                self._client.set_registered_model_alias(name, CHALLENGER, str(version))
            elif self.challenger(kind) is not None:
                self._client.delete_registered_model_alias(name, CHALLENGER)

    def _version_of(self, kind: str, alias: str) -> int | None:
        with self._mlflow(f"read the alias of {kind}"):
            try:
                found = self._client.get_model_version_by_alias(model_name(kind), alias)
            except MlflowException as exc:
                if exc.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                    return None
                raise
        return int(found.version)

    def set_champion(self, kind: str, version: int, approvers: tuple[str, ...]) -> None:
        name = model_name(kind)
        with self._mlflow(f"set the alias of {kind}"):
            self._client.set_model_version_tag(
                name, str(version), "approvers", ", ".join(approvers)
            )
            self._client.set_registered_model_alias(name, CHAMPION, str(version))

    def record_gates(self, kind: str, version: int, gates: Sequence[GateResult]) -> None:
        """What every gate said at the last approval, as tags of the version."""
        with self._mlflow(f"record the gates of {kind} {version}"):
            for gate in gates:
                accepted = f" (acknowledged: {gate.acknowledged})" if gate.acknowledged else ""
                said = f"{gate.result}{accepted}: {gate.sentence}"[:LONGEST_TAG]
                self._client.set_model_version_tag(
                    model_name(kind), str(version), f"gate.{gate.name}", said
                )

    def _record_trial(
        self, trial: TrialRecord, experiment: str, parent: str, simulated: str | None
    ) -> None:
        tags = {"mlflow.parentRunId": parent, "state": trial.state}
        if simulated is not None:
            tags["simulated"] = simulated
        name = f"trial-{trial.number}"
        run_id = str(self._client.create_run(experiment, tags=tags, run_name=name).info.run_id)
        params = [Param(name, str(value)) for name, value in trial.parameters.items()]
        metrics = [step for name, value in trial.metrics.items() for step in _steps(name, [value])]
        for name, values in trial.by_fold.items():
            metrics += _steps(f"{name}/fold", values)
        self._client.log_batch(run_id, metrics, params)
        ended = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
        self._client.set_terminated(run_id, ended[trial.state])

    def _register(self, name: str, model: Any, run_id: str, tags: Mapping[str, str]) -> Any:
        """As ``mlflow.register_model`` does, which prints."""
        with contextlib.suppress(MlflowException):  # it is there already
            self._client.create_registered_model(name)
        return self._client.create_model_version(
            name, model.model_uri, run_id, tags=dict(tags), model_id=model.model_id
        )

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = None if self._artefacts is None else self._artefacts.resolve().as_uri()
        return str(self._client.create_experiment(name, artifact_location=location))

    @contextmanager
    def _mlflow(self, doing: str) -> Iterator[None]:
        """MLflow at our address, without its chatter, and with errors in our words."""
        with _quiet(), _pointed_at(self.uri):
            try:
                yield
            except (MlflowException, SQLAlchemyError, OSError) as exc:
                said = str(exc).strip().split("\n")[0]
                raise TrackingUnavailable(
                    f"MLflow at {self.uri} could not {doing}: {said}; check MLFLOW_TRACKING_URI "
                    "and that the store can be written"
                ) from exc


def model_name(kind: str) -> str:
    return f"foreland-{kind}"


def _steps(name: str, values: Sequence[float]) -> list[Metric]:
    now = int(time.time() * 1000)
    return [Metric(name, value, now, step) for step, value in enumerate(values, start=1)]


def _signature(columns: tuple[str, ...]) -> Any:
    inputs = Schema([ColSpec("double", column) for column in columns])
    return ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double")]))


def _requirements() -> list[str]:
    return [f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS]


@contextmanager
def _pointed_at(uri: str) -> Iterator[None]:
    """``set_tracking_uri`` also sets the environment variable, which must not outlive the call:
    the next reader would take it for the user's. Nor may the user's outlive its removal."""
    given = os.environ.get(TRACKING_URI)
    chosen = mlflow.get_tracking_uri() if given is None and mlflow.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(chosen)
        os.environ.pop(TRACKING_URI, None)
        if given is not None:
            os.environ[TRACKING_URI] = given


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow speaks to people at a notebook; a command's output is for another program."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [(logger, logger.level) for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in before:
            logger.setLevel(level)
