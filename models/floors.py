"""The floor of a kind: no version below the highest ever promoted serves, but one that was gone
back to.

``pins/vehicle.floor.json`` lies beside the pin and rises with it. A pin that names an earlier
version is refused, however well its bundle is signed, unless the same hand that wrote the pin
recorded that people went back to that version.
"""

from pathlib import Path

import msgspec

from features.errors import ForelandError
from models.whole_files import write_whole


class FloorError(ForelandError):
    """A version may not serve, or nobody can say whether it may."""


class Floor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    highest_version: int
    """Ever promoted here."""
    gone_back_to: tuple[int, ...] = ()
    """Lower versions that may serve all the same; more than one only while a pin is written."""

    def allows(self, version: int) -> bool:
        return version >= self.highest_version or version in self.gone_back_to

    def between(self, old: int | None, new: int) -> "Floor":
        """What holds while the pin changes from one version to another: both may serve."""
        lower = {
            version for version in (old, new) if version is not None and self.is_below(version)
        }
        return msgspec.structs.replace(self, gone_back_to=tuple(sorted(lower)))

    def after(self, new: int) -> "Floor":
        """What holds once the pin names ``new``."""
        return Floor(
            kind=self.kind,
            highest_version=max(self.highest_version, new),
            gone_back_to=(new,) if self.is_below(new) else (),
        )

    def is_below(self, version: int) -> bool:
        return version < self.highest_version


def read_floor(pins_dir: Path, kind: str) -> Floor | None:
    """None when nothing was ever promoted for the kind, or the file was removed.

    Raises:
        FloorError: the file is no floor of this kind.
    """
    file = _floor_file(pins_dir, kind)
    try:
        floor = msgspec.json.decode(file.read_bytes(), type=Floor)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as exc:
        raise FloorError(f"floor {file} cannot be read: {exc}; promote a version again") from exc
    if floor.kind != kind:
        raise FloorError(f"floor {file} is for {floor.kind}, not {kind}; promote a version again")
    return floor


def check_floor(pins_dir: Path, kind: str, version: int) -> None:
    """
    Raises:
        FloorError: the version is below the floor, or there is none.
    """
    floor = read_floor(pins_dir, kind)
    if floor is None:
        raise FloorError(
            f"{_floor_file(pins_dir, kind)} is missing, so nobody can say whether version "
            f"{version} is an old one put back; promote a version again"
        )
    if not floor.allows(version):
        raise FloorError(
            f"the pin of {kind} names version {version}, but version {floor.highest_version} was "
            f"promoted and nobody went back from it; if people want version {version}, let them "
            f"run foreland rollback --kind {kind} or promote it again"
        )


def write_floor(pins_dir: Path, floor: Floor) -> None:
    write_whole(_floor_file(pins_dir, floor.kind), floor)


def _floor_file(pins_dir: Path, kind: str) -> Path:
    return pins_dir / f"{kind}.floor.json"
