"""Which groups a movement belongs to, when models are judged by group: those of the evaluation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.ledger.events import MovementDeclared
from models.baselines import Rows
from models.groups import GROUPINGS

Floats = NDArray[np.float64]


def memberships(
    movements: Sequence[MovementDeclared], rows: Floats, catalogue: Catalogue
) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """Each group, such as ``("flag", "PA")``, to bool[n]: who is in it. In the order of names.

    Args:
        rows: float64[n, F] of the catalogue, as of each movement.
    """
    found: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for grouping in GROUPINGS[catalogue.kind]:
        names = np.array(grouping.names(Rows(movements, rows), catalogue.names), dtype=object)
        for name in sorted(set(names)):
            found[grouping.by, name] = names == name
    return found
