"""A pin is whole or not there, and serves what was approved or nothing."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from features.signing import SigningKey
from models.bundle import BundleError, load_bundle
from models.floors import Floor, FloorError, read_floor
from models.pins import Pin, PinError, load_pinned, place_bundle, read_pin, write_pin
from serving.pinned import PinnedBundles
from tests.small_models import KEY, write_small_bundle

FILES = ["vehicle.floor.json", "vehicle.json"]
TRUSTED = [KEY.verifying]


def pin_of(sha256: str = "a" * 64, version: int = 1, bundle: str = "vehicle-1") -> Pin:
    return Pin(
        kind="vehicle",
        version=version,
        bundle_sha256=sha256,
        signed_by=KEY.key_id,
        bundle=bundle,
        approvers=("A", "B"),
        promoted_at=7,
    )


@pytest.fixture
def placed(tmp_path: Path) -> tuple[Path, Pin]:
    sha256 = write_small_bundle(tmp_path / "trained")
    pins = tmp_path / "pins"
    name = place_bundle(pins, load_bundle(tmp_path / "trained"))
    return pins, pin_of(sha256, bundle=name)


def test_nothing_was_promoted_yet(tmp_path: Path) -> None:
    assert read_pin(tmp_path / "nowhere", "vehicle") is None
    assert load_pinned(tmp_path / "nowhere", "vehicle", TRUSTED) is None
    assert not (tmp_path / "nowhere").exists()


def test_what_was_pinned_is_loaded(placed: tuple[Path, Pin]) -> None:
    pins, pin = placed
    write_pin(pins, pin)
    assert read_pin(pins, "vehicle") == pin
    bundle = load_pinned(pins, "vehicle", TRUSTED)
    assert bundle is not None
    assert (bundle.path, bundle.sha256) == (pins / "vehicle-1", pin.bundle_sha256)
    assert read_pin(pins, "vessel") is None


def test_an_interrupted_write_leaves_the_old_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pin(tmp_path, pin_of(version=1))

    def full(_: object, __: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            write_pin(tmp_path, pin_of(version=2))
    assert read_pin(tmp_path, "vehicle") == pin_of(version=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == FILES


@pytest.mark.parametrize("bundle", ["../vehicle-1", "/root/vehicle-1", "a/b", "", ".", ".."])
def test_a_pin_cannot_point_elsewhere(tmp_path: Path, bundle: str) -> None:
    write_pin(tmp_path, pin_of(bundle=bundle))
    with pytest.raises(PinError, match="no directory beside it"):
        read_pin(tmp_path, "vehicle")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"kind": "vehicle"', '{"kind": 1}'])
def test_half_a_pin_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "vehicle.json").write_text(text)
    with pytest.raises(PinError, match="promote a version again"):
        read_pin(tmp_path, "vehicle")


def test_the_pin_of_another_kind_is_refused(tmp_path: Path) -> None:
    write_pin(tmp_path, pin_of())
    (tmp_path / "vehicle.json").rename(tmp_path / "vessel.json")
    with pytest.raises(PinError, match="is for vehicle, not vessel"):
        read_pin(tmp_path, "vessel")


def test_another_bundle_than_the_approved_one_is_refused(placed: tuple[Path, Pin]) -> None:
    pins, _ = placed
    write_pin(pins, pin_of("b" * 64))
    with pytest.raises(BundleError, match="expected bbbbbbbbbbbb"):
        load_pinned(pins, "vehicle", TRUSTED)


def test_a_pin_that_names_another_version_than_its_bundle_is_refused(
    placed: tuple[Path, Pin],
) -> None:
    pins, pin = placed
    write_pin(pins, pin_of(pin.bundle_sha256, version=4))
    with pytest.raises(PinError, match="says version 4, its bundle is vehicle 1"):
        load_pinned(pins, "vehicle", TRUSTED)


def test_placing_again_keeps_what_is_right_and_replaces_what_is_not(
    placed: tuple[Path, Pin], tmp_path: Path
) -> None:
    pins, pin = placed
    trained = load_bundle(tmp_path / "trained")
    before = (pins / "vehicle-1").stat().st_ino
    assert place_bundle(pins, trained) == "vehicle-1"
    assert (pins / "vehicle-1").stat().st_ino == before
    (pins / "vehicle-1" / "card.md").write_text("altered")
    place_bundle(pins, trained)
    assert load_bundle(pins / "vehicle-1").sha256 == pin.bundle_sha256
    assert [item.name for item in pins.iterdir()] == ["vehicle-1"]


def test_what_another_key_signed_is_not_served(placed: tuple[Path, Pin]) -> None:
    pins, pin = placed
    write_pin(pins, pin)
    with pytest.raises(BundleError, match="not trusted here"):
        load_pinned(pins, "vehicle", [SigningKey(b"\2" * 32).verifying])


def test_a_pin_that_names_another_key_than_its_bundle_is_refused(placed: tuple[Path, Pin]) -> None:
    pins, pin = placed
    write_pin(pins, msgspec.structs.replace(pin, signed_by="0" * 16))
    with pytest.raises(PinError, match="signed by key 0000000000000000, and it is by"):
        load_pinned(pins, "vehicle", TRUSTED)


class Promoted(NamedTuple):
    pins: Path
    old: Pin
    new: Pin


@pytest.fixture
def promoted(placed: tuple[Path, Pin], tmp_path: Path) -> Promoted:
    """Version 1 was promoted, then version 2."""
    pins, old = placed
    write_pin(pins, old)
    sha256 = write_small_bundle(tmp_path / "second", version=2)
    name = place_bundle(pins, load_bundle(tmp_path / "second"))
    new = pin_of(sha256, version=2, bundle=name)
    write_pin(pins, new)
    return Promoted(pins, old, new)


def put_back(pins: Path, pin: Pin) -> None:
    """As whoever can write files does, and neither sign nor approve."""
    (pins / "vehicle.json").write_bytes(msgspec.json.encode(pin))


def served_version(pins: Path) -> int:
    bundle = load_pinned(pins, "vehicle", TRUSTED)
    assert bundle is not None
    return bundle.version


def test_an_old_pin_that_is_put_back_is_refused_though_its_bundle_is_signed(
    promoted: Promoted,
) -> None:
    assert served_version(promoted.pins) == 2
    put_back(promoted.pins, promoted.old)
    with pytest.raises(FloorError, match="names version 1, but version 2 was promoted"):
        load_pinned(promoted.pins, "vehicle", TRUSTED)


def test_a_version_that_was_gone_back_to_serves_until_the_next(promoted: Promoted) -> None:
    write_pin(promoted.pins, promoted.old)
    assert served_version(promoted.pins) == 1
    floor = Floor(kind="vehicle", highest_version=2, gone_back_to=(1,))
    assert read_floor(promoted.pins, "vehicle") == floor
    write_pin(promoted.pins, promoted.new)
    assert served_version(promoted.pins) == 2
    put_back(promoted.pins, promoted.old)
    with pytest.raises(FloorError, match="nobody went back from it"):
        load_pinned(promoted.pins, "vehicle", TRUSTED)


@pytest.mark.parametrize("goes_back", [False, True])
@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_crash_while_a_pin_is_written_leaves_one_that_serves(
    promoted: Promoted, monkeypatch: pytest.MonkeyPatch, goes_back: bool, written: int
) -> None:
    """Three files are written, floor, pin and floor; the power fails after each of them."""
    pins, old, new = promoted
    if not goes_back:
        write_pin(pins, old)
    left, replace = [written], Path.replace

    def until_the_power_fails(source: Path, target: Path) -> Path:
        if not left[0]:
            raise OSError(5, "the power failed")
        left[0] -= 1
        return replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", until_the_power_fails)
        with pytest.raises(OSError, match="the power failed"):
            write_pin(pins, old if goes_back else new)
    before, after = (2, 1) if goes_back else (1, 2)
    assert served_version(pins) == (before if written < 2 else after)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is missing, so nobody can say"),
        ("{}", "promote a version again"),
        ('{"kind": "vessel", "highest_version": 1}', "is for vessel, not vehicle"),
    ],
)
def test_without_a_floor_nothing_serves(
    placed: tuple[Path, Pin], text: str | None, said: str
) -> None:
    pins, pin = placed
    write_pin(pins, pin)
    floor = pins / "vehicle.floor.json"
    floor.unlink() if text is None else floor.write_text(text)
    with pytest.raises(FloorError, match=said):
        load_pinned(pins, "vehicle", TRUSTED)
    write_pin(pins, pin)
    assert served_version(pins) == 1


def test_a_running_service_remembers_what_was_promoted(promoted: Promoted) -> None:
    bundles = PinnedBundles(promoted.pins, lambda: TRUSTED)
    bundles.load_changed()
    first = Floor(kind="vehicle", highest_version=1)
    (promoted.pins / "vehicle.floor.json").write_bytes(msgspec.json.encode(first))
    put_back(promoted.pins, promoted.old)
    bundles.load_changed()
    served = bundles.of("vehicle")
    assert served.bundle is not None
    assert served.bundle.version == 2
    assert served.refusal is not None
    assert "the floor of vehicle went from version 2 to 1" in served.refusal
