"""Writes a bundle: every file, then the manifest that lists them, and last its signature."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.clock import Micros
from features.signing import SigningKey
from models.bands import Thresholds
from models.booster import TreeModel
from models.bundle.format import (
    BOOSTER,
    CARD,
    CATALOGUE,
    DATASHEET,
    FORMAT,
    MANIFEST,
    CalibrationFile,
    Documents,
    Manifest,
    ThreatsFile,
    sha256_of,
)
from models.bundle.proven import Bundle
from models.bundle.signature import SIGNATURE, signature_file
from models.calibration import Calibration, SimilarExaminations
from models.defences import Defences, DefendedModel
from models.golden import make_golden, to_hex_rows
from models.reference import Reference
from models.threats import ThreatModel, ThreatShares

Floats = NDArray[np.float64]


class BundleParts(NamedTuple):
    """What a bundle is written from."""

    kind: str
    version: int
    model_text: str
    defences: Defences
    calibration: Calibration
    similar: SimilarExaminations
    threats: ThreatShares
    catalogue: Catalogue
    thresholds: Thresholds
    reference: Reference
    golden_rows: Floats
    metrics: dict[str, Any]
    card: str
    datasheet: str
    trained_until: Micros
    simulated: bool
    data_sha256: str


def documents_of(parts: BundleParts) -> Documents:
    model = DefendedModel(TreeModel(parts.model_text), parts.defences, parts.catalogue)
    return Documents(
        calibration=CalibrationFile(probability=parts.calibration, similar=parts.similar),
        defences=parts.defences,
        golden=make_golden(model, parts.calibration, parts.golden_rows),
        metrics=parts.metrics,
        reference=parts.reference,
        threats=ThreatsFile(
            shares=parts.threats,
            golden_margins=to_hex_rows(ThreatModel(parts.threats).margins(parts.golden_rows)),
        ),
        thresholds=parts.thresholds,
    )


def write_bundle(path: Path, parts: BundleParts, key: SigningKey) -> str:
    """Write into the new directory ``path``, signed with ``key``; the sha256 of the manifest.

    Raises:
        FileExistsError: ``path`` is there already.
    """
    contents = {
        BOOSTER: parts.model_text.encode(),
        CARD: parts.card.encode(),
        CATALOGUE: parts.catalogue.to_json(),
        DATASHEET: parts.datasheet.encode(),
    }
    for name, document in documents_of(parts)._asdict().items():
        contents[f"{name}.json"] = _json(document)
    manifest = _json(
        Manifest(
            format=FORMAT,
            kind=parts.kind,
            version=parts.version,
            catalogue_sha256=parts.catalogue.sha256,
            trained_until=parts.trained_until,
            simulated=parts.simulated,
            data_sha256=parts.data_sha256,
            files={name: sha256_of(content) for name, content in sorted(contents.items())},
        )
    )
    return _write(path, contents, manifest, key)


def number_bundle(
    path: Path, bundle: Bundle, version: int, pages: Mapping[str, str], key: SigningKey
) -> str:
    """Write what ``bundle`` holds into the new directory ``path`` as another version, signed anew;
    the sha256 of its manifest.

    Args:
        pages: name to text of the files that say the version: card and datasheet.

    Raises:
        FileExistsError: ``path`` is there already.
    """
    said = {name: text.encode() for name, text in pages.items()}
    contents = {name: (bundle.path / name).read_bytes() for name in bundle.manifest.files} | said
    # what was proven, not what lies there now: a file that changed since fits its sha256 no more
    files = bundle.manifest.files | {name: sha256_of(content) for name, content in said.items()}
    manifest = msgspec.structs.replace(bundle.manifest, version=version, files=files)
    return _write(path, contents, _json(manifest), key)


def _write(path: Path, contents: dict[str, bytes], manifest: bytes, key: SigningKey) -> str:
    path.mkdir(parents=True)
    last = {MANIFEST: manifest, SIGNATURE: signature_file(key, manifest)}
    for name, content in (contents | last).items():
        (path / name).write_bytes(content)
    return sha256_of(manifest)


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1)
