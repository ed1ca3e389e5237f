"""Loads a bundle: nothing is believed that was not proven, and nothing strange is parsed here."""

import errno
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from features.catalogue import Catalogue, CatalogueError
from features.records import KINDS
from features.signing import SignatureWrong, VerifyingKey
from models.booster import TreeModel, UnreadableModel
from models.bundle.format import (
    BOOSTER,
    CARD,
    CATALOGUE,
    DATASHEET,
    DOCUMENTS,
    FILES_OF,
    FORMAT,
    MANIFEST,
    BundleError,
    Documents,
    Manifest,
    sha256_of,
)
from models.bundle.proven import Bundle, Pages
from models.bundle.signature import SIGNATURE, signer
from models.defences import DefendedModel
from models.golden import (
    GoldenMismatch,
    check_in_child,
    check_in_process,
    check_margins_in_child,
    from_hex_rows,
)
from models.threats import ThreatModel
from models.tree_text import NoTree, check_trees

T = TypeVar("T")
MOST_BYTES = 256 << 20
"""Of one file: a hundred times what the largest model so far takes."""


class _Format(msgspec.Struct, frozen=True):
    """All that is read of a manifest before it is known which fields it has."""

    format: int


def load_bundle(
    path: Path,
    *,
    expected_sha256: str | None = None,
    trusted: Collection[VerifyingKey] | None = None,
) -> Bundle:
    """Verify the signature of the manifest, the sha256 of every file and that no other lies there;
    parse the trees in a throw-away process; recompute the golden rows there; only then parse them
    here.

    Args:
        expected_sha256: of ``manifest.json``, as a pin or an approval names it.
        trusted: keys whose signature is believed. None takes a sound signature of anybody's, and
            shows no more than that nothing changed since; ``signed_by`` says whose it is. Whatever
            is promoted or serves is loaded with the keys of ``models.trust.trusted_keys``.

    Raises:
        BundleError: anything is missing, added, altered, or does not fit together, or nobody who
            is believed signed it.
    """
    text = _read(path, MANIFEST)
    sha256 = sha256_of(text)
    signed_by = _signer(path, text, trusted)
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise BundleError(path, f"its sha256 is {sha256[:12]}…, expected {expected_sha256[:12]}…")
    manifest = _manifest(path, text)
    contents = _verified_contents(path, manifest)
    return _proven(path, sha256, signed_by, manifest, contents)


def _signer(path: Path, manifest: bytes, trusted: Collection[VerifyingKey] | None) -> VerifyingKey:
    if not (path / SIGNATURE).exists():
        raise BundleError(
            path,
            f"it has no {SIGNATURE}: made by an older version, or its signature was removed",
            "retrain and promote",
        )
    try:
        key = signer(_read(path, SIGNATURE), manifest)
    except SignatureWrong as exc:
        raise BundleError(path, f"{SIGNATURE} does not vouch for {MANIFEST}: {exc}") from exc
    if trusted is not None and key not in trusted:
        known = ", ".join(one.key_id for one in trusted) or "none"
        raise BundleError(
            path,
            f"it is signed by key {key.key_id}, which is not trusted here (trusted: {known})",
            "train and promote where a trusted key signs, or pin this one if it is yours",
        )
    return key


def _manifest(path: Path, text: bytes) -> Manifest:
    found = _decode(path, MANIFEST, text, _Format).format
    if found not in FILES_OF:
        problem = f"it has format {found}, and this version of Foreland reads format {FORMAT}"
        made = "made by an older version" if found < FORMAT else "made by a newer version"
        raise BundleError(path, f"{problem}: {made}", "retrain and promote")
    manifest = _decode(path, MANIFEST, text, Manifest)
    if manifest.kind not in KINDS:
        raise BundleError(path, f"{manifest.kind!r} is no kind of movement")
    if sorted(manifest.files) != list(FILES_OF[found]):
        raise BundleError(path, f"{MANIFEST} does not list the files of format {found}")
    return manifest


def _verified_contents(path: Path, manifest: Manifest) -> dict[str, bytes]:
    strange = sorted(
        {file.name for file in path.iterdir()} - {MANIFEST, SIGNATURE, *manifest.files}
    )
    if strange:
        raise BundleError(path, f"{strange[0]} does not belong there")
    contents = {name: _read(path, name) for name in manifest.files}
    for name, content in contents.items():
        found, listed = sha256_of(content), manifest.files[name]
        if found != listed:
            raise BundleError(path, f"{name} has sha256 {found[:12]}…, not {listed[:12]}…")
    return contents


def _proven(
    path: Path,
    sha256: str,
    signed_by: VerifyingKey,
    manifest: Manifest,
    contents: dict[str, bytes],
) -> Bundle:
    catalogue = _catalogue(path, manifest, contents[CATALOGUE])
    documents = _documents(path, contents)
    if tuple(item.name for item in documents.reference.features) != catalogue.names:
        raise BundleError(path, "reference.json is about other features than catalogue.json")
    try:
        card = contents[CARD].decode()
        datasheet = contents[DATASHEET].decode() if DATASHEET in contents else None
        model_text = contents[BOOSTER].decode()
    except UnicodeDecodeError as exc:
        raise BundleError(path, f"{CARD}, {DATASHEET} or {BOOSTER} is not UTF-8") from exc
    model = _proven_model(path, model_text, catalogue, documents)
    threats = _proven_threats(path, catalogue, documents)
    pages = Pages(card, datasheet)
    return Bundle(path, sha256, signed_by, manifest, catalogue, documents, pages, model, threats)


def _documents(path: Path, contents: dict[str, bytes]) -> Documents:
    types = get_type_hints(Documents)
    found: dict[str, Any] = {
        name: _decode(path, file, contents[file], types[name]) for file, name in DOCUMENTS.items()
    }
    return Documents(**found)


def _catalogue(path: Path, manifest: Manifest, text: bytes) -> Catalogue:
    try:
        catalogue = Catalogue.from_json(text)
    except CatalogueError as exc:
        raise BundleError(path, f"{CATALOGUE}: {exc}") from exc
    if catalogue.sha256 != manifest.catalogue_sha256 or catalogue.kind != manifest.kind:
        raise BundleError(
            path,
            f"its catalogue is {catalogue.kind} {catalogue.sha256[:12]}…, but it was trained on "
            f"{manifest.kind} {manifest.catalogue_sha256[:12]}…",
        )
    return catalogue


def _proven_model(
    path: Path, text: str, catalogue: Catalogue, documents: Documents
) -> DefendedModel:
    golden = documents.golden
    try:
        if golden.matrix().shape != (len(golden.margins), len(catalogue.names)):
            raise GoldenMismatch("golden.json is about other columns than catalogue.json")
        check_in_child(text, golden)
        check_trees(text, len(catalogue.names))
        trees = TreeModel(text)
        if trees.feature_names != catalogue.names:
            raise GoldenMismatch("its features are not those of catalogue.json")
        model = _defended(path, trees, documents, catalogue)
        check_in_process(model, documents.calibration.probability, golden)
    except (GoldenMismatch, NoTree, UnreadableModel) as exc:
        said = " ".join(str(exc).split())
        raise BundleError(path, f"{BOOSTER}: {said}") from exc
    except ValueError as exc:
        raise BundleError(path, "golden.json holds something that is no number") from exc
    return model


def _defended(
    path: Path, trees: TreeModel, documents: Documents, catalogue: Catalogue
) -> DefendedModel:
    try:
        return DefendedModel(trees, documents.defences, catalogue)
    except ValueError as exc:
        raise BundleError(path, f"defences.json does not fit: {exc}") from exc


def _proven_threats(path: Path, catalogue: Catalogue, documents: Documents) -> ThreatModel:
    file, rows = documents.threats, documents.golden.matrix()
    try:
        expected = from_hex_rows(file.golden_margins, len(file.shares.told_apart))
        if file.shares.trees:
            check_margins_in_child(file.shares.trees, rows, expected)
            check_trees(file.shares.trees, len(catalogue.names))
        model = ThreatModel(file.shares)
        if model.feature_names not in {None, catalogue.names}:
            raise GoldenMismatch("its features are not those of catalogue.json")
        if model.margins(rows).tobytes() != expected.tobytes():
            raise GoldenMismatch("its trees give other margins for the golden rows")
    except (GoldenMismatch, NoTree, UnreadableModel) as exc:
        raise BundleError(path, f"threats.json: {' '.join(str(exc).split())}") from exc
    except ValueError as exc:
        raise BundleError(path, "threats.json holds something that is no number") from exc
    return model


def _decode(path: Path, name: str, content: bytes, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=wanted)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise BundleError(path, f"{name} cannot be read: {exc}") from exc


def _read(path: Path, name: str) -> bytes:
    """Never through a link, never from a pipe or a device, which would not end."""
    try:
        descriptor = os.open(path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise BundleError(path, f"{name} is no file")
            if found.st_size > MOST_BYTES:
                raise BundleError(path, f"{name} has {found.st_size:,} bytes, which is absurd")
            return file.read()
    except OSError as exc:
        reason = "it is a link" if exc.errno == errno.ELOOP else exc.strerror
        raise BundleError(path, f"{name} cannot be read: {reason}") from exc
