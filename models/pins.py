"""Pins: which promoted bundle serves a kind. Written last and in one step, so never half-right.

``pins/vehicle.json`` names version, sha256 and the directory beside it, ``pins/vehicle-3/``;
``pins/vehicle.challenger.json`` does the same for the shadow.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from features.clock import Micros
from features.errors import ForelandError
from models.bundle import Bundle, BundleError, load_bundle
from models.floors import Floor, FloorError, check_floor, read_floor, write_floor
from models.trust import Trusted
from models.whole_files import sync, write_whole

Role = Literal["champion", "challenger"]
"""The champion serves; a challenger may be scored in its shadow and is never shown."""


class PinError(ForelandError):
    """A pin cannot be used."""


class Pin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    version: int
    bundle_sha256: str
    """Of the bundle's ``manifest.json``."""
    signed_by: str
    """Key id of whoever signed it."""
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


def write_pin(pins_dir: Path, pin: Pin, role: Role = "champion") -> None:
    """Replace the kind's pin, and record in its floor which versions may serve from now on.

    A lower version than before is recorded as one that people went back to, so nothing is written
    here that the ledger does not say. A crash leaves a pin that may serve, the old or the new.
    """
    if role != "champion":  # what is never shown has no floor
        write_whole(pin_file(pins_dir, pin.kind, role), pin)
        return
    served = None
    with contextlib.suppress(PinError):
        served = read_pin(pins_dir, pin.kind)
    floor = None
    with contextlib.suppress(FloorError):
        floor = read_floor(pins_dir, pin.kind)
    if floor is not None:
        write_floor(pins_dir, floor.between(served.version if served else None, pin.version))
    write_whole(pin_file(pins_dir, pin.kind, role), pin)
    floor = floor or Floor(kind=pin.kind, highest_version=pin.version)
    write_floor(pins_dir, floor.after(pin.version))


def remove_pin(pins_dir: Path, kind: str, role: Role) -> None:
    """The role is vacant afterwards, if it was not before."""
    pin_file(pins_dir, kind, role).unlink(missing_ok=True)
    if pins_dir.exists():
        sync(pins_dir)


def read_pin(pins_dir: Path, kind: str, role: Role = "champion") -> Pin | None:
    """None when no version has the role for the kind.

    Raises:
        PinError: the file is not a pin of this kind.
    """
    file = pin_file(pins_dir, kind, role)
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


def load_pinned(
    pins_dir: Path, kind: str, trusted: Trusted, role: Role = "champion"
) -> Bundle | None:
    """The bundle that the kind's pin names, verified; None when no version has the role.

    Args:
        trusted: the keys whose bundles are believed.

    Raises:
        PinError: the pin cannot be read, or names another kind, version or key than its bundle.
        FloorError: a higher version was promoted, and nobody went back from it.
        BundleError: the bundle is not the one that was approved, or nobody trusted signed it.
    """
    pin = read_pin(pins_dir, kind, role)
    if pin is None:
        return None
    if role == "champion":
        check_floor(pins_dir, kind, pin.version)
    bundle = load_bundle(pins_dir / pin.bundle, expected_sha256=pin.bundle_sha256, trusted=trusted)
    if (bundle.kind, bundle.version) != (pin.kind, pin.version):
        raise PinError(
            f"the pin of {kind} says version {pin.version}, its bundle is {bundle.kind} "
            f"{bundle.version}; promote a version again"
        )
    if bundle.signed_by.key_id != pin.signed_by:
        raise PinError(
            f"the pin of {kind} says its bundle is signed by key {pin.signed_by}, and it is by "
            f"{bundle.signed_by.key_id}; promote a version again"
        )
    return bundle


def place_bundle(pins_dir: Path, bundle: Bundle) -> str:
    """Copy a verified bundle beside the pins, durably; its directory's name.

    One that is there already and verifies is kept; anything else under that name is replaced.
    """
    name = bundle_directory(bundle.kind, bundle.version)
    target = pins_dir / name
    with contextlib.suppress(BundleError):
        load_bundle(target, expected_sha256=bundle.sha256, trusted=[bundle.signed_by])
        return name
    pins_dir.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=pins_dir, prefix=f".{name}."))
    try:
        for file in sorted(bundle.path.iterdir()):
            copy = Path(shutil.copyfile(file, temporary / file.name))
            sync(copy)
        temporary.chmod(0o755)
        sync(temporary)
        # what lies there now, not before
        load_bundle(temporary, expected_sha256=bundle.sha256, trusted=[bundle.signed_by])
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(pins_dir)
    return name


def pin_file(pins_dir: Path, kind: str, role: Role) -> Path:
    return pins_dir / (f"{kind}.json" if role == "champion" else f"{kind}.{role}.json")
