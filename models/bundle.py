"""A bundle: a trained model on disk, proven before it is believed. Text and numbers, no pickle.

============== =================================================================================
file           what it holds
============== =================================================================================
booster.txt    LightGBM's own text
calibration    ``.json``: margin to probability, and what similar past examinations found
catalogue      ``.json``: every feature, in the order of the columns
thresholds     ``.json``: lowest probability of each band
reference      ``.json``: distributions of the training window, for drift
golden         ``.json``: rows with their results, recomputed on loading
metrics        ``.json``: what training measured
card.md        the model card
manifest.json  identity, and the sha256 of every other file; its own sha256 names the bundle
============== =================================================================================

Nothing in it is a time of writing: the same data, seed and version give the same bytes.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue, CatalogueError
from features.clock import Micros
from features.errors import ForelandError
from features.records import KINDS
from models.bands import Thresholds
from models.booster import TreeModel, UnreadableModel
from models.calibration import Platt, SimilarExaminations
from models.golden import Golden, GoldenMismatch, check_in_child, check_in_process, make_golden
from models.reference import Reference

Floats = NDArray[np.float64]
T = TypeVar("T")

FORMAT = 1
MANIFEST = "manifest.json"
FILES = (
    "booster.txt",
    "calibration.json",
    "card.md",
    "catalogue.json",
    "golden.json",
    "metrics.json",
    "reference.json",
    "thresholds.json",
)


class BundleError(ForelandError):
    """A bundle is not what it says it is, and is not used."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"bundle {path}: {problem}; restore it, or train and promote a new one")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    kind: str
    version: int
    catalogue_sha256: str
    trained_until: Micros
    """Nothing that became available at or after it was learned from."""
    simulated: bool
    """True when any training row came from a simulated border."""
    data_sha256: str
    """Of the training rows, their labels and instants."""
    files: dict[str, str]
    """Name to sha256."""


class CalibrationFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    probability: Platt
    similar: SimilarExaminations


class BundleParts(NamedTuple):
    """What a bundle is written from."""

    kind: str
    version: int
    model_text: str
    calibration: Platt
    similar: SimilarExaminations
    catalogue: Catalogue
    thresholds: Thresholds
    reference: Reference
    golden_rows: Floats
    metrics: dict[str, Any]
    card: str
    trained_until: Micros
    simulated: bool
    data_sha256: str


class Bundle:
    """A proven bundle; immutable, safe to share between threads."""

    def __init__(
        self,
        path: Path,
        sha256: str,
        manifest: Manifest,
        parts: "_Parsed",
    ) -> None:
        self.path = path
        self.sha256 = sha256
        """Of ``manifest.json``, which names the sha256 of every other file."""
        self.manifest = manifest
        self.catalogue = parts.catalogue
        self.thresholds = parts.thresholds
        self.reference = parts.reference
        self.metrics = parts.metrics
        self.card = parts.card
        self._model = parts.model
        self._calibration = parts.calibration.probability
        self._similar = parts.calibration.similar

    @property
    def kind(self) -> str:
        return self.manifest.kind

    @property
    def version(self) -> int:
        return self.manifest.version

    def probabilities(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n]: of a find if examined, calibrated.

        Raises:
            ValueError: ``rows`` has not as many columns as the catalogue.
        """
        return self._calibration.probabilities(self._model.margins(self._checked(rows)))

    def contributions(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n, F + 1]: exact TreeSHAP in log-odds before calibration; the
        last column is what the model expects of any row. 90 times the cost of a probability.
        """
        return self._model.contributions(self._checked(rows))

    def similar(self, probability: float) -> tuple[int, int]:
        """Finds and examinations of the calibration slice at a like probability."""
        return self._similar.at(probability)

    def gains(self) -> Floats:
        """float64[F]: how much each feature lowered the loss in training."""
        return self._model.gains()

    def _checked(self, rows: Floats) -> Floats:
        wanted = len(self.catalogue.names)
        if rows.ndim != 2 or rows.shape[1] != wanted:
            raise ValueError(f"need float64[n, {wanted}], not {rows.shape}")
        return rows


class _Parsed(NamedTuple):
    model: TreeModel
    calibration: CalibrationFile
    catalogue: Catalogue
    thresholds: Thresholds
    reference: Reference
    metrics: dict[str, Any]
    card: str


def write_bundle(path: Path, parts: BundleParts) -> str:
    """Write into the new directory ``path``, the manifest last; the sha256 of the manifest.

    Raises:
        FileExistsError: ``path`` is there already.
    """
    model = TreeModel(parts.model_text)
    golden = make_golden(model, parts.calibration, parts.golden_rows)
    calibration = CalibrationFile(probability=parts.calibration, similar=parts.similar)
    contents = {
        "booster.txt": parts.model_text.encode(),
        "calibration.json": _json(calibration),
        "card.md": parts.card.encode(),
        "catalogue.json": parts.catalogue.to_json(),
        "golden.json": _json(golden),
        "metrics.json": _json(parts.metrics),
        "reference.json": _json(parts.reference),
        "thresholds.json": _json(parts.thresholds),
    }
    manifest = _json(
        Manifest(
            format=FORMAT,
            kind=parts.kind,
            version=parts.version,
            catalogue_sha256=parts.catalogue.sha256,
            trained_until=parts.trained_until,
            simulated=parts.simulated,
            data_sha256=parts.data_sha256,
            files={name: _sha256(content) for name, content in contents.items()},
        )
    )
    path.mkdir(parents=True)
    for name, content in (contents | {MANIFEST: manifest}).items():
        (path / name).write_bytes(content)
    return _sha256(manifest)


def load_bundle(path: Path, *, expected_sha256: str | None = None) -> Bundle:
    """Verify the manifest, the sha256 of every file and that no other lies there; parse the trees
    in a throw-away process; recompute the golden rows there; only then parse them here.

    Args:
        expected_sha256: of ``manifest.json``, as a pin or an approval names it.

    Raises:
        BundleError: anything is missing, added, altered, or does not fit together.
    """
    text = _read(path, MANIFEST)
    sha256 = _sha256(text)
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise BundleError(path, f"its sha256 is {sha256[:12]}…, expected {expected_sha256[:12]}…")
    manifest = _decode(path, MANIFEST, text, Manifest)
    contents = _verified_contents(path, manifest)
    return Bundle(path, sha256, manifest, _parse(path, manifest, contents))


def _verified_contents(path: Path, manifest: Manifest) -> dict[str, bytes]:
    if manifest.format != FORMAT:
        raise BundleError(path, f"format {manifest.format} is not {FORMAT}, which this code reads")
    if manifest.kind not in KINDS:
        raise BundleError(path, f"{manifest.kind!r} is no kind of movement")
    if sorted(manifest.files) != list(FILES):
        raise BundleError(path, f"{MANIFEST} does not list the files of format {FORMAT}")
    strange = sorted({file.name for file in path.iterdir()} - {MANIFEST, *FILES})
    if strange:
        raise BundleError(path, f"{strange[0]} does not belong there")
    contents = {name: _read(path, name) for name in FILES}
    for name, content in contents.items():
        found, listed = _sha256(content), manifest.files[name]
        if found != listed:
            raise BundleError(path, f"{name} has sha256 {found[:12]}…, not {listed[:12]}…")
    return contents


def _parse(path: Path, manifest: Manifest, contents: dict[str, bytes]) -> _Parsed:
    catalogue = _catalogue(path, manifest, contents["catalogue.json"])
    calibration = _decode(path, "calibration.json", contents["calibration.json"], CalibrationFile)
    thresholds = _decode(path, "thresholds.json", contents["thresholds.json"], Thresholds)
    reference = _decode(path, "reference.json", contents["reference.json"], Reference)
    if tuple(item.name for item in reference.features) != catalogue.names:
        raise BundleError(path, "reference.json is about other features than catalogue.json")
    metrics: dict[str, Any] = _decode(path, "metrics.json", contents["metrics.json"], dict)
    golden = _decode(path, "golden.json", contents["golden.json"], Golden)
    try:
        card = contents["card.md"].decode()
        model_text = contents["booster.txt"].decode()
    except UnicodeDecodeError as exc:
        raise BundleError(path, "card.md or booster.txt is not UTF-8") from exc
    model = _proven_model(path, model_text, calibration.probability, catalogue, golden)
    return _Parsed(model, calibration, catalogue, thresholds, reference, metrics, card)


def _catalogue(path: Path, manifest: Manifest, text: bytes) -> Catalogue:
    try:
        catalogue = Catalogue.from_json(text)
    except CatalogueError as exc:
        raise BundleError(path, f"catalogue.json: {exc}") from exc
    if catalogue.sha256 != manifest.catalogue_sha256 or catalogue.kind != manifest.kind:
        raise BundleError(
            path,
            f"its catalogue is {catalogue.kind} {catalogue.sha256[:12]}…, but it was trained on "
            f"{manifest.kind} {manifest.catalogue_sha256[:12]}…",
        )
    return catalogue


def _proven_model(
    path: Path, text: str, calibration: Platt, catalogue: Catalogue, golden: Golden
) -> TreeModel:
    features = len(catalogue.names)
    try:
        if golden.matrix().shape != (len(golden.margins), features):
            raise GoldenMismatch("golden.json is about other columns than catalogue.json")
        check_in_child(text, golden)
        model = TreeModel(text)
        if model.feature_names != catalogue.names:
            raise GoldenMismatch("its features are not those of catalogue.json")
        check_in_process(model, calibration, golden)
    except (GoldenMismatch, UnreadableModel) as exc:
        said = " ".join(str(exc).split())
        raise BundleError(path, f"booster.txt: {said}") from exc
    except ValueError as exc:
        raise BundleError(path, "golden.json holds something that is no number") from exc
    return model


def _decode(path: Path, name: str, content: bytes, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=wanted)
    except msgspec.MsgspecError as exc:
        raise BundleError(path, f"{name} cannot be read: {exc}") from exc


def _read(path: Path, name: str) -> bytes:
    file = path / name
    try:
        if file.is_symlink():
            raise BundleError(path, f"{name} is a link, not a file")
        return file.read_bytes()
    except OSError as exc:
        raise BundleError(path, f"{name} cannot be read: {exc.strerror}") from exc


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
