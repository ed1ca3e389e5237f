"""What lies in a bundle's directory: the files, and what each of the JSON documents holds."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from features.clock import Micros
from features.errors import ForelandError
from models.bands import Thresholds
from models.calibration import Calibration, SimilarExaminations
from models.defences import Defences
from models.golden import Golden
from models.reference import Reference
from models.threats import ThreatShares

FORMAT = 3
"""Rises whenever a part is added or means something else."""
UNNUMBERED = 0
"""The version of a bundle that nobody registered; those of a kind count from 1."""
MANIFEST = "manifest.json"
BOOSTER = "booster.txt"
CARD = "card.md"
CATALOGUE = "catalogue.json"
DATASHEET = "datasheet.md"


class BundleError(ForelandError):
    """A bundle is not what it says it is, and is not used."""

    def __init__(
        self, path: Path, problem: str, step: str = "restore it, or train and promote a new one"
    ) -> None:
        super().__init__(f"bundle {path}: {problem}; {step}")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    kind: str
    version: Annotated[int, msgspec.Meta(ge=UNNUMBERED, le=2**31 - 1)]
    catalogue_sha256: str
    trained_until: Annotated[Micros, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    """Nothing that became available at or after it was learned from."""
    simulated: bool
    """True when any training row came from a simulated border."""
    data_sha256: str
    """Of the training rows, their labels and instants."""
    files: dict[str, str]
    """Name to sha256."""


class ThreatsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    shares: ThreatShares
    golden_margins: tuple[tuple[str, ...], ...]
    """Of the rows of ``golden.json``, as hexadecimal text; no columns without trees."""


class CalibrationFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    probability: Calibration
    similar: SimilarExaminations


class Documents(NamedTuple):
    """The JSON files: each field is one, ``NAME.json``, and its type is what the file holds."""

    calibration: CalibrationFile
    defences: Defences
    golden: Golden
    metrics: dict[str, Any]
    reference: Reference
    threats: ThreatsFile
    thresholds: Thresholds


DOCUMENTS = {f"{name}.json": name for name in Documents._fields}
FILES = tuple(sorted([BOOSTER, CARD, CATALOGUE, DATASHEET, *DOCUMENTS]))
"""All that the manifest lists."""
FILES_OF = {2: tuple(name for name in FILES if name != DATASHEET), FORMAT: FILES}
"""By each format that is read: the one before had no datasheet, which nothing but people read."""


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
