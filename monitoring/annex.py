"""The interactive annex: one Evidently drift report per kind, written by a process of its own.

Importing Evidently takes nine seconds and its faults are not ours, so it lives in a child that is
started first and fed one job per kind while the report computes its own, full-data statistics.
A job that fails leaves the board page whole: it then says why there is no annex.

What Evidently says about itself (0.7.23): its JSON carries no drift flag, and the direction of a
drift value depends on the method. The method is therefore always given (PSI, high means drift) and
the flag is made here; so is the ``DataDefinition``; a column without any value raises, so such
columns are left out and named.
"""

import os
import subprocess
import sys
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

SAMPLE_ROWS = 5_000
"""Rows of the reference and of the period that Evidently sees, at most."""
SAMPLE_SEED = 20_260_301
DRIFT_FROM = 0.1
"""PSI on the sample from which a column counts as drifted, Evidently's own threshold for PSI."""
PATIENCE_S = 300.0
COMMAND = (sys.executable, "-P", "-W", "ignore", "-m", "monitoring.annex")
"""-P: the folder it is started from is no place to import from. -W: Evidently's own imports warn
on Python 3.11 (until it stops using numpy.core)."""


class AnnexJob(msgspec.Struct, frozen=True, kw_only=True):
    """What the child needs to write one kind's page; matrices are ``.npy`` files, float64[n, C]."""

    kind: str
    columns: tuple[str, ...]
    reference: str
    current: str
    page: str
    banner: str | None


class AnnexResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one job."""

    compared: int = 0
    drifted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Columns without any value in the reference or in the period."""
    problem: str | None = None
    """Why there is no page; None when there is one."""


def sample(rows: int, limit: int = SAMPLE_ROWS) -> NDArray[np.int64]:
    """Row numbers of the fixed-seed sample, rising; all of them when there are at most ``limit``.

    >>> sample(3)
    array([0, 1, 2])
    """
    if rows <= limit:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SAMPLE_SEED).choice(rows, limit, replace=False))


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

    def submit(
        self,
        kind: str,
        columns: tuple[str, ...],
        reference: NDArray[np.float64],
        current: NDArray[np.float64],
        page: Path,
        *,
        banner: str | None,
    ) -> None:
        """Ask for one kind's page; ``reference`` and ``current`` are float64[n, C], samples."""
        files = [self._scratch / f"{kind}-{part}.npy" for part in ("reference", "current")]
        for file, matrix in zip(files, (reference, current), strict=True):
            np.save(file, matrix, allow_pickle=False)
        job = AnnexJob(
            kind=kind,
            columns=columns,
            reference=str(files[0]),
            current=str(files[1]),
            page=str(page),
            banner=banner,
        )
        self._kinds.append(kind)
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


def write_page(job: AnnexJob) -> AnnexResult:
    """Run Evidently on one job and write its self-contained page. Called in the child."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset
    from pandas import DataFrame

    reference, current = (
        DataFrame(np.load(file, allow_pickle=False), columns=list(job.columns))
        for file in (job.reference, job.current)
    )
    kept = [c for c in job.columns if reference[c].notna().any() and current[c].notna().any()]
    left_out = tuple(column for column in job.columns if column not in kept)
    if not kept:
        return AnnexResult(left_out=left_out, problem="no column has a value in both periods")
    definition = DataDefinition(numerical_columns=kept)
    report = Report([DataDriftPreset(num_method="psi", num_threshold=DRIFT_FROM)])
    snapshot = report.run(
        current_data=Dataset.from_pandas(current[kept], data_definition=definition),
        reference_data=Dataset.from_pandas(reference[kept], data_definition=definition),
    )
    html = snapshot.get_html_str(as_iframe=False)
    Path(job.page).write_text(_with_banner(html, job), encoding="utf-8")
    drifted = _drifted(snapshot.dict())
    return AnnexResult(compared=len(kept), drifted=drifted, left_out=left_out)


def _drifted(snapshot: dict[str, Any]) -> tuple[str, ...]:
    """Columns whose PSI on the sample reaches :data:`DRIFT_FROM`, in Evidently's order."""
    values = [
        (metric["config"]["column"], float(metric["value"]))
        for metric in snapshot["metrics"]
        if metric["config"]["type"].endswith(":ValueDrift")
    ]
    return tuple(column for column, psi in values if psi >= DRIFT_FROM)


def _with_banner(html: str, job: AnnexJob) -> str:
    """Title, and above Evidently's own page what it is, its way back, and "simulated" if so."""
    title = f"Drift of {job.kind} features, Evidently annex"
    simulated = f"<strong>{escape(job.banner)}</strong> " if job.banner else ""
    note = (
        '<div style="font:16px/1.4 arial,sans-serif;padding:12px 16px;background:#fff;'
        'color:#0b0c0c;border-bottom:4px solid #1d70b8">'
        f"{simulated}{escape(title)}. Reference: movements from before; current: the period; a "
        f"sample of at most {SAMPLE_ROWS:,} rows each. PSI from {DRIFT_FROM:g} counts as drift. "
        '<a href="../index.html" style="color:#1a65a6">Back to the board page</a></div>'
    )
    head, body, rest = html.partition("<body>")
    return head.replace("<head>", f"<head><title>{escape(title)}</title>", 1) + body + note + rest


def main() -> None:
    """The child: import once, then one job per line of standard input until it closes."""
    import evidently.presets  # noqa: F401 - nine seconds, paid while the parent computes

    for line in sys.stdin:
        job = msgspec.json.decode(line, type=AnnexJob)
        try:
            result = write_page(job)
        except Exception as exc:  # whatever Evidently raises becomes a sentence on the board page
            result = AnnexResult(problem=f"Evidently stopped with {type(exc).__name__}: {exc}")
        _result_file(Path(job.current)).write_bytes(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
