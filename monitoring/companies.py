"""Who is behind a movement: movements of one company are examined and found out together."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.ledger import MovementDeclared

PARTIES: Mapping[str, tuple[str, ...]] = {
    "vehicle": ("consignee_eori", "haulier_eori", "vehicle_reg", "trailer_reg"),
    "vessel": ("operator_eori", "imo", "mmsi", "hull_id"),
    "shipment": ("consignee_eori", "consignor_eori"),
}
"""Roles, by kind: the first that is declared."""


def companies_of(payloads: Sequence[MovementDeclared], kind: str) -> NDArray[np.int64]:
    """int64[n]: the same number for movements of one company; who names nobody stands alone."""
    named = [
        next((payload.entities[role] for role in PARTIES[kind] if role in payload.entities), place)
        for place, payload in enumerate(payloads)
    ]
    return pd.factorize(pd.Series(named, dtype=object))[0].astype(np.int64)
