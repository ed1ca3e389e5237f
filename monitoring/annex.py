"""The interactive annex: Evidently's pages per kind, written by a process of its own.

Importing Evidently takes nine seconds and its faults are not ours, so it lives in a child that is
started first and fed one job per kind while the report computes its own, full-data statistics.
A job that fails leaves the board page whole: it then says why there is no annex.

What Evidently says about itself (0.7.23): its JSON carries no drift flag, and the direction of a
drift value depends on the method. The method is therefore always given (PSI, high means drift) and
the flag is made here; so is the ``DataDefinition``, from the catalogue; a column without any value
raises, so such columns are left out and named.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import from_micros
from monitoring.annex_jobs import (
    DRIFT_FROM,
    FEWEST_RESULTS,
    SAMPLE_ROWS,
    AnnexJob,
    AnnexResult,
    Results,
)

PATIENCE_S = 300.0
COMMAND = (sys.executable, "-P", "-W", "ignore", "-m", "monitoring.annex")
"""-P: the folder it is started from is no place to import from. -W: Evidently's own imports warn
on Python 3.11 (until it stops using numpy.core)."""


class Matrices(NamedTuple):
    """Samples that a job is about."""

    reference: NDArray[np.float64]
    """float64[n, C]"""
    current: NDArray[np.float64]
    """float64[m, C]"""
    results: NDArray[np.float64] | None
    """float64[k, 2]: probability and label; None before a month has matured."""


class AnnexWriter:
    """The child process; leave the ``with`` block early and it is ended."""

    def __init__(self, scratch: Path) -> None:
        """Start the child; matrices, results and its messages go to ``scratch``, which exists."""
        self._scratch = scratch
        self._kinds: list[str] = []
        self._messages = (scratch / "annex.log").open("w")
        self._child = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=self._messages,
            stderr=self._messages,
            env={**os.environ, "DO_NOT_TRACK": "1", "MPLBACKEND": "Agg"},
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        if self._child.stdin:
            self._child.stdin.close()
        self._messages.close()

    def submit(self, job: AnnexJob, matrices: Matrices) -> None:
        """Ask for one kind's pages. The job's names of matrix files are given here."""
        kept = {
            part: self._scratch / f"{job.kind}-{part}.npy"
            for part, matrix in matrices._asdict().items()
            if matrix is not None
        }
        for part, file in kept.items():
            np.save(file, getattr(matrices, part), allow_pickle=False)
        results = job.results if "results" in kept else None
        if results is not None:
            results = msgspec.structs.replace(results, matrix=str(kept["results"]))
        job = msgspec.structs.replace(
            job, reference=str(kept["reference"]), current=str(kept["current"]), results=results
        )
        self._kinds.append(job.kind)
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(msgspec.json.encode(job).decode() + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:  # it died; results() says so
            return

    def results(self, patience_s: float = PATIENCE_S) -> dict[str, AnnexResult]:
        """Wait for every page; a kind whose page did not come has ``problem`` set."""
        if not self._kinds:
            return {}
        problem = f"Evidently wrote nothing within {patience_s:g} s"
        try:
            self._child.communicate(timeout=patience_s)
            problem = f"Evidently's process ended with status {self._child.returncode}"
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        return {kind: self._result(kind, problem) for kind in self._kinds}

    def _result(self, kind: str, problem: str) -> AnnexResult:
        file = _result_file(self._scratch / f"{kind}-current.npy")
        if not file.exists():
            return AnnexResult(problem=problem)
        return msgspec.json.decode(file.read_bytes(), type=AnnexResult)


def _result_file(current: Path) -> Path:
    return current.with_suffix(".json")


def write_pages(job: AnnexJob) -> AnnexResult:
    """Run Evidently on one job, write its self-contained pages, keep its snapshots."""
    reference, current = (
        _frame(job, np.load(file, allow_pickle=False)) for file in (job.reference, job.current)
    )
    kept = [c for c in job.columns if reference[c].notna().any() and current[c].notna().any()]
    left_out = tuple(column for column in job.columns if column not in kept)
    if not kept:
        return AnnexResult(left_out=left_out, problem="no column has a value in both periods")
    compared = _compared(job, reference[kept], current[kept])
    title = f"Drift and summary of {job.kind} features, Evidently annex"
    said = (
        f"Reference: movements from before; current: the period; a sample of at most "
        f"{SAMPLE_ROWS:,} rows each. PSI from {DRIFT_FROM:g} counts as drift. Evidently's other "
        "tests hold each statistic to within a tenth of the reference's, so some fail by chance."
    )
    _write(compared, Path(job.page), title, said, job.banner)
    snapshots = [compared]
    classified = None if job.results is None else _classified(job, job.results)
    if classified is not None and job.results is not None:
        title = f"Classification of {job.kind} movements of {job.results.month}, Evidently annex"
        said = (
            "Examined movements of the latest month with nearly all results, which the model has "
            "not learned from. Called: those from where band high begins. Who was examined was not "
            "left to chance."
        )
        _write(classified, Path(job.results.page), title, said, job.banner)
        snapshots.append(classified)
    document = compared.dict()
    drifted = _drifted(document)
    return AnnexResult(
        compared=len(kept),
        drifted=drifted,
        steady=tuple(column for column in kept if column not in drifted),
        left_out=left_out,
        tests=len(document["tests"]),
        failed_tests=sum(test["status"].value != "SUCCESS" for test in document["tests"]),
        classified=None if classified is None or job.results is None else job.results.month,
        no_series=_keep(job, snapshots),
    )


def _frame(job: AnnexJob, matrix: NDArray[np.float64]) -> Any:
    """Numbers as float64, switches as text: what a nullable type would hide from Evidently."""
    from pandas import DataFrame

    frame = DataFrame(matrix, columns=list(job.columns))
    for switch in job.switches:
        frame[switch] = frame[switch].map({0.0: "no", 1.0: "yes"}).astype(object)
    return frame


def _compared(job: AnnexJob, reference: Any, current: Any) -> Any:
    """Snapshot of drift, data summary and Evidently's tests."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    definition = DataDefinition(
        numerical_columns=[column for column in current if column not in job.switches],
        categorical_columns=[column for column in current if column in job.switches],
    )
    drift = DataDriftPreset(
        num_method="psi",
        cat_method="psi",
        num_threshold=DRIFT_FROM,
        cat_threshold=DRIFT_FROM,
    )
    return Report([drift, DataSummaryPreset()], include_tests=True).run(
        current_data=Dataset.from_pandas(current, data_definition=definition),
        reference_data=Dataset.from_pandas(reference, data_definition=definition),
        timestamp=from_micros(job.period_end).replace(tzinfo=None),
        name=job.period,
    )


def _classified(job: AnnexJob, results: Results) -> Any | None:
    """Snapshot of probabilities beside results; None from too few, or of one class."""
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import ClassificationPreset
    from pandas import DataFrame

    matrix = np.load(results.matrix, allow_pickle=False)
    if len(matrix) < FEWEST_RESULTS or len(np.unique(matrix[:, 1])) < 2:
        return None
    frame = DataFrame({"probability": matrix[:, 0], "found": matrix[:, 1].astype(np.int64)})
    question = BinaryClassification(target="found", prediction_probas="probability", pos_label=1)
    definition = DataDefinition(
        numerical_columns=["probability"],
        categorical_columns=["found"],
        classification=[question],
    )
    preset = ClassificationPreset(probas_threshold=results.threshold)
    return Report([preset], include_tests=True).run(
        current_data=Dataset.from_pandas(frame, data_definition=definition),
        timestamp=from_micros(job.period_end).replace(tzinfo=None),
        name=f"{job.period} classification",
    )


def _drifted(snapshot: dict[str, Any]) -> tuple[str, ...]:
    """Columns whose PSI on the sample reaches :data:`DRIFT_FROM`, in Evidently's order."""
    values = [
        (metric["config"]["column"], float(metric["value"]))
        for metric in snapshot["metrics"]
        if metric["config"]["type"].endswith(":ValueDrift")
    ]
    return tuple(column for column, psi in values if psi >= DRIFT_FROM)


def _keep(job: AnnexJob, snapshots: Sequence[Any]) -> str | None:
    """Put the snapshots into the kind's project, in place of an earlier report's on this period.

    Returns why that did not work; None when it did. The pages are written by then.
    """
    from evidently.ui.workspace import Workspace

    try:
        workspace = Workspace.create(job.workspace)
        name = f"Foreland {job.kind}"
        project = next(iter(workspace.search_project(name)), None) or _project(workspace, name)
        fresh = {snapshot.get_name() for snapshot in snapshots}
        old = {
            run: workspace.get_run(project.id, run).name for run in workspace.list_runs(project.id)
        }
        for snapshot in snapshots:
            workspace.add_run(project.id, snapshot)
        for run, of in old.items():
            if of in fresh:
                workspace.delete_run(project.id, run)
    except Exception as exc:  # an old or damaged workspace must not cost the page
        return f"{type(exc).__name__}: {exc}"
    return None


def _project(workspace: Any, name: str) -> Any:
    """A new project, with the two series that a board looks at."""
    from evidently.sdk.models import DashboardPanelPlot, PanelMetric

    project = workspace.create_project(name, "One snapshot per period; no movement is in it.")
    panels = (
        ("Share of columns drifted", "DriftedColumnsCount", {"value_type": "share"}),
        ("Drift of the score (PSI)", "ValueDrift", {"column": "score"}),
    )
    for title, metric, labels in panels:
        value = PanelMetric(legend=title, metric=metric, metric_labels=labels)
        project.dashboard.add_panel(
            DashboardPanelPlot(
                title=title,
                subtitle=None,
                size="half",
                values=[value],
                plot_params={"plot_type": "line"},
            )
        )
    return project


def _write(snapshot: Any, page: Path, title: str, said: str, banner: str | None) -> None:
    """Evidently's own page, above it what it is, its way back, and "simulated" if so."""
    simulated = f"<strong>{escape(banner)}</strong> " if banner else ""
    note = (
        '<div style="font:16px/1.4 arial,sans-serif;padding:12px 16px;background:#fff;'
        'color:#0b0c0c;border-bottom:4px solid #1d70b8">'
        f"{simulated}{escape(title)}. {escape(said)} "
        '<a href="../index.html" style="color:#1a65a6">Back to the board page</a></div>'
    )
    head, body, rest = snapshot.get_html_str(as_iframe=False).partition("<body>")
    head = head.replace("<head>", f"<head><title>{escape(title)}</title>", 1)
    page.write_text(head + body + note + rest, encoding="utf-8")


def main() -> None:
    """The child: import once, then one job per line of standard input until it closes."""
    import evidently.presets
    import evidently.ui.workspace  # noqa: F401 - nine seconds, paid while the parent computes

    for line in sys.stdin:
        job = msgspec.json.decode(line, type=AnnexJob)
        try:
            result = write_pages(job)
        except Exception as exc:  # whatever Evidently raises becomes a sentence on the board page
            result = AnnexResult(problem=f"Evidently stopped with {type(exc).__name__}: {exc}")
        _result_file(Path(job.current)).write_bytes(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
