"""What a movement belongs to: the company behind it, and its class of traffic.

Movements of one company are examined and found out together; classes of traffic have their seasons.
"""

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
CLASS: Mapping[str, str] = {
    "vehicle": "traffic_mode",
    "vessel": "craft",
    "shipment": "mode_at_border",
}
"""The declared field that says it, by kind."""


def companies_of(payloads: Sequence[MovementDeclared], kind: str) -> NDArray[np.int64]:
    """int64[n]: the same number for movements of one company; who names nobody stands alone."""
    named = [
        next((payload.entities[role] for role in PARTIES[kind] if role in payload.entities), place)
        for place, payload in enumerate(payloads)
    ]
    return pd.factorize(pd.Series(named, dtype=object))[0].astype(np.int64)


def classes_of(payloads: Sequence[MovementDeclared], kind: str) -> NDArray[np.int64]:
    """int64[n]: a number for each class of traffic, -1 where it was not declared."""
    declared = [payload.fields.get(CLASS[kind]) for payload in payloads]
    return pd.factorize(pd.Series(declared, dtype=object))[0].astype(np.int64)
