"""A trained run on disk, with all that MLflow is to be told; it waits for its number.

============ ====================================================================================
entry        what it holds
============ ====================================================================================
bundle/      the bundle, whole, signed and proven, but for its version, which MLflow gives
files/       plots and documents
run.json     parameters, metrics, tags and trials
============ ====================================================================================

Every run is one before it is registered, if only for a moment: a run that MLflow could not take
is registered later by the same code, with the same bytes but for the number.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from features.errors import ForelandError
from features.settings import Settings
from models.bundle import BundleParts, load_bundle, write_bundle
from models.trust import bundle_signing_key
from training.run_records import RunRecord

BUNDLE, FILES, RUN = "bundle", "files", "run.json"


class PendingError(ForelandError):
    """A run that waits for its number cannot be read."""


class Kept(NamedTuple):
    directory: Path
    bundle_sha256: str
    """Of the bundle without a number."""

    @property
    def bundle(self) -> Path:
        return self.directory / BUNDLE


def keep_run(
    settings: Settings,
    parts: BundleParts,
    record: RunRecord,
    write_files: Callable[[Path], None],
) -> Kept:
    """Write the run under ``pending-runs`` of the home, whole or not at all.

    Args:
        parts: with the version ``UNNUMBERED``.
        write_files: writes plots and documents into the directory that it is given.

    The same run has the same name, and takes the place of an earlier one.
    """
    settings.pending_runs.mkdir(parents=True, exist_ok=True)
    key = bundle_signing_key(settings)
    with tempfile.TemporaryDirectory(dir=settings.pending_runs, prefix=".") as scratch:
        made = Path(scratch) / "made"
        sha256 = write_bundle(made / BUNDLE, parts, key)
        # what serving will do, before anyone relies on it
        load_bundle(made / BUNDLE, expected_sha256=sha256, trusted=[key.verifying])
        (made / FILES).mkdir()
        write_files(made / FILES)
        (made / RUN).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))
        target = settings.pending_runs / f"{parts.kind}-{sha256[:12]}"
        return Kept(put(made, target), sha256)


def pending_runs(settings: Settings) -> list[Path]:
    """The directories of the runs that wait, in the order in which they were kept."""
    found = [path.parent for path in settings.pending_runs.glob(f"*/{RUN}")]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def read_record(directory: Path) -> RunRecord:
    """
    Raises:
        PendingError: there is no such run, or its record was altered beyond reading.
    """
    file = directory / RUN
    try:
        return msgspec.json.decode(file.read_bytes(), type=RunRecord)
    except (OSError, msgspec.MsgspecError) as exc:
        raise PendingError(f"{file} cannot be read: {exc}; train again") from exc


def put(made: Path, target: Path) -> Path:
    """Rename a directory that is whole to its place, and whatever was there goes."""
    if target.exists():  # of another registry, or the same run once more
        shutil.rmtree(target)
    return made.rename(target)
