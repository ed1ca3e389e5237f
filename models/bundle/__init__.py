"""A bundle: a trained model on disk, proven before it is believed. Text and numbers, no pickle.

============== =================================================================================
file           what it holds
============== =================================================================================
booster.txt    LightGBM's own text
calibration    ``.json``: margin to probability, and what similar past examinations found
catalogue      ``.json``: every feature, in the order of the columns
defences       ``.json``: which fields are required, and what an average history is
threats        ``.json``: what a find would be, with LightGBM's text where there were enough
thresholds     ``.json``: lowest probability of each band
reference      ``.json``: distributions of the training window, for drift
golden         ``.json``: rows with their results, recomputed on loading
metrics        ``.json``: what training measured
card.md        the model card
datasheet.md   what the data were that it learned from
manifest.json  identity, and the sha256 of every other file; its own sha256 names the bundle
manifest.sig   who vouches for the manifest: a public key and its Ed25519 signature
============== =================================================================================

Nothing in it is a time of writing: the same data, seed, version and key give the same bytes.

A new part is one field of ``Documents``, which makes its file, and one of ``BundleParts``, which
it is written from; ``documents_of`` and ``Bundle`` say how the two and the code that scores meet.
"""

from models.bundle.format import (
    CARD,
    DATASHEET,
    FILES,
    FORMAT,
    MANIFEST,
    UNNUMBERED,
    BundleError,
    Manifest,
)
from models.bundle.loading import load_bundle
from models.bundle.proven import Bundle
from models.bundle.signature import SIGNATURE
from models.bundle.writing import BundleParts, number_bundle, write_bundle

__all__ = [
    "CARD",
    "DATASHEET",
    "FILES",
    "FORMAT",
    "MANIFEST",
    "SIGNATURE",
    "UNNUMBERED",
    "Bundle",
    "BundleError",
    "BundleParts",
    "Manifest",
    "load_bundle",
    "number_bundle",
    "write_bundle",
]
