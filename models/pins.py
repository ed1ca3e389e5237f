"""Pins: which promoted bundle serves a kind. Written last and in one step, so never half-right.

``pins/vehicle.json`` names version, sha256 and the directory beside it, ``pins/vehicle-3/``.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath

import msgspec

from features.clock import Micros
from features.errors import ForelandError
from models.bundle import Bundle, BundleError, load_bundle


class PinError(ForelandError):
    """A pin cannot be used."""


class Pin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    version: int
    bundle_sha256: str
    """Of the bundle's ``manifest.json``."""
    bundle: str
    """Name of the directory beside the pin."""
    approvers: tuple[str, ...]
    promoted_at: Micros


def bundle_directory(kind: str, version: int) -> str:
    """
    >>> bundle_directory("vehicle", 3)
    'vehicle-3'
    """
    return f"{kind}-{version}"


def write_pin(pins_dir: Path, pin: Pin) -> None:
    """Replace the kind's pin: a reader finds the old one or the new one, after a crash too."""
    pins_dir.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(pin, order="sorted"), indent=1)
    descriptor, temporary = tempfile.mkstemp(dir=pins_dir, prefix=f".{pin.kind}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(_pin_file(pins_dir, pin.kind))
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync(pins_dir)


def read_pin(pins_dir: Path, kind: str) -> Pin | None:
    """None when nothing was ever promoted for the kind.

    Raises:
        PinError: the file is not a pin of this kind.
    """
    file = _pin_file(pins_dir, kind)
    try:
        pin = msgspec.json.decode(file.read_bytes(), type=Pin)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as exc:
        raise PinError(f"pin {file} cannot be read: {exc}; promote a version again") from exc
    if pin.kind != kind:
        raise PinError(f"pin {file} is for {pin.kind}, not {kind}; promote a version again")
    name = PurePosixPath(pin.bundle)
    if name.name != pin.bundle or pin.bundle in {"", ".", ".."}:
        raise PinError(
            f"pin {file} names {pin.bundle!r}, which is no directory beside it; "
            "promote a version again"
        )
    return pin


def load_pinned(pins_dir: Path, kind: str) -> Bundle | None:
    """The bundle that the kind's pin names, verified; None when nothing was ever promoted.

    Raises:
        PinError: the pin cannot be read, or names another kind or version than its bundle.
        BundleError: the bundle is not the one that was approved.
    """
    pin = read_pin(pins_dir, kind)
    if pin is None:
        return None
    bundle = load_bundle(pins_dir / pin.bundle, expected_sha256=pin.bundle_sha256)
    if (bundle.kind, bundle.version) != (pin.kind, pin.version):
        raise PinError(
            f"the pin of {kind} says version {pin.version}, its bundle is {bundle.kind} "
            f"{bundle.version}; promote a version again"
        )
    return bundle


def place_bundle(pins_dir: Path, bundle: Bundle) -> str:
    """Copy a verified bundle beside the pins, durably; its directory's name.

    One that is there already and verifies is kept; anything else under that name is replaced.
    """
    name = bundle_directory(bundle.kind, bundle.version)
    target = pins_dir / name
    with contextlib.suppress(BundleError):
        load_bundle(target, expected_sha256=bundle.sha256)
        return name
    pins_dir.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=pins_dir, prefix=f".{name}."))
    try:
        for file in sorted(bundle.path.iterdir()):
            copy = Path(shutil.copyfile(file, temporary / file.name))
            _sync(copy)
        temporary.chmod(0o755)
        _sync(temporary)
        load_bundle(temporary, expected_sha256=bundle.sha256)  # what lies there now, not before
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(pins_dir)
    return name


def _pin_file(pins_dir: Path, kind: str) -> Path:
    return pins_dir / f"{kind}.json"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
