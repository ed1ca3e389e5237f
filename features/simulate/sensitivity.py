"""How likely an examination finds what is there, by how deep it goes and what it looks for."""

import numpy as np

from features.simulate.codes import Floats
from features.simulate.networks import THREATS
from features.simulate.parameters import FULL_SENSITIVITY

THOROUGHNESS = ("document", "scan", "partial", "full")
DOCUMENT, SCAN, PARTIAL, FULL = range(4)
DEPTH_SHARES = {  # document, scan, partial, full
    "vehicle": {"tip": (0.02, 0.28, 0.30, 0.40), "other": (0.10, 0.50, 0.28, 0.12)},
    "vessel": {"tip": (0.02, 0.00, 0.43, 0.55), "other": (0.20, 0.00, 0.60, 0.20)},
    "shipment": {"tip": (0.08, 0.22, 0.30, 0.40), "other": (0.25, 0.30, 0.30, 0.15)},
}
RANDOM_DEPTH_SHARES = (0.0, 0.0, 0.3, 0.7)
"""Random examinations are meant as a measurement, so they go deep."""
SENSITIVITY = {  # document, scan, partial, full
    "paper": (0.60, 0.25, 0.65, FULL_SENSITIVITY),
    "hidden": (0.10, 0.65, 0.60, FULL_SENSITIVITY),
    "persons": (0.05, 0.85, 0.80, FULL_SENSITIVITY),
}
PAPER = ("counterfeit", "fiscal_fraud")
PERSONS = ("clandestine_entry",)


def _table() -> Floats:
    rows = [
        SENSITIVITY["paper" if t in PAPER else "persons" if t in PERSONS else "hidden"]
        for t in THREATS
    ]
    return np.array([*rows, (0.0, 0.0, 0.0, 0.0)])


SENSITIVITY_TABLE: Floats = _table()
"""float64[threats + 1, depths]; the last row is for no threat."""
RANDOM_SENSITIVITY: Floats = SENSITIVITY_TABLE[:-1] @ np.array(RANDOM_DEPTH_SHARES)
"""float64[threats]: of an examination as deep as the random ones."""
