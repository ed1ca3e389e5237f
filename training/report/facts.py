"""What an evaluation page is made from, and what it is made of."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from models.alarms import Alarm
from models.calibration import CalibrationChoice
from models.card import SliceFacts
from models.evaluation import Evaluation

Floats = NDArray[np.float64]


class EvaluationFacts(NamedTuple):
    kind: str
    title: str
    simulated: bool
    evaluation: Evaluation
    scores: Mapping[str, Floats]
    """By name, the model's probabilities first; float64[n] each, of the tested rows."""
    labels: Floats
    """float64[n], 0.0 or 1.0."""
    made_from: Sequence[str]
    """Sentences: which data, which settings, what was left out."""
    slices: Sequence[SliceFacts] = ()
    alarms: Sequence[Alarm] | None = None
    """None where nothing was checked."""
    calibration: CalibrationChoice | None = None


class Table(NamedTuple):
    """Every cell as the page writes it; the first column names the row."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    in_words: bool = False
    """The cells are sentences, not figures."""


class Part(NamedTuple):
    heading: str | None = None
    texts: tuple[str, ...] = ()
    chart: Markup | None = None
    table: Table | None = None


class Section(NamedTuple):
    slug: str
    title: str
    parts: tuple[Part, ...]
