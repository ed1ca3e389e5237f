"""A registered version, evaluated on files that it did not learn from."""

import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from features.clock import from_micros
from features.errors import ForelandError
from features.files.mapping import read_mapping
from features.ledger import EventSource, open_source
from features.records import check_kind
from features.rotation import pseudonyms_to_read
from features.rows import feature_rows
from features.settings import Settings
from features.timeline import load_timeline
from models.baselines import Rows
from models.bundle import Bundle, load_bundle
from models.evaluation import Evaluation
from models.pins import bundle_directory
from models.trust import trusted_keys
from training.config import EvaluationOptions
from training.data import Progress
from training.evaluate import Comparison, Tested, compare_with_baselines, evaluate
from training.labels import Labelled, matured_labels
from training.later_files import LaterFiles, LeftOut, read_later_files
from training.results import summary

PAGE, NUMBERS = "evaluation.html", "evaluation.json"


class VersionEvaluation(NamedTuple):
    metrics: dict[str, Any]
    """As ``training.results.summary`` gives them."""
    verdict: str
    left_out: LeftOut
    page: Path


def evaluate_version(
    settings: Settings,
    kind: str,
    version: int,
    *,
    movements: Path,
    outcomes: Path | None = None,
    mapping: Path | None = None,
    ledger_url: str | None = None,
    progress: Progress | None = None,
) -> VersionEvaluation:
    """Score each movement at its declared time and compare with what was found.

    The ledger gives the history and is only read; rows of one file never see each other. The
    baselines learn from the labels that the ledger knew when the model was trained.

    Raises:
        ForelandError: no such version, files or a ledger that cannot be used, nothing to test on.
    """
    say = progress or (lambda _: None)
    check_kind(kind)
    of_columns = read_mapping(mapping, kind)
    say("loading the version")
    bundle = _registered(settings, kind, version)
    until = bundle.manifest.trained_until
    with closing(open_source(ledger_url or settings.ledger)) as ledger:
        say("reading the files")
        pseudonyms = pseudonyms_to_read(ledger, settings.keys)
        files = read_later_files(
            kind, movements, outcomes, of_columns, pseudonyms, trained_until=until
        )
        say("building features")
        learned = matured_labels(
            load_timeline(ledger, available_before=until), kind, until=until, maturity_days=0
        )
        earlier, tested = _rows(ledger, bundle, learned, files)
    say("evaluating beside the baselines")
    comparison, evaluation = _evaluation(bundle, learned, earlier, tested, files)
    say("writing the page")
    target = settings.evaluations / bundle_directory(kind, version)
    _write(target, _page(bundle, files, comparison, evaluation), evaluation)
    simulated = bundle.manifest.simulated or files.simulated
    return VersionEvaluation(
        summary(evaluation, simulated), evaluation.verdict, files.left_out, target / PAGE
    )


def _registered(settings: Settings, kind: str, version: int) -> Bundle:
    from training.tracking import Tracking  # MLflow takes seconds to import

    tracking = Tracking(settings, create=False)
    with tempfile.TemporaryDirectory() as scratch:
        path = tracking.download_bundle(kind, version, Path(scratch))
        sha256 = tracking.registered_sha256(kind, version)
        bundle = load_bundle(path, expected_sha256=sha256, trusted=trusted_keys(settings))
    if (bundle.kind, bundle.version) != (kind, version):
        raise ForelandError(
            f"what is registered as {kind} version {version} says that it is {bundle.kind} version "
            f"{bundle.version}; train again"
        )
    return bundle


def _rows(
    ledger: EventSource, bundle: Bundle, learned: Labelled, files: LaterFiles
) -> tuple[Rows, Rows]:
    """What the baselines learn from, and what is tested: each row at its own instant."""
    timeline = load_timeline(ledger, available_before=int(files.as_of[-1]))
    movements = [*learned.movements, *files.movements]
    as_of = np.concatenate([learned.as_of, files.as_of])
    matrix = feature_rows(timeline, movements, as_of, bundle.catalogue)
    first, second = np.split(matrix, [len(learned.movements)])
    return Rows(learned.movements, first), Rows(files.movements, second)


def _evaluation(
    bundle: Bundle, learned: Labelled, earlier: Rows, tested: Rows, files: LaterFiles
) -> tuple[Comparison, Evaluation]:
    columns = bundle.catalogue.names
    comparison = compare_with_baselines(
        bundle.kind, columns, earlier, learned.labels, tested, bundle.probabilities(tested.matrix)
    )
    evaluation = evaluate(
        bundle.kind,
        comparison,
        Tested(tested, columns, files.labels, files.as_of),
        earlier=earlier,
        simulated=bundle.manifest.simulated or files.simulated,
        seed=1,
        per_day=EvaluationOptions().per_day,
    )
    return comparison, evaluation


def _page(bundle: Bundle, files: LaterFiles, comparison: Comparison, evaluation: Evaluation) -> str:
    from training.report import EvaluationFacts, evaluation_page

    first, last = (from_micros(int(files.as_of[at])) for at in (0, -1))
    learned_until = from_micros(bundle.manifest.trained_until)
    which = (
        f"{len(files.movements):,} movements of files, declared from {first:%Y-%m-%d} to "
        f"{last:%Y-%m-%d}, each scored at its declared time; the model learned from nothing "
        f"known at or after {learned_until:%Y-%m-%d}."
    )
    facts = EvaluationFacts(
        kind=bundle.kind,
        title=f"{bundle.kind.capitalize()} model, version {bundle.version}, on later files",
        simulated=bundle.manifest.simulated or files.simulated,
        evaluation=evaluation,
        scores=comparison.scores,
        labels=files.labels,
        made_from=(
            which,
            f"{files.left_out.in_words().capitalize()}.",
            f"Bundle sha256 {bundle.sha256}.",
        ),
    )
    return evaluation_page(facts)


def _write(target: Path, page: str, evaluation: Evaluation) -> None:
    """The whole directory or nothing; an earlier evaluation of the version is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        (made / PAGE).write_text(page, encoding="utf-8")
        document = msgspec.json.format(msgspec.json.encode(evaluation), indent=1)
        (made / NUMBERS).write_bytes(document)
        if target.exists():
            shutil.rmtree(target)
        made.rename(target)
