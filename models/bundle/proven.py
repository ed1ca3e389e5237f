"""A bundle that was proven, and what it answers."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.signing import VerifyingKey
from models.bundle.format import Documents, Manifest
from models.calibration import SimilarExaminations
from models.defences import DefendedModel, Step
from models.threats import ThreatModel

Floats = NDArray[np.float64]


class Pages(NamedTuple):
    """What a bundle says to people, in Markdown."""

    card: str
    datasheet: str | None


class Bundle:
    """A proven bundle; immutable, safe to share between threads."""

    def __init__(
        self,
        path: Path,
        sha256: str,
        signed_by: VerifyingKey,
        manifest: Manifest,
        catalogue: Catalogue,
        documents: Documents,
        pages: Pages,
        model: DefendedModel,
        threats: ThreatModel,
    ) -> None:
        self.path = path
        self.sha256 = sha256
        """Of ``manifest.json``, which names the sha256 of every other file."""
        self.signed_by = signed_by
        self.manifest = manifest
        self.catalogue = catalogue
        self.thresholds = documents.thresholds
        self.reference = documents.reference
        self.metrics = documents.metrics
        self.card = pages.card
        self.datasheet = pages.datasheet
        """None in a bundle from before there were datasheets."""
        self._model = model
        self._threats = threats
        self._calibration = documents.calibration.probability
        self._similar = documents.calibration.similar

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
        return self._calibration.probabilities(self.margins(rows))

    def margins(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n]: log-odds before calibration, defended."""
        return self._model.margins(self._checked(rows))

    def contributions(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n, F + 1]: exact TreeSHAP in log-odds before calibration; the
        last column is what the model expects of any row. 90 times the cost of a probability.

        They sum to the margin of the trees; ``steps`` lead from there to the margin that counts.
        """
        return self._model.trees.contributions(self._checked(rows))

    def steps(self, row: Floats) -> list[Step]:
        """What the defences add to the margin of one row, float64[F]."""
        return self._model.steps(self._checked(row[np.newaxis, :])[0])

    def similar(self, probability: float) -> tuple[int, int]:
        """Finds and examinations of the calibration slice at a like probability; (0, 0) when none
        was like it.
        """
        return self._similar.at(probability)

    @property
    def calibrated_on(self) -> SimilarExaminations:
        """All examinations of the calibration slice, in groups."""
        return self._similar

    def threats(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n, 10]: of each threat of ``models.threats.THREATS``, given that
        there is a find. Each row sums to 1.
        """
        return self._threats.distribution(self._checked(rows))

    def gains(self) -> Floats:
        """float64[F]: how much each feature lowered the loss in training."""
        return self._model.trees.gains()

    def _checked(self, rows: Floats) -> Floats:
        wanted = len(self.catalogue.names)
        if rows.ndim != 2 or rows.shape[1] != wanted:
            raise ValueError(f"need float64[n, {wanted}], not {rows.shape}")
        return rows
