"""Small models of made-up rows, for tests that need a bundle and not what it says."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from features.catalogue import catalogue_for
from features.signing import SigningKey
from models.bands import thresholds_at_capacity
from models.booster import TreeModel
from models.bundle import MANIFEST, SIGNATURE, BundleParts, write_bundle
from models.bundle.signature import signature_file
from models.calibration import fit_platt, similar_examinations
from models.defences import DefendedModel, learn_defences
from models.golden import choose_golden_rows
from models.reference import reference_of
from models.threats import ThreatShares, base_rates

ROWS = 400
KEY = SigningKey(b"\1" * 32)
"""Signs the bundles of tests."""


@cache
def made_up_rows(kind: str = "vehicle") -> NDArray[np.float64]:
    """float64[ROWS, F], one value in ten missing."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(ROWS, len(catalogue_for(kind).names)))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


@cache
def small_parts(kind: str = "vehicle", version: int = 1) -> BundleParts:
    """A model of eight small trees, in which the first feature raises the risk."""
    catalogue, rows = catalogue_for(kind), made_up_rows(kind)
    rng = np.random.default_rng(6)
    risk = 1.0 / (1.0 + np.exp(1.0 - 2.0 * np.nan_to_num(rows[:, 0])))
    labels = (rng.random(ROWS) < risk).astype(np.float64)
    parameters = {"objective": "binary", "num_leaves": 5, "seed": 1, "num_threads": 1}
    parameters |= {"verbosity": -1, "deterministic": True, "force_row_wise": True}
    data = lightgbm.Dataset(rows, labels, feature_name=list(catalogue.names), params=parameters)
    text = str(lightgbm.train(parameters, data, 8).model_to_string())
    defences = learn_defences(catalogue, rows)
    model = DefendedModel(TreeModel(text), defences, catalogue)
    margins = model.margins(rows)
    calibration = fit_platt(margins, labels)
    probabilities = calibration.probabilities(margins)
    return BundleParts(
        kind=kind,
        version=version,
        model_text=text,
        defences=defences,
        calibration=calibration,
        similar=similar_examinations(probabilities, labels),
        threats=ThreatShares(base=base_rates(np.array([], dtype=np.int64)), finds=0),
        catalogue=catalogue,
        thresholds=thresholds_at_capacity(probabilities),
        reference=reference_of(catalogue.names, rows, probabilities),
        golden_rows=choose_golden_rows(model, rows),
        metrics={"made_up": True},
        card="# A made-up model\n",
        datasheet="made for a test",
        trained_until=1_000_000,
        simulated=True,
        data_sha256="0" * 64,
    )


def write_small_bundle(path: Path, kind: str = "vehicle", version: int = 1, **parts: Any) -> str:
    return write_bundle(path, small_parts(kind, version)._replace(**parts), KEY)


def sum_again(bundle: Path, *, key: SigningKey = KEY, **manifest: Any) -> None:
    """Give an altered bundle a manifest that fits it, and sign it, as only who has a key can."""
    file = bundle / MANIFEST
    document = json.loads(file.read_text()) | manifest
    for name in document["files"]:
        content = (bundle / name).read_bytes()
        document["files"][name] = hashlib.sha256(content).hexdigest()
    file.write_text(json.dumps(document))
    sign_again(bundle, key)


def sign_again(bundle: Path, key: SigningKey = KEY) -> None:
    (bundle / SIGNATURE).write_bytes(signature_file(key, (bundle / MANIFEST).read_bytes()))
