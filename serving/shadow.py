"""What a challenger says about a movement that the champion is asked about: recorded, never shown.

Nothing that goes wrong here may touch the answer, so every failure ends as a word in the record,
a line in the log and a count. The record's text is JSON with sorted keys and without floats.
"""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.history.online import LiveHistory
from features.ledger import MovementDeclared
from features.rows import live_rows
from models.bands import Band, band_of
from models.bundle import Bundle
from serving.knowledge import Circumstances

logger = logging.getLogger("foreland.serving")

Floats = NDArray[np.float64]
Failure = Literal["features", "model", "no_number"]
"""Its features could not be computed; it raised; what it gave is no number."""


class ChallengerSaid(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A challenger's words about one movement."""

    version: int
    bundle_sha256: str
    probability: str | None = None
    """The shortest text that reads back as the same double."""
    band: Band | None = None
    """By its own thresholds; what is stale raises only what is shown."""
    failed: Failure | None = None
    """In the place of probability and band."""


class Shadowed(NamedTuple):
    """A movement as the challenger sees it."""

    bundle: Bundle
    features: Floats | None
    """float64[F] of its own catalogue; None when they could not be computed."""


class Shadow:
    """
    Args:
        failed: hears kind and reason of every movement about which a challenger says nothing.
    """

    def __init__(self, failed: Callable[[str, str], None] = lambda *_: None) -> None:
        self._failed = failed
        self._logged: set[tuple[str, Failure]] = set()

    def look(
        self,
        known: Circumstances,
        history: LiveHistory,
        declared: Sequence[MovementDeclared],
        rows: Sequence[Floats | None],
    ) -> list[Shadowed | None]:
        """What belongs to the event loop: movements of one kind as the challenger sees them.

        None for each without a challenger, and where no champion speaks: no light, no shadow.

        Args:
            rows: the champion's, which are the challenger's too when their catalogues are the same.
        """
        champion, challenger = known.bundle, known.challenger
        if challenger is None or champion is None or challenger.sha256 == champion.sha256:
            return [None] * len(declared)
        if challenger.catalogue.sha256 == champion.catalogue.sha256:
            return [Shadowed(challenger, row) for row in rows]
        try:
            own = live_rows(history, declared, known.as_of, challenger.catalogue)
        except Exception as exc:
            self._tell(challenger, "features", exc, len(declared))
            return [Shadowed(challenger, None)] * len(declared)
        return [Shadowed(challenger, row) for row in own]

    def said(self, shadowed: Shadowed) -> str:
        """The words to be recorded; in any thread, and it never raises."""
        bundle, row = shadowed
        if row is None:
            return _text(bundle, failed="features")
        try:
            (probability,) = bundle.probabilities(row[np.newaxis, :]).tolist()
            if math.isfinite(probability):
                band = band_of(probability, bundle.thresholds)
                return _text(bundle, probability=repr(probability), band=band)
        except Exception as exc:
            self._tell(bundle, "model", exc)
            return _text(bundle, failed="model")
        self._tell(bundle, "no_number")
        return _text(bundle, failed="no_number")

    def _tell(
        self, bundle: Bundle, failure: Failure, exc: Exception | None = None, movements: int = 1
    ) -> None:
        for _ in range(movements):
            self._failed(bundle.kind, failure)
        if (bundle.sha256, failure) not in self._logged:
            self._logged.add((bundle.sha256, failure))
            logger.error(
                "%s: challenger %s fails (%s); this is logged once, and no answer is touched",
                bundle.kind,
                bundle.version,
                failure,
                exc_info=exc,
            )


def _text(bundle: Bundle, **words: Any) -> str:
    said = ChallengerSaid(version=bundle.version, bundle_sha256=bundle.sha256, **words)
    return msgspec.json.encode(said, order="sorted").decode()
