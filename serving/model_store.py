"""Promoted bundles in BentoML's model store, where its users look and its Bentos are made from.

A model ``foreland-vehicle:3`` holds what lies in the pins directory about that version: the pin,
the floor and the bundle, byte for byte, and BentoML's ``model.yaml`` beside them; nothing pickled.
The store is a convenience: what serves is decided by a pin and the sha256 in it, and a copy that
differs from what is pinned is replaced.
"""

import asyncio
import logging
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

import bentoml

from features.errors import InputError
from features.key_files import locked
from features.records import KINDS
from models.pins import Pin, load_pinned, read_pin
from models.trust import Trusted
from serving.pinned import PinnedBundles

logger = logging.getLogger("foreland.serving")

DESCRIPTION = "model.yaml"


FOLLOW_SECONDS = 2.0
"""How long a promotion takes, after it is served, to be looked for."""


class Kept(NamedTuple):
    tag: str
    change: Literal["none", "added", "renewed", "damage replaced"]
    """``renewed``: only pin, floor or labels had changed, as when people went back to a version."""
    stale: tuple[str, ...]
    """Tags of the kind's other versions in the store, which do not serve."""


def tag_of(kind: str, version: int) -> str:
    """
    >>> tag_of("vehicle", 3)
    'foreland-vehicle:3'
    """
    return f"foreland-{kind}:{version}"


def keep_promoted(pins_dir: Path, trusted: Trusted) -> list[Kept]:
    """Verify what is pinned and keep it in the store, for a Bento to be made of.

    Raises:
        ForelandError: nothing is promoted, or a pin or its bundle is not as promoted.
    """
    kept: list[Kept] = []
    for kind in KINDS:
        pin = read_pin(pins_dir, kind)
        if pin is not None and load_pinned(pins_dir, kind, trusted) is not None:
            kept.append(keep(pins_dir, pin))
    if not kept:
        raise InputError(
            f"nothing is promoted in {pins_dir}; run `foreland promote` first, or set "
            "FORELAND_HOME to the home whose bundles the Bento shall serve"
        )
    return kept


def keep(pins_dir: Path, pin: Pin) -> Kept:
    """Copy into the store what lies beside a pin that was verified, unless it is there already."""
    tag = tag_of(pin.kind, pin.version)
    pinned = _contents(pins_dir, pin)
    labels = _labels(pin)
    with locked(pins_dir):  # two servers of one home
        before = _stored(tag)
        change = _change(pinned, labels, before, pin)
        if change != "none":
            if before is not None:
                shutil.rmtree(before)
            with bentoml.models.create(tag, labels=labels) as model:
                _write(pinned, Path(model.path))
        return Kept(tag, change, _others(pin))


async def follow(bundles: PinnedBundles, pins_dir: Path) -> NoReturn:
    """Keep what serves in the store, as long as the worker runs; no failure here stops a score."""
    seen: dict[str, Pin] = {}
    while True:
        for kind in KINDS:
            served = bundles.of(kind)
            if served.pin is None or served.refusal is not None or seen.get(kind) == served.pin:
                continue
            seen[kind] = served.pin
            try:
                _tell(await asyncio.to_thread(keep, pins_dir, served.pin))
            except Exception:
                logger.exception("%s: the model store cannot be written", kind)
        await asyncio.sleep(FOLLOW_SECONDS)


def link_pins(models: Iterable[Path], pins_dir: Path) -> None:
    """Make a pins directory of models of a Bento, each of another kind."""
    for model in models:
        for path in model.resolve().iterdir():
            if path.name != DESCRIPTION:
                (pins_dir / path.name).symlink_to(path)


def _tell(kept: Kept) -> None:
    if kept.change == "damage replaced":
        logger.error("model store: %s was not the bundle that was promoted; replaced", kept.tag)
    elif kept.change != "none":
        logger.info("model store: %s %s", kept.tag, kept.change)
    if kept.stale:
        logger.info("model store: %s there too, not serving", ", ".join(kept.stale))


def _contents(pins_dir: Path, pin: Pin) -> dict[str, bytes]:
    """Of every file of the version, by its path below the pins directory."""
    files = [pins_dir / f"{pin.kind}.json", pins_dir / f"{pin.kind}.floor.json"]
    files += sorted((pins_dir / pin.bundle).iterdir())
    return {str(file.relative_to(pins_dir)): file.read_bytes() for file in files}


def _labels(pin: Pin) -> dict[str, str]:
    return {
        "kind": pin.kind,
        "version": str(pin.version),
        "bundle_sha256": pin.bundle_sha256,
        "signed_by": pin.signed_by,
        "approvers": ", ".join(pin.approvers),
    }


def _stored(tag: str) -> Path | None:
    """The model's directory; ``bentoml.models.get`` would take ``:12`` for a missing ``:1``."""
    name, _, version = tag.partition(":")
    directory = _store() / name / version
    return directory if directory.is_dir() else None


def _store() -> Path:
    from bentoml._internal.configuration.containers import BentoMLContainer

    return Path(BentoMLContainer.model_store.get()._path)


def _change(
    pinned: Mapping[str, bytes], labels: Mapping[str, str], before: Path | None, pin: Pin
) -> Literal["none", "added", "renewed", "damage replaced"]:
    if before is None:
        return "added"
    files = (path for path in before.rglob("*") if path.is_file() and path.name != DESCRIPTION)
    held = {str(path.relative_to(before)): path.read_bytes() for path in files}
    described = _described(before)
    if held == pinned and described == labels:
        return "none"
    bundle = f"{pin.bundle}/"
    if described is None or _below(bundle, held) != _below(bundle, pinned):
        return "damage replaced"
    return "renewed"


def _below(directory: str, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: held for path, held in contents.items() if path.startswith(directory)}


def _described(directory: Path) -> dict[str, str] | None:
    """The model's labels; None when BentoML cannot read it."""
    try:
        labels: dict[str, str] = bentoml.Model.from_path(directory).info.labels
    except Exception:  # whatever a damaged file makes of its parsers
        return None
    return labels


def _write(contents: Mapping[str, bytes], directory: Path) -> None:
    for path, content in contents.items():
        target = directory / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


def _others(pin: Pin) -> tuple[str, ...]:
    versions = sorted(
        int(path.name)
        for path in (_store() / f"foreland-{pin.kind}").iterdir()
        if path.is_dir() and path.name.isdecimal() and int(path.name) != pin.version
    )
    return tuple(tag_of(pin.kind, version) for version in versions)
